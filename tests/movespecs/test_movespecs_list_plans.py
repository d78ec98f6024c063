"""GET /api/movespecs reads a bounded number of pages, whatever there is and whoever asks."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from psycopg import sql

from common.keyset import encode_cursor
from movespecs.models import MoveSpec
from tests.api.api_requests import ask
from tests.conftest import MOVESPECS, Machine
from tests.sessions_app.plans import (
    copy_row,
    executed,
    explained,
    indexes_used,
    nodes,
    pages_read,
    run,
)

MANY = 30_000
LIMIT = 20
# Of each of two parts 21 rows, their project and what leads to them: MANY rows have thousands.
FEW_PAGES = 200

# Of a page behind a row that is newer than all.
LATER = encode_cursor(datetime(2300, 1, 1, tzinfo=UTC), uuid.UUID(int=0))

LISTED = "movespec_listed"
LISTED_OF_PROJECT = "movespec_listed_of_project"
UNLISTED_OF_PROJECT = "movespec_unlisted_of_project"
# Query, whether with a bearer → the indexes that it is read by.
ASKED = {
    ("", True): {LISTED, UNLISTED_OF_PROJECT},
    ("", False): {LISTED},
    ("visibility=public", True): {LISTED},
    ("visibility=private", True): {UNLISTED_OF_PROJECT},
    ("project_id={own}", True): {LISTED_OF_PROJECT, UNLISTED_OF_PROJECT},
    ("project_id={own}&visibility=private", True): {UNLISTED_OF_PROJECT},
    ("project_id={own}&visibility=public", True): {LISTED_OF_PROJECT},
    ("project_id={other}", True): {LISTED_OF_PROJECT},
    ("project_id={other}", False): {LISTED_OF_PROJECT},
    ("project_id={nobodys}", True): {LISTED_OF_PROJECT},
}
# Rows of each kind, in SQL over `n`: whose, and what they are.
KINDS = {
    "listed, of another": ("{other}", "'public', NULL, NULL"),
    "archived, of another": ("{other}", "'public', now(), NULL"),
    "delisted, of another": ("{other}", "'public', NULL, now()"),
    "private, of another": ("{other}", "'private', NULL, NULL"),
    "listed, one's own": ("{own}", "'public', NULL, NULL"),
    "archived, one's own": ("{own}", "'private', now(), NULL"),
    "delisted, one's own": ("{own}", "'public', NULL, now()"),
    "private, one's own": ("{own}", "'private', NULL, NULL"),
}


def add(kind: str, projects: dict[str, Any], count: int) -> None:
    """`count` MoveSpecs, newer than all that tests make by hand, so that they come first."""
    project, state = KINDS[kind]
    run(
        "INSERT INTO movespecs_movespec (id, project_id, name, description, created_at, "  # noqa: S608
        "updated_at, visibility, archived_at, delisted_at) "
        f"SELECT gen_random_uuid(), '{project.format(**projects)}', 'Squat', repeat('x', 100), "
        f"'2200-01-01'::timestamptz + n * interval '1 second', now(), {state} "
        f"FROM generate_series(1, {count}) n"
    )


@pytest.fixture
def projects(owner: Machine, outsider: Machine) -> dict[str, Any]:
    copy_row("projects_project", owner.project.id)
    run("ANALYZE projects_project")
    return {"own": owner.project.id, "other": outsider.project.id, "nobodys": uuid.uuid4()}


@contextmanager
def listing_statements() -> Iterator[list[tuple[str, Any]]]:
    """What is sent of MoveSpecs meanwhile, with its parameters."""
    sent: list[tuple[str, Any]] = []

    def note(execute: Any, statement: str, parameters: Any, many: bool, context: Any) -> Any:
        if 'FROM "movespecs_movespec"' in statement:
            sent.append((statement, parameters))
        return execute(statement, parameters, many, context)

    with connection.execute_wrapper(note):
        yield sent


def get(owner: Machine, with_bearer: bool, query: str) -> Any:
    path = f"{MOVESPECS}?limit={LIMIT}&{query}"
    response = owner.get(path) if with_bearer else ask("GET", path)
    assert response.status_code == 200
    return response


def named(statement: str) -> str:
    """The name under which this connection has prepared the statement."""
    numbered = statement
    number = 0
    while "%s" in numbered:
        number += 1
        numbered = numbered.replace("%s", f"${number}", 1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_prepared_statements WHERE statement = %s", [numbered])
        ((name,),) = cursor.fetchall()
    return str(name)


@pytest.fixture
def generic_plans() -> Iterator[None]:
    """Plans are made once, without looking at the values, on a connection that has none yet."""
    connection.close()
    run("SET plan_cache_mode = force_generic_plan")
    yield
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_each_list_keeps_to_its_indexes_with_a_plan_made_on_empty_tables(
    generic_plans: None, owner: Machine, projects: dict[str, Any]
) -> None:
    # Versions are read by their key, unless a vacuum has found their table empty.
    run("TRUNCATE movespecs_movespecversion CASCADE")
    # Rows that earlier tests have rolled back would be read past.
    run("VACUUM ANALYZE movespecs_movespec")
    asked = {
        (query.format(**projects) + start, with_bearer): indexes
        for (query, with_bearer), indexes in ASKED.items()
        for start in ("", f"&cursor={LATER}")
    }
    prepared: dict[tuple[str, bool], list[str]] = {}
    for query, with_bearer in asked:
        for _ in range(4):
            with listing_statements() as sent:
                get(owner, with_bearer, query)
        prepared[query, with_bearer] = [named(statement) for statement, _ in sent]
    for kind in KINDS:
        add(kind, projects, 2_000)
    run("ANALYZE movespecs_movespec")

    for (query, with_bearer), indexes in asked.items():
        with listing_statements() as sent:
            rows = get(owner, with_bearer, query).json()
        assert len(rows) == (0 if str(projects["nobodys"]) in query else LIMIT)
        names = [named(statement) for statement, _ in sent]
        assert names == prepared[query, with_bearer]
        assert len(names) == 2  # how long the rows are, and the rows
        for name, (statement, parameters) in zip(names, sent, strict=True):
            plan = executed(name, parameters) if parameters else explained_with(statement, ())
            used = {index for index in indexes_used(plan).values() if index.startswith("movespec_")}
            assert used == indexes, (query, with_bearer)
            assert pages_read(plan) <= FEW_PAGES, (query, with_bearer)
            for node in nodes(plan):
                assert node.get("Rows Removed by Filter", 0) == 0, (query, with_bearer, node)


def explained_with(statement: str, parameters: Any) -> dict[str, Any]:
    literals = [sql.Literal(one).as_string(connection.connection) for one in parameters]
    return explained("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement % tuple(literals))


@pytest.mark.django_db
@pytest.mark.parametrize("limit", [1, 7, 500])
def test_the_parts_are_merged_newest_first_and_each_row_comes_once(
    owner: Machine, projects: dict[str, Any], limit: int
) -> None:
    """Also where rows of both parts are of one moment."""
    for kind in KINDS:
        add(kind, projects, 9)
    found, path = [], f"{MOVESPECS}?limit={limit}"
    while path:
        response = owner.get(path)
        found += [row["movespec_id"] for row in response.json()]
        path = response.headers.get("Link", "")[1:].partition(">")[0]
    expected = (
        MoveSpec.objects.visible_to(owner.project.id)
        .filter(archived_at__isnull=True)
        .order_by("-created_at", "-id")
    )
    assert found == [str(one.id) for one in expected]
    assert len(found) == len(set(found)) == 4 * 9
