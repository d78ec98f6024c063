"""Checks of what must hold before any process starts; `manage.py check` lists them by id."""

from collections.abc import Collection, Iterator
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
# What a sender of webhooks needs no setting for: staff's sessions, credentials, rate limits, the
# stream's address and requests of clients.
NOT_OF_SENDERS = frozenset(
    f"kynaplatform.E{number}" for number in ("001", "002", "008", "009", "012")
)
RETENTIONS = ("RETENTION_DAYS", "EVENTS_RETENTION_DAYS", "STAFF_LOG_RETENTION_DAYS")
LIFETIMES = (
    "ACCESS_TOKEN_SECONDS",
    "SESSION_ATTACH_SECONDS",
    "SESSION_IDLE_SECONDS",
    "SESSION_MAX_SECONDS",
    "STAFF_SESSION_SECONDS",
)


@register("kynaplatform")
def check_environment(**_: Any) -> list[CheckMessage]:
    return [
        *_check_secrets(),
        *_check_services(),
        *_check_http(),
        *_check_processes(),
        *_check_lifetimes(),
        *_check_retention(),
    ]


def refuse_to_start(*, without: Collection[str] = ()) -> None:
    """End the process with every error found: for processes that run no checks themselves.

    `without` has the ids of checks that are not for this process.
    """
    found = [message for message in run_checks(tags=["kynaplatform"]) if message.is_serious()]
    if errors := [message for message in found if message.id not in without]:
        raise SystemExit("\n".join(str(error) for error in errors))


def _is_weak(secret: str) -> bool:
    return (
        len(secret) < MIN_SECRET_CHARACTERS
        or len(set(secret)) < 8
        or secret.startswith("django-insecure")
    )


def _is_fernet_key(secret: str) -> bool:
    try:
        Fernet(secret)
    except ValueError:
        return False
    return True


def _is_database(url: str) -> bool:
    try:
        database(url)
    except ImproperlyConfigured:
        return False
    return urlsplit(url).scheme in DATABASE_SCHEMES


def _is_redis(url: str) -> bool:
    try:
        # Made, and not connected: only then its options are looked at.
        Redis.from_url(url).connection_pool.make_connection()
    except (ValueError, TypeError, RedisError):
        return False
    return True


def _is_broker(url: str) -> bool:
    """Whether each of its addresses is one: a client goes to the next where one is away."""
    return all(map(_is_one_broker, url.split(";")))


def _is_one_broker(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError where it is no number
    except ValueError:
        return False
    return parts.scheme.partition("+")[0] in TRANSPORT_ALIASES


def _matches_hosts(pattern: str) -> bool:
    """Whether a request can have such a host, which Django compares without its port."""
    return pattern == "*" or split_domain_port(pattern)[0] == pattern.lower()


def _check_secrets() -> Iterator[CheckMessage]:
    if _is_weak(settings.SECRET_KEY):
        yield Error(
            "SECRET_KEY is unset or weak.",
            hint="Set it to at least 50 random characters: "
            'python -c "import secrets; print(secrets.token_urlsafe(50))"',
            id="kynaplatform.E001",
        )
    peppers = settings.SECRET_PEPPERS.values()
    if not peppers or any(
        len(pepper) < MIN_PEPPER_BYTES or len(set(pepper)) < 8 for pepper in peppers
    ):
        yield Error(
            "SECRET_PEPPERS is unset or weak.",
            hint="Set it to `1:<hex of 32 random bytes>`: "
            "python -c \"import secrets; print('1:' + secrets.token_hex(32))\"",
            id="kynaplatform.E002",
        )
    keys = settings.SIGNING_KEY_SECRETS
    if not keys or not all(map(_is_fernet_key, keys)):
        yield Error(
            "SIGNING_KEY_SECRETS is unset or not made of Fernet keys.",
            hint="Set it to the output of: python -c "
            '"from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"',
            id="kynaplatform.E003",
        )
    if settings.METRICS_TOKEN and len(settings.METRICS_TOKEN) < 20:
        yield Error(
            "METRICS_TOKEN is weak.",
            hint="Use at least 20 random characters, or leave it unset.",
            id="kynaplatform.E004",
        )


def _check_services() -> Iterator[CheckMessage]:
    if settings.ENVIRONMENT not in ("production", "development"):
        yield Error(
            "ENVIRONMENT is neither production nor development.",
            hint="Leave it unset in production.",
            id="kynaplatform.E005",
        )
    if not _is_database(settings.DATABASE_URL):
        yield Error(
            "DATABASE_URL is unset or not a postgresql:// address.",
            hint="Set it, or use `make run`, which brings its own.",
            id="kynaplatform.E006",
        )
    if settings.DATABASE_LISTEN_URL and not _is_database(settings.DATABASE_LISTEN_URL):
        yield Error(
            "DATABASE_LISTEN_URL is not a postgresql:// address.",
            hint="Set it to the database past any pooler, with special characters of the password "
            "percent-encoded, or leave it unset to LISTEN at DATABASE_URL.",
            id="kynaplatform.E019",
        )
    if not _is_broker(settings.CELERY_BROKER_URL):
        yield Error(
            "CELERY_BROKER_URL is unset or not the address of a broker.",
            hint="Set it to a redis:// or amqp:// address, with special characters of the password "
            "percent-encoded, or use `make run`, which brings its own.",
            id="kynaplatform.E007",
        )
    if (settings.PRODUCTION or settings.REDIS_URL) and not _is_redis(settings.REDIS_URL):
        yield Error(
            "REDIS_URL is unset or not a redis:// address.",
            hint="In production rate limits are counted in Redis, shared by all machines. "
            "Percent-encode special characters of its password.",
            id="kynaplatform.E008",
        )
    stream = urlsplit(settings.PUBLIC_STREAM_URL)
    if stream.scheme not in ("ws", "wss") or not stream.netloc or stream.query or stream.fragment:
        yield Error(
            "PUBLIC_STREAM_URL is unset or not a ws:// or wss:// address.",
            hint="Set the address at which clients reach the realtime runtime, "
            "such as wss://example.com/api/detection/stream",
            id="kynaplatform.E009",
        )
    elif settings.PRODUCTION and stream.scheme == "ws":
        yield CheckWarning(
            "PUBLIC_STREAM_URL is not encrypted.",
            hint="Use wss:// where it leaves the machine.",
            id="kynaplatform.W009",
        )
    if settings.PRODUCTION and urlsplit(settings.CELERY_BROKER_URL).scheme == "filesystem":
        yield Error(
            "CELERY_BROKER_URL is a folder.",
            hint="Use Redis or RabbitMQ in production.",
            id="kynaplatform.E011",
        )


def _check_http() -> Iterator[CheckMessage]:
    hosts = settings.ALLOWED_HOSTS
    if (settings.PRODUCTION and not hosts) or not all(map(_matches_hosts, hosts)):
        yield Error(
            "ALLOWED_HOSTS is empty or has what is no host name.",
            hint="Set it to the host names that are served, without scheme, port or path; every "
            "other request is refused.",
            id="kynaplatform.E012",
        )
    if settings.PRODUCTION and not settings.TRUSTED_PROXIES:
        yield CheckWarning(
            "TRUSTED_PROXIES is empty.",
            hint="Set it to the address or network of the proxy that ends TLS: without it "
            "every request through the proxy is answered with a redirect to https.",
            id="kynaplatform.W013",
        )
    if (
        settings.PRODUCTION
        and settings.TRY_PAGE
        and not (own_origins() or settings.CORS_ALLOWED_ORIGINS)
    ):
        yield CheckWarning(
            "TRY_PAGE is on, and the page's origin is not known.",
            hint="Name its host in ALLOWED_HOSTS, not a pattern alone, or its origin in "
            "CORS_ALLOWED_ORIGINS: the stream refuses every page of another origin.",
            id="kynaplatform.W017",
        )
    if settings.HSTS_SECONDS < 0:
        yield Error(
            "HSTS_SECONDS is negative.",
            hint="It is a number of seconds; 0 sends no such header.",
            id="kynaplatform.E015",
        )
    if settings.SECURE_HSTS_PRELOAD and not (
        settings.SECURE_HSTS_INCLUDE_SUBDOMAINS and settings.HSTS_SECONDS >= MIN_PRELOAD_SECONDS
    ):
        yield Error(
            "HSTS_PRELOAD is true without subdomains, or for less than a year.",
            hint="Browsers preload no such host: set HSTS_INCLUDE_SUBDOMAINS to true and "
            f"HSTS_SECONDS to at least {MIN_PRELOAD_SECONDS}, or leave HSTS_PRELOAD unset.",
            id="kynaplatform.E016",
        )


def _check_processes() -> Iterator[CheckMessage]:
    for name in ("WEB_PROCESSES", "WEB_THREADS"):
        if not 1 <= getattr(settings, name) <= MAX_OF_A_MACHINE:
            yield Error(
                f"{name} is not between 1 and {MAX_OF_A_MACHINE}.",
                hint="WEB_PROCESSES is a number of processes, WEB_THREADS the threads of each.",
                id="kynaplatform.E014",
            )


def _check_lifetimes() -> Iterator[CheckMessage]:
    # Signing keys are kept for the longest lifetime that is allowed here.
    for name in LIFETIMES:
        if not 1 <= getattr(settings, name) <= MAX_LIFETIME_SECONDS:
            yield Error(
                f"{name} is not between 1 and {MAX_LIFETIME_SECONDS}.",
                hint="It is a number of seconds.",
                id="kynaplatform.E010",
            )


def _check_retention() -> Iterator[CheckMessage]:
    for name in RETENTIONS:
        days = getattr(settings, name)
        if days is not None and not MIN_RETENTION_DAYS <= days <= MAX_RETENTION_DAYS:
            yield Error(
                f"{name} is not between {MIN_RETENTION_DAYS} and {MAX_RETENTION_DAYS}.",
                hint="It is a number of days. Leave it unset to keep what there is for good.",
                id="kynaplatform.E018",
            )
    events, sessions = settings.EVENTS_RETENTION_DAYS, settings.RETENTION_DAYS
    if events is not None and sessions is not None and events > sessions:
        yield Error(
            "EVENTS_RETENTION_DAYS is above RETENTION_DAYS.",
            hint="Events leave with their session at the latest.",
            id="kynaplatform.E018",
        )
