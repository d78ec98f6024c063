"""Long lists a page at a time, newest first: a page starts where its neighbour ends.

Nothing is counted and nothing passed over without bound, so the last page costs what the first
one does, and a list that finds nothing what one does that finds much.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet, UUIDField
from django.db.models.expressions import Combinable, RawSQL

from kynaplatform.api.pagination import Row, cursor_at, newer_than, older_than, row_at

# What the rows of `OfOwners` compare with their owner's column.
OWNER = RawSQL("owner.id", (), UUIDField())
FIRST_ID, LAST_ID = UUID(int=0), UUID(int=2**128 - 1)


class Place(NamedTuple):
    """A row's place in its list, and the way to go from there."""

    towards: Literal["newer", "older"]
    created_at: datetime
    id: UUID

    def __str__(self) -> str:
        return f"{self.towards},{cursor_at(self.created_at, self.id)}"

    def is_before(self, row: Row) -> bool:
        """Whether going from here leads to that row."""
        here = (self.created_at, self.id)
        return row < here if self.towards == "older" else row > here


class Page(NamedTuple):
    """The ids of a page's rows, and where its neighbours start if there are any.

    It may have fewer rows than were asked for, or none, though a neighbour has more.
    """

    ids: Sequence[UUID] = ()
    newer: Place | None = None
    older: Place | None = None


class OfOwners(NamedTuple):
    """Rows of many owners: `rows` has those of the one that is OWNER, and `owners` their ids.

    An index should give the rows of each owner in the order of created_at.
    """

    rows: QuerySet[Any]
    owners: QuerySet[Any]


Part = QuerySet[Any] | OfOwners


class Sought(NamedTuple):
    """Rows that an index gives in the order of created_at, and which of them are listed."""

    rows: Part
    listed: Q


def place(text: str) -> Place:
    """The place that `text` writes. Raises ValueError or OverflowError."""
    towards, cursor = text.split(",")
    match towards:
        case "newer" | "older":
            return Place(towards, *row_at(cursor))
    raise ValueError(towards)


def page(
    parts: Sequence[Part],
    sought: Sequence[Sought] = (),
    others: Iterable[Row] = (),
    *,
    start: Place | None,
    size: int,
    most_passed_over: int,
) -> Page:
    """The `size` rows that come next after `start` in all `parts`, in `sought` and in `others`.

    An index should give each part in the order of created_at. Of each of `sought` at most
    `most_passed_over` rows are met in vain; there the page ends, since what was not met may belong
    before what the others have.
    """
    forward = start is None or start.towards == "older"
    found, end = _seek(sought, start, size, most_passed_over)
    found += _merge(parts, start, size)
    found += [row for row in others if start is None or start.is_before(row)]
    # What was live when it was sought may be stored as ended by now, and so be here twice.
    reached = sorted({row for row in found if not (end and end.is_before(row))}, reverse=forward)
    shown = reached[:size]
    # Whoever comes to a neighbour can come back.
    behind = Place("newer" if forward else "older", *shown[0]) if start and shown else None
    beyond = Place("older" if forward else "newer", *shown[-1]) if len(reached) > size else end
    if not forward:
        shown.reverse()
    ids = [id_ for _, id_ in shown]
    return Page(ids, behind, beyond) if forward else Page(ids, beyond, behind)


def _merge(parts: Sequence[Part], start: Place | None, size: int) -> list[Row]:
    """The next rows of `parts`, which PostgreSQL merges, one more than `size`.

    It is asked for ties, since no index of theirs has the id that orders rows of one moment.
    """
    if not parts:
        return []
    direction = _direction(start)
    statements: list[str] = []
    parameters: list[Any] = []
    for part in parts:
        sql, values = _first(part, start, size + 1)
        statements.append(f"({sql})")
        parameters += values
    return _fetch(
        f"SELECT created_at, id FROM ({' UNION ALL '.join(statements)}) AS found "  # noqa: S608
        f"ORDER BY created_at {direction}, id {direction} LIMIT {size + 1}",
        parameters,
    )


def _seek(
    sought: Sequence[Sought], start: Place | None, size: int, most_passed_over: int
) -> tuple[list[Row], Place | None]:
    """The next rows of each of `sought` that are listed, and where the first of them gave up."""
    if not sought:
        return [], None
    direction, most_met = _direction(start), most_passed_over + size + 1
    statements: list[str] = []
    parameters: list[Any] = []
    for rows, listed in sought:
        is_listed = ExpressionWrapper(listed, BooleanField())
        sql, values = _first(rows, start, most_met, is_listed=is_listed)
        # Read until there are enough that are listed, or until the last that may be met.
        statements.append(
            f"(SELECT *, number >= {most_met} AS is_last FROM ("  # noqa: S608
            f"SELECT *, row_number() OVER (ORDER BY created_at {direction}) AS number "
            f"FROM ({sql}) AS met) AS numbered "
            f"WHERE is_listed OR number >= {most_met} "
            f"ORDER BY created_at {direction} FETCH FIRST {size + 1} ROWS WITH TIES)"
        )
        parameters += values
    met_rows = _fetch(
        f"SELECT created_at, id, is_listed, is_last FROM ({' UNION ALL '.join(statements)}) AS one",  # noqa: S608
        parameters,
    )
    listed_rows = [(at, id_) for at, id_, is_listed, _ in met_rows if is_listed]
    lasts = [at for at, _, _, is_last in met_rows if is_last]
    if not lasts:
        return listed_rows, None
    # All of that moment were met.
    if start and start.towards == "newer":
        return listed_rows, Place("newer", min(lasts), LAST_ID)
    return listed_rows, Place("older", max(lasts), FIRST_ID)


def _first(
    part: Part, start: Place | None, count: int, **more: Combinable
) -> tuple[str, tuple[Any, ...]]:
    """A statement of the first `count` rows of a part after `start`, and of what ties with them.

    Of many owners: those whose own first rows are the first hold all that can be among them.
    """
    rows, owners = part if isinstance(part, OfOwners) else (part, None)
    following = _next(rows, start).annotate(**more).values_list("created_at", "id", *more)
    sql, values = following.query.sql_with_params()
    first = f"FETCH FIRST {count} ROWS WITH TIES"
    if owners is None:
        return f"{sql} {first}", values
    ids, of_owners = owners.order_by().values_list("id").query.sql_with_params()
    by_time = f"ORDER BY created_at {_direction(start)} {first}"
    statement = (
        f"SELECT found.* FROM (SELECT owner.id FROM ({ids}) AS owner "  # noqa: S608
        f"CROSS JOIN LATERAL ({sql} FETCH FIRST ROW ONLY) AS head {by_time}) AS owner "
        f"CROSS JOIN LATERAL ({sql} {first}) AS found {by_time}"
    )
    return statement, (*of_owners, *values, *values)


def _fetch(statement: str, parameters: Sequence[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def _direction(start: Place | None) -> str:
    return "DESC" if start is None or start.towards == "older" else "ASC"


def _next(rows: QuerySet[Any], start: Place | None) -> QuerySet[Any]:
    """Those of `rows` that come after `start`, in their order."""
    if start is None:
        return rows.order_by("-created_at")
    row = start.created_at, start.id
    if start.towards == "older":
        return rows.filter(older_than(row)).order_by("-created_at")
    return rows.filter(newer_than(row)).order_by("created_at")
