"""Readers of structured environment variables; an error names the variable."""

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
DATABASE_SCHEMES = ("postgresql", "postgres")
_env = environ.Env()


def read_env_file(named: str, default: Path) -> None:
    """Read variables from the file that ENV_FILE names, or from `default` if it exists.

    Variables that are set already win. Raises ImproperlyConfigured if the file can't be read.
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
    """The variable's value; blank is the default. Not for secrets: the error shows the value."""
    text = os.environ.get(name, "").strip() or default
    try:
        return parse(text)
    except (ValueError, KeyError):
        raise ImproperlyConfigured(f"{name} is {text!r}: {wanted} is wanted.") from None


def text(name: str) -> str:
    return str(_env.str(name, default=""))


def items(name: str) -> list[str]:
    """Of a list, separated by commas."""
    return list(_env.list(name, default=[]))


def is_set(name: str) -> bool:
    return bool(os.environ.get(name, "").strip())


def integer(name: str, *, default: int) -> int:
    return read(name, str(default), int, "a whole number")


def count(name: str, *, default: int) -> int:
    """From 1 to the largest of PostgreSQL's integers."""

    def counted(text: str) -> int:
        if not 1 <= int(text) <= MAX_COUNT:
            raise ValueError
        return int(text)

    return read(name, str(default), counted, f"a whole number from 1 to {MAX_COUNT}")


def optional_count(name: str) -> int | None:
    return count(name, default=0) if is_set(name) else None


def switch(name: str, *, default: bool) -> bool:
    values = {"true": True, "false": False}
    return read(name, str(default).lower(), values.__getitem__, "true or false")


def rate(name: str, *, default: str, per: str = "minute") -> int:
    """Requests per window, from `100/minute`, or from the name of another window."""
    parse = partial(parse_rate, per=per)
    return read(name, default, parse, f"a number of requests such as 60/{per}")


def optional_rate(name: str, *, default: str | None, per: str) -> int | None:
    """As `rate`, and None where it is neither set nor has a default."""
    if default is None and not is_set(name):
        return None
    return rate(name, default=default or "", per=per)


def log_level(name: str, *, default: str) -> str:
    levels = {level: level for level in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")}
    wanted = "DEBUG, INFO, WARNING, ERROR or CRITICAL"
    return read(name, default, lambda text: levels[text.upper()], wanted)


def log_format(name: str, *, default: str) -> str:
    return read(name, default, {"text": "text", "json": "json"}.__getitem__, "text or json")


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
    """Django's settings of the database at `url`; a dummy where checks.py refuses the address."""
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
    """psycopg's options, with session_settings. Options in the address win.

    A statement is prepared on the server from its third use on a connection: migrations send
    scripts of several commands, which can't be prepared, but each only once.
    """
    own = given.get("options", "")
    settings = [f"-c {name}={value}" for name, value in session_settings().items()]
    options = " ".join([own, *(each for each in settings if each.split("=")[0] not in own)]).strip()
    return {
        "connect_timeout": 5,
        # A server that vanished silently is noticed in 25 s.
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
    """Make PROMETHEUS_MULTIPROC_DIR an existing folder or unset, as prometheus_client wants it.

    Raises ImproperlyConfigured if the folder can't be made.
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
    """The options of Celery's transport; a broker of folders is below `data_dir`."""
    match urlsplit(url).scheme:
        case "redis" | "rediss":
            # A server that accepts and stays silent is left, and tried again.
            return {"socket_connect_timeout": 2, "socket_timeout": 10, "socket_keepalive": True}
        case "filesystem":
            messages = str(data_dir / "broker" / "messages")
            return {
                "data_folder_in": messages,
                "data_folder_out": messages,
                "control_folder": str(data_dir / "broker" / "control"),
                "polling_interval": 0.2,
            }
    return {}
