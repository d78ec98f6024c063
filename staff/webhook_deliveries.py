"""The pages of webhook deliveries: what was sent, what was answered, and why it failed."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from common.keyset import Place
from kynaplatform import clock
from staff.actions.base import StaffActionAdmin
from staff.actions.webhooks import SendAgain
from staff.base import OwnerFilter, ReadOnlyAdmin
from staff.display import first_digits, id_column, moment, moment_of
from staff.lists import PlacedChangeList, PlacedPage, StrictFilter
from staff.search_terms import ids_of
from staff.states import with_suspensions
from staff.webhook_display import (
    HIDDEN,
    LARGE,
    SECRETS,
    shown_url,
    state_of_delivery,
    type_shown,
    without_secrets,
)
from webhooks.models import MAX_TRIES, DeliveryStatus, MessageType, WebhookDelivery

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


MAX_SHOWN = 20_000


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(StaffActionAdmin, ReadOnlyAdmin):
    staff_actions = [SendAgain()]
    changelist_class = DeliveryChangeList
    change_list_template = "admin/placed_list.html"
    change_form_template = "admin/webhooks/delivery.html"
    list_display = [
        id_column, "customer", "address", "type_sent", "state", "answer", "tries",
        moment_of("created_at"),
    ]  # fmt: skip
    list_filter = ["status", TypeFilter, ("endpoint", OwnerFilter)]
    # In another order, a page would read every row.
    sortable_by = ()
    # Django shows its search box for these; `DeliveryChangeList` does the search.
    search_fields = ["=id", "=session_id"]
    fieldsets = [("All columns", {"classes": ["collapse"], "fields": [
        "id", "endpoint", "type_sent", "session_id", "sequence", "occurred_at", "created_at",
        "request_id",
        "status", "tries", "due_at", "tried_at", "duration_ms", "response_status",
    ]})]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookDelivery]:
        rows: QuerySet[WebhookDelivery] = super().get_queryset(request)
        secrets = [f"endpoint__{name}" for name in SECRETS]
        return rows.filter(endpoint__deleted_at__isnull=True).defer(*LARGE, *secrets)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return queryset, False

    def list_context(self, request: HttpRequest) -> dict[str, Any]:
        return {**super().list_context(request), "search_help": HELP}

    @admin.display(description="customer")
    def customer(self, delivery: WebhookDelivery) -> str:
        return str(delivery.endpoint.project)

    @admin.display(description="address")
    def address(self, delivery: WebhookDelivery) -> str:
        return shown_url(delivery.endpoint.url)

    @admin.display(description="type")
    def type_sent(self, delivery: WebhookDelivery) -> SafeString:
        return type_shown(delivery.type)

    @admin.display(description="state")
    def state(self, delivery: WebhookDelivery) -> SafeString:
        return with_suspensions(delivery, state_of_delivery(delivery))

    @admin.display(description="answer", empty_value="-")
    def answer(self, delivery: WebhookDelivery) -> str | int | None:
        return self.failure(delivery) or delivery.response_status

    def failure(self, delivery: WebhookDelivery) -> str | None:
        return delivery.failure and without_secrets(delivery.failure, delivery.endpoint.url)

    def page_context(self, request: HttpRequest, delivery: Any) -> dict[str, Any]:
        now = clock.now()
        url = delivery.endpoint.url
        body = without_secrets(set_out(delivery.body), url) if delivery.body else ""
        return {
            **super().page_context(request, delivery),
            "title": f"Message {first_digits(delivery.pk)} of {delivery.endpoint.project}",
            "subtitle": None,
            "state": self.state(delivery),
            "address": shown_url(url),
            "failure": self.failure(delivery),
            "due": moment(delivery.due_at, now)
            if delivery.status == DeliveryStatus.WAITING
            else None,
            "tries": f"{delivery.tries} of {MAX_TRIES}",
            "created": moment(delivery.created_at, now),
            "headers": headers_of(delivery),
            "body": body[:MAX_SHOWN],
            "is_cut": len(body) > MAX_SHOWN,
            "detail": delivery.failure_detail and without_secrets(delivery.failure_detail, url),
            "answered": delivery.response_body and without_secrets(delivery.response_body, url),
        }


def headers_of(delivery: WebhookDelivery) -> list[tuple[str, str]]:
    """The headers of the last try; the signature is not kept."""
    if delivery.tried_at is None:
        return []
    return [
        ("Content-Type", "application/json"),
        ("webhook-id", str(delivery.pk)),
        ("webhook-timestamp", str(int(delivery.tried_at.timestamp()))),
        ("webhook-signature", f"v1,{HIDDEN}"),
        *([("Kyna-Request-Id", delivery.request_id)] if delivery.request_id else []),
    ]


def set_out(body: str) -> str:
    """The JSON of a body in lines, to be read."""
    return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
