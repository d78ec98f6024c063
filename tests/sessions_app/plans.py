"""What PostgreSQL plans and reads for a statement."""

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

from django.db import connection
from psycopg import sql

from movespecs.models import MoveSpec
from tests.conftest import Machine

MANY = 20_000
# A few pages of an index and of its table; a scan of MANY rows reads hundreds.
FEW_PAGES = 60


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def analyze_sessions() -> None:
    """The statistics of sessions, and of all that they are listed with.

    A rollback takes back rows, and not how many of them ANALYZE has counted. So what a test does
    not analyze itself is planned by what others had.
    """
    run(
        "ANALYZE detection_session, movespecs_movespec, movespecs_movespecversion, "
        "projects_project, projects_organization"
    )


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def explained(explain: str, parameters: Any = None) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(explain, parameters)
        (found,) = cursor.fetchone()
    plans = json.loads(found) if isinstance(found, str) else found
    plan: dict[str, Any] = plans[0]["Plan"]
    return plan


def pages_read(plan: dict[str, Any]) -> int:
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])


def rows_read(plan: dict[str, Any]) -> float:
    """Rows of tables that the scans met, kept or not."""
    return sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in nodes(plan)
        if node["Node Type"] in ("Index Scan", "Bitmap Heap Scan", "CTE Scan")
    )


def indexes_used(plan: dict[str, Any]) -> dict[str, str]:
    """Alias or table → the index that it is read by; fails where a table is read whole."""
    used = {}
    for node in nodes(plan):
        assert node["Node Type"] != "Seq Scan", node
        if node["Node Type"] in ("Index Scan", "Index Only Scan"):
            used[node["Alias"]] = node["Index Name"]
        if node["Node Type"] == "Bitmap Index Scan":
            used[node["Index Name"]] = node["Index Name"]
    return used


def prepared(beginning: str) -> tuple[str, int]:
    """The name and the number of parameters of what psycopg prepared on this connection."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, cardinality(parameter_types) FROM pg_prepared_statements "
            "WHERE ltrim(statement, E'\\n') LIKE %s",
            [f"{beginning}%"],
        )
        ((name, parameters),) = cursor.fetchall()
    return name, parameters


def ordered(statement: str, values: dict[str, Any], count: int) -> list[Any]:
    """The parameters of `statement` as psycopg numbers them: as they first appear."""
    order = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", statement)))
    assert len(order) == count
    return [values[parameter] for parameter in order]


def executed(name: str, values: list[Any]) -> dict[str, Any]:
    """The plan of a prepared statement, run with `values`."""
    literals = sql.SQL(", ").join(map(sql.Literal, values))
    return explained(
        sql.SQL("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE {} ({})")
        .format(sql.Identifier(name), literals)
        .as_string(connection.connection)
    )


def copy_row(table: str, id_: uuid.UUID, rows: int = MANY, **others: str) -> None:
    """So many rows more that are as this one but for their ids; `others` are SQL."""
    # That of no column makes a call of each row.
    changed = {"n": "n", "id": "gen_random_uuid()", **others}
    values = ", ".join(f"'{name}', {value}" for name, value in changed.items())
    run(
        f"INSERT INTO {table} SELECT copied.* FROM {table} AS one, "  # noqa: S608
        f"generate_series(1, {rows}) AS n, "
        f"jsonb_populate_record(one, jsonb_build_object({values})) AS copied "
        f"WHERE one.id = '{id_}'"
    )


def add_sessions(owner: Machine, movespec: MoveSpec, count: int, **columns: str) -> None:
    """`count` sessions of `owner`, one a second back from now; `columns` are SQL over `n`."""
    values = {
        "id": "gen_random_uuid()",
        "project_id": f"'{owner.project.id}'::uuid",
        "resolved_version_id": f"'{movespec.current_released_version_id}'::uuid",
        "mode": "'live'",
        "contract_major": "1",
        "status": "'cancelled'",
        "terminal_outcome": "'cancelled'",
        "ended_at": "now()",
        "accepted_frames_total": "0",
        "created_at": "now() - n * interval '1 second'",
        "deadline_at": "NULL",
        "checkpoint_number": "0",
        "idempotency_key": "NULL",
        "request_fingerprint": "NULL",
        "signing_key_id": "gen_random_uuid()",
        "runtime_token_expires_at": "now()",
        "stream_url": "'ws://127.0.0.1/' || n",
        **columns,
    }
    run(
        f"INSERT INTO detection_session ({', '.join(values)}) "  # noqa: S608
        f"SELECT {', '.join(values.values())} FROM generate_series(1, {count}) n"
    )


LIVE = {
    "status": "'created'",
    "terminal_outcome": "NULL",
    "ended_at": "NULL",
    "deadline_at": "now() + interval '1 hour'",
}
KEYED = {"idempotency_key": "'key-' || n", "request_fingerprint": "sha256('')"}
