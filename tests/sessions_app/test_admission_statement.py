"""A create costs a statement, on indexes, whatever the tables held when they were prepared."""

import re
import tempfile
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from plans import (
    FEW_PAGES,
    KEYED,
    LIVE,
    MANY,
    add_sessions,
    copy_row,
    executed,
    explained,
    indexes_used,
    ordered,
    pages_read,
    prepared,
    rows_read,
    run,
)
from psycopg.pq import Trace

from kynaplatform import clock
from kynaplatform.api.operations import Principal
from kynaplatform.database.indexes import analyze_large_tables
from movespecs.models import MoveSpec
from projects import authentication
from projects.authentication import principal_read, token_id_of
from projects.models import Credential, Project
from sessions_app import admission
from sessions_app.admission import session_admit
from sessions_app.models import DetectionSession, Mode
from sessions_app.schemas import SessionCreate
from sessions_app.session_sweep import expire_sessions, suspended_sessions_cancel
from tests.conftest import Machine


@dataclass
class Wire:
    """What went to PostgreSQL: the messages, and the texts of simple queries."""

    messages: Counter[str] = field(default_factory=Counter)
    simple: list[str] = field(default_factory=list)

    @property
    def executed(self) -> int:
        return self.messages["Execute"] + self.messages["Query"]


@contextmanager
def traced() -> Iterator[Wire]:
    """libpq's own record of the connection, so nothing that is sent can hide."""
    wire = Wire()
    libpq = connection.connection.pgconn
    with tempfile.TemporaryFile("w+") as file:
        libpq.trace(file.fileno())
        libpq.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)
        try:
            yield wire
        finally:
            libpq.untrace()
        file.seek(0)
        for line in file:
            sent = re.match(r'F\t\d+\t(\w+)(?:\t "(.*)")?', line)
            if sent:
                wire.messages[sent[1]] += 1
                if sent[1] == "Query":
                    wire.simple.append(sent[2])


@pytest.fixture
def warm(owner: Machine, movespec: MoveSpec) -> None:
    """Signing keys are read, `last_used_at` is written, statements are prepared."""
    for _ in range(4):
        assert owner.create_session(movespec, idempotency_key="warm").status_code == 201
        assert owner.create_session(movespec).status_code == 201
        assert pinned(owner, movespec).status_code == 201


def plain(owner: Machine, movespec: MoveSpec) -> Any:
    return owner.create_session(movespec)


def idempotent(owner: Machine, movespec: MoveSpec) -> Any:
    return owner.create_session(movespec, idempotency_key=uuid.uuid4().hex)


def replayed(owner: Machine, movespec: MoveSpec) -> Any:
    response = owner.create_session(movespec, idempotency_key="warm")
    assert response.headers["Idempotent-Replayed"] == "true"
    return response


def pinned(owner: Machine, movespec: MoveSpec) -> Any:
    version = str(movespec.current_released_version_id)
    return owner.create_session(movespec, movespec_version_id=version)


CREATES = pytest.mark.parametrize("create", [plain, idempotent, replayed, pinned])


@CREATES
@pytest.mark.django_db(transaction=True)
def test_postgresql_is_sent_one_prepared_statement_and_nothing_else(
    create: Callable[..., Any], warm: None, owner: Machine, movespec: MoveSpec
) -> None:
    with traced() as wire:
        assert create(owner, movespec).status_code == 201
    assert wire.messages == {"Bind": 1, "Describe": 1, "Execute": 1, "Sync": 1}


@pytest.mark.django_db(transaction=True)
def test_the_statement_that_reads_a_caller_tells_the_databases_time(
    warm: None, owner: Machine, movespec: MoveSpec
) -> None:
    for _ in range(3):
        principal_of(owner)
    authentication._cached.clear()
    minute = clock.MEASURED_WITHIN_SECONDS
    clock._last = old = replace(
        clock._last,
        at=clock._last.at - minute,
        database_time=clock._last.database_time - timedelta(seconds=minute),
    )
    with traced() as wire:
        assert plain(owner, movespec).status_code == 201
    assert wire.messages == {"Bind": 2, "Describe": 2, "Execute": 2, "Sync": 2}
    assert clock._last.at > old.at + minute


@pytest.mark.django_db
def test_one_statement_more_writes_last_used_at_and_not_twice_within_a_minute(
    warm: None, owner: Machine, movespec: MoveSpec
) -> None:
    minute_ago = timezone.now() - timedelta(seconds=61)
    Credential.objects.filter(id=owner.credential.id).update(last_used_at=minute_ago)
    authentication._cached.clear()
    with CaptureQueriesContext(connection) as queries:
        plain(owner, movespec)
    assert [query["sql"].split()[0] for query in queries] == ["SELECT", "UPDATE", "WITH"]
    owner.credential.refresh_from_db()
    used_at = owner.credential.last_used_at
    assert used_at is not None
    assert used_at > minute_ago
    with CaptureQueriesContext(connection) as queries:
        plain(owner, movespec)
    assert len(queries) == 1
    owner.credential.refresh_from_db()
    assert owner.credential.last_used_at == used_at


# --- Plans -------------------------------------------------------------------------------


def admit(owner: Machine, movespec: MoveSpec, key: str | None, pin: bool = False) -> Any:
    return session_admit(
        create=SessionCreate(
            project_id=owner.project.id,
            mode=Mode.LIVE,
            movespec_id=None if pin else movespec.id,
            movespec_version_id=movespec.current_released_version_id if pin else None,
        ),
        idempotency_key=key,
        now=timezone.now(),
        principal=principal_of(owner),
    )


def principal_of(owner: Machine) -> Principal:
    now = timezone.now()
    return principal_read(token_id_of(owner.token, now), now)


def admission_plan(owner: Machine, movespec: MoveSpec, key: str) -> dict[str, Any]:
    """The plan of admission as psycopg prepared it here, run for an admitted request."""
    name, count = prepared("WITH earlier")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT statement FROM pg_prepared_statements WHERE name = %s",
            [name],
        )
        (statement,) = cursor.fetchone()
    now = timezone.now()
    principal = principal_of(owner)
    values = {
        "project_id": owner.project.id,
        "idempotency_key": key,
        "token_id": principal.token_id,
        "principal_state": principal.state,
        "movespec_id": movespec.id,
        "version_id": None,
        "version_number": None,
        "of_catalogue": False,
        "id": uuid.uuid4(),
        "mode": "live",
        "contract_major": 1,
        "created_at": now,
        "deadline_at": now,
        "created_by": owner.credential.id,
        "request_fingerprint": b"another",
        "signing_key_id": uuid.uuid4(),
        "runtime_token_expires_at": now,
        "stream_url": "",
        **dict.fromkeys(("parameters", "subject", "metadata", "locale", "target", "landmarker")),
    }
    assert f"${count}" in statement
    return executed(name, ordered(admission._STATEMENT.sql, values, count))


def fill_for_authentication(owner: Machine) -> None:
    """MANY rows in each table that authentication reads."""
    run(
        "INSERT INTO projects_organization (id, name, created_at) "  # noqa: S608
        f"SELECT gen_random_uuid(), 'O', now() FROM generate_series(1, {MANY})"
    )
    for table, own in (("project", owner.project.id), ("credential", owner.credential.id)):
        copy_row(f"projects_{table}", own)
    copy_row("projects_accesstoken", owner.credential.access_tokens.first().id)


def fill_for_admission(owner: Machine, movespec: MoveSpec) -> None:
    """MANY rows in each table that admission reads."""
    fill_for_authentication(owner)
    version = movespec.current_released_version_id
    assert version is not None
    copy_row("movespecs_movespec", movespec.id)
    copy_row("movespecs_movespecversion", version, version_number="n + 1")
    add_sessions(owner, movespec, MANY, **KEYED)


AUTHENTICATION_INDEXES = {
    "token": "projects_accesstoken_pkey",
    "credential": "projects_credential_pkey",
    "project": "projects_project_pkey",
    "organization": "projects_organization_pkey",
}
ADMISSION_INDEXES = AUTHENTICATION_INDEXES | {
    "detection_session": "session_idempotency_key_unique",
    "named": "movespecs_movespec_pkey",
    "version": "movespecs_movespecversion_pkey",
    "numbered": "movespec_version_number_unique",
    "movespecs_release_to_version_id_dd7c55f4": "movespecs_release_to_version_id_dd7c55f4",
    "owner": "movespecs_movespec_pkey",
}


@pytest.mark.django_db(transaction=True)
def test_admission_prepared_on_empty_tables_reads_large_ones_by_their_indexes(
    fresh_connection: None, generic_plans: None, owner: Machine, movespec: MoveSpec
) -> None:
    run("VACUUM ANALYZE detection_session, movespecs_movespec, movespecs_movespecversion")
    # Three calls prepare it; a refusal writes nothing, so the table stays empty.
    unreleased = MoveSpec(id=uuid.uuid4(), current_released_version_id=None)
    for _ in range(4):
        with pytest.raises(Exception, match="no such movespec"):
            admit(owner, unreleased, "nothing")
    assert DetectionSession.objects.count() == 0
    fill_for_admission(owner, movespec)
    analyze_large_tables()
    for key in ("key-7", "a new key"):
        plan = admission_plan(owner, movespec, key)
        assert indexes_used(plan) == ADMISSION_INDEXES
        assert pages_read(plan) < FEW_PAGES


@pytest.mark.django_db(transaction=True)
def test_authentication_prepared_on_empty_tables_reads_large_ones_by_their_indexes(
    fresh_connection: None, generic_plans: None, owner: Machine
) -> None:
    run(
        "VACUUM ANALYZE projects_accesstoken, projects_credential, projects_project, "
        "projects_organization"
    )
    for _ in range(4):
        principal_of(owner)
    fill_for_authentication(owner)
    analyze_large_tables()
    name, _ = prepared("SELECT token.scopes")
    plan = executed(name, [owner.credential.access_tokens.first().id])
    assert indexes_used(plan) == AUTHENTICATION_INDEXES
    assert pages_read(plan) < FEW_PAGES


def plans_of(work: Callable[[], Any], table: str = "detection_session") -> list[dict[str, Any]]:
    """The plan of each statement on `table` that `work` executes, run again after it."""
    with CaptureQueriesContext(connection) as queries:
        work()
    return [
        explained(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query['sql']}")
        for query in queries.captured_queries[:8]
        if f'"{table}"' in query["sql"]
    ]


@pytest.fixture
def large(owner: Machine, movespec: MoveSpec, unchecked: None) -> datetime:
    """MANY ended and MANY live sessions, none of them overdue."""
    add_sessions(owner, movespec, MANY, **KEYED)
    add_sessions(owner, movespec, MANY, **LIVE)
    run("ANALYZE detection_session")
    return timezone.now()


@pytest.mark.django_db
def test_an_idle_sweep_reads_a_few_pages_of_its_index(large: datetime) -> None:
    plans = plans_of(lambda: expire_sessions(now=large))
    # Those to settle, those that are left, and those to finish.
    indexes = ["session_deadline", "session_unreadable", "session_deadline"]
    assert [indexes_used(plan) for plan in plans] == [{"detection_session": one} for one in indexes]
    for plan in plans:
        assert pages_read(plan) < FEW_PAGES


@pytest.mark.django_db
def test_a_sweep_reads_its_batch_and_no_more(
    large: datetime, owner: Machine, movespec: MoveSpec
) -> None:
    overdue = LIVE | {"deadline_at": "now() - n * interval '1 second'"}
    add_sessions(owner, movespec, 5_000, **overdue)
    run("ANALYZE detection_session")
    select, update, *_ = plans_of(lambda: expire_sessions(now=large, slice_size=100))
    assert indexes_used(select) == {"detection_session": "session_deadline"}
    assert rows_read(select) <= 100
    assert "detection_session_pkey" in indexes_used(update).values()
    assert rows_read(update) <= 100


@pytest.mark.django_db(transaction=True)
def test_a_sweep_of_a_suspended_project_does_not_read_its_ended_sessions(
    owner: Machine, movespec: MoveSpec
) -> None:
    add_sessions(owner, movespec, MANY)
    # Rows that earlier tests have rolled back would be read past.
    run("VACUUM ANALYZE detection_session, projects_project, projects_organization")
    now = timezone.now()
    Project.objects.filter(id=owner.project.id).update(suspended_at=now)
    plans = plans_of(lambda: suspended_sessions_cancel(now=now))
    assert [pages_read(plan) < FEW_PAGES for plan in plans] == [True] * len(plans)
    assert plans
