"""A role for each kind of process: its time-outs hold behind a pooler, such as PgBouncer."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg
import pytest
from database_proxy import database_proxy
from django.core.management import call_command
from django.db import connection
from pgbouncer import POOL_SIZE, pgbouncer
from psycopg import sql
from rows import session_of
from streaming import Client, wire_frames

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


def test_a_role_can_change_rows_and_no_table(roles: dict[str, str]) -> None:
    for kind in set(KINDS) - {MIGRATE}:
        with (
            psycopg.connect(as_role(roles[kind], database_url())) as plain,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            plain.execute("ALTER TABLE detection_session ADD COLUMN more integer")


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
