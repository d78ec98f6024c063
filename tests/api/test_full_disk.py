"""A database whose disk is full: /readyz and the errors say so, and reads go on."""

import logging
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from django.db import OperationalError, connection

from kynaplatform import dependencies
from kynaplatform.dependencies import DATABASE, Outage
from movespecs.models import MoveSpec
from sessions_app.models import DetectionSession
from tests.api.api_requests import ask
from tests.conftest import SESSIONS, Machine
from tests.open_folder import open_folder

pytestmark = pytest.mark.django_db(transaction=True)


def execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def fill() -> NoReturn:
    while True:
        execute("INSERT INTO filler VALUES (repeat('x', 8000))")


@pytest.fixture
def tiny_disk() -> Iterator[Path]:
    """A disk of 1 MiB that the server of the tests may write to."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        [directory] = cursor.fetchone()
    try:
        owner = os.stat(directory)
    except OSError:
        pytest.skip("the database is another machine's")
    with open_folder() as folder:
        disk = folder / "disk"
        disk.mkdir()
        options = f"size=1m,uid={owner.st_uid},gid={owner.st_gid},mode=700"
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", disk], check=False, capture_output=True
        )
        if mounted.returncode != 0:
            pytest.skip("this user may not mount; the test by a trigger runs everywhere")
        try:
            yield disk
        finally:
            subprocess.run(["umount", disk], check=True)


@pytest.fixture
def a_full_tablespace(tiny_disk: Path) -> Iterator[Callable[[], None]]:
    """Sessions are stored on a disk that is full, until the fixture's value is called."""
    execute(
        f"CREATE TABLESPACE tiny LOCATION '{tiny_disk}'",
        "ALTER TABLE detection_session SET TABLESPACE tiny",
        "CREATE TABLE filler (filled text) TABLESPACE tiny",
        "ALTER TABLE filler ALTER filled SET STORAGE PLAIN",
    )

    try:
        with pytest.raises(OperationalError, match="No space left on device"):
            fill()
        yield lambda: execute("DROP TABLE filler")
    finally:
        execute(
            "DROP TABLE IF EXISTS filler",
            "ALTER TABLE detection_session SET TABLESPACE pg_default",
            "DROP TABLESPACE tiny",
        )


@pytest.fixture
def a_trigger() -> Iterator[Callable[[], None]]:
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


@pytest.fixture(params=["a_full_tablespace", "a_trigger"])
def make_room(request: pytest.FixtureRequest, owner: Machine, movespec: MoveSpec) -> Any:
    return request.getfixturevalue(request.param)


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
