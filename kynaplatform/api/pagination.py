"""Pages of lists: bare arrays with a Link to the next.

A page ends at its limit, or once its items have about 1 MiB.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

import msgspec
from django.db.models import F, Func, IntegerField, Model, QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpRequest

from common.keyset import Cursor, encode_cursor, newest, parse_cursor
from kynaplatform.api.errors import ValidationFailed
from kynaplatform.api.operations import Result
from kynaplatform.api.schemas import Query

MAX_PER_PAGE = 500
MAX_PAGE_BYTES = 1024 * 1024
T = TypeVar("T")
M = TypeVar("M", bound=Model)

PageLimit = Annotated[
    int, msgspec.Meta(ge=1, le=MAX_PER_PAGE, description="The most items to answer with.")
]
PageCursor = Annotated[
    str,
    msgspec.Meta(max_length=100, description="Where to go on. Opaque: taken from a Link header."),
]


class PageQuery(Query, kw_only=True):
    limit: PageLimit = 100
    cursor: PageCursor | msgspec.UnsetType = msgspec.UNSET


def paginate(
    request: HttpRequest,
    rows: QuerySet[M] | Sequence[QuerySet[M]],
    query: PageQuery,
    present: Callable[[M], Any],
    large: str | None = None,
) -> Result:
    """One page of `rows`, newest first; raises 422 for a bad cursor.

    Disjoint parts are each read by their own index and merged. If the text column `large` may be
    large, no more rows are read than fit a page.
    """
    parts = [rows] if isinstance(rows, QuerySet) else rows
    if start := parsed_cursor(query.cursor):
        parts = [part.filter(start.rows) for part in parts]
    if not parts:
        return Result([])
    most = query.limit if large is None else _count_of_page(parts, query.limit, large)
    found = list(newest(parts, most + 1))
    return page_of(request, found[:most], found[most - 1] if len(found) > most else None, present)


def parsed_cursor(cursor: str | msgspec.UnsetType) -> Cursor | None:
    """Where the client's page starts, None for the first; raises 422 for a bad cursor."""
    if cursor is msgspec.UNSET:
        return None
    try:
        return parse_cursor(f"older,{cursor}")
    except (ValueError, OverflowError):
        raise ValidationFailed({"cursor": ["Not a cursor of this list."]}) from None


def page_of(
    request: HttpRequest,
    rows: Sequence[T],
    end: Any,
    present: Callable[[T], Any],
    cursor_of: Callable[[Any], str] = lambda row: encode_cursor(row.created_at, row.id),
    parameter: str = "cursor",
    group_of: Callable[[T], Any] = id,
) -> Result:
    """A page of `rows`, cut where it has MAX_PAGE_BYTES, with at least one row if there is any.

    A cut never separates neighbours with the same `group_of`. The next page follows the last row,
    or `end` if none was cut (None: there is no next page). Its link is this request's address with
    `parameter` set by `cursor_of`.
    """
    items: list[msgspec.Raw] = []
    size = group_begins = 0
    for number, row in enumerate(rows):
        if number and group_of(row) != group_of(rows[number - 1]):
            group_begins = number
        if size >= MAX_PAGE_BYTES and group_begins:
            del items[group_begins:]
            end = rows[group_begins - 1]
            break
        items.append(msgspec.Raw(msgspec.json.encode(present(row))))
        size += len(items[-1])
    if end is None:
        return Result(items)
    return Result(items, headers=link_to_next(request, parameter, cursor_of(end)))


def link_to_next(request: HttpRequest, parameter: str, cursor: str) -> dict[str, str]:
    """The Link header to this request's address with that `parameter`."""
    parameters = request.GET.copy()
    parameters[parameter] = cursor
    address = request.build_absolute_uri(f"{request.path}?{parameters.urlencode()}")
    return {"Link": f'<{address}>; rel="next"'}


def _count_of_page(parts: Sequence[QuerySet[M]], limit: int, large: str) -> int:
    """How many rows reach MAX_PAGE_BYTES by the length of `large`, which isn't read itself."""
    size = Coalesce(Func(F(large), function="octet_length"), 0, output_field=IntegerField())
    sizes = [part.values_list("created_at", "id", size) for part in parts]
    reached = 0
    for count, (_created_at, _id, size_of_row) in enumerate(newest(sizes, limit), start=1):
        reached += size_of_row
        if reached >= MAX_PAGE_BYTES:
            return count
    return limit
