"""A page of a long list that is read from many indexes at once, newest first.

However much is passed over, a page reads a bounded number of rows: a list that finds nothing costs
what one does that finds much.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet, UUIDField
from django.db.models.expressions import RawSQL

from kynaplatform.api.keyset import Place, Row, Way

# What the rows of a part of many owners compare with their owner's column.
OWNER = RawSQL("owner.id", (), UUIDField())
FIRST_ID, LAST_ID = UUID(int=0), UUID(int=2**128 - 1)


class Part(NamedTuple):
    """Rows that an index gives in the order of created_at, and which of them are listed.

    With `owners` they are those of the one that is OWNER, each of whose rows the index gives so.
    """

    rows: QuerySet[Any]
    owners: QuerySet[Any] | None = None
    listed: Q = Q()


def page(
    parts: Sequence[Part],
    others: Iterable[Row] = (),
    *,
    start: Place | None,
    size: int,
    most_passed_over: int,
    parts_of_a_row: int = 1,
) -> tuple[list[UUID], Place | None, Place | None]:
    """The ids of the `size` listed rows that come next after `start` in `parts` and in `others`.

    A row may be in as many as `parts_of_a_row` of the parts.

    With them, where the newer and the older neighbour start if there are any. Of each part at most
    `most_passed_over` rows are met in vain; there the page ends, since what was not met may belong
    before what the others have. So a page may be short, or empty, though a neighbour has more.
    """
    forward = start is None or start.towards == "older"
    ways: tuple[Way, Way] = ("older", "newer") if forward else ("newer", "older")
    towards, back = ways
    met = _met(parts, start, size, most_passed_over, parts_of_a_row)
    found = [(at, id_) for at, id_, is_listed, _ in met if is_listed]
    found += [row for row in others if start is None or start.is_before(row)]
    # All of the moment at which a part was left were met.
    left = next((at for at, _, _, is_last in met if is_last), None)
    end = Place(towards, left, FIRST_ID if forward else LAST_ID) if left else None
    # What is in two parts is here twice.
    reached = sorted({row for row in found if not (end and end.is_before(row))}, reverse=forward)
    shown = reached[:size]
    # Whoever comes to a neighbour can come back.
    behind = Place(back, *shown[0]) if start and shown else None
    beyond = Place(towards, *shown[-1]) if len(reached) > size else end
    if not forward:
        shown.reverse()
    ids = [id_ for _, id_ in shown]
    return (ids, behind, beyond) if forward else (ids, beyond, behind)


def _met(
    parts: Sequence[Part],
    start: Place | None,
    size: int,
    most_passed_over: int,
    parts_of_a_row: int,
) -> list[tuple[Any, ...]]:
    """The next rows of `parts`, which PostgreSQL merges: one that is listed more than `size`.

    Or fewer, and the last row that was to be met of a part. Each with whether it is listed, and
    whether it is such a last one. It is asked for ties, since no index has the id that orders rows
    of one moment.
    """
    if not parts:
        return []
    direction = "ASC" if start and start.towards == "newer" else "DESC"
    by_time = f"ORDER BY created_at {direction} FETCH FIRST"
    first = f"{by_time} {size + 1} ROWS WITH TIES"
    statements: list[str] = []
    parameters: list[Any] = []
    for part in parts:
        most_met = size + 1 + (most_passed_over if part.listed else 0)
        sql, values = _first(part, start, most_met, direction)
        statements.append(
            f"(SELECT created_at, id, is_listed, number >= {most_met} AS is_last FROM ("  # noqa: S608
            f"SELECT *, row_number() OVER (ORDER BY created_at {direction}) AS number "
            f"FROM ({sql}) AS met) AS numbered "
            f"WHERE is_listed OR number >= {most_met} {first})"
        )
        parameters += values
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT * FROM ({' UNION ALL '.join(statements)}) AS merged "  # noqa: S608
            f"{by_time} {parts_of_a_row * size + 1} ROWS WITH TIES",
            parameters,
        )
        return list(cursor.fetchall())


def _first(
    part: Part, start: Place | None, count: int, direction: str
) -> tuple[str, tuple[Any, ...]]:
    """A statement of the first `count` rows of a part after `start`, and of what ties with them.

    Of many owners: those whose own first rows are the first hold all that can be among them.
    """
    rows = part.rows.filter(start.rows_beyond) if start else part.rows
    is_listed = ExpressionWrapper(part.listed, BooleanField())
    following = rows.order_by("created_at" if direction == "ASC" else "-created_at")
    places = following.annotate(is_listed=is_listed).values_list("created_at", "id", "is_listed")
    sql, values = places.query.sql_with_params()
    first = f"FETCH FIRST {count} ROWS WITH TIES"
    if part.owners is None:
        return f"{sql} {first}", values
    ids, of_owners = part.owners.order_by().values_list("id").query.sql_with_params()
    by_time = f"ORDER BY created_at {direction} {first}"
    statement = (
        f"SELECT found.* FROM (SELECT owner.id FROM ({ids}) AS owner "  # noqa: S608
        f"CROSS JOIN LATERAL ({sql} FETCH FIRST ROW ONLY) AS head {by_time}) AS owner "
        f"CROSS JOIN LATERAL ({sql} {first}) AS found {by_time}"
    )
    return statement, (*of_owners, *values, *values)
