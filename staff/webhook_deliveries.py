"""The pages of webhook deliveries: what was sent, what was answered, and why it failed."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from kynaplatform import clock
from staff.actions.base import StaffActionAdmin
from staff.actions.webhooks import SendAgain
from staff.base import OwnerFilter, ReadOnlyAdmin
from staff.delivery_list import HELP, DeliveryChangeList, TypeFilter
from staff.display import first_digits, id_column, moment, moment_of
from staff.suspensions import with_suspensions
from staff.webhook_display import (
    HIDDEN,
    LARGE,
    SECRETS,
    delivery_sentence,
    shown_url,
    state_of_delivery,
    type_shown,
    without_secrets,
)
from webhooks.models import MAX_TRIES, WebhookDelivery

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
            "sentence": delivery_sentence(delivery, self.failure(delivery), now),
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
