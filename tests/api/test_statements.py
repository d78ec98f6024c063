"""Statements on kept cursors: Django's errors, transactions, wrappers and reconnection."""

import time
from datetime import UTC, datetime
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.core.signals import request_started
from django.db import DataError, OperationalError, connection
from psycopg.errors import DivisionByZero

from kynaplatform.database.connections import Statement
from kynaplatform.wsgi import api

QUOTIENT = Statement("SELECT 12 / %s::integer, timestamptz '2026-11-29T12:00:00+01:00'")
NOON = datetime(2026, 11, 29, 11, tzinfo=UTC)


def quotient(divisor: int = 4) -> Any:
    return QUOTIENT.row([divisor])


def terminate() -> int:
    """The process of the connection's server, which has ended."""
    pid: int = connection.connection.info.backend_pid
    elsewhere = connection.copy()
    with elsewhere.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    elsewhere.close()
    return pid


def status_of_api() -> str:
    """What the WSGI application itself answers to a read that asks the database."""
    environ: dict[str, Any] = {}
    setup_testing_defaults(environ)
    environ["PATH_INFO"], environ["HTTP_HOST"] = "/api/movespecs", "localhost"
    statuses: list[str] = []
    b"".join(api(environ, lambda status, headers: statuses.append(status)))
    return statuses[0]


def kept() -> Any:
    return connection.connection.kept_cursors[QUOTIENT].cursor


@pytest.mark.django_db
def test_its_cursor_is_kept_with_the_connection() -> None:
    assert quotient() == (3, NOON)
    first = kept()
    assert (quotient(6), kept()) == ((2, NOON), first)


@pytest.mark.django_db(transaction=True)
def test_its_errors_are_djangos_and_the_cursor_goes_on() -> None:
    quotient()
    with pytest.raises(DataError) as raised:
        quotient(0)
    assert isinstance(raised.value.__cause__, DivisionByZero)
    assert quotient() == (3, NOON)


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_was_closed_is_made_anew() -> None:
    quotient()
    first = kept()
    connection.close()
    assert quotient() == (3, NOON)
    assert kept() is not first
    # The server ends one: the statement that meets it fails, and the next request has another.
    pid = terminate()
    with pytest.raises(OperationalError):
        quotient()
    request_started.send(sender=None)
    assert quotient() == (3, NOON)
    assert connection.connection.info.backend_pid != pid


@pytest.mark.django_db(transaction=True)
def test_a_request_of_the_api_replaces_a_connection_that_the_server_ended() -> None:
    quotient()
    pid = terminate()
    assert status_of_api() == "200 OK"
    assert connection.connection.info.backend_pid != pid


@pytest.mark.django_db(transaction=True)
def test_a_request_of_the_api_closes_a_connection_past_its_age() -> None:
    quotient()
    connection.close_at = time.monotonic() - 1
    assert status_of_api() == "200 OK"
    assert connection.connection is None
