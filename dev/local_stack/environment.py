"""The development environment: set variables win, and missing ones are filled in.

With `ENVIRONMENT=production` nothing is filled in and no database is started.
"""

import fcntl
import os
import secrets
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import environ

from dev.local_stack.cluster_folders import make_private

if TYPE_CHECKING:
    from dev.local_stack.postgres import EmbeddedPostgres

PROJECT = Path(__file__).resolve().parents[2]
REALTIME_PORT = "8001"
# Of requests with a token: a developer's own platform has nobody to protect.
LIMITS_OF_MACHINES = ("RATE_LIMIT_PROJECT", "RATE_LIMIT_ORGANIZATION", "RATE_LIMIT_SESSIONS")


def fill(variables: MutableMapping[str, str], *, project: Path = PROJECT) -> bool:
    """Complete `variables` for development, in place. Returns False outside development.

    The project's `.env` comes first; variables that are set, and not empty, win over it.
    """
    read_dotenv(variables, project / ".env")
    if (variables.get("ENVIRONMENT") or "development") != "development":
        return False
    named = variables.get("DATA_DIR")
    data_dir = project / (named or ".data")
    variables["DATA_DIR"] = str(data_dir)
    if not named:
        make_private(data_dir)
    make_broker_folders(data_dir)
    realtime_port = variables.get("REALTIME_PORT") or REALTIME_PORT
    for name, value in {
        "ENVIRONMENT": "development",
        "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]",
        # The host has no meaning; without one Celery warns of it.
        "CELERY_BROKER_URL": "filesystem://localhost",
        **dict.fromkeys(LIMITS_OF_MACHINES, "999999999/minute"),
        "PUBLIC_STREAM_URL": f"ws://127.0.0.1:{realtime_port}/api/detection/stream",
        **persisted_secrets(data_dir),
    }.items():
        if not variables.get(name):
            variables[name] = value
    return True


@contextmanager
def database(
    variables: MutableMapping[str, str], *, reuse: bool
) -> Iterator["EmbeddedPostgres | None"]:
    """While inside, `variables` name a database: the one already named, or an embedded one.

    Outside development they stay unchanged. Raises PostgresUnavailableError.
    """
    if variables["ENVIRONMENT"] != "development" or variables.get("DATABASE_URL"):
        yield None
        return
    # Imported only here, so that nothing of it loads when there is a DATABASE_URL.
    from dev.local_stack.postgres import serve

    with serve(Path(variables["DATA_DIR"]), reuse=reuse) as server:
        variables["DATABASE_URL"] = server.url
        try:
            yield server
        finally:
            del variables["DATABASE_URL"]


def read_dotenv(variables: MutableMapping[str, str], default: Path) -> None:
    """Add what the file that ENV_FILE names says, or `default` where that is a file.

    SystemExit when the file can't be read.
    """

    class Reader(environ.Env):  # type: ignore[misc]
        ENVIRON = variables

    named = variables.get("ENV_FILE")
    path = Path(named or default)
    try:
        if named or path.is_file():
            with path.open(encoding="utf-8") as file:
                Reader.read_env(file)
    except (OSError, UnicodeDecodeError) as error:
        name = f"ENV_FILE names {path}, which" if named else path
        raise SystemExit(f"{name} can't be read: {error}") from error


def persisted_secrets(data_dir: Path) -> dict[str, str]:
    """Random secrets of this data folder, made once so that a second run can read its data."""
    path = data_dir / "secrets.env"
    # Two processes may start at once in a new folder.
    with (data_dir / "secrets.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lines = path.read_text().splitlines() if path.exists() else []
        found = dict(line.split("=", 1) for line in lines if "=" in line)
        complete = make_secrets() | found
        if complete != found:
            write_private(path, "".join(f"{name}={value}\n" for name, value in complete.items()))
    return complete


def make_secrets() -> dict[str, str]:
    return {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "SECRET_PEPPERS": f"1:{secrets.token_hex(32)}",
        "SIGNING_KEY_SECRETS": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }


def make_broker_folders(data_dir: Path) -> None:
    for name in ("messages", "control", "taken"):
        (data_dir / "broker" / name).mkdir(parents=True, exist_ok=True)


def write_private(path: Path, text: str) -> None:
    """Only its owner can read the file, which is never half written."""
    # mkstemp makes the file 0600
    handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
