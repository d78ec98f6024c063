"""Database connections that are kept between requests, and the errors of the database by cause.

A connection that the server has closed is dropped before a request.
"""

import select
from typing import Any

import psycopg
from django.core.signals import request_started
from django.db import connections
from django.db.backends.signals import connection_created
from django.dispatch import receiver

from kynaplatform.dependencies import DATABASE

# SQLSTATE of what ends a connection, or lets none be made.
_WITHOUT_CONNECTION = ("08", "53300", "57P")


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


@receiver(connection_created)
def tell_that_it_is_back(**_: Any) -> None:
    DATABASE.over()


def is_out_of_reach(error: BaseException) -> bool:
    """True where the connection failed, and not the statement alone."""
    sqlstate = getattr(error.__cause__, "sqlstate", None)
    return sqlstate is None or sqlstate.startswith(_WITHOUT_CONNECTION)


def is_lock_timeout(error: BaseException) -> bool:
    """True where a statement waited for another transaction's lock for as long as it may."""
    return isinstance(error.__cause__, psycopg.errors.LockNotAvailable)


def _has_news(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
