"""The actions on webhooks: disable, enable, test, replay; and send a delivery again."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from kynaplatform import clock
from kynaplatform.api.errors import Conflict
from staff.actions import ActionResult, ReasonForm, StaffAction, Submission
from staff.display import count_up_to, counted, full_name
from webhooks.endpoints import (
    can_be_made,
    delivery_redeliver,
    delivery_test,
    endpoint_change,
    endpoint_lock,
    replay_begin,
    undelivered,
)
from webhooks.models import DELIVERIES_KEPT, DisabledReason, WebhookDelivery, WebhookEndpoint

MAX_COUNTED = 1_000


class EndpointAction(StaffAction):
    permission = "webhooks.change_webhookendpoint"
    is_dangerous = False

    def title(self, row: Any) -> str:
        return f"{self.label}: {full_name(row)}"

    def applies_to(self, row: Any) -> bool:
        return row.disabled_at is None

    def sentence(self, row: Any) -> str:
        return f"{self.past} the webhook {full_name(row)}."


class Disable(EndpointAction):
    name, label, past = "disable", "Disable", "Disabled"
    is_dangerous = True
    consequences = (
        "Nothing is sent to it any more, and nothing that happens is written for it.",
        "What waits is held until it is replayed, for 30 days.",
        "Its customer sees that staff disabled it, and can't enable it. It can make another: "
        "suspend the project to stop that.",
    )

    def applies_to(self, row: WebhookEndpoint) -> bool:
        return row.disabled_reason != DisabledReason.STAFF

    def perform(self, row: WebhookEndpoint, submission: Submission) -> None:
        endpoint = endpoint_lock(row.pk)
        if endpoint.disabled_reason == DisabledReason.STAFF:
            raise Conflict(f"Staff disabled it on {endpoint.disabled_at:%Y-%m-%d at %H:%M} UTC.")
        _enable(endpoint, False, submission.now)


class Enable(EndpointAction):
    name, label, past = "enable", "Enable", "Enabled"
    consequences = (
        "Messages are written for it and sent to it again. It has five days anew.",
        "What was held or failed stays so until you replay it. What happened while it was "
        "disabled was not written, and is not sent.",
    )

    def applies_to(self, row: WebhookEndpoint) -> bool:
        return row.disabled_at is not None

    def perform(self, row: WebhookEndpoint, submission: Submission) -> None:
        endpoint = endpoint_lock(row.pk)
        if endpoint.disabled_at is None:
            raise Conflict("It is not disabled.")
        _enable(endpoint, True, submission.now)


def _enable(endpoint: WebhookEndpoint, enabled: bool, now: datetime) -> None:
    endpoint_change(
        endpoint=endpoint, changes={}, enabled=enabled, by=DisabledReason.STAFF, now=now
    )


class SendTest(EndpointAction):
    name, label, past = "test", "Send a test", "Sent a test to"
    takes_many = False
    consequences = (
        "A message webhook.test is sent to it within a moment, signed as every other.",
        "The webhook's page shows what became of it.",
    )

    def perform(self, row: WebhookEndpoint, submission: Submission) -> None:
        delivery_test(endpoint=endpoint_lock(row.pk), now=submission.now)


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


class Replay(EndpointAction):
    name, label, past = "replay", "Replay since", "Replayed"
    form_class = ReplayForm
    takes_many = False

    def form(self, data: Any, row: WebhookEndpoint, user: Any) -> ReplayForm:
        return ReplayForm(data, initial={"since": clock.now() - timedelta(days=1)})

    def effects(self, rows: Sequence[WebhookEndpoint]) -> list[str]:
        (row,) = rows
        now = clock.now()
        day, kept = (
            count_up_to(undelivered(row.pk, now - span, now), most=MAX_COUNTED)
            for span in (timedelta(days=1), DELIVERIES_KEPT)
        )
        return [
            "What failed and what was held since then is sent again, about a hundred messages a "
            "second, each with its webhook-id. What was delivered is not.",
            f"Not delivered: {day} of the last day, {kept} of {DELIVERIES_KEPT.days} days.",
        ]

    def perform(self, row: WebhookEndpoint, submission: Submission) -> ActionResult:
        since = submission.data["since"]
        number = replay_begin(endpoint=endpoint_lock(row.pk), since=since, now=submission.now)
        return ActionResult(
            f"Began to replay {counted(number, 'message')} since {since:%Y-%m-%d %H:%M} UTC to the "
            f"webhook {full_name(row)}."
        )


class SendAgain(EndpointAction):
    name, label, past = "send-again", "Send again", "Sent again"
    consequences = (
        "Each message is sent within a moment, delivered or not, with its webhook-id: a "
        "receiver that keeps those ignores one that it has seen.",
        "It has ten tries anew.",
    )

    def applies_to(self, row: Any) -> bool:
        if row.endpoint.disabled_at is not None or _is_being_sent(row, clock.now()):
            return False
        return can_be_made(WebhookDelivery.objects.filter(pk=row.pk)).exists()

    def sentence(self, row: Any) -> str:
        return f"Queued the message {full_name(row)} to be sent again."

    def perform(self, row: Any, submission: Submission) -> None:
        endpoint = endpoint_lock(row.endpoint_id)
        rows = WebhookDelivery.objects.select_for_update(no_key=True).filter(id=row.pk)
        delivery = rows.defer("body", "data", "response_body").first()
        if delivery is None:
            raise Conflict("It was deleted: messages are kept for 30 days.")
        if _is_being_sent(delivery, submission.now):
            raise Conflict("It is being sent at this moment.")
        delivery_redeliver(endpoint=endpoint, delivery_id=row.pk, now=submission.now)


def _is_being_sent(delivery: WebhookDelivery, now: datetime) -> bool:
    return delivery.claim_id is not None and delivery.due_at >= now
