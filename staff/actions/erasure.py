"""Erase a project or an organization for good, with all that it has."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib.admin.models import DELETION
from django.core.exceptions import ValidationError
from django.http import HttpResponseRedirect

from erasure.owners import DEED, erasure_of, owner_erase
from kynaplatform.api.errors import Conflict
from projects.models import Organization, Project
from staff.actions.base import Outcome, ReasonForm, StaffAction, Submission
from staff.display import counted
from staff.links import page_of

SENTENCE = f"{DEED}, with all that it had."


class EraseForm(ReasonForm):
    """The name of what is erased, typed: a click alone erases nothing."""

    name = forms.CharField(label="Its name", help_text="Type the name, to say which one is meant.")
    field_order = ["name", "reason"]

    def __init__(self, data: Any, row: Organization | Project) -> None:
        super().__init__(data)
        self.expected = row.name
        reason = self.fields["reason"]
        reason.help_text = "Kept for good, when all else is gone: name no person."

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if name != self.expected:
            raise ValidationError("That is not its name.")
        return name


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

    def form(self, data: Any, row: Any) -> forms.BaseForm:
        return EraseForm(data, row)

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
