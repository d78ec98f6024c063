"""The indexes of the lists are made beside the traffic, and an interrupted run is repaired."""

from collections.abc import Iterator
from importlib import import_module

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from movespecs.models import MoveSpec
from tests.conftest import Machine

MIGRATION = import_module("movespecs.migrations.0005_lists").Migration
BEFORE = "movespec_public"
MADE = {"movespec_listed", "movespec_listed_of_project", "movespec_unlisted_of_project"}


def indexes() -> dict[str, tuple[str, bool]]:
    """Index of the MoveSpecs' table → its definition, and whether it is whole."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_get_indexdef(indexrelid), indisvalid FROM pg_index "
            "JOIN pg_class ON pg_class.oid = indexrelid "
            "WHERE indrelid = 'movespecs_movespec'::regclass"
        )
        return {name: (definition, is_whole) for name, definition, is_whole in cursor.fetchall()}


@pytest.fixture
def wanted(transactional_db: None) -> Iterator[dict[str, tuple[str, bool]]]:
    """The indexes as they should be; the migration is undone until the test migrates."""
    made = indexes()
    call_command("migrate", "movespecs", "0004", verbosity=0)
    assert set(indexes()) ^ set(made) == {BEFORE, *MADE}
    yield made
    call_command("migrate", verbosity=0)


def run_until(stop: int) -> None:
    """The first `stop` operations, of which nothing is noted."""
    state = MigrationExecutor(connection).loader.project_state(
        [("movespecs", "0004_withdrawal_immutable")]
    )
    migration = MIGRATION("0005_lists", "movespecs")
    migration.operations = migration.operations[:stop]
    with connection.schema_editor(atomic=False) as editor:
        migration.apply(state, editor)


@pytest.mark.parametrize("done", range(len(MIGRATION.operations) + 1))
def test_an_interruption_after_any_operation_is_repaired_by_another_run(
    wanted: dict[str, tuple[str, bool]], done: int
) -> None:
    run_until(done)
    call_command("migrate", "movespecs", verbosity=0)
    assert indexes() == wanted
    assert all(is_whole for _, is_whole in wanted.values())


@pytest.mark.parametrize("number", [0, 2, 3])
def test_an_index_that_was_left_invalid_is_made_anew(
    owner: Machine, wanted: dict[str, tuple[str, bool]], number: int
) -> None:
    for _ in range(2):
        MoveSpec.objects.create(project=owner.project, name="x")
    run_until(number)
    name = MIGRATION.operations[number].index.name
    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        # Stops in the middle, as an interruption does.
        cursor.execute(f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON movespecs_movespec (name)")
    assert indexes()[name][1] is False

    call_command("migrate", "movespecs", verbosity=0)

    assert indexes() == wanted


@pytest.mark.django_db(transaction=True)
def test_the_limits_of_a_project_come_and_go_and_the_code_before_inserts_without_them(
    owner: Machine,
) -> None:
    insert = (
        "INSERT INTO projects_project (id, organization_id, name, created_at) "
        "SELECT gen_random_uuid(), organization_id, 'Made before', now() FROM projects_project "
        "RETURNING id"
    )
    call_command("migrate", "projects", "0002", verbosity=0)
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(insert)
        ((made,),) = cursor.fetchall()
        cursor.execute(
            "SELECT movespec_limit, version_limit FROM projects_project WHERE id = %s", [made]
        )
        assert cursor.fetchall() == [(None, None)]
