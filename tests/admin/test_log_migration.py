"""The indexes of the log are made beside the traffic, and an interrupted run is repaired."""

from collections.abc import Iterator

import pytest
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
