"""Long lists a page at a time, newest first: a page starts where its neighbour ends.

Nothing is counted and nothing passed over, so the last page costs what the first one does.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet


class Place(NamedTuple):
    """A row's place in its list, and the way to go from there."""

    towards: Literal["newer", "older"]
    created_at: datetime
    id: UUID

    def __str__(self) -> str:
        return f"{self.towards},{self.created_at.isoformat()},{self.id}"


class Page(NamedTuple):
    """The ids of a page's rows, and where its neighbours start if there are any."""

    ids: Sequence[UUID] = ()
    newer: Place | None = None
    older: Place | None = None


def place(text: str) -> Place:
    """The place that `text` writes. Raises ValueError."""
    towards, created_at, id_ = text.split(",")
    at = datetime.fromisoformat(created_at)
    if at.tzinfo is None or not 1 < at.year < 9999:
        raise ValueError(created_at)
    match towards:
        case "newer" | "older":
            return Place(towards, at, UUID(id_))
    raise ValueError(towards)


def page(
    parts: Sequence[QuerySet[Any]],
    few: QuerySet[Any] | None = None,
    *,
    start: Place | None,
    size: int,
) -> Page:
    """The `size` rows that come next after `start` in all `parts` and `few`, which share no row.

    An index should give each part in the order of created_at: PostgreSQL then merges them and
    stops. It is asked for ties, since no such index has the id that orders rows of one moment.
    `few` are read whole, in their own order, and sorted.
    """
    forward = start is None or start.towards == "older"
    order, direction = ("-created_at", "DESC") if forward else ("created_at", "ASC")
    most = size + 1
    statements: list[str] = []
    parameters: list[Any] = []
    for rows in [part.order_by(order) for part in parts] + ([] if few is None else [few]):
        sql, values = (
            rows.filter(_beyond(start)).values_list("id", "created_at").query.sql_with_params()
        )
        if rows is few:
            # OFFSET keeps the planner from an index in the other order, which it would read whole.
            sql = (
                f"SELECT id, created_at FROM ({sql} OFFSET 0) AS few "  # noqa: S608
                f"ORDER BY created_at {direction}"
            )
        statements.append(f"({sql} FETCH FIRST {most} ROWS WITH TIES)")
        parameters += values
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, created_at FROM ({' UNION ALL '.join(statements)}) AS found "  # noqa: S608
            f"ORDER BY created_at {direction}, id {direction} LIMIT {most}",
            parameters,
        )
        found = cursor.fetchall()
    shown, has_more = found[:size], len(found) > size
    if not forward:
        shown.reverse()
    if not shown:
        return Page()
    (first, first_at), (last, last_at) = shown[0], shown[-1]
    return Page(
        [id_ for id_, _ in shown],
        newer=Place("newer", first_at, first) if (start if forward else has_more) else None,
        older=Place("older", last_at, last) if has_more or not forward else None,
    )


def _beyond(start: Place | None) -> Q:
    if start is None:
        return Q()
    _, at, id_ = start
    if start.towards == "older":
        return Q(created_at__lte=at) & (Q(created_at__lt=at) | Q(id__lt=id_))
    return Q(created_at__gte=at) & (Q(created_at__gt=at) | Q(id__gt=id_))
