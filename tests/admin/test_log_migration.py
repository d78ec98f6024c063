"""The indexes of the log are made beside the traffic, and an interrupted run is repaired."""

from collections.abc import Iterator

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.core.management import call_command

from tests.index_migration import IndexMigration

MIGRATION = IndexMigration(
    app="staff", before="zero", name="0001_log_indexes", table="django_admin_log"
)
MADE = {"log_newest", "log_object"}


@pytest.fixture
def wanted(transactional_db: None) -> Iterator[dict[str, tuple[str, bool]]]:
    """The indexes as they should be; the migration is undone until the test migrates."""
    made = MIGRATION.indexes()
    MIGRATION.undo()
    assert set(made) - set(MIGRATION.indexes()) == MADE
    yield made
    call_command("migrate", verbosity=0)


@pytest.mark.long
@pytest.mark.parametrize("done", range(len(MIGRATION.operations) + 1))
def test_an_interruption_after_any_operation_is_repaired_by_another_run(
    wanted: dict[str, tuple[str, bool]], done: int
) -> None:
    MIGRATION.run_until(done)
    MIGRATION.run()
    assert MIGRATION.indexes() == wanted
    assert all(is_whole for _, is_whole in wanted.values())


@pytest.mark.long
@pytest.mark.parametrize("number", [0, 1])
def test_an_index_that_was_left_invalid_is_made_anew(
    wanted: dict[str, tuple[str, bool]], number: int
) -> None:
    user = User.objects.create_user("sam")
    for _ in range(2):
        LogEntry.objects.create(user=user, object_repr="x", action_flag=CHANGE)
    name = MIGRATION.leave_invalid(number, "object_repr")
    assert MIGRATION.indexes()[name][1] is False

    MIGRATION.run()

    assert MIGRATION.indexes() == wanted
