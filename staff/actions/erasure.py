"""Erase a project or an organization for good, with all that it has.

Two may have the same name, so the page shows what tells them apart, and asks for the id too.
"""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib.admin.models import DELETION
from django.core.exceptions import ValidationError
from django.db.models import Max, OuterRef, Subquery
from django.http import HttpResponseRedirect

from erasure.owners import DEED, erasure_of, owner_erase
from kynaplatform import clock
from kynaplatform.api.errors import Conflict
from projects.models import Organization, Project
from sessions_app.models import DetectionSession, is_attached
from staff.actions.base import Outcome, ReasonForm, StaffAction, Submission
from staff.customer_page import holdings_of
from staff.display import counted, first_digits, moment
from staff.links import page_of

MAX_COUNTED = 100_000
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

    def perform(self, row: Any, submission: Submission) -> Outcome:
        if not self.applies_to(row):
            raise Conflict("It is being erased already.")
        erasure = owner_erase(row, now=submission.now)
        return Outcome(SENTENCE, page=HttpResponseRedirect(page_of(erasure)))


def facts_of(row: Organization | Project) -> list[tuple[str, Any]]:
    """What tells it from another of its name, by reads that stay small however much it has."""
    now, projects = clock.now(), holdings_of(row).projects
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
        ("Live streams", sessions.filter(is_attached(now), deadline_at__isnull=False).count()),
    ]
