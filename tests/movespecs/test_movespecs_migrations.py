"""The indexes of the lists are made beside the traffic, and an interrupted run is repaired."""

from collections.abc import Iterator

import pytest
from django.core.management import call_command

from movespecs.models import MoveSpec
from tests.conftest import Machine
from tests.index_migration import IndexMigration
from tests.long_runs import at_length

MIGRATION = IndexMigration(
    app="movespecs",
    before="0004_withdrawal_immutable",
    name="0005_lists",
    table="movespecs_movespec",
)
BEFORE = "movespec_public"
MADE = {"movespec_listed", "movespec_listed_of_project", "movespec_unlisted_of_project"}
LATER = "movespec_in_use_first"


@pytest.fixture
def wanted(transactional_db: None) -> Iterator[dict[str, tuple[str, bool]]]:
    """The indexes as they should be; the migration is undone until the test migrates."""
    made = MIGRATION.indexes()
    MIGRATION.undo()
    assert set(MIGRATION.indexes()) ^ set(made) == {BEFORE, LATER, *MADE}
    yield made
    call_command("migrate", verbosity=0)


@pytest.mark.long
@at_length("done", 2, *({*range(len(MIGRATION.operations) + 1)} - {2}))
def test_an_interruption_after_any_operation_is_repaired_by_another_run(
    wanted: dict[str, tuple[str, bool]], done: int
) -> None:
    MIGRATION.run_until(done)
    MIGRATION.run()
    assert MIGRATION.indexes() == wanted
    assert all(is_whole for _, is_whole in wanted.values())


@at_length("number", 3, 0, 2)
def test_an_index_that_was_left_invalid_is_made_anew(
    owner: Machine, wanted: dict[str, tuple[str, bool]], number: int
) -> None:
    for _ in range(2):
        MoveSpec.objects.create(project=owner.project, name="x")
    name = MIGRATION.leave_invalid(number, "name")
    assert MIGRATION.indexes()[name][1] is False

    MIGRATION.run()

    assert MIGRATION.indexes() == wanted
