"""Connections kept between requests, statements of the hot path, and database errors by cause."""

import select
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from django.core.signals import request_started
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.backends.utils import CursorWrapper
from django.dispatch import receiver
from psycopg.pq import Format, TransactionStatus

from kynaplatform.database.session_settings import silent_seconds
from kynaplatform.dependencies import DATABASE, is_disk_full

# SQLSTATE of what ends a connection, or lets none be made.
_WITHOUT_CONNECTION = ("08", "53300", "57P")
# The default of psycopg.
WAKE_SECONDS = 0.1


@receiver(request_started)
def drop_closed_connections(**_: Any) -> None:
    """Close the connections that the server has closed: one system call, no statement.

    Between requests the server sends nothing but the end of the connection.
    """
    for connection in connections.all(initialized_only=True):
        if connection.connection is None or connection.in_atomic_block:
            continue
        if connection.connection.closed or _has_data(connection.connection.fileno()):
            connection.close()


def _has_data(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


class Impatient(psycopg.Connection[Any]):
    """A connection that closes once the database has been silent for too long.

    The server's own time-outs don't help where its machine, or the network to it, is frozen.
    """

    silent_seconds: float

    def wait(self, gen: Any, interval: float = WAKE_SECONDS, timeout: float | None = None) -> Any:
        try:
            return super().wait(gen, interval, timeout or self.silent_seconds)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                # A late answer would be taken for that of another statement.
                self.pgconn.finish()
            raise


@receiver(connection_created)
def begin_connection(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Bound its silence (Django makes connections of psycopg's own class)."""
    if (seconds := silent_seconds()) is not None:
        connection.connection.__class__ = Impatient
        connection.connection.silent_seconds = seconds
    DATABASE.record_recovery()


def is_out_of_reach(error: BaseException) -> bool:
    """Whether the connection failed, and not the statement alone."""
    sqlstate = getattr(error.__cause__, "sqlstate", None)
    return sqlstate is None or sqlstate.startswith(_WITHOUT_CONNECTION)


def is_outage(error: BaseException) -> bool:
    """Whether the database is out of reach or its disk is full, so that a retry may succeed."""
    return isinstance(error, OperationalError | InterfaceError) and (
        is_out_of_reach(error) or is_disk_full(error)
    )


def is_lock_timeout(error: BaseException) -> bool:
    """Whether a statement waited for another transaction's lock until lock_timeout."""
    return isinstance(error.__cause__, psycopg.errors.LockNotAvailable)


class Statement:
    """A hand-written statement on a cursor that its connection keeps.

    Django makes two cursors for each statement, and psycopg looks up again how to write each
    parameter and column, which costs more than sending the statement. Errors, transactions and
    wrappers are those of Django's cursors. Columns come in PostgreSQL's binary form.
    """

    def __init__(self, sql: str) -> None:
        # On one line: psycopg caches where the parameters are in up to 4,096 characters.
        self.sql = " ".join(sql.split())

    def row(self, parameters: Sequence[Any] | Mapping[str, Any]) -> tuple[Any, ...] | None:
        cursor = self._cursor()
        cursor.execute(self.sql, parameters)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row

    def _cursor(self) -> CursorWrapper:
        database = connections[DEFAULT_DB_ALIAS]
        if database.queries_logged:
            return _new_cursor(database)
        database.close_if_health_check_failed()
        database.ensure_connection()
        # They end with the connection.
        kept: dict[Statement, CursorWrapper]
        kept = database.connection.__dict__.setdefault("kept_cursors", {})
        if self not in kept:
            kept[self] = _new_cursor(database)
        return kept[self]


def _new_cursor(database: BaseDatabaseWrapper) -> CursorWrapper:
    cursor = database.cursor()
    cursor.cursor.format = Format.BINARY
    return cursor
