"""Whether webhooks are sent from this database. A copy of it tells customers nothing by itself.

What waits in a dump was delivered long ago where it was made. So the first sender stores the
identity of its database: of the cluster, which `initdb` gives, and of the database in it. A dump
brings it along to where it is another. A replica that takes over keeps both, and goes on. So would
a base backup that goes back to a moment, which only PostgreSQL's superuser could tell from it: the
commands of docs/backup.md for that pause what they bring back.
"""

from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import connection

from kynaplatform.metrics.readiness import OK

PAUSED: Final = "paused"

_HERE: Final = """
SELECT system_identifier, oid::bigint AS database_oid
FROM pg_control_system(), pg_database WHERE datname = current_database()
"""
_READ: Final = f"""
SELECT sender.paused_at,
    (sender.system_identifier, sender.database_oid) = (here.system_identifier, here.database_oid)
FROM webhook_sender AS sender, ({_HERE}) AS here
"""  # noqa: S608
_WRITE: Final = f"""
INSERT INTO webhook_sender (id, system_identifier, database_oid, paused_at)
SELECT 1, here.system_identifier, here.database_oid, %s FROM ({_HERE}) AS here
ON CONFLICT (id) DO
"""  # noqa: S608


def pause_reason() -> str | None:
    """Why nothing is sent; None where messages are."""
    if not settings.WEBHOOKS_SEND:
        return "WEBHOOKS_SEND is false"
    with connection.cursor() as cursor:
        cursor.execute(_READ)
        found = cursor.fetchone()
    if found is None:
        return None
    paused_at, is_here = found
    if paused_at is not None:
        return f"they have been paused since {paused_at:%Y-%m-%d %H:%M} UTC"
    return None if is_here else "the database is a copy of the one that sent them"


def webhooks_state() -> str:
    """The answer of readiness."""
    return OK if pause_reason() is None else PAUSED


def sender_introduce() -> None:
    """Store the database's identity where nobody has: nothing was ever sent from it."""
    _write(None, "NOTHING")


def webhooks_pause(*, now: datetime) -> None:
    _write(now, "UPDATE SET paused_at = COALESCE(webhook_sender.paused_at, EXCLUDED.paused_at)")


def webhooks_resume() -> None:
    """From now on this database is the one that sends."""
    _write(
        None,
        "UPDATE SET system_identifier = EXCLUDED.system_identifier, "
        "database_oid = EXCLUDED.database_oid, paused_at = NULL",
    )


def _write(paused_at: datetime | None, action: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_WRITE + action, [paused_at])
