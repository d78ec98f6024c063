"""Database connections that are kept between requests, and the errors of the database by cause.

A connection that the server has closed is dropped before a request, and one that is silent in it.
"""

import select
from typing import Any

import psycopg
from django.core.signals import request_started
from django.db import InterfaceError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.dispatch import receiver
from psycopg.pq import TransactionStatus

from kynaplatform.database.session_settings import silent_seconds
from kynaplatform.dependencies import DATABASE, is_disk_full

# SQLSTATE of what ends a connection, or lets none be made.
_WITHOUT_CONNECTION = ("08", "53300", "57P")
# As psycopg's own.
WAKE_SECONDS = 0.1


@receiver(request_started)
def drop_closed_connections(**_: Any) -> None:
    """Receiver of `request_started`. Costs one system call and no statement.

    Between requests the server says nothing, unless it says goodbye.
    """
    for connection in connections.all(initialized_only=True):
        if connection.connection is None or connection.in_atomic_block:
            continue
        if connection.connection.closed or _has_news(connection.connection.fileno()):
            connection.close()


class Impatient(psycopg.Connection[Any]):
    """A connection that is closed once the database has said nothing for too long.

    The server's own time-outs do nothing where its machine, or the way to it, is frozen.
    """

    silent_seconds: float

    def wait(self, gen: Any, interval: float = WAKE_SECONDS, timeout: float | None = None) -> Any:
        try:
            return super().wait(gen, interval, timeout or self.silent_seconds)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                # What it says later would be taken for the answer to another statement.
                self.pgconn.finish()
            raise


@receiver(connection_created)
def bound_its_silence(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Django makes connections of psycopg's own class."""
    if (seconds := silent_seconds()) is not None:
        connection.connection.__class__ = Impatient
        connection.connection.silent_seconds = seconds


@receiver(connection_created)
def tell_that_it_is_back(**_: Any) -> None:
    DATABASE.over()


def is_out_of_reach(error: BaseException) -> bool:
    """True where the connection failed, and not the statement alone."""
    sqlstate = getattr(error.__cause__, "sqlstate", None)
    return sqlstate is None or sqlstate.startswith(_WITHOUT_CONNECTION)


def is_outage(error: BaseException) -> bool:
    """True where the database is out of reach or its disk is full: the statement may do later."""
    return isinstance(error, OperationalError | InterfaceError) and (
        is_out_of_reach(error) or is_disk_full(error)
    )


def is_lock_timeout(error: BaseException) -> bool:
    """True where a statement waited for another transaction's lock for as long as it may."""
    return isinstance(error.__cause__, psycopg.errors.LockNotAvailable)


def _has_news(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
