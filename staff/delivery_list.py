"""The list of webhook deliveries: a page at a time, for which no more is read than a bound."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from kynaplatform.api.keyset import Place
from staff.placed_list import PlacedChangeList, PlacedPage
from staff.query_parameters import StrictFilter
from staff.search_terms import ids_of
from webhooks.models import DeliveryStatus, MessageType, WebhookDelivery

# What passes a filter that no index serves is sought among so many at a time.
MAX_READ: Final = 2_000
HELP = (
    "By the id of a message, which is its webhook-id, or by that of its session. A page may be "
    "short or empty and go on: a status is found at once among the messages of one endpoint."
)
ENDPOINT, STATUS, TYPE = "endpoint__id__exact", "status__exact", "type"
# When it was created, its id, its status and its type.
Read = tuple[datetime, UUID, str, str]


class TypeFilter(StrictFilter):
    title = "type"
    parameter_name = TYPE

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(one, one) for one in MessageType.values]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Left to `DeliveryChangeList`."""


class DeliveryChangeList(PlacedChangeList):
    def page_from(self, start: Place | None, size: int) -> PlacedPage:
        """A page of those that are older than `start`, the only way that this list goes on."""
        if start and start.towards != "older":
            raise ValueError(start)
        status, type_ = self.params.get(STATUS), self.params.get(TYPE)
        is_sought = bool(type_ or (status and not self.params.get(ENDPOINT)))
        most = MAX_READ if is_sought else size + 1
        read = self._read(start, most)
        wanted = [
            row for row in read if row[2] == (status or row[2]) and row[3] == (type_ or row[3])
        ]
        last = None
        if len(wanted) > size:
            last = wanted[size - 1]
        elif len(read) == most:
            last = read[-1]
        ids = [id_ for _created_at, id_, *_ in wanted[:size]]
        found = self.root_queryset.in_bulk(ids)
        return PlacedPage(
            [found[id_] for id_ in ids if id_ in found],
            older=Place("older", *last[:2]) if last else None,
        )

    def _read(self, start: Place | None, most: int) -> Sequence[Read]:
        """The next in the list's order, by an index of it whatever is asked for."""
        rows = WebhookDelivery.objects.all()
        if text := self.query.strip():
            meant = ids_of(text)
            if meant is None:
                return []
            rows = rows.filter(Q(pk__range=meant) | Q(session_id__range=meant))
        if endpoint := self.params.get(ENDPOINT):
            statuses = [self.params.get(STATUS)] if self.params.get(STATUS) else DeliveryStatus
            parts = [rows.filter(endpoint=endpoint, status=one) for one in statuses]
            return _newest([_beyond(part, start) for part in parts], most)
        if text:
            return _newest([_beyond(rows, start)], most)
        # Ids begin with their time.
        older = rows.filter(id__lt=start.id) if start else rows
        return list(_values(older).order_by("-id")[:most])


def _beyond(rows: QuerySet[WebhookDelivery], start: Place | None) -> QuerySet[WebhookDelivery]:
    return rows.filter(start.rows_beyond) if start else rows


def _newest(parts: Sequence[QuerySet[WebhookDelivery]], most: int) -> Sequence[Read]:
    order = ("-created_at", "-id")
    first, *others = [_values(part).order_by(*order)[:most] for part in parts]
    return list(first.union(*others, all=True).order_by(*order)[:most] if others else first)


def _values(rows: QuerySet[WebhookDelivery]) -> Any:
    return rows.values_list("created_at", "id", "status", "type")
