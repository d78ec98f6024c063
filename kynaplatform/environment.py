"""Readers of structured environment variables: a malformed value names its variable."""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from kynaplatform.api.rate_limits import parse_rate
from kynaplatform.database.session_settings import session_settings

Value = TypeVar("Value")

MAX_COUNT = 2**31 - 1
LOG_FORMATS = ("text", "json")
DATABASE_SCHEMES = ("postgresql", "postgres")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
SWITCHES = {"true": True, "false": False}


def read_env_file(named: str, default: Path) -> None:
    """Take variables from the file that ENV_FILE names, or from `default` where that is a file.

    What is set already wins. ImproperlyConfigured when the file can't be read.
    """
    path = Path(named or default)
    try:
        if not named and not path.is_file():
            return
        with path.open(encoding="utf-8") as file:
            environ.Env.read_env(file)
    except (OSError, UnicodeDecodeError) as error:
        name = f"ENV_FILE names {path}, which" if named else path
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ImproperlyConfigured(f"{name} can't be read: {reason}.") from error


def read(name: str, default: str, parse: Callable[[str], Value], wanted: str) -> Value:
    """The value of the variable; blank is the default. Not for secrets: a refusal shows it."""
    text = os.environ.get(name, "").strip() or default
    try:
        return parse(text)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {text!r}: {wanted} is wanted.") from None


def integer(name: str, *, default: int) -> int:
    return read(name, str(default), int, "a whole number")


def count(name: str, *, default: int) -> int:
    """At least 1, and no more than PostgreSQL's own integers."""
    return read(name, str(default), _counted, f"a whole number from 1 to {MAX_COUNT}")


def _counted(text: str) -> int:
    number = int(text)
    if not 1 <= number <= MAX_COUNT:
        raise ValueError
    return number


def switch(name: str, *, default: bool) -> bool:
    return read(name, str(default).lower(), _switched, "true or false")


def _switched(text: str) -> bool:
    if text not in SWITCHES:
        raise ValueError
    return SWITCHES[text]


def rate(name: str, *, default: str, per: str = "minute") -> int:
    """Requests per minute, from `100/minute`, or per another window that is named so."""
    parse = partial(parse_rate, per=per)
    return read(name, default, parse, f"a number of requests such as 60/{per}")


def optional_rate(name: str, *, default: str | None, per: str) -> int | None:
    """The same, and None where it is not set and has no default."""
    if default is None and not os.environ.get(name, "").strip():
        return None
    return rate(name, default=default or "", per=per)


def optional_count(name: str) -> int | None:
    """At least 1, and None where it is not set."""
    return count(name, default=0) if os.environ.get(name, "").strip() else None


def log_level(name: str, *, default: str) -> str:
    return read(name, default, _level_name, "DEBUG, INFO, WARNING, ERROR or CRITICAL")


def _level_name(text: str) -> str:
    level = text.upper()
    if level not in LEVELS:
        raise ValueError
    return level


def log_format(name: str, *, default: str) -> str:
    return read(name, default, _log_format, " or ".join(LOG_FORMATS))


def _log_format(text: str) -> str:
    if text not in LOG_FORMATS:
        raise ValueError
    return text


def networks(values: Iterable[str]) -> list[IPv4Network | IPv6Network]:
    """Addresses or networks in CIDR form."""
    try:
        return [ip_network(value.strip()) for value in values if value.strip()]
    except ValueError as error:
        raise ImproperlyConfigured(f"TRUSTED_PROXIES is wrong: {error}") from error


def numbered_secrets(value: str) -> dict[int, bytes]:
    """`2:<hex>,1:<hex>` as number → bytes, the highest number first."""
    secrets: dict[int, bytes] = {}
    for item in filter(None, (part.strip() for part in value.split(","))):
        match = re.fullmatch(r"(\d{1,4}):((?:[0-9a-fA-F]{2})+)", item)
        if match is None:
            raise ImproperlyConfigured(
                "SECRET_PEPPERS is wrong: write `1:<hex>`, several separated by commas."
            )
        number = int(match[1])
        if number in secrets:
            raise ImproperlyConfigured(f"SECRET_PEPPERS is wrong: it has number {number} twice.")
        secrets[number] = bytes.fromhex(match[2])
    return dict(sorted(secrets.items(), reverse=True))


def database(url: str) -> dict[str, Any]:
    """Django's settings of the database at `url`; of none, where checks.py refuses the address."""
    try:
        if urlsplit(url).scheme not in DATABASE_SCHEMES:
            return {"ENGINE": "django.db.backends.dummy"}
        found = environ.Env.db_url_config(url)
    except ValueError:
        # The error may quote the address, and with it the password.
        raise ImproperlyConfigured(
            "DATABASE_URL is wrong: postgresql://user:password@host:5432/name is wanted, "
            "with special characters of the password percent-encoded."
        ) from None
    return {
        **found,
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 600,
        "OPTIONS": database_options(found.get("OPTIONS", {})),
    }


def database_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """psycopg options: statements prepared on the server, and session_settings as they begin.

    A statement is prepared from its third use on a connection: migrations send scripts of several
    commands, which can't be prepared, but each only once. What the address itself sets is left as
    it is.
    """
    own = given.get("options", "")
    settings = [f"-c {name}={value}" for name, value in session_settings().items()]
    options = " ".join([own, *(each for each in settings if each.split("=")[0] not in own)]).strip()
    return {
        "connect_timeout": 5,
        # A server that is gone without a word is noticed in 25 s.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 25_000,
        **given,
        "options": options,
        "server_side_binding": True,
        "prepare_threshold": 2,
    }


def make_metrics_folder() -> None:
    """PROMETHEUS_MULTIPROC_DIR as prometheus_client takes it: a folder that is there, or unset.

    ImproperlyConfigured when it can't be made.
    """
    name = "PROMETHEUS_MULTIPROC_DIR"
    folder = os.environ.get(name, "").strip()
    if not folder:
        os.environ.pop(name, None)
        return
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(f"{name} can't be made: {error.strerror}.") from error


def broker_options(url: str, data_dir: Path) -> dict[str, Any]:
    """The options of Celery's transport. A broker of folders is below `data_dir`."""
    scheme = urlsplit(url).scheme
    if scheme in ("redis", "rediss"):
        # One that accepts and says nothing is left, and tried again.
        return {"socket_connect_timeout": 2, "socket_timeout": 10, "socket_keepalive": True}
    return _folders(data_dir) if scheme == "filesystem" else {}


def _folders(data_dir: Path) -> dict[str, Any]:
    messages = str(data_dir / "broker" / "messages")
    return {
        "data_folder_in": messages,
        "data_folder_out": messages,
        "control_folder": str(data_dir / "broker" / "control"),
        "polling_interval": 0.2,
    }
