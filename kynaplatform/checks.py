"""Checks of what must hold before any process starts; `manage.py check` lists them by id."""

from collections.abc import Callable, Collection, Iterator
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, register, run_checks
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured
from django.http.request import split_domain_port
from kombu.transport import TRANSPORT_ALIASES
from redis import Redis
from redis.exceptions import RedisError

from kynaplatform.environment import DATABASE_SCHEMES, database
from kynaplatform.middleware import own_origins

MAX_LIFETIME_SECONDS = 86_400
MAX_OF_A_MACHINE = 64
MIN_SECRET_CHARACTERS = 50
# hstspreload.org takes no shorter time.
MIN_PRELOAD_SECONDS = 31_536_000
MIN_PEPPER_BYTES = 32
# An idempotency key is promised for a day, and its session with it.
MIN_RETENTION_DAYS = 2
# A hundred years: with more, no date would be that long ago.
MAX_RETENTION_DAYS = 36_500
# Of settings that a sender of webhooks doesn't use: staff's sessions, credentials, rate limits, the
# stream's address and requests of clients.
NOT_OF_SENDERS = frozenset(
    f"kynaplatform.E{number}" for number in ("001", "002", "008", "009", "012")
)
# An id, the settings that it is about, their bounds, and what they are.
RANGES: tuple[tuple[str, tuple[str, ...], int, int, str], ...] = (
    (
        "E014",
        ("WEB_PROCESSES", "WEB_THREADS"),
        1,
        MAX_OF_A_MACHINE,
        "WEB_PROCESSES is a number of processes, WEB_THREADS the threads of each.",
    ),
    # Signing keys are kept for the longest lifetime that is allowed here.
    (
        "E010",
        (
            "ACCESS_TOKEN_SECONDS",
            *("SESSION_ATTACH_SECONDS", "SESSION_IDLE_SECONDS", "SESSION_MAX_SECONDS"),
            "STAFF_SESSION_SECONDS",
        ),
        1,
        MAX_LIFETIME_SECONDS,
        "It is a number of seconds.",
    ),
    (
        "E018",
        ("RETENTION_DAYS", "EVENTS_RETENTION_DAYS", "STAFF_LOG_RETENTION_DAYS"),
        MIN_RETENTION_DAYS,
        MAX_RETENTION_DAYS,
        "It is a number of days. Leave it unset to keep what there is for good.",
    ),
)
# The number of an id, the fault, and the hint.
Found = tuple[str, str, str]


@register("kynaplatform")
def check_environment(**_: Any) -> list[CheckMessage]:
    found = (*_check_secrets(), *_check_services(), *_check_http(), *_check_ranges())
    return [
        (Error if number.startswith("E") else CheckWarning)(
            fault, hint=hint, id=f"kynaplatform.{number}"
        )
        for number, fault, hint in found
    ]


def refuse_to_start(*, without: Collection[str] = ()) -> None:
    """End the process with every error found, except the ids in `without`.

    For processes that run no checks themselves.
    """
    found = [message for message in run_checks(tags=["kynaplatform"]) if message.is_serious()]
    if errors := [message for message in found if message.id not in without]:
        raise SystemExit("\n".join(str(error) for error in errors))


def _is_weak(secret: str | bytes, min_length: int) -> bool:
    return len(secret) < min_length or len(set(secret)) < 8


def _is_taken(take: Callable[[str], object], text: str) -> bool:
    """Whether the library that will read the text takes it."""
    try:
        take(text)
    except (ValueError, TypeError, RedisError, ImproperlyConfigured):
        return False
    return True


def _is_database(url: str) -> bool:
    return _is_taken(database, url) and urlsplit(url).scheme in DATABASE_SCHEMES


def _make_redis_connection(url: str) -> None:
    """Made, and not connected: only then its options are looked at."""
    Redis.from_url(url).connection_pool.make_connection()


def _is_broker(url: str) -> bool:
    has_number = _is_taken(lambda text: urlsplit(text).port, url)
    return has_number and urlsplit(url).scheme.partition("+")[0] in TRANSPORT_ALIASES


def _check_secrets() -> Iterator[Found]:
    key = settings.SECRET_KEY
    if _is_weak(key, MIN_SECRET_CHARACTERS) or key.startswith("django-insecure"):
        yield (
            "E001",
            "SECRET_KEY is unset or weak.",
            "Set it to at least 50 random characters: "
            'python -c "import secrets; print(secrets.token_urlsafe(50))"',
        )
    peppers = settings.SECRET_PEPPERS.values()
    if not peppers or any(_is_weak(pepper, MIN_PEPPER_BYTES) for pepper in peppers):
        yield (
            "E002",
            "SECRET_PEPPERS is unset or weak.",
            "Set it to `1:<hex of 32 random bytes>`: "
            "python -c \"import secrets; print('1:' + secrets.token_hex(32))\"",
        )
    keys = settings.SIGNING_KEY_SECRETS
    if not keys or not all(_is_taken(Fernet, key) for key in keys):
        yield (
            "E003",
            "SIGNING_KEY_SECRETS is unset or not made of Fernet keys.",
            "Set it to the output of: python -c "
            '"from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"',
        )
    if settings.METRICS_TOKEN and len(settings.METRICS_TOKEN) < 20:
        yield (
            "E004",
            "METRICS_TOKEN is weak.",
            "Use at least 20 random characters, or leave it unset.",
        )


def _check_services() -> Iterator[Found]:
    if settings.ENVIRONMENT not in ("production", "development"):
        yield (
            "E005",
            "ENVIRONMENT is neither production nor development.",
            "Leave it unset in production.",
        )
    if not _is_database(settings.DATABASE_URL):
        yield (
            "E006",
            "DATABASE_URL is unset or not a postgresql:// address.",
            "Set it, or use `make run`, which brings its own.",
        )
    if settings.DATABASE_LISTEN_URL and not _is_database(settings.DATABASE_LISTEN_URL):
        yield (
            "E019",
            "DATABASE_LISTEN_URL is not a postgresql:// address.",
            "Set it to the database past any pooler, with special characters of the password "
            "percent-encoded, or leave it unset to LISTEN at DATABASE_URL.",
        )
    if not all(map(_is_broker, settings.CELERY_BROKER_URL.split(";"))):
        yield (
            "E007",
            "CELERY_BROKER_URL is unset or not the address of a broker.",
            "Set it to a redis:// or amqp:// address, with special characters of the password "
            "percent-encoded, or use `make run`, which brings its own.",
        )
    if (settings.PRODUCTION or settings.REDIS_URL) and not _is_taken(
        _make_redis_connection, settings.REDIS_URL
    ):
        yield (
            "E008",
            "REDIS_URL is unset or not a redis:// address.",
            "In production rate limits are counted in Redis, shared by all machines. "
            "Percent-encode special characters of its password.",
        )
    stream = urlsplit(settings.PUBLIC_STREAM_URL)
    if stream.scheme not in ("ws", "wss") or not stream.netloc or stream.query or stream.fragment:
        yield (
            "E009",
            "PUBLIC_STREAM_URL is unset or not a ws:// or wss:// address.",
            "Set the address at which clients reach the realtime runtime, "
            "such as wss://example.com/api/detection/stream",
        )
    elif settings.PRODUCTION and stream.scheme == "ws":
        yield (
            "W009",
            "PUBLIC_STREAM_URL is not encrypted.",
            "Use wss:// where it leaves the machine.",
        )
    if settings.PRODUCTION and urlsplit(settings.CELERY_BROKER_URL).scheme == "filesystem":
        yield ("E011", "CELERY_BROKER_URL is a folder.", "Use Redis or RabbitMQ in production.")


def _check_http() -> Iterator[Found]:
    hosts = settings.ALLOWED_HOSTS
    # Django compares a request's host without its port, so that one with a port matches none.
    is_usable = all(one == "*" or split_domain_port(one)[0] == one.lower() for one in hosts)
    if (settings.PRODUCTION and not hosts) or not is_usable:
        yield (
            "E012",
            "ALLOWED_HOSTS is empty or has what is no host name.",
            "Set it to the host names that are served, without scheme, port or path; every "
            "other request is refused.",
        )
    if settings.PRODUCTION and not settings.TRUSTED_PROXIES:
        yield (
            "W013",
            "TRUSTED_PROXIES is empty.",
            "Set it to the address or network of the proxy that ends TLS: without it "
            "every request through the proxy is answered with a redirect to https.",
        )
    if settings.PRODUCTION and not (own_origins() or settings.CORS_ALLOWED_ORIGINS):
        yield (
            "W017",
            "The origin of the pages that count is not known.",
            "Name its host in ALLOWED_HOSTS, not a pattern alone, or its origin in "
            "CORS_ALLOWED_ORIGINS: the stream refuses every page of another origin.",
        )
    if settings.HSTS_SECONDS < 0:
        yield (
            "E015",
            "HSTS_SECONDS is negative.",
            "It is a number of seconds; 0 sends no such header.",
        )
    if settings.SECURE_HSTS_PRELOAD and not (
        settings.SECURE_HSTS_INCLUDE_SUBDOMAINS and settings.HSTS_SECONDS >= MIN_PRELOAD_SECONDS
    ):
        yield (
            "E016",
            "HSTS_PRELOAD is true without subdomains, or for less than a year.",
            "Browsers preload no such host: set HSTS_INCLUDE_SUBDOMAINS to true and "
            f"HSTS_SECONDS to at least {MIN_PRELOAD_SECONDS}, or leave HSTS_PRELOAD unset.",
        )


def _check_ranges() -> Iterator[Found]:
    for number, names, least, most, hint in RANGES:
        for name in names:
            value = getattr(settings, name)
            if value is not None and not least <= value <= most:
                yield number, f"{name} is not between {least} and {most}.", hint
    events, sessions = settings.EVENTS_RETENTION_DAYS, settings.RETENTION_DAYS
    if events is not None and sessions is not None and events > sessions:
        yield (
            "E018",
            "EVENTS_RETENTION_DAYS is above RETENTION_DAYS.",
            "Events leave with their session at the latest.",
        )
