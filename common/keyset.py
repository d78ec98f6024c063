"""Keyset pagination: a page begins after the values that order the last row of the page before.

No row is counted or skipped. So the last page costs what the first one does, and a new row shifts
no page.
"""

import base64
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet

ROWS_AT_ONCE = 2_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Way = Literal["newer", "older"]
Nulls = Literal["first", "last"]


class KeysetPage(NamedTuple):
    """Rows, and where the pages beside them start if there are any."""

    rows: Sequence[Any]
    newer: "Cursor | None" = None
    older: "Cursor | None" = None


class Key(NamedTuple):
    """One of the columns that rows are ordered by; `nulls` is where rows without a value stand."""

    name: str
    is_descending: bool
    nulls: Nulls | None = None

    def after(self, value: Any) -> tuple[Q, Q]:
        """The rows with `value` and those after it; only the rows after it."""
        null = Q(**{f"{self.name}__isnull": True})
        if value is None:
            if self.nulls == "last":
                return null, Q(pk__in=[])
            return Q(), Q(**{f"{self.name}__isnull": False})
        ways = ("lte", "lt") if self.is_descending else ("gte", "gt")
        at_or_after, after_it = (Q(**{f"{self.name}__{way}": value}) for way in ways)
        last = null if self.nulls == "last" else Q()
        return at_or_after | last, after_it | last


def rows_after(keys: Sequence[Key], values: Sequence[Any]) -> Q:
    """The rows after the one with `values`, as a condition that an index of the keys serves."""
    with_value, after_value = keys[0].after(values[0])
    if len(keys) == 1:
        return after_value
    return with_value & (after_value | rows_after(keys[1:], values[1:]))


class Cursor(NamedTuple):
    """A row of a list, newest first, after which a page begins, and the page's direction."""

    towards: Way
    created_at: datetime
    id: UUID

    def __str__(self) -> str:
        return f"{self.towards},{encode_cursor(self.created_at, self.id)}"

    @property
    def rows(self) -> Q:
        keys = [Key(name, self.towards == "older") for name in ("created_at", "id")]
        return rows_after(keys, (self.created_at, self.id))


def parse_cursor(text: str) -> Cursor:
    """The cursor that `text` encodes. Raises ValueError or OverflowError."""
    towards, cursor = text.split(",")
    if towards not in ("newer", "older"):
        raise ValueError(towards)
    raw = base64.b64decode(cursor.encode(), altchars=b"-_", validate=True)
    if len(raw) != 24:
        raise ValueError(cursor)
    created_at = _EPOCH + timedelta(microseconds=int.from_bytes(raw[:8]))
    return Cursor(towards, created_at, UUID(bytes=raw[8:]))  # type: ignore[arg-type]


def encode_cursor(created_at: datetime, id_: UUID) -> str:
    """The cursor of the page after that row."""
    microseconds = (created_at - _EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(microseconds.to_bytes(8) + id_.bytes).decode()


def first_id_of(moment: datetime) -> UUID:
    """The lowest UUIDv7 of a moment: a bound in primary keys that begin with their time."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def newest(
    parts: Iterable[QuerySet[Any, Any]], most: int, towards: Way = "older"
) -> QuerySet[Any, Any]:
    """The first `most` rows of disjoint parts, each of which is read by its own index.

    They are the newest first, or the oldest first with `towards` "newer".
    """
    order = ("-created_at", "-id") if towards == "older" else ("created_at", "id")
    first, *others = (part.order_by(*order)[:most] for part in parts)
    return first.union(*others, all=True).order_by(*order)[:most] if others else first


def every_row(rows: QuerySet[Any], at_once: int = ROWS_AT_ONCE) -> Iterator[Any]:
    """All of `rows`, whose order ends with the primary key, by one short statement after another.

    A cursor of the database's would keep a transaction for as long as a download takes, so that
    nothing is vacuumed meanwhile, and a pooler that hands connections on loses it.
    """
    rows = rows.all()
    # Resolved by Django: a relation is ordered as its model is.
    order = [term for term, _ in rows.query.get_compiler(rows.db).get_order_by()]
    keys = []
    for number, term in enumerate(order):
        is_last = term.nulls_last or not (term.nulls_first or term.descending)
        # A condition on NULL keeps PostgreSQL from reading a range of the index.
        can_be_null = getattr(getattr(term.expression, "target", None), "null", True)
        nulls: Nulls | None = ("last" if is_last else "first") if can_be_null else None
        keys.append(Key(f"key_{number}", term.descending, nulls))
    values = {key.name: term.expression for key, term in zip(keys, order, strict=True)}
    following = rows = rows.annotate(**values).order_by(*order)
    while page := list(following[:at_once]):
        yield from page
        if len(page) < at_once:
            return
        last = [getattr(page[-1], key.name) for key in keys]
        following = rows.filter(rows_after(keys, last))
