"""A database whose disk is full: /readyz and the errors say so, and reads go on."""

import logging
from collections.abc import Callable, Iterator

import pytest
from django.db import connection

from kynaplatform import dependencies
from kynaplatform.dependencies import DATABASE, Outage
from movespecs.models import MoveSpec
from sessions_app.models import DetectionSession
from tests.api.api_requests import ask
from tests.conftest import SESSIONS, Machine

pytestmark = pytest.mark.django_db(transaction=True)


def execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@pytest.fixture
def make_room() -> Iterator[Callable[[], None]]:
    """PostgreSQL says of each session that it has no room for it."""
    clear = "DROP TRIGGER IF EXISTS full_disk ON detection_session"
    execute(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';"
        " END $$",
        "CREATE TRIGGER full_disk BEFORE INSERT ON detection_session"
        " FOR EACH ROW EXECUTE FUNCTION full_disk()",
    )
    try:
        yield lambda: execute(clear)
    finally:
        execute(clear, "DROP FUNCTION full_disk()")


def test_it_is_told_and_reads_go_on(
    make_room: Callable[[], None],
    owner: Machine,
    movespec: MoveSpec,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # This process's own, which other tests share.
    monkeypatch.setattr(DATABASE, "__dict__", Outage("the database").__dict__)
    assert ask("GET", "/readyz").status_code == 200
    with caplog.at_level(logging.WARNING, "kynaplatform.outages"):
        refused = owner.create_session(movespec)
    assert refused.status_code == 503
    error = refused.json()["error"]
    assert error["code"] == "service_unavailable"
    assert error["message"] == (
        "The database's disk is full, and nothing can be stored. Try again."
    )
    [line] = [one.getMessage() for one in caplog.records if one.name == "kynaplatform.outages"]
    assert line.startswith("the database has a full disk (failures: 1): could not extend file")
    assert not DetectionSession.objects.exists()
    assert owner.get(SESSIONS).json() == []
    unready = ask("GET", "/readyz")
    assert unready.status_code == 503
    assert unready.json()["error"]["details"]["database"] == "full"

    make_room()
    assert owner.create_session(movespec).status_code == 201
    monkeypatch.setattr(
        dependencies.time, "monotonic", lambda at=dependencies.time.monotonic: at() + 60
    )
    assert ask("GET", "/readyz").json()["database"] == "ok"
