"""Migrations beside the traffic: one that was interrupted is run again; what old rows lose."""

from collections.abc import Iterator
from importlib import import_module

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import JSONField, Value
from lifecycle_scene import Scene

from movespecs.models import MoveSpec
from sessions_app.models import DetectionSession
from tests.conftest import Machine

MIGRATION = import_module("sessions_app.migrations.0003_staff_lists").Migration
FORGETTING = import_module("sessions_app.migrations.0006_forget_engine_states")
NARROWER = "session_live_of_project"


def indexes() -> dict[str, tuple[str, bool]]:
    """Index of the sessions' table → its definition, and whether it is whole."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_get_indexdef(indexrelid), indisvalid FROM pg_index "
            "JOIN pg_class ON pg_class.oid = indexrelid "
            "WHERE indrelid = 'detection_session'::regclass"
        )
        return {name: (definition, is_whole) for name, definition, is_whole in cursor.fetchall()}


@pytest.fixture
def wanted(transactional_db: None) -> Iterator[dict[str, tuple[str, bool]]]:
    """The indexes as they should be; the migration is undone until the test migrates."""
    made = indexes()
    call_command("migrate", "sessions_app", "0002", verbosity=0)
    assert set(indexes()) - set(made) == {NARROWER}
    yield made
    call_command("migrate", verbosity=0)


def run_until(stop: int) -> None:
    """The first `stop` operations, of which nothing is noted."""
    state = MigrationExecutor(connection).loader.project_state(
        [("sessions_app", "0002_staff_permissions")]
    )
    migration = MIGRATION("0003_staff_lists", "sessions_app")
    migration.operations = migration.operations[:stop]
    with connection.schema_editor(atomic=False) as editor:
        migration.apply(state, editor)


@pytest.mark.parametrize("done", range(len(MIGRATION.operations) + 1))
def test_an_interruption_after_any_operation_is_repaired_by_another_run(
    wanted: dict[str, tuple[str, bool]], done: int
) -> None:
    run_until(done)
    call_command("migrate", "sessions_app", verbosity=0)
    assert indexes() == wanted


@pytest.mark.parametrize("number", [0, 2, 3, 4])
def test_an_index_that_was_left_invalid_is_made_anew(
    owner: Machine, movespec: MoveSpec, wanted: dict[str, tuple[str, bool]], number: int
) -> None:
    for _ in range(2):
        owner.create_session(movespec)
    run_until(number)
    name = MIGRATION.operations[number].index.name
    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        # Stops in the middle, as an interruption does.
        cursor.execute(f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON detection_session (mode)")
    assert indexes()[name][1] is False

    call_command("migrate", "sessions_app", verbosity=0)

    assert indexes() == wanted


def test_sessions_that_have_ended_lose_their_engine_state(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FORGETTING, "BATCH", 3)
    sessions = [scene.streaming()[0] for _ in range(8)]
    states = DetectionSession.objects.filter(id__in=sessions)
    for session_id in sessions[:5]:
        scene.cancel(session_id, 1)
    # As the code before wrote them; to the database a JSON null is a state too.
    states.update(engine_state={"engine": {}})
    states.filter(id=sessions[0]).update(engine_state=Value(None, JSONField()))
    before = list(states.order_by("id").values("id", "status", "ended_at"))

    with connection.schema_editor(atomic=False) as editor:
        FORGETTING.forget_engine_states(apps, editor)

    kept = states.filter(engine_state__isnull=False)
    assert set(kept.values_list("id", flat=True)) == set(sessions[5:])
    assert list(states.order_by("id").values("id", "status", "ended_at")) == before
