"""Keyset pages: bare arrays with a Link to the next. Lists are newest first.

A page ends at its limit, or once its items have about 1 MiB.
"""

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Protocol, TypeVar
from uuid import UUID

import msgspec
from django.db.models import F, Func, IntegerField, Model, Q, QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpRequest

from kynaplatform.api.errors import ValidationFailed

MOST_PER_PAGE = 500
MOST_PAGE_BYTES = 1024 * 1024
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
M = TypeVar("M", bound=Model)
# When it was created, and its id: a row's place in a list.
Row = tuple[datetime, UUID]

PageLimit = Annotated[
    int, msgspec.Meta(ge=1, le=MOST_PER_PAGE, description="The most items to answer with.")
]
PageCursor = Annotated[
    str, msgspec.Meta(max_length=100, description="Opaque; taken from a Link header.")
]


class PageQuery(Protocol):
    limit: int | msgspec.UnsetType
    cursor: str | msgspec.UnsetType


@dataclass(frozen=True, slots=True)
class Page:
    items: Sequence[msgspec.Raw]
    headers: Mapping[str, str] = field(default_factory=dict)


def paginate(
    request: HttpRequest,
    rows: QuerySet[M] | Sequence[QuerySet[M]],
    query: PageQuery,
    present: Callable[[M], Any],
    default_limit: int = 100,
    large: str | None = None,
) -> Page:
    """One page of `rows` by (created_at, id) descending; raises 422 for a bad cursor.

    `rows` in parts, of which none has a row of another, are read each in its order and merged.
    Of rows whose text column `large` may be large no more are read than a page holds.
    """
    limit = default_limit if query.limit is msgspec.UNSET else query.limit
    parts = [rows] if isinstance(rows, QuerySet) else rows
    if query.cursor is not msgspec.UNSET:
        older = older_than(read_cursor(query.cursor))
        parts = [part.filter(older) for part in parts]
    if not parts:
        return Page([])
    most = limit if large is None else _count_of_page(parts, limit, large)
    found = list(_newest(parts, most + 1))
    items = encode_page(present(row) for row in found[:most])
    if len(items) == len(found):
        return Page(items)
    last: Any = found[len(items) - 1]
    return Page(items, link_to_next(request, "cursor", cursor_at(last.created_at, last.id)))


def encode_page(items: Iterable[Any]) -> list[msgspec.Raw]:
    """Each item as JSON, until they have MOST_PAGE_BYTES; at least one if there is any."""
    page: list[msgspec.Raw] = []
    size = 0
    for item in items:
        encoded = msgspec.json.encode(item)
        page.append(msgspec.Raw(encoded))
        size += len(encoded)
        if size >= MOST_PAGE_BYTES:
            break
    return page


def _count_of_page(parts: Sequence[QuerySet[M]], limit: int, large: str) -> int:
    """How many rows have MOST_PAGE_BYTES in their column `large`, none of which is read for it."""
    size = Coalesce(Func(F(large), function="octet_length"), 0, output_field=IntegerField())
    sizes = [part.values_list("created_at", "id", size) for part in parts]
    reached = 0
    for count, (_created_at, _id, size_of_row) in enumerate(_newest(sizes, limit), start=1):
        reached += size_of_row
        if reached >= MOST_PAGE_BYTES:
            return count
    return limit


def _newest(parts: Sequence[QuerySet[Any, Any]], most: int) -> QuerySet[Any, Any]:
    newest = [part.order_by("-created_at", "-id")[:most] for part in parts]
    if len(newest) == 1:
        return newest[0]
    return newest[0].union(*newest[1:], all=True).order_by("-created_at", "-id")[:most]


def link_to_next(request: HttpRequest, parameter: str, value: str) -> dict[str, str]:
    """The Link header of a page that others follow: this request's address with `parameter`."""
    parameters = request.GET.copy()
    parameters[parameter] = value
    address = request.build_absolute_uri(f"{request.path}?{parameters.urlencode()}")
    return {"Link": f'<{address}>; rel="next"'}


def older_than(row: Row) -> Q:
    """What comes after `row` in a list, in words that an index of created_at serves."""
    created_at, id_ = row
    return Q(created_at__lte=created_at) & (Q(created_at__lt=created_at) | Q(id__lt=id_))


def newer_than(row: Row) -> Q:
    """What comes before `row` in a list."""
    created_at, id_ = row
    return Q(created_at__gte=created_at) & (Q(created_at__gt=created_at) | Q(id__gt=id_))


def cursor_at(created_at: datetime, id_: UUID) -> str:
    """The cursor of a page that begins after that row."""
    microseconds = (created_at - _EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(microseconds.to_bytes(8) + id_.bytes).decode()


def row_at(cursor: str) -> Row:
    """The row that `cursor_at` was given; raises ValueError or OverflowError for another text."""
    raw = base64.b64decode(cursor.encode(), altchars=b"-_", validate=True)
    if len(raw) != 24:
        raise ValueError(cursor)
    return _EPOCH + timedelta(microseconds=int.from_bytes(raw[:8])), UUID(bytes=raw[8:])


def read_cursor(cursor: str) -> Row:
    """The same of a client's; raises 422."""
    try:
        return row_at(cursor)
    except (ValueError, OverflowError):
        raise ValidationFailed({"cursor": ["Not a cursor of this list."]}) from None
