"""The code before a migration works on the tables after it: docs/upgrades.md goes back by that."""

from typing import Any

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader

pytestmark = pytest.mark.django_db

APPS = ("projects", "movespecs", "sessions_app", "webhooks")
MIGRATIONS = sorted(key for key in MigrationLoader(None).graph.nodes if key[0] in APPS)


def columns_of(table: str) -> dict[str, tuple[bool, bool]]:
    """Column → whether it may be null, and whether it is filled in by itself."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname, NOT attnotnull, atthasdef OR attidentity <> '' FROM pg_attribute "
            "WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped",
            [table],
        )
        return {name: (null, filled) for name, null, filled in cursor.fetchall()}


def types_of(model: Any) -> dict[str, str]:
    return {each.column: each.db_type(connection) for each in model._meta.local_concrete_fields}


def constraints_of(model: Any) -> set[str]:
    return {constraint.name for constraint in model._meta.constraints}


@pytest.mark.parametrize("key", MIGRATIONS, ids=".".join)
def test_it_takes_nothing_away_and_asks_for_nothing(key: tuple[str, str]) -> None:
    """Of a row that the code before it writes and reads, by the tables as they are now."""
    loader = MigrationLoader(connection)
    before = loader.project_state(key, at_end=False).apps
    after = loader.project_state(loader.graph.leaf_nodes()).apps
    for model in before.get_models():
        if model._meta.app_label not in APPS or model._meta.proxy:
            continue
        columns = columns_of(model._meta.db_table)
        now = after.get_model(model._meta.label)
        before_types, now_types = types_of(model), types_of(now)
        assert {name: now_types.get(name) for name in before_types} == before_types
        for field in model._meta.local_concrete_fields:
            may_be_null, _ = columns[field.column]
            assert may_be_null or not field.null, f"{field.column} may not be empty any more"
        for name in columns.keys() - before_types:
            assert any(columns[name]), f"{name} has to be filled in"
        assert constraints_of(now) <= constraints_of(model), "rows may be refused"
