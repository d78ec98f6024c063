"""The pages of webhook endpoints. Their secrets are on none."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from kynaplatform import clock
from staff.actions.base import StaffActionAdmin
from staff.actions.webhooks import Disable, Enable, Replay, SendTest
from staff.base import OF_PROJECT, OwnerFilter, ReadOnlyAdmin
from staff.display import first_digits, moment, moment_of
from staff.lists import StrictFilter
from staff.names import list_of, may_view
from staff.states import with_suspensions
from staff.webhook_deliveries import ENDPOINT, STATUS
from staff.webhook_display import (
    HELP,
    SECRETS,
    needs_attention,
    shown_url,
    state_of_endpoint,
    type_shown,
    with_last_deliveries,
    without_secrets,
)
from webhooks.models import DeliveryStatus, DisabledReason, WebhookDelivery, WebhookEndpoint

MAX_LISTED, MAX_COUNTED = 10, 1_000


class EndpointStateFilter(StrictFilter):
    title = "state"
    parameter_name = "state"

    def conditions(self, now: datetime) -> dict[str, tuple[str, Q]]:
        is_on = Q(disabled_at__isnull=True)
        return {
            "on": ("On", is_on),
            "trying": ("On, every try fails", is_on & Q(failing_since__isnull=False)),
            "attention": ("Needs attention: on or off, every try failed", needs_attention(now)),
            **{
                reason.value: (f"Off: {reason.label}", Q(disabled_reason=reason))
                for reason in DisabledReason
            },
        }


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(StaffActionAdmin, ReadOnlyAdmin):
    staff_actions = [SendTest(), Replay(), Disable(), Enable()]
    change_form_template = "admin/webhooks/endpoint.html"
    # Ids begin with their time: the newest first, by the primary key.
    ordering = ["-id"]
    list_display = [
        "address", "project", "types", "state",
        moment_of("waiting_since", "oldest waiting"),
        moment_of("last_delivered_at", "last delivered"),
        moment_of("failing_since", "failing since"),
    ]  # fmt: skip
    # By an address, what is hidden of it could be read a character at a time.
    sortable_by = ()
    list_filter = [
        EndpointStateFilter,
        ("project", OwnerFilter),
        ("project__organization", OwnerFilter),
        "created_at",
    ]
    search_fields = OF_PROJECT[1:]
    fieldsets = [("All columns", {"classes": ["collapse"], "fields": [
        "id", "project", "address", "types", "description", "created_at", "disabled_at",
        "disabled_reason", "failing_since", "failed_at", "failed_tries", "failed_messages",
        "previous_secret_until", "replay_since", "replay_until",
    ]})]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEndpoint]:
        live = super().get_queryset(request).filter(deleted_at__isnull=True)
        return with_last_deliveries(live.defer(*SECRETS))

    @admin.display(description="address")
    def address(self, endpoint: WebhookEndpoint) -> str:
        return shown_url(endpoint.url)

    @admin.display(description="types")
    def types(self, endpoint: WebhookEndpoint) -> str:
        shown = [(type_shown(one),) for one in endpoint.event_types or []]
        return format_html_join(", ", "{}", shown) or "all"

    @admin.display(description="state")
    def state(self, endpoint: WebhookEndpoint) -> SafeString:
        return with_suspensions(endpoint, state_of_endpoint(endpoint))

    def page_context(self, request: HttpRequest, endpoint: Any) -> dict[str, Any]:
        now = clock.now()
        shown = {
            **super().page_context(request, endpoint),
            "title": f"Webhook {first_digits(endpoint.pk)} of {endpoint.project}",
            "subtitle": None,
            "address": shown_url(endpoint.url),
            "hidden": HELP,
            "types": self.types(endpoint),
            "state": self.state(endpoint),
            "last_failure": _last_failure(endpoint),
            "moments": [
                (label, moment(at, now))
                for label, at in (
                    ("Last delivered", endpoint.last_delivered_at),
                    ("Oldest waiting", endpoint.waiting_since),
                    ("Failing since", endpoint.failing_since),
                    ("Disabled", endpoint.disabled_at),
                )
                if at
            ],
        }
        if may_view(request.user, WebhookDelivery):
            shown["counts"] = _counts(endpoint)
        return shown


def _last_failure(endpoint: WebhookEndpoint) -> str | None:
    """Why the last try failed of those that are easily found.

    Of what waits, the newest may never have been tried: those due last have been.
    """
    if endpoint.failing_since is None:
        return None
    own = WebhookDelivery.objects.filter(endpoint=endpoint).values_list("tried_at", "failure")
    waiting = own.filter(status=DeliveryStatus.WAITING).order_by("-due_at")
    failed = own.filter(status=DeliveryStatus.FAILED).order_by("-created_at")
    found = [*waiting[:MAX_LISTED], *failed[:MAX_LISTED]]
    tried = [(tried_at, failure) for tried_at, failure in found if tried_at and failure]
    return without_secrets(max(tried)[1], endpoint.url) if tried else None


def _counts(endpoint: WebhookEndpoint) -> list[tuple[str, str, str]]:
    """The number of messages of each status but the delivered, and the list of them."""
    counts = []
    for status in (DeliveryStatus.WAITING, DeliveryStatus.FAILED, DeliveryStatus.HELD):
        rows = WebhookDelivery.objects.filter(endpoint=endpoint, status=status)
        number = rows.order_by()[: MAX_COUNTED + 1].count()
        told = f"over {MAX_COUNTED:,}" if number > MAX_COUNTED else str(number)
        there = list_of(WebhookDelivery, **{ENDPOINT: endpoint.pk, STATUS: status})
        counts.append((str(status.label), told, there))
    return counts
