"""The keyset of a list: the values that order it, by which a page says behind which row it begins.

No row is counted or passed over. So the last page costs what the first one does, and a new row
shifts no page.
"""

import base64
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet

ROWS_AT_ONCE = 2_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Way = Literal["newer", "older"]


class Key(NamedTuple):
    """One of the columns that rows are ordered by; `nulls` is where rows without a value stand."""

    name: str
    is_descending: bool
    nulls: Literal["first", "last"] | None = None

    def behind(self, value: Any) -> tuple[Q, Q]:
        """The rows with `value` and those behind it; the rows behind it alone."""
        null = Q(**{f"{self.name}__isnull": True})
        if value is None:
            if self.nulls == "last":
                return null, Q(pk__in=[])
            return Q(), Q(**{f"{self.name}__isnull": False})
        ways = ("lte", "lt") if self.is_descending else ("gte", "gt")
        at_or_behind, behind_it = (Q(**{f"{self.name}__{way}": value}) for way in ways)
        last = null if self.nulls == "last" else Q()
        return at_or_behind | last, behind_it | last


def behind(keys: Sequence[Key], values: Sequence[Any]) -> Q:
    """The rows behind the one with `values`, as a condition that an index of the keys serves."""
    with_value, behind_value = keys[0].behind(values[0])
    if len(keys) == 1:
        return behind_value
    return with_value & (behind_value | behind(keys[1:], values[1:]))


class Place(NamedTuple):
    """A row's place in a list of the newest first, and the way to go on from there."""

    towards: Way
    created_at: datetime
    id: UUID

    def __str__(self) -> str:
        return f"{self.towards},{cursor_at(self.created_at, self.id)}"

    @property
    def rows_beyond(self) -> Q:
        keys = [Key(name, self.towards == "older") for name in ("created_at", "id")]
        return behind(keys, (self.created_at, self.id))


def place(text: str) -> Place:
    """The place that `text` writes. Raises ValueError or OverflowError."""
    towards, cursor = text.split(",")
    if towards not in ("newer", "older"):
        raise ValueError(towards)
    raw = base64.b64decode(cursor.encode(), altchars=b"-_", validate=True)
    if len(raw) != 24:
        raise ValueError(cursor)
    created_at = _EPOCH + timedelta(microseconds=int.from_bytes(raw[:8]))
    return Place(towards, created_at, UUID(bytes=raw[8:]))  # type: ignore[arg-type]


def cursor_at(created_at: datetime, id_: UUID) -> str:
    """The cursor of a page that goes on behind that row."""
    microseconds = (created_at - _EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(microseconds.to_bytes(8) + id_.bytes).decode()


def first_id_of(moment: datetime) -> UUID:
    """The lowest UUIDv7 of a moment: a bound in primary keys that begin with their time."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def every_row(rows: QuerySet[Any]) -> Iterator[Any]:
    """All of `rows`, whose order ends with the primary key, by one short statement after another.

    A cursor of the database's would keep a transaction for as long as a download takes, so that
    nothing is vacuumed meanwhile, and a pooler that hands connections on loses it.
    """
    rows = rows.all()
    # Resolved by Django: a relation is ordered as its model is.
    order = [term for term, _ in rows.query.get_compiler(rows.db).get_order_by()]
    keys = [Key(f"key_{n}", term.descending, _nulls(term)) for n, term in enumerate(order)]
    values = {key.name: term.expression for key, term in zip(keys, order, strict=True)}
    following = rows = rows.annotate(**values).order_by(*order)
    while page := list(following[:ROWS_AT_ONCE]):
        yield from page
        if len(page) < ROWS_AT_ONCE:
            return
        last = [getattr(page[-1], key.name) for key in keys]
        following = rows.filter(behind(keys, last))


def _nulls(term: Any) -> Literal["first", "last"]:
    return "last" if term.nulls_last or not (term.nulls_first or term.descending) else "first"
