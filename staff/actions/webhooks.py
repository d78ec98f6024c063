"""The actions on webhooks: disable, enable, test, replay; and send a delivery again."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from kynaplatform import clock
from kynaplatform.api.errors import Conflict
from staff.actions.base import Done, ReasonForm, StaffAction, Submission
from staff.display import counted
from staff.names import full_name
from staff.webhook_display import is_being_sent
from webhooks.endpoints import (
    can_be_made,
    delivery_redeliver,
    delivery_test,
    endpoint_change,
    replay_begin,
    undelivered,
)
from webhooks.models import DELIVERIES_KEPT, DisabledReason, WebhookDelivery, WebhookEndpoint

MAX_COUNTED = 1_000


def locked(endpoint_id: Any) -> WebhookEndpoint:
    """The endpoint as it is now, which nobody else changes meanwhile; raises Conflict."""
    rows = WebhookEndpoint.objects.select_for_update(no_key=True)
    endpoint = rows.filter(id=endpoint_id, deleted_at__isnull=True).first()
    if endpoint is None:
        raise Conflict("Its customer has deleted the webhook.")
    return endpoint


class OfEndpoint(StaffAction):
    permission = "webhooks.change_webhookendpoint"
    is_dangerous = False

    def title(self, row: Any) -> str:
        return f"{self.label}: {full_name(row)}"

    def applies_to(self, row: WebhookEndpoint) -> bool:
        return row.disabled_at is None


class Disable(OfEndpoint):
    name = "disable"
    label = "Disable"
    past = "Disabled"
    is_dangerous = True

    def effects(self, rows: Sequence[WebhookEndpoint]) -> list[str]:
        return [
            "Nothing is sent to it any more, and nothing that happens is written for it.",
            "What waits is held until it is replayed, for 30 days.",
            "Its customer sees that staff disabled it, and can't enable it. It can make another: "
            "suspend the project to stop that.",
        ]

    def applies_to(self, row: WebhookEndpoint) -> bool:
        return row.disabled_reason != DisabledReason.STAFF

    def perform(self, row: WebhookEndpoint, submission: Submission) -> Done:
        endpoint = locked(row.pk)
        if endpoint.disabled_reason == DisabledReason.STAFF:
            raise Conflict(f"Staff disabled it on {endpoint.disabled_at:%Y-%m-%d at %H:%M} UTC.")
        endpoint_change(
            endpoint=endpoint,
            changes={},
            enabled=False,
            by=DisabledReason.STAFF,
            now=submission.now,
        )
        return Done(f"Disabled the webhook {full_name(row)}.")


class Enable(OfEndpoint):
    name = "enable"
    label = "Enable"
    past = "Enabled"

    def applies_to(self, row: WebhookEndpoint) -> bool:
        return row.disabled_at is not None

    def effects(self, rows: Sequence[WebhookEndpoint]) -> list[str]:
        return [
            "Messages are written for it and sent to it again. It has five days anew.",
            "What was held or failed stays so until you replay it. What happened while it was "
            "disabled was not written, and is not sent.",
        ]

    def perform(self, row: WebhookEndpoint, submission: Submission) -> Done:
        endpoint = locked(row.pk)
        if endpoint.disabled_at is None:
            raise Conflict("It is not disabled.")
        endpoint_change(
            endpoint=endpoint,
            changes={},
            enabled=True,
            by=DisabledReason.STAFF,
            now=submission.now,
        )
        return Done(f"Enabled the webhook {full_name(row)}.")


class SendTest(OfEndpoint):
    name = "test"
    label = "Send a test"
    past = "Tested"
    takes_many = False

    def effects(self, rows: Sequence[WebhookEndpoint]) -> list[str]:
        return [
            "A message webhook.test is sent to it within a moment, signed as every other.",
            "The webhook's page shows what became of it.",
        ]

    def perform(self, row: WebhookEndpoint, submission: Submission) -> Done:
        delivery_test(endpoint=locked(row.pk), now=submission.now)
        return Done(f"Sent a test to the webhook {full_name(row)}.")


class ReplayForm(ReasonForm):
    since = forms.DateTimeField(
        widget=forms.DateTimeInput({"type": "datetime-local"}, "%Y-%m-%dT%H:%M"),
        help_text="In UTC. Messages that were written since then.",
    )
    field_order = ["since", "reason"]

    def clean_since(self) -> datetime:
        since: datetime = self.cleaned_data["since"]
        if since > clock.now():
            raise ValidationError("This moment is yet to come. Choose one in the past.")
        return since


class Replay(OfEndpoint):
    name = "replay"
    label = "Replay since"
    past = "Replayed"
    form_class = ReplayForm
    takes_many = False

    def form(self, data: Any, row: WebhookEndpoint, user: Any) -> ReplayForm:
        return ReplayForm(data, initial={"since": clock.now() - timedelta(days=1)})

    def effects(self, rows: Sequence[WebhookEndpoint]) -> list[str]:
        (row,) = rows
        now = clock.now()
        day, kept = (_number(row, now - span, now) for span in (timedelta(days=1), DELIVERIES_KEPT))
        return [
            "What failed and what was held since then is sent again, about a hundred messages a "
            "second, each with its webhook-id. What was delivered is not.",
            f"Not delivered: {day} of the last day, {kept} of {DELIVERIES_KEPT.days} days.",
        ]

    def perform(self, row: WebhookEndpoint, submission: Submission) -> Done:
        since = submission.data["since"]
        number = replay_begin(endpoint=locked(row.pk), since=since, now=submission.now)
        return Done(
            f"Began to replay {counted(number, 'message')} since {since:%Y-%m-%d %H:%M} UTC to the "
            f"webhook {full_name(row)}."
        )


def _number(endpoint: WebhookEndpoint, since: datetime, now: datetime) -> str:
    number = undelivered(endpoint.pk, since, now).order_by()[: MAX_COUNTED + 1].count()
    return f"over {MAX_COUNTED:,}" if number > MAX_COUNTED else f"{number}"


class SendAgain(OfEndpoint):
    name = "send-again"
    label = "Send again"
    past = "Sent again"

    def applies_to(self, row: Any) -> bool:
        if row.endpoint.disabled_at is not None or is_being_sent(row, clock.now()):
            return False
        return can_be_made(WebhookDelivery.objects.filter(pk=row.pk)).exists()

    def effects(self, rows: Sequence[Any]) -> list[str]:
        return [
            "Each message is sent within a moment, delivered or not, with its webhook-id: a "
            "receiver that keeps those passes over one that it has seen.",
            "It has ten tries anew.",
        ]

    def perform(self, row: Any, submission: Submission) -> Done:
        endpoint = locked(row.endpoint_id)
        rows = WebhookDelivery.objects.select_for_update(no_key=True).filter(id=row.pk)
        delivery = rows.defer("body", "data", "response_body").first()
        if delivery is None:
            raise Conflict("It was deleted: messages are kept for 30 days.")
        if is_being_sent(delivery, submission.now):
            raise Conflict("It is being sent at this moment.")
        delivery_redeliver(endpoint=endpoint, delivery_id=row.pk, now=submission.now)
        return Done(f"Queued the message {full_name(row)} to be sent again.")
