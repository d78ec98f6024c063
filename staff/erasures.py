"""The erasure of organizations and projects by staff, and the pages that say how far each is."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.models import DELETION, LogEntry
from django.core.exceptions import ValidationError
from django.db.models import Max, OuterRef, Q, Subquery
from django.http import HttpRequest, HttpResponseRedirect
from django.utils.safestring import SafeString

from erasure.erasures import DEED, erasure_of, owner_erase
from erasure.models import Erasure, Kind
from kynaplatform import clock
from kynaplatform.api.errors import Conflict
from projects.models import Organization, Project
from sessions_app.models import DetectionSession
from staff.actions import ActionResult, ReasonForm, StaffAction, Submission
from staff.base import ReadOnlyAdmin
from staff.display import (
    badge,
    count_up_to,
    counted,
    first_digits,
    id_column,
    lists_seen_by,
    moment,
    moment_of,
    page_of,
)
from staff.lists import StrictFilter

SENTENCE = f"{DEED}: all that it has goes for good."


class EraseForm(ReasonForm):
    """The name and the id of what is erased, typed: a click alone erases nothing."""

    name = forms.CharField(label="Its name", help_text="Type the name, to say which one is meant.")
    id_digits = forms.CharField(label="Its id")
    field_order = ["name", "id_digits", "reason"]

    def __init__(self, data: Any, row: Organization | Project) -> None:
        super().__init__(data)
        self.row = row
        digits = f"At least its first {len(first_digits(row.pk))} digits"
        self.fields["id_digits"].help_text = f"{digits}: another may have the same name."
        self.fields["reason"].help_text = "Kept for good, when all else is gone: name no person."

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
    name, label, past = "erase", "Erase", "Erased"
    permission = "projects.erase_{model}"
    # The retention of the log keeps entries of this kind.
    flag = DELETION
    takes_many = False

    def applies_to(self, row: Organization | Project) -> bool:
        return erasure_of(row) is None

    def form(self, data: Any, row: Any, user: Any) -> forms.BaseForm:
        return EraseForm(data, row)

    def context(self, row: Any, form: forms.BaseForm) -> dict[str, Any]:
        """What distinguishes it from another of its name, by reads that stay small."""
        now = clock.now()
        own = "organization" if isinstance(row, Organization) else "pk"
        projects = Project.objects.filter(**{own: row.pk})
        newest = DetectionSession.objects.filter(project=OuterRef("pk")).order_by("-created_at")
        by_project = projects.annotate(newest=Subquery(newest.values("created_at")[:1]))
        last = by_project.aggregate(last=Max("newest"))["last"]
        sessions = DetectionSession.objects.filter(project__in=projects)
        facts = [
            ("Id", row.pk),
            ("Made", moment(row.created_at, now)),
            ("Sessions", count_up_to(sessions)),
            ("Last session", moment(last, now) if last else "none"),
            ("Live streams", sessions.live().attached(now).count()),
        ]
        return {"facts": facts}

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

    def perform(self, row: Any, submission: Submission) -> ActionResult:
        if not self.applies_to(row):
            raise Conflict("It is being erased already.")
        erasure = owner_erase(row, now=submission.now)
        return ActionResult(SENTENCE, lambda request: HttpResponseRedirect(page_of(erasure)))


class StateFilter(StrictFilter):
    def conditions(self, now: Any) -> dict[str, tuple[str, Q]]:
        is_over = Q(ended_at__isnull=False)
        return {"pending": ("Pending", ~is_over), "done": ("Done", is_over)}


@admin.register(Erasure)
class ErasureAdmin(ReadOnlyAdmin):
    """No page has a person's id: it is the customer's own, and soon gone."""

    has_history = False
    list_display = [
        id_column, "kind", "state", "sessions", moment_of("requested_at"), moment_of("ended_at"),
    ]  # fmt: skip
    list_filter = [StateFilter, "kind"]
    search_fields = ["=id", "=project_id", "=organization_id"]
    sortable_by = ()
    description = "The worker erases a batch at a time, every 15 seconds."
    fieldsets = [(None, {"description": description, "fields": [
        "id", "kind", "state", "sessions", "requested_at", "ended_at", "organization_id",
        "project_id", "exported_at",
    ]})]  # fmt: skip

    @admin.display(description="state")
    def state(self, erasure: Erasure) -> SafeString:
        return badge("done", "good") if erasure.ended_at else badge("pending", "warning")

    def leads_to(self, request: HttpRequest, row: Erasure) -> list[tuple[str, str]]:
        if row.kind == Kind.SUBJECT:
            return []
        owner = row.project_id or row.organization_id
        return lists_seen_by(request.user, ("Who did what", LogEntry, {"q": owner}))
