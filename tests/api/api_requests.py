"""Requests of the API's tests, and what is checked of every response."""

import contextlib
import itertools
from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.http import HttpResponse
from django.test import Client

from tests.conftest import ApiClient, encoded, error_of

RETRYABLE = {"access_token_expired", "rate_limited", "internal_error", "service_unavailable"}
_addresses = itertools.count(1)


def ask(
    method: str,
    path: str,
    body: Any = None,
    *,
    token: str | None = None,
    content_type: str = "application/json",
    address: str | None = None,
    client: Client | None = None,
    **headers: str,
) -> HttpResponse:
    """A request without a bearer, unless `token` is given; `address` is the peer's."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if token is not None:
        sent["authorization"] = f"Bearer {token}"
    data = b"" if body is None else encoded(body)
    # Django's client sends neither with an empty body; servers and clients do.
    environ = {"CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(len(data))}
    if address is not None:
        environ["REMOTE_ADDR"] = address
    return (client or ApiClient()).generic(method, path, data=data, headers=sent, **environ)


def refused(response: HttpResponse, status: int, code: str, /, **details: Any) -> dict[str, Any]:
    """The error of a refusal, which has exactly this status, code and details."""
    error = error_of(response)
    assert (response.status_code, error["code"]) == (status, code), error
    assert error["details"] == details
    assert error["retryable"] is (code in RETRYABLE)
    assert error["message"]
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers.get("WWW-Authenticate") == ("Bearer" if status == 401 else None)
    return error


def limited(
    response: HttpResponse, name: str, limit: int, wait: int, window: int = 60
) -> dict[str, Any]:
    """The error of a 429, which names this limit, what it admits in its window, and the wait."""
    error = refused(
        response,
        429,
        "rate_limited",
        retry_after_seconds=wait,
        limit_name=name,
        limit=limit,
        window_seconds=window,
    )
    told = f": {limit} are admitted in {window} s. Wait {wait} s."
    assert error["message"].startswith("Too many ")
    assert error["message"].endswith(told)
    return error


def refused_fields(response: HttpResponse, *fields: str) -> dict[str, str]:
    """The field errors of a 422, which names exactly `fields`."""
    error = error_of(response)
    assert (response.status_code, error["code"]) == (422, "validation_error"), error
    assert sorted(error["details"]) == sorted(fields)
    assert all(isinstance(message, str) and message for message in error["details"].values())
    details: dict[str, str] = error["details"]
    return details


def database_state() -> dict[str, tuple[int, str]]:
    """Table → its number of rows and a digest of them, `last_used_at` left out.

    Each runtime writes now and then that it lives, which is left out too.
    """
    tables = set(connection.introspection.table_names()) - {"platform_heartbeat"}
    selects = [
        f"SELECT '{table}', count(*), md5(coalesce(string_agg(line, ' ' ORDER BY line), '')) FROM "  # noqa: S608
        f"(SELECT (to_jsonb(t) - 'last_used_at')::text AS line FROM \"{table}\" t) AS lines"
        for table in tables
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(selects))
        return {table: (count, digest) for table, count, digest in cursor.fetchall()}


@contextlib.contextmanager
def nothing_changes() -> Iterator[None]:
    """No row is added, removed or changed, but for what `database_state` leaves out."""
    before = database_state()
    yield
    assert database_state() == before


def fresh_address() -> str:
    """An address that no other test counts on."""
    number = next(_addresses)
    return f"10.77.{number // 250}.{number % 250 + 1}"
