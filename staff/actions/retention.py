"""Set how long an organization's sessions are kept. Fewer days take the right to erase it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminIntegerFieldWidget

from kynaplatform import clock
from kynaplatform.api.errors import Conflict
from kynaplatform.checks import MAX_RETENTION_DAYS, MIN_RETENTION_DAYS
from projects.models import Organization
from sessions_app.models import DetectionSession
from sessions_app.session_retention import kept_of
from staff.actions.base import Outcome, ReasonForm, StaffAction, Submission
from staff.display import counted

DAYS = Organization._meta.get_field("retention_days")
MAX_COUNTED = 100_000
MAY_ERASE = "projects.erase_organization"
ONLY_LONGER = "To set fewer days than now you need the right to erase organizations."


def kept_for(own_days: int | None) -> str:
    days = kept_of(own_days).sessions
    return "forever" if days is None else f"for {counted(days, 'day')}"


def is_shorter(own_days: int | None, before: int | None) -> bool:
    """Whether sessions are kept for less time than with `before`."""
    days, days_before = kept_of(own_days).sessions, kept_of(before).sessions
    return days is not None and (days_before is None or days < days_before)


def sessions_older(organization: Organization, days: int, now: datetime) -> int:
    """How many ended sessions it has that ended over `days` days ago; one over MAX_COUNTED at
    most."""
    until = now - timedelta(days=days)
    # None ends before it is created: so the index of created_at serves.
    older = DetectionSession.objects.filter(
        project__organization=organization,
        deadline_at__isnull=True,
        created_at__lt=until,
        ended_at__lt=until,
    )
    return older[: MAX_COUNTED + 1].count()


def deletion_words(
    organization: Organization, own_days: int | None, before: int | None, now: datetime
) -> str:
    """What is deleted if its own days become `own_days`, `before` until then; empty: nothing."""
    days = kept_of(own_days).sessions
    if days is None or not is_shorter(own_days, before):
        return ""
    older = sessions_older(organization, days, now)
    if not older:
        return ""
    told = f"More than {MAX_COUNTED:,}" if older > MAX_COUNTED else f"{older:,}"
    return (
        f"{told} of its sessions ended more than {counted(days, 'day')} ago. They would be deleted "
        "within the hour, and nothing brings them back."
    )


class RetentionForm(ReasonForm):
    """The days. A box to tick comes with those that delete something, and is for those alone."""

    retention_days = forms.IntegerField(
        required=False,
        validators=DAYS.validators,
        widget=AdminIntegerFieldWidget,
        help_text=f"How many days a session is kept after its end, {MIN_RETENTION_DAYS} to "
        f"{MAX_RETENTION_DAYS:,}. Leave it empty for the platform's default.",
    )
    field_order = ["retention_days", "reason"]

    def __init__(self, data: Any, row: Organization, user: Any) -> None:
        super().__init__(data, initial={"retention_days": row.retention_days})
        self.before = row.retention_days
        self.may_erase = user.has_perm(MAY_ERASE)
        if not self.may_erase:
            self.fields["retention_days"].help_text += f" {ONLY_LONGER}"
        elif data is not None:
            self._ask_before_deleting(row)

    def clean_retention_days(self) -> int | None:
        days: int | None = self.cleaned_data["retention_days"]
        if not self.may_erase and is_shorter(days, self.before):
            raise forms.ValidationError(ONLY_LONGER)
        return days

    def _ask_before_deleting(self, row: Organization) -> None:
        try:
            own_days = self.fields["retention_days"].clean(self["retention_days"].value())
        except forms.ValidationError:
            return
        if deletes := deletion_words(row, own_days, row.retention_days, clock.now()):
            self.fields[f"delete_older_than_{kept_of(own_days).sessions}"] = forms.BooleanField(
                label="Delete the older sessions", error_messages={"required": deletes}
            )


class SetRetention(StaffAction):
    name = "retention"
    label = "Set retention"
    past = "Set retention of"
    permission = "projects.change_{model}"
    takes_many = False

    def title(self, row: Organization) -> str:
        return f"{self.label} of {row}"

    def form(self, data: Any, row: Organization, user: Any) -> forms.BaseForm:
        return RetentionForm(data, row, user)

    def effects(self, rows: Sequence[Organization]) -> list[str]:
        (row,) = rows
        own = "" if row.retention_days else " (the default)"
        return [
            f"Sessions are kept {kept_for(row.retention_days)}{own}.",
            "If you set fewer days, older sessions are deleted within the hour. Nothing brings "
            "them back.",
        ]

    def perform(self, row: Organization, submission: Submission) -> Outcome:
        days = submission.data["retention_days"]
        before = row.retention_days
        # Of what the form was asked for: a colleague may have set other days since.
        unchanged = Organization.objects.filter(pk=row.pk, retention_days=before)
        if not unchanged.update(retention_days=days):
            raise Conflict("Its days have changed meanwhile.")
        return Outcome(
            f"Set retention of {row}: "
            f"sessions are kept {kept_for(days)} (before: {kept_for(before)})."
        )
