"""Keyset pages: bare arrays with a Link to the next. Lists are newest first."""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Protocol, TypeVar
from uuid import UUID

import msgspec
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from kynaplatform.api.errors import ValidationFailed

MOST_PER_PAGE = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
M = TypeVar("M", bound=Model)

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
    items: Sequence[Any]
    headers: Mapping[str, str] = field(default_factory=dict)


def paginate(
    request: HttpRequest,
    rows: QuerySet[M],
    query: PageQuery,
    present: Callable[[M], Any],
    default_limit: int = 100,
) -> Page:
    """One page of `rows` by (created_at, id) descending; raises 422 for a bad cursor."""
    limit = default_limit if query.limit is msgspec.UNSET else query.limit
    if query.cursor is not msgspec.UNSET:
        created_at, id_ = read_cursor(query.cursor)
        rows = rows.filter(
            Q(created_at__lte=created_at) & (Q(created_at__lt=created_at) | Q(id__lt=id_))
        )
    found = list(rows.order_by("-created_at", "-id")[: limit + 1])
    items = [present(row) for row in found[:limit]]
    if len(found) <= limit:
        return Page(items)
    last: Any = found[limit - 1]
    return Page(items, link_to_next(request, "cursor", cursor_at(last.created_at, last.id)))


def link_to_next(request: HttpRequest, parameter: str, value: str) -> dict[str, str]:
    """The Link header of a page that others follow: this request's address with `parameter`."""
    parameters = request.GET.copy()
    parameters[parameter] = value
    address = request.build_absolute_uri(f"{request.path}?{parameters.urlencode()}")
    return {"Link": f'<{address}>; rel="next"'}


def cursor_at(created_at: datetime, id_: UUID) -> str:
    """The cursor of a page that begins after that row."""
    microseconds = (created_at - _EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(microseconds.to_bytes(8) + id_.bytes).decode()


def read_cursor(text: str) -> tuple[datetime, UUID]:
    """The row that `cursor_at` was given; raises 422 for what it did not make."""
    try:
        raw = base64.b64decode(text.encode(), altchars=b"-_", validate=True)
        if len(raw) != 24:
            raise ValueError
        created_at = _EPOCH + timedelta(microseconds=int.from_bytes(raw[:8]))
    except (ValueError, OverflowError):
        raise ValidationFailed({"cursor": ["Not a cursor of this list."]}) from None
    return created_at, UUID(bytes=raw[8:])
