"""Migrations beside the traffic: one that was interrupted is run again; what old rows lose."""

from collections.abc import Iterator
from importlib import import_module

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.models import JSONField, Value
from lifecycle_scene import Scene

from movespecs.models import MoveSpec
from sessions_app.models import DetectionSession
from tests.conftest import Machine
from tests.index_migration import IndexMigration
from tests.long_runs import at_length

MIGRATION = IndexMigration(
    app="sessions_app",
    before="0002_staff_permissions",
    name="0003_staff_lists",
    table="detection_session",
)
FORGETTING = import_module("sessions_app.migrations.0006_forget_engine_states")
NARROWER = "session_live_of_project"


@pytest.fixture
def alike(transactional_db: None, owner: Machine, movespec: MoveSpec) -> None:
    """Two sessions, made before `wanted`: on the tables of then nothing of now makes one."""
    for _ in range(2):
        assert owner.create_session(movespec).status_code == 201


@pytest.fixture
def wanted(transactional_db: None) -> Iterator[dict[str, tuple[str, bool]]]:
    """The indexes as they should be; the migration is undone until the test migrates."""
    made = MIGRATION.indexes()
    MIGRATION.undo()
    assert set(MIGRATION.indexes()) - set(made) == {NARROWER}
    yield made
    call_command("migrate", verbosity=0)


@at_length("done", 2, *({*range(len(MIGRATION.operations) + 1)} - {2}))
def test_an_interruption_after_any_operation_is_repaired_by_another_run(
    wanted: dict[str, tuple[str, bool]], done: int
) -> None:
    MIGRATION.run_until(done)
    MIGRATION.run()
    assert MIGRATION.indexes() == wanted


@pytest.mark.long
@at_length("number", 4, 0, 2, 3)
def test_an_index_that_was_left_invalid_is_made_anew(
    alike: None, wanted: dict[str, tuple[str, bool]], number: int
) -> None:
    name = MIGRATION.leave_invalid(number, "mode")
    assert MIGRATION.indexes()[name][1] is False

    MIGRATION.run()

    assert MIGRATION.indexes() == wanted


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
