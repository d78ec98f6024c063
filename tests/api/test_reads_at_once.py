"""Export, usage and summary: one of a project, and one thread of a process, at a time"""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection

from kynaplatform import clock
from kynaplatform.api import throttling
from projects.models import suspend
from sessions_app import views
from tests.api.api_requests import ask, limited, nothing_changes, refused
from tests.conftest import SESSIONS, Machine, mint
from tests.server import test_database_url as database_url

pytestmark = pytest.mark.django_db(transaction=True)
EXPORT = "/api/export"
READS: dict[str, Callable[[Machine], str]] = {
    "export": lambda owner: EXPORT,
    "usage": lambda owner: "/api/usage",
    "usage of the project": lambda owner: f"/api/usage/projects/{owner.project.id}",
    "summary": lambda owner: "/api/subjects/summary?subject=p_4711",
}
each_read = pytest.mark.parametrize("read", READS)
LOCK = throttling._LOCK_PROJECT.sql


@pytest.fixture
def other_process(transactional_db: None) -> Iterator["psycopg.Connection[Any]"]:
    """A connection of another process, or machine."""
    with psycopg.connect(database_url()) as other:
        yield other


def begin_read(other: "psycopg.Connection[Any]", machine: Machine) -> None:
    assert other.execute(LOCK, [f"read:{machine.project.id}"]).fetchone() == (True,)


def is_under_way(response: Any, owner: str) -> None:
    error = refused(
        response, 429, "rate_limited", retry_after_seconds=1, limit_name=f"{owner}_reads", limit=1
    )
    assert error["message"] == (
        f"This {owner} runs one export, usage or summary at a time, and one is running. "
        "Try again in 1 s."
    )
    assert response.headers["Retry-After"] == "1"


@each_read
def test_a_project_has_one_at_a_time_in_all_processes(
    read: str, owner: Machine, peer: Machine, other_process: "psycopg.Connection[Any]"
) -> None:
    begin_read(other_process, owner)
    with nothing_changes():
        is_under_way(owner.get(READS[read](owner)), "project")
    assert peer.get(READS[read](peer)).status_code == 200
    assert owner.get(SESSIONS).status_code == 200
    other_process.rollback()
    assert owner.get(READS[read](owner)).status_code == 200


@each_read
def test_a_process_has_one_thread_for_them(read: str, owner: Machine, peer: Machine) -> None:
    with throttling.one_read_at_a_time(peer.project.id):
        with nothing_changes():
            is_under_way(owner.get(READS[read](owner)), "server")
        assert owner.get(SESSIONS).status_code == 200
    assert owner.get(READS[read](owner)).status_code == 200


def test_a_read_that_fails_leaves_both_places(
    owner: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as failing:

        def fail(*_: object, **__: object) -> None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 / 0")

        failing.setattr(views, "export_page", fail)
        refused(owner.get(EXPORT), 500, "internal_error")
    assert owner.get(f"{EXPORT}?cursor=x").status_code == 422
    assert owner.get(EXPORT).status_code == 200
    assert not throttling._reading.locked()


def test_a_database_that_is_lost_meanwhile_is_503(
    owner: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(*_: object, **__: object) -> None:
        with psycopg.connect(database_url(), autocommit=True) as other:
            pid = connection.connection.info.backend_pid
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    with monkeypatch.context() as losing:
        losing.setattr(views, "export_page", lose)
        refused(owner.get(EXPORT), 503, "service_unavailable")
    connection.close()
    assert owner.get(EXPORT).status_code == 200


def test_one_that_is_refused_counts_as_one_request_and_a_page_of_export_as_five(
    limits_clock: Any, settings: Any, owner: Machine, other_process: "psycopg.Connection[Any]"
) -> None:
    settings.RATE_LIMIT_PROJECT = 20

    def remaining(path: str) -> int:
        return int(owner.get(path).headers["RateLimit-Remaining"])

    assert [remaining(path) for path in (EXPORT, SESSIONS, "/api/usage")] == [15, 14, 13]
    begin_read(other_process, owner)
    assert [remaining(path) for path in (EXPORT, "/api/usage", SESSIONS)] == [12, 11, 10]
    other_process.rollback()
    assert [remaining(EXPORT) for _ in range(3)] == [5, 0, 0]
    with nothing_changes():
        limited(owner.get(EXPORT), "project", 20, 60)


def test_it_comes_after_suspension_and_the_rate_limit_and_before_the_scope(
    limits_clock: Any, settings: Any, owner: Machine, other_process: "psycopg.Connection[Any]"
) -> None:
    begin_read(other_process, owner)
    narrow = mint(owner.credential, ["movespecs:read"])
    is_under_way(ask("GET", f"{EXPORT}?cursor=x", token=narrow), "project")
    other_process.rollback()
    answer = ask("GET", EXPORT, token=narrow)
    refused(answer, 403, "insufficient_scope", required_scope="sessions:read")
    begin_read(other_process, owner)
    settings.RATE_LIMIT_PROJECT = 0
    owner.token = mint(owner.credential, owner.credential.scopes)
    limited(owner.get(EXPORT), "project", 0, 60)
    suspend(owner.project, now=clock.now())
    refused(owner.get(EXPORT), 403, "project_suspended")
    refused(ask("GET", EXPORT), 401, "access_token_missing")
