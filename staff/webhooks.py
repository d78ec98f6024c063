"""The pages of webhooks and of the messages sent to them, without what may be a secret.

Customers put tokens into addresses: into the query, and into the path as chat programs do. A
receiver's answer may repeat them, or the secret that signs. No page has an endpoint's secrets.
"""

import json
import re
from datetime import datetime
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib import admin
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.safestring import SafeString

from common.keyset import Cursor, KeysetPage, newest
from kynaplatform import clock
from staff.actions import StaffActionAdmin
from staff.actions.webhooks import Disable, Enable, Replay, SendAgain, SendTest
from staff.base import BY_OWNERS, OF_PROJECT, OwnerFilter, ReadOnlyAdmin
from staff.display import count_up_to, first_digits, id_column, list_of, may_view, moment, moment_of
from staff.lists import KeysetAdmin, KeysetChangeList, StrictFilter
from staff.search import ids_of
from staff.states import needs_attention, state_of_delivery, state_of_endpoint, with_suspensions
from webhooks.models import (
    MAX_TRIES,
    DeliveryStatus,
    DisabledReason,
    WebhookDelivery,
    WebhookEndpoint,
)

# The columns that no page reads, and the large ones that no list reads.
SECRETS: Final = ("encrypted_secret", "encrypted_previous_secret")
LARGE: Final = ("data", "body", "response_body")
HIDDEN: Final = "…"
# A part of a path with this many characters is cut to its first ones.
LONG_PART, KEPT_OF_IT = 20, 4
SIGNING_SECRET = re.compile(r"whsec_[\w+/=-]*")


def shown_url(url: str) -> str:
    parts = urlsplit(url)
    path = "/".join(map(_cut, parts.path.split("/")))
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{path}{f'?{HIDDEN}' if parts.query else ''}"


def without_secrets(text: str, url: str) -> str:
    """`text` without what `shown_url` hides, wherever it repeats that."""
    parts = urlsplit(url)
    values = {value for pair in parts.query.split("&") for value in pair.split("=")[1:]}
    long = {part for part in parts.path.split("/") if _cut(part) != part}
    user, _, _host = parts.netloc.rpartition("@")
    # A value as short as a number is no secret, and would be hidden all over an answer.
    secrets = {parts.query, user, *long, *(value for value in values if len(value) > 3)} - {""}
    for hidden in sorted(secrets, key=len, reverse=True):
        text = text.replace(hidden, HIDDEN)
    return SIGNING_SECRET.sub(f"whsec_{HIDDEN}", text)


def _cut(part: str) -> str:
    return part if len(part) < LONG_PART else f"{part[:KEPT_OF_IT]}{HIDDEN}"


ENDPOINT, STATUS = "endpoint__id__exact", "status__exact"
MAX_LISTED, MAX_COUNTED = 10, 1_000
HIDDEN_HELP: Final = (
    "Hidden, since they may be secrets: a user and a query in the address, and all but the first "
    f"{KEPT_OF_IT} characters of each part of its path that has {LONG_PART} or more."
)


class EndpointStateFilter(StrictFilter):
    def conditions(self, now: datetime) -> dict[str, tuple[str, Q]]:
        is_on = Q(disabled_at__isnull=True)
        return {
            "on": ("On", is_on),
            "trying": ("On, every try fails", is_on & Q(failing_since__isnull=False)),
            "attention": ("Needs attention: on or off, every try failed", needs_attention(now)),
            **{one.value: (f"Off: {one.label}", Q(disabled_reason=one)) for one in DisabledReason},
        }


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(StaffActionAdmin, ReadOnlyAdmin):
    staff_actions = [SendTest(), Replay(), Disable(), Enable()]
    # Ids begin with their time: the newest first, by the primary key.
    ordering = ["-id"]
    list_display = [
        "address", "project", "types", "state",
        moment_of("waiting_since", "oldest waiting"),
        moment_of("last_delivered_at", "last delivered"),
        moment_of("failing_since", "failing since"),
    ]  # fmt: skip
    # Sorting by address would disclose its hidden parts a character at a time.
    sortable_by = ()
    list_filter = [EndpointStateFilter, *BY_OWNERS, "created_at"]
    search_fields = OF_PROJECT[1:]
    fieldsets: ClassVar[Any] = [(None, {"description": HIDDEN_HELP, "fields": [
        "project", "address", "types", "description", "state", "last_failure",
        moment_of("last_delivered_at", "last delivered"),
        moment_of("waiting_since", "oldest waiting"),
        "created_at", "disabled_at", "failing_since", "failed_at", "failed_tries",
        "failed_messages", "previous_secret_until", "replay_since", "replay_until", "id",
    ]})]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEndpoint]:
        found: QuerySet[WebhookEndpoint] = super().get_queryset(request)
        own = WebhookDelivery.objects.filter(endpoint=OuterRef("pk"))
        waiting = own.filter(status=DeliveryStatus.WAITING).order_by("created_at")
        delivered = own.filter(status=DeliveryStatus.DELIVERED).order_by("-created_at")
        return (
            found.filter(deleted_at__isnull=True)
            .defer(*SECRETS)
            .annotate(
                waiting_since=Subquery(waiting.values("created_at")[:1]),
                last_delivered_at=Subquery(delivered.values("tried_at")[:1]),
            )
        )

    @admin.display(description="address")
    def address(self, endpoint: WebhookEndpoint) -> str:
        return shown_url(endpoint.url)

    @admin.display(description="types")
    def types(self, endpoint: WebhookEndpoint) -> str:
        return ", ".join(endpoint.event_types or []) or "all"

    @admin.display(description="state")
    def state(self, endpoint: WebhookEndpoint) -> SafeString:
        return with_suspensions(endpoint, state_of_endpoint(endpoint))

    @admin.display(description="last failure")
    def last_failure(self, endpoint: WebhookEndpoint) -> str | None:
        """The newest of those that wait may never have been tried: those due last have been."""
        if endpoint.failing_since is None:
            return None
        own = WebhookDelivery.objects.filter(endpoint=endpoint).values_list("tried_at", "failure")
        waiting = own.filter(status=DeliveryStatus.WAITING).order_by("-due_at")
        failed = own.filter(status=DeliveryStatus.FAILED).order_by("-created_at")
        found = [*waiting[:MAX_LISTED], *failed[:MAX_LISTED]]
        tried = [(tried_at, failure) for tried_at, failure in found if tried_at and failure]
        return without_secrets(max(tried)[1], endpoint.url) if tried else None

    def leads_to(self, request: HttpRequest, row: WebhookEndpoint) -> list[tuple[str, str]]:
        if not may_view(request.user, WebhookDelivery):
            return []
        leads = []
        for status in (DeliveryStatus.WAITING, DeliveryStatus.FAILED, DeliveryStatus.HELD):
            rows = WebhookDelivery.objects.filter(endpoint=row, status=status)
            address = list_of(WebhookDelivery, **{ENDPOINT: row.pk, STATUS: status})
            leads.append((f"{status.label}: {count_up_to(rows, most=MAX_COUNTED)}", address))
        return leads


class DeliveryChangeList(KeysetChangeList):
    def page_from(self, start: Cursor | None, size: int) -> KeysetPage:
        """A page of those that are older than `start`, the only way that this list goes on."""
        if start and start.towards != "older":
            raise ValueError(start)
        read = list(self._read(start, size + 1))
        ids = [id_ for _created_at, id_ in read[:size]]
        found = self.root_queryset.in_bulk(ids)
        return KeysetPage(
            [found[id_] for id_ in ids if id_ in found],
            older=Cursor("older", *read[size - 1]) if len(read) > size else None,
        )

    def _read(self, start: Cursor | None, most: int) -> QuerySet[Any, tuple[datetime, UUID]]:
        """The times and ids of the next rows in the list's order, by an index for each filter."""
        rows = WebhookDelivery.objects.values_list("created_at", "id")
        text, endpoint = self.query.strip(), self.params.get(ENDPOINT)
        if not (text or endpoint):
            # Ids begin with their time.
            older = rows.filter(id__lt=start.id) if start else rows
            return older.order_by("-id")[:most]
        if start:
            rows = rows.filter(start.rows)
        if text:
            meant = ids_of(text)
            if meant is None:
                return rows.none()
            rows = rows.filter(Q(pk__range=meant) | Q(session_id__range=meant))
        if not endpoint:
            return newest([rows], most)
        statuses = [status] if (status := self.params.get(STATUS)) else list(DeliveryStatus)
        return newest((rows.filter(endpoint=endpoint, status=one) for one in statuses), most)


MAX_SHOWN = 20_000


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(KeysetAdmin, StaffActionAdmin, ReadOnlyAdmin):
    staff_actions = [SendAgain()]
    changelist_class = DeliveryChangeList
    change_form_template = "admin/webhooks/delivery.html"
    list_display = [
        id_column, "customer", "address", "type_sent", "state", "answer", "tries",
        moment_of("created_at"),
    ]  # fmt: skip
    # Django shows its search box for these.
    search_fields = ["=id", "=session_id"]
    search_help_text = "By the id of a message, which is its webhook-id, or by that of its session."
    fieldsets = [("All columns", {"classes": ["collapse"], "fields": [
        "id", "endpoint", "type_sent", "session_id", "sequence", "occurred_at", "created_at",
        "request_id",
        "status", "tries", "due_at", "tried_at", "duration_ms", "response_status",
    ]})]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookDelivery]:
        secrets = [f"endpoint__{name}" for name in SECRETS]
        rows = super().get_queryset(request)
        return rows.filter(endpoint__deleted_at__isnull=True).defer(*LARGE, *secrets)

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """The statuses only of one endpoint's messages, for which there is an index."""
        return [*(["status"] if ENDPOINT in request.GET else []), ("endpoint", OwnerFilter)]

    @admin.display(description="customer")
    def customer(self, delivery: WebhookDelivery) -> str:
        return str(delivery.endpoint.project)

    @admin.display(description="address")
    def address(self, delivery: WebhookDelivery) -> str:
        return shown_url(delivery.endpoint.url)

    @admin.display(description="type")
    def type_sent(self, delivery: WebhookDelivery) -> str:
        return delivery.type

    @admin.display(description="state")
    def state(self, delivery: WebhookDelivery) -> SafeString:
        return with_suspensions(delivery, state_of_delivery(delivery))

    @admin.display(description="answer", empty_value="-")
    def answer(self, delivery: WebhookDelivery) -> str | int | None:
        return self.failure(delivery) or delivery.response_status

    def failure(self, delivery: WebhookDelivery) -> str | None:
        return delivery.failure and without_secrets(delivery.failure, delivery.endpoint.url)

    def page_context(self, request: HttpRequest, delivery: Any) -> dict[str, Any]:
        now, url = clock.now(), delivery.endpoint.url
        is_waiting = delivery.status == DeliveryStatus.WAITING
        headers = []
        if delivery.tried_at:  # of the last try; the signature is not kept
            headers = [
                ("Content-Type", "application/json"),
                ("webhook-id", str(delivery.pk)),
                ("webhook-timestamp", str(int(delivery.tried_at.timestamp()))),
                ("webhook-signature", f"v1,{HIDDEN}"),
                *([("Kyna-Request-Id", delivery.request_id)] if delivery.request_id else []),
            ]
        body = ""
        if delivery.body:
            indented = json.dumps(json.loads(delivery.body), indent=2, ensure_ascii=False)
            body = without_secrets(indented, url)
        return {
            **super().page_context(request, delivery),
            "title": f"Message {first_digits(delivery.pk)} of {delivery.endpoint.project}",
            "subtitle": None,
            "state": self.state(delivery),
            "address": shown_url(url),
            "failure": self.failure(delivery),
            "due": is_waiting and moment(delivery.due_at, now),
            "tries": f"{delivery.tries} of {MAX_TRIES}",
            "created": moment(delivery.created_at, now),
            "headers": headers,
            "body": body[:MAX_SHOWN],
            "is_cut": len(body) > MAX_SHOWN,
            "detail": delivery.failure_detail and without_secrets(delivery.failure_detail, url),
            "answered": delivery.response_body and without_secrets(delivery.response_body, url),
        }
