"""The actions on organizations and projects: suspend, resume, set retention, and erase."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib.admin.models import DELETION
from django.contrib.admin.widgets import AdminIntegerFieldWidget
from django.core.exceptions import ValidationError
from django.db.models import Max, OuterRef, Subquery
from django.http import HttpResponseRedirect

from erasure.erasures import DEED, erasure_of, owner_erase
from kynaplatform import clock
from kynaplatform.api.errors import Conflict
from kynaplatform.checks import MAX_RETENTION_DAYS, MIN_RETENTION_DAYS
from projects import models as suspension
from projects.models import Organization, Project
from sessions_app.models import DetectionSession
from sessions_app.retention import kept_of
from staff.actions.base import Done, ReasonForm, StaffAction, Submission
from staff.display import counted, first_digits, moment
from staff.names import page_of


def suspend(row: Organization | Project, *, now: datetime) -> str:
    """Suspend it; the deed for the history. Raises Conflict if it is suspended."""
    if not suspension.suspend(row, now=now):
        row.refresh_from_db(fields=["suspended_at"])
        raise Conflict(f"It has been suspended since {row.suspended_at:%Y-%m-%d %H:%M} UTC.")
    return f"Suspended {row}."


def resume(row: Organization | Project) -> str:
    """Resume it; the deed for the history. Raises Conflict if it is not suspended, or erased."""
    if erasure_of(row) is not None:
        raise Conflict("It is being erased.")
    if not suspension.resume(row):
        raise Conflict("It is not suspended.")
    return f"Resumed {row}."


class Suspend(StaffAction):
    name = "suspend"
    label = "Suspend"
    past = "Suspended"
    permission = "projects.suspend_{model}"

    def applies_to(self, row: Organization | Project) -> bool:
        return row.suspended_at is None

    def effects(self, rows: Sequence[Any]) -> list[str]:
        if isinstance(rows[0], Organization):
            projects = counted(sum(row.project_count for row in rows), "project")
            refused = f"Every request of {projects} is refused at once: organization_suspended."
        else:
            refused = "Every request is refused at once: project_suspended."
        sessions = counted(sum(row.live_session_count for row in rows), "live session")
        return [
            refused,
            f"Cancelled at once, for good: {sessions}.",
            "MoveSpecs, keys and limits stay as they are, for a resume.",
        ]

    def perform(self, row: Any, submission: Submission) -> Done:
        return Done(suspend(row, now=submission.now))


class Resume(StaffAction):
    name = "resume"
    label = "Resume"
    past = "Resumed"
    permission = "projects.suspend_{model}"
    is_dangerous = False

    def applies_to(self, row: Organization | Project) -> bool:
        return row.suspended_at is not None and erasure_of(row) is None

    def effects(self, rows: Sequence[Any]) -> list[str]:
        told = ["Requests are let in again at once. Sessions that were cancelled stay so."]
        if isinstance(rows[0], Organization):
            return [*told, "A project that is itself suspended stays so."]
        if any(row.organization.suspended_at is not None for row in rows):
            told.append(
                "Where the organization is suspended, requests are refused until it is not."
            )
        return told

    def perform(self, row: Any, submission: Submission) -> Done:
        return Done(resume(row))


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

    def perform(self, row: Organization, submission: Submission) -> Done:
        days = submission.data["retention_days"]
        before = row.retention_days
        # Of what the form was asked for: a colleague may have set other days since.
        unchanged = Organization.objects.filter(pk=row.pk, retention_days=before)
        if not unchanged.update(retention_days=days):
            raise Conflict("Its days have changed meanwhile.")
        return Done(
            f"Set retention of {row}: "
            f"sessions are kept {kept_for(days)} (before: {kept_for(before)})."
        )


SENTENCE = f"{DEED}: all that it has goes for good."


class EraseForm(ReasonForm):
    """The name and the id of what is erased, typed: a click alone erases nothing."""

    name = forms.CharField(label="Its name", help_text="Type the name, to say which one is meant.")
    id_digits = forms.CharField(label="Its id")
    field_order = ["name", "id_digits", "reason"]

    def __init__(self, data: Any, row: Organization | Project) -> None:
        super().__init__(data)
        self.row = row
        digits = len(first_digits(row.pk))
        self.fields[
            "id_digits"
        ].help_text = f"At least its first {digits} digits: another may have the same name."
        reason = self.fields["reason"]
        reason.help_text = "Kept for good, when all else is gone: name no person."

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if name != self.row.name:
            raise ValidationError("That is not its name.")
        return name

    def clean_id_digits(self) -> str:
        typed, own = str(self.cleaned_data["id_digits"]).lower(), str(self.row.pk)
        if not (typed.startswith(first_digits(own)) and own.startswith(typed)):
            raise ValidationError("That is not its id.")
        return typed


class Erase(StaffAction):
    name = "erase"
    label = "Erase"
    past = "Erased"
    permission = "projects.erase_{model}"
    # Of which the retention of the log takes none.
    flag = DELETION
    takes_many = False

    def applies_to(self, row: Organization | Project) -> bool:
        return erasure_of(row) is None

    def form(self, data: Any, row: Any, user: Any) -> forms.BaseForm:
        return EraseForm(data, row)

    def context(self, row: Any, form: forms.BaseForm) -> dict[str, Any]:
        return {"facts": facts_of(row)}

    def effects(self, rows: Sequence[Any]) -> list[str]:
        row: Any = rows[0]
        has = "sessions and events, MoveSpecs and versions, keys, tokens and webhooks"
        if isinstance(row, Organization):
            has = f"{counted(rows[0].project_count, 'project')} with {has}"
        live = counted(row.live_session_count, "live session")
        return [
            f"Refused at once: every request. Cancelled: {live}.",
            f"Erased for good by the worker: {has}, and what the history tells of them.",
            "Kept: this line of the history without a name, and what was used, by day.",
            "It can't be stopped, and nothing brings it back.",
        ]

    def perform(self, row: Any, submission: Submission) -> Done:
        if not self.applies_to(row):
            raise Conflict("It is being erased already.")
        erasure = owner_erase(row, now=submission.now)
        return Done(SENTENCE, page=HttpResponseRedirect(page_of(erasure)))


def facts_of(row: Organization | Project) -> list[tuple[str, Any]]:
    """What tells it from another of its name, by reads that stay small however much it has."""
    now = clock.now()
    own = "organization" if isinstance(row, Organization) else "pk"
    projects = Project.objects.filter(**{own: row.pk})
    newest = DetectionSession.objects.filter(project=OuterRef("pk")).order_by("-created_at")
    by_project = projects.annotate(newest=Subquery(newest.values("created_at")[:1]))
    last = by_project.aggregate(last=Max("newest"))["last"]
    sessions = DetectionSession.objects.filter(project__in=projects).order_by()
    number = sessions[: MAX_COUNTED + 1].count()
    return [
        ("Id", row.pk),
        ("Made", moment(row.created_at, now)),
        ("Sessions", f"over {MAX_COUNTED:,}" if number > MAX_COUNTED else f"{number:,}"),
        ("Last session", moment(last, now) if last else "none"),
        ("Live streams", sessions.live().attached(now).count()),
    ]
