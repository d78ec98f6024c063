"""A migration that makes indexes beside the traffic, stopped wherever a test likes."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor


@dataclass(frozen=True, kw_only=True)
class IndexMigration:
    """One of `app` on `table`, by its name and that of the migration before it, or zero."""

    app: str
    before: str
    name: str
    table: str

    @property
    def operations(self) -> list[Any]:
        return list(self._class().operations)

    def indexes(self) -> dict[str, tuple[str, bool]]:
        """Index of the table → its definition, and whether it is whole."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT relname, pg_get_indexdef(indexrelid), indisvalid FROM pg_index "
                "JOIN pg_class ON pg_class.oid = indexrelid WHERE indrelid = %s::regclass",
                [self.table],
            )
            return {name: (definition, whole) for name, definition, whole in cursor.fetchall()}

    def undo(self) -> None:
        call_command("migrate", self.app, self.before, verbosity=0)

    def run(self) -> None:
        call_command("migrate", self.app, verbosity=0)

    def run_until(self, stop: int) -> None:
        """The first `stop` operations, of which nothing is noted."""
        loader = MigrationExecutor(connection).loader
        state = loader.project_state((self.app, self.name), at_end=False)
        migration = self._class()(self.name, self.app)
        migration.operations = migration.operations[:stop]
        with connection.schema_editor(atomic=False) as editor:
            migration.apply(state, editor)

    def leave_invalid(self, number: int, column: str) -> str:
        """Stop in the middle of that operation, as an interruption does; the index's name.

        The table is to have rows that are alike in `column`.
        """
        self.run_until(number)
        name: str = self.operations[number].index.name
        statement = f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON {self.table} ({column})"
        with connection.cursor() as cursor:
            try:
                cursor.execute(statement)
            except DatabaseError:
                return name
            cursor.execute(f"DROP INDEX {name}")
        raise AssertionError(f"{statement} was not stopped")

    def _class(self) -> Any:
        return import_module(f"{self.app}.migrations.{self.name}").Migration
