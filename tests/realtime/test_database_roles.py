"""A role for each kind of process: its time-outs hold behind a pooler, such as PgBouncer."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg
import pytest
from database_proxy import DatabaseProxy, database_proxy
from django.core.management import call_command
from django.db import connection
from pgbouncer import POOL_SIZE, pgbouncer
from psycopg import sql
from rows import locked_row, session_of
from streaming import Client, create, wire_frames

from dev.poses.figure import perform
from kynaplatform.database.session_settings import KINDS, MIGRATE, session_settings
from movespecs.models import MoveSpec
from sessions_app.models import DetectionSession, Status
from tests.concurrency.racing import Connection, race, session_body
from tests.conftest import SESSIONS, Machine
from tests.server import ROOT, runtime_server, web_server
from tests.server import test_database_url as database_url

pytestmark = pytest.mark.django_db(transaction=True)
FRAMES = wire_frames(perform("squat", repetitions=1, fps=10))
CREATES = 12


def owner_of_tables() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return str(cursor.fetchone()[0])


def make_roles(**options: Any) -> dict[str, str]:
    output = StringIO()
    call_command("create_database_roles", json=True, stdout=output, **options)
    answers: dict[str, str] = json.loads(output.getvalue())
    return answers


@pytest.fixture
def roles(transactional_db: None) -> Iterator[dict[str, str]]:
    """Kind of process → its role; made by the command, and gone after the test."""
    owner = owner_of_tables()
    made = make_roles()
    assert set(made) == set(KINDS) - {MIGRATE}
    yield {kind: owner if kind == MIGRATE else f"{owner}_{kind}" for kind in KINDS}
    with connection.cursor() as cursor:
        name = sql.Identifier(connection.settings_dict["NAME"])
        owned = sql.Identifier(owner)
        cursor.execute(sql.SQL("ALTER ROLE {} IN DATABASE {} RESET ALL").format(owned, name))
        for kind in made:
            role = sql.Identifier(f"{owner}_{kind}")
            cursor.execute(sql.SQL("DROP OWNED BY {}").format(role))
            cursor.execute(sql.SQL("DROP ROLE {}").format(role))


def as_role(role: str, url: str) -> str:
    parts = urlsplit(url)
    where = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}@{where}"))


@contextmanager
def pooler(role: str) -> Iterator[DatabaseProxy]:
    with database_proxy(as_role(role, database_url()), drops_options=True) as proxy:
        yield proxy


@pytest.mark.parametrize("kind", KINDS)
def test_its_connections_have_the_settings_of_its_kind_without_asking_for_them(
    roles: dict[str, str], kind: str
) -> None:
    with psycopg.connect(as_role(roles[kind], database_url())) as plain:
        found = {
            name: plain.execute("SELECT current_setting(%s)", [name]).fetchone()
            for name in session_settings(kind)
        }
    assert found == {name: (value,) for name, value in session_settings(kind).items()}


def test_the_command_can_be_repeated_and_then_tells_no_password(roles: dict[str, str]) -> None:
    def hashes() -> list[tuple[str, str]]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT rolname, rolpassword FROM pg_authid WHERE rolname = ANY (%s) ORDER BY 1",
                [list(roles.values())],
            )
            return list(cursor.fetchall())

    before = hashes()
    assert set(make_roles().values()) == {"made before"}
    assert hashes() == before
    renewed = make_roles(new_passwords=True)
    for kind, url in renewed.items():
        parts = urlsplit(url)
        assert parts.username == roles[kind]
        assert parts.password is not None
        assert len(parts.password) == 32
        assert parts.password not in str(hashes())
    assert dict(hashes()) != dict(before)


def test_a_role_can_change_rows_and_no_table(roles: dict[str, str]) -> None:
    for kind in set(KINDS) - {MIGRATE}:
        with (
            psycopg.connect(as_role(roles[kind], database_url())) as plain,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            plain.execute("ALTER TABLE detection_session ADD COLUMN more integer")


@pytest.mark.long
def test_a_request_does_not_wait_long_for_a_row_that_someone_holds(
    owner: Machine, movespec: MoveSpec, roles: dict[str, str], tmp_path: Path
) -> None:
    held = owner.create_session(movespec).json()
    with (
        pooler(roles["web"]) as proxy,
        web_server(tmp_path, environment={"DATABASE_URL": proxy.url}) as base_url,
    ):
        with locked_row(held):
            # As many as there are threads, again and again.
            answers = race(
                [
                    lambda: Connection(base_url).call(
                        "POST", f"{SESSIONS}/{held['session_id']}/cancel", token=owner.token
                    )
                ]
                * 4
            )
            assert [answer.status for answer in answers] == [503] * 4
            assert {answer.error["code"] for answer in answers} == {"service_unavailable"}
            assert {answer.error["details"] == {} for answer in answers} == {True}
            assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers)
            assert session_of(held).status == Status.CREATED
            made = Connection(base_url).create(owner, **session_body(owner, movespec))
            assert made.status == 201
        cancel = Connection(base_url).call(
            "POST", f"{SESSIONS}/{held['session_id']}/cancel", token=owner.token
        )
        assert (cancel.status, cancel.json()["status"]) == (200, "cancelled")
        statements = [text for text in proxy.statements if text.lstrip().startswith("SET")]
        assert statements == []


def test_a_runtime_goes_on_while_rows_are_held(
    owner: Machine, squat: MoveSpec, roles: dict[str, str], tmp_path: Path
) -> None:
    with (
        pooler(roles["runtime"]) as proxy,
        runtime_server(
            tmp_path, {"DATABASE_URL": proxy.url, "DATABASE_LISTEN_URL": database_url()}
        ) as runtime,
    ):
        held, free = (create(owner, squat, runtime.url) for _ in range(2))
        waits, streams = Client(held), Client(free)
        for client in (waits, streams):
            client.expect("session_update")
        with locked_row(held):
            waits.send_batch(1, FRAMES[:5])
            streams.send_batch(1, FRAMES)
            assert streams.until("frame_ack")["accepted_frames_total"] == len(FRAMES)
            again = [Client(held) for _ in range(10)]
            streams.send({"type": "finalize"})
            assert streams.until("session_done")["status"] == "completed"
        again[-1].expect("session_update")
        for client in (waits, streams, *again):
            client.socket.close()


@pytest.mark.long
def test_a_sweep_goes_past_a_row_that_someone_holds(
    owner: Machine, movespec: MoveSpec, roles: dict[str, str]
) -> None:
    sessions = [owner.create_session(movespec).json() for _ in range(3)]
    ids = [created["session_id"] for created in sessions]
    with connection.cursor() as cursor:
        # Overdue, for the engine to finish; the one that is held comes first.
        cursor.execute(
            "UPDATE detection_session SET status = 'finalizing', finishing_outcome = 'completed', "
            "deadline_at = now() - make_interval(mins => 9 - array_position(%s::uuid[], id)) "
            "WHERE id = ANY (%s::uuid[])",
            [ids, ids],
        )
    with pooler(roles["worker"]) as proxy, locked_row(sessions[0]):
        swept = subprocess.run(
            [sys.executable, "manage.py", "expire_sessions", "--json"],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": proxy.url},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert (swept.stdout, swept.returncode) == ('{"changed": 2}\n', 0), swept.stderr
        statuses = dict(DetectionSession.objects.values_list("id", "status"))
    assert [statuses[session_of(created).id] for created in sessions] == [
        "finalizing",
        "completed",
        "completed",
    ]


# --- PgBouncer ---------------------------------------------------------------------------


@pytest.fixture
def pooled(roles: dict[str, str]) -> Iterator[dict[str, str]]:
    """Kind of process → its DATABASE_URL, which leads to PgBouncer."""
    who = {kind: urlsplit(url) for kind, url in make_roles(new_passwords=True).items()}
    passwords = {unquote(str(one.username)): str(one.password) for one in who.values()}
    with (
        database_proxy(database_url()) as database,
        pgbouncer(database, passwords) as place,
    ):
        yield {
            kind: f"postgresql://{one.username}:{one.password}@{place}" for kind, one in who.items()
        }
        assert [one for one in database.statements if one.lstrip().startswith("LISTEN")] == []


def connections_of(role: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = %s", [role])
        return int(cursor.fetchone()[0])


def test_create_stream_and_sweep_go_through_pgbouncer_in_transaction_mode(
    owner: Machine, squat: MoveSpec, roles: dict[str, str], pooled: dict[str, str], tmp_path: Path
) -> None:
    to_runtime = {"DATABASE_URL": pooled["runtime"], "DATABASE_LISTEN_URL": database_url()}
    with runtime_server(tmp_path, to_runtime) as runtime:
        to_web = {
            "DATABASE_URL": pooled["web"],
            "PUBLIC_STREAM_URL": runtime.url,
            "WEB_THREADS": "4",
        }
        with web_server(tmp_path, environment=to_web) as base_url:
            body = session_body(owner, squat)
            answers = race([lambda: Connection(base_url).create(owner, **body)] * CREATES)
            answers += [Connection(base_url).create(owner, key="one", **body) for _ in range(2)]
            assert [answer.status for answer in answers] == [201] * (CREATES + 2)
            assert [answer.is_replay for answer in answers[-2:]] == [False, True]
            assert 1 <= connections_of(roles["web"]) <= POOL_SIZE

            streamed, cancelled, overdue = (answer.json() for answer in answers[:3])
            first, second = Client(streamed), Client(cancelled)
            for client in (first, second):
                client.expect("session_update")
            first.send_batch(1, FRAMES)
            assert first.until("frame_ack")["accepted_frames_total"] == len(FRAMES)
            first.send({"type": "finalize"})
            assert first.until("session_done")["status"] == "completed"
            assert session_of(streamed).repetitions == {"squat": 1}
            # Told by NOTIFY through PgBouncer, heard by LISTEN past it.
            path = f"{SESSIONS}/{cancelled['session_id']}/cancel"
            assert Connection(base_url).call("POST", path, token=owner.token).status == 200
            assert second.until("session_done")["status"] == "cancelled"
            assert 1 <= connections_of(roles["runtime"]) <= POOL_SIZE

    past = session_of(overdue).created_at
    DetectionSession.objects.filter(id=overdue["session_id"]).update(deadline_at=past)
    swept = subprocess.run(
        [sys.executable, "manage.py", "expire_sessions", "--json"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": pooled["worker"]},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (swept.stdout, swept.returncode) == ('{"changed": 1}\n', 0), swept.stderr
    assert session_of(overdue).status == Status.CANCELLED


def test_its_connections_have_the_time_outs_of_their_kind(pooled: dict[str, str]) -> None:
    for kind, url in pooled.items():
        held_to = session_settings(kind)
        options = " ".join(f"-c {name}={value}" for name, value in held_to.items())
        with psycopg.connect(url, options=options) as plain:
            found = {
                name: plain.execute("SELECT current_setting(%s)", [name]).fetchone()
                for name in held_to
            }
        assert found == {name: (value,) for name, value in held_to.items()}


def test_a_statement_of_the_api_is_ended_after_2_s() -> None:
    options = " ".join(f"-c {name}={value}" for name, value in session_settings("api").items())
    with psycopg.connect(database_url(), options=options) as api:
        assert api.execute("SHOW statement_timeout").fetchone() == ("2s",)
        with pytest.raises(psycopg.errors.QueryCanceled):
            api.execute("SELECT pg_sleep(60)")
