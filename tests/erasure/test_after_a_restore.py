"""What was erased after a dump comes back with it, and is erased again: docs/backup.md."""

import fcntl
import io
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from psycopg import sql

from erasure.erasures import owner_erase
from erasure.ledger import (
    KEPT,
    Line,
    digest_of,
    export,
    ledger_metrics,
    lines_of,
    prune,
    sessions_note,
)
from erasure.models import ErasedSession, Erasure
from erasure.tasks import erasures_go_on
from kynaplatform import clock
from movespecs.models import MoveSpec
from projects.models import Project
from sessions_app.lifecycle import session_erase
from tests.concurrency.racing import race
from tests.conftest import Machine, make_released
from tests.deploy.own_database import own_database
from tests.documented import commands, database_tools, run
from tests.erasure.people import ANNA, BEN, ask_to_erase, counted, created, left
from tests.server import test_database_url as database_url
from tests.sessions_app.lifecycle_scene import Scene, at
from tests.webhooks.endpoint import make_endpoint


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_what_an_older_dump_brings_back_is_erased_again(
    owner: Machine, peer: Machine, outsider: Machine, movespec: MoveSpec, tmp_path: Path
) -> None:
    scene = Scene(owner, movespec)
    past = (clock.now() - at(0)).total_seconds() - 1000
    deleted, kept = counted(scene, None, past), counted(scene, BEN, past)
    of_anna = [counted(scene, ANNA, past), created(scene, ANNA, past)]
    of_peer = counted(Scene(peer, make_released(peer.project)[0]), ANNA, past)
    theirs = Scene(outsider, make_released(outsider.project)[0])
    of_outsider = {counted(theirs, BEN, past), created(theirs, BEN, past)}
    make_endpoint(outsider.project)
    tools = {
        "PATH": database_tools(),
        "DUMPS": str(tmp_path),
        "ERASURES": str(tmp_path / "erasures"),
    }
    dump = commands("backup.md", "pg_dump --format")
    run(dump, tmp_path, {**tools, "DATABASE_URL": database_url()})
    [tools["DUMP"]] = map(str, tmp_path.glob("kyna-*.dump"))

    now = clock.now()
    session_erase(session_id=deleted, project_id=owner.project.id, now=now)
    ask_to_erase(owner.project, ANNA, now)
    export_all = commands("backup.md", "export_erasures")
    run(export_all, tmp_path, {**tools, "DATABASE_URL": database_url()})
    owner_erase(outsider.organization, now=now)
    erasures_go_on(now=now + timedelta(minutes=2))
    erasures_go_on(now=now + timedelta(minutes=2))
    run(export_all, tmp_path, {**tools, "DATABASE_URL": database_url()})
    file = (tmp_path / "erasures").read_text()
    assert file.count("\n") == 5  # three sessions, a person and an organization
    for word in (ANNA, BEN, "Acme", outsider.organization.name):
        assert word not in file

    with own_database() as restored, psycopg.connect(restored, autocommit=True) as database:

        def ids(table: str) -> set[Any]:
            found = database.execute(sql.SQL("SELECT id FROM {}").format(sql.Identifier(table)))
            return {id_ for (id_,) in found}

        run(
            commands("backup.md", "pg_restore --dbname"),
            tmp_path,
            {**tools, "DATABASE_URL": restored},
        )
        assert ids("detection_session") == {*(deleted, kept, *of_anna, of_peer, *of_outsider)}
        assert ids("erased_session") == ids("erasure") == set()
        for _ in range(2):  # it may be run again
            run(
                commands("backup.md", "apply_erasures"),
                tmp_path,
                {**tools, "DATABASE_URL": restored},
            )
            assert ids("detection_session") == {kept, of_peer}
            assert ids("projects_organization") == {owner.organization.id}
            assert ids("projects_project") == {owner.project.id, peer.project.id}
            assert ids("webhook_endpoint") == set()
            assert {deleted, *of_anna} <= ids("erased_session")
        left = database.execute(
            "SELECT count(*) FROM erasure WHERE ended_at IS NULL OR subject IS NOT NULL"
        )
        assert left.fetchone() == (0,)
        events = database.execute("SELECT DISTINCT session_id FROM detection_event")
        assert {id_ for (id_,) in events} == {kept, of_peer}


@pytest.mark.django_db
def test_it_erases_what_the_file_names_and_leaves_the_rest(
    owner: Machine, peer: Machine, scene: Scene, movespec: MoveSpec, tmp_path: Path
) -> None:
    """As after a restore: what the file has is there, and the tables of the ledger are empty."""
    past = (clock.now() - at(0)).total_seconds() - 1000
    theirs = Scene(peer, make_released(peer.project)[0])
    counted(theirs, None, past)
    deleted, live, kept = (
        counted(scene, None, past),
        created(scene, None),
        counted(scene, BEN, past),
    )
    counted(scene, ANNA, past)
    after = created(scene, ANNA, past + 2000)
    id_ = UUID(int=1)
    lines = [
        *(Line(kind="session", id=one, at=at(past + 9)) for one in (deleted, live, UUID(int=2))),
        Line(
            kind="subject", id=id_, at=at(past + 500), organization_id=owner.organization.id,
            project_id=owner.project.id, subject_digest=digest_of(id_, ANNA),
        ),
        Line(
            kind="project", id=UUID(int=3), at=at(past + 9), organization_id=UUID(int=9),
            project_id=peer.project.id,
        ),
    ]  # fmt: skip
    file = tmp_path / "erasures"
    file.write_bytes(b'{"torn\n' + b"\n".join(map(msgspec.json.encode, lines)) + b"\n")
    for erased in (4, 0):
        out = io.StringIO()
        call_command("apply_erasures", file, "--json", stdout=out)
        assert json.loads(out.getvalue()) == {"sessions": erased, "unreadable_lines": 1}
        assert left() == {kept, after}
        assert not Project.objects.filter(id=peer.project.id).exists()
        assert {*ErasedSession.objects.values_list("id", flat=True)} > {deleted, live}
        assert {(one.ended_at is None, one.subject) for one in Erasure.objects.all()} == {
            (False, None)
        }
    with pytest.raises(CommandError, match="No such file"):
        call_command("apply_erasures", tmp_path / "missing")


@pytest.mark.django_db
def test_the_file_gets_each_line_once_and_a_torn_one_anew(scene: Scene, tmp_path: Path) -> None:
    path = tmp_path / "erasures"
    ids = [counted(scene, None) for _ in range(3)]
    for id_ in ids[:2]:
        session_erase(session_id=id_, project_id=scene.machine.project.id, now=at(500))
    assert export(path, now=at(501), slice_size=1) == 2
    assert export(path, now=at(502)) == 0
    assert path.stat().st_mode & 0o777 == 0o600
    lines = path.read_text().splitlines()
    assert {json.loads(line)["id"] for line in lines} == {*map(str, ids[:2])}
    assert json.loads(lines[0]) | {"id": ""} == {
        "kind": "session", "id": "", "at": "2031-05-01T12:08:20Z",
    }  # fmt: skip
    # The machine died while it wrote.
    path.write_text(path.read_text()[:-40])
    ErasedSession.objects.filter(id=json.loads(lines[1])["id"]).update(exported_at=None)
    session_erase(session_id=ids[2], project_id=scene.machine.project.id, now=at(503))
    assert export(path, now=at(504)) == 2
    read = [*lines_of(path)]
    assert [line is None for line in read] == [False, True, False, False]
    assert {line.id for line in read if line} == {*ids}


@pytest.mark.django_db(transaction=True)
def test_the_line_of_an_erasure_that_the_worker_is_at_is_written(
    scene: Scene, tmp_path: Path
) -> None:
    ask_to_erase(scene.machine.project, ANNA, at(500))
    with psycopg.connect(database_url()) as worker, connection.cursor() as cursor:
        worker.execute("SELECT FROM erasure FOR NO KEY UPDATE")
        cursor.execute("SET lock_timeout = '100ms'")
        with pytest.raises(OperationalError):
            export(tmp_path / "erasures", now=at(501))
        cursor.execute("RESET lock_timeout")
    assert len([*lines_of(tmp_path / "erasures")]) == 1
    # It was not marked, so it is written once more.
    assert export(tmp_path / "erasures", now=at(502)) == 1
    assert export(tmp_path / "erasures", now=at(503)) == 0


@pytest.mark.django_db(transaction=True)
def test_the_file_is_trimmed_while_exports_wait(scene: Scene, tmp_path: Path) -> None:
    path, now = tmp_path / "erasures", clock.now()
    for number, days in enumerate((401, 399, 0)):
        sessions_note(ids=[UUID(int=number)], now=now - timedelta(days=days))
    assert export(path, now=now) == 3
    sessions_note(ids=[UUID(int=9)], now=now)
    with path.open("rb") as held, ThreadPoolExecutor(1) as pool:
        fcntl.flock(held, fcntl.LOCK_EX)
        waiting = pool.submit(lambda: race([lambda: export(path, now=now)]))
        time.sleep(0.2)
        # What holds the lock replaces the file, as the line of the page does.
        trim = commands("backup.md", "flock 9").replace("&& flock 9", "")
        run(trim, tmp_path, {"ERASURES": str(path)})
        fcntl.flock(held, fcntl.LOCK_UN)
        assert waiting.result() == [1]
    assert [line and line.id.int for line in lines_of(path)] == [1, 2, 9]
    if os.geteuid() == 0:  # as the crontab's: the container's user goes on to write it
        os.chown(path, 10001, 10001)
    owner = path.stat().st_uid
    run(commands("backup.md", "flock 9"), tmp_path, {"ERASURES": str(path)})
    assert len([*lines_of(path)]) == 3
    assert path.stat().st_uid == owner
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.django_db
def test_one_that_goes_on_and_a_missing_export_are_told_of(scene: Scene, tmp_path: Path) -> None:
    def values() -> list[float]:
        return [family.samples[0].value for family in ledger_metrics()]

    def told() -> list[float]:
        return values()[1:]

    assert values() == [0, 0, 0]
    now = clock.now()
    ask_to_erase(scene.machine.project, ANNA, now - timedelta(minutes=11))
    sessions_note(ids=[UUID(int=1)], now=now - timedelta(minutes=12))
    [waiting, never] = told()
    assert 720 <= waiting < 780
    assert never == 0
    with pytest.raises(CommandError):
        call_command("export_erasures", tmp_path / "missing" / "erasures")
    assert told()[1] == 0
    call_command("export_erasures", tmp_path / "erasures")
    [waiting, exported] = told()
    assert waiting == 0
    assert exported >= now.timestamp()
    assert 660 <= values()[0] < 720
    erasures_go_on(now=now)
    assert values()[0] == 0


@pytest.mark.django_db
def test_the_ledger_is_kept_for_400_days(scene: Scene) -> None:
    session_erase(session_id=counted(scene, None), project_id=scene.machine.project.id, now=at(500))
    ask_to_erase(scene.machine.project, ANNA, at(500))
    ask_to_erase(scene.machine.project, BEN, at(500))
    erasures_go_on(now=at(1000))
    Erasure.objects.filter(subject_digest=Erasure.objects.first().subject_digest).update(
        ended_at=None
    )
    assert prune(now=at(500) + KEPT) == 0
    assert prune(now=at(501) + KEPT) == 2
    assert (ErasedSession.objects.count(), Erasure.objects.count()) == (0, 1)
