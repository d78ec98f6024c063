"""The pages of erasures: how far each is."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db.models import Q
from django.http import HttpRequest
from django.utils.safestring import SafeString

from erasure.models import Erasure, Kind
from kynaplatform import clock
from projects.models import Project
from staff.base import ReadOnlyAdmin
from staff.display import badge, first_digits, id_column, moment, moment_of
from staff.lists import StrictFilter
from staff.names import list_of, may_view

# Of the projects that an organization still has: the worker erases one after the other.
MAX_NAMED = 10


class StateFilter(StrictFilter):
    title = "state"
    parameter_name = "state"

    def conditions(self, now: Any) -> dict[str, tuple[str, Q]]:
        is_over = Q(ended_at__isnull=False)
        return {"pending": ("Pending", ~is_over), "done": ("Done", is_over)}


@admin.register(Erasure)
class ErasureAdmin(ReadOnlyAdmin):
    """A person's id is on no page: the customer's own, and soon gone."""

    has_history = False
    change_form_template = "admin/erasure/erasure.html"
    list_display = [
        id_column, "kind", "state", "sessions", moment_of("requested_at"), moment_of("ended_at"),
    ]  # fmt: skip
    list_filter = [StateFilter, "kind"]
    search_fields = ["=id", "=project_id", "=organization_id"]
    sortable_by = ()
    fieldsets = [("All columns", {"classes": ["collapse"], "fields": [
        "id", "kind", "organization_id", "project_id", "requested_at", "ended_at", "sessions",
        "exported_at",
    ]})]  # fmt: skip

    @admin.display(description="state")
    def state(self, erasure: Erasure) -> SafeString:
        return badge("done", "good") if erasure.ended_at else badge("pending", "warning")

    def page_context(self, request: HttpRequest, erasure: Any) -> dict[str, Any]:
        now = clock.now()
        facts: list[tuple[str, Any]] = [
            ("State", self.state(erasure)),
            ("Of", erasure.get_kind_display().lower()),
            ("Sessions erased", f"{erasure.sessions:,}"),
            ("Asked for", moment(erasure.requested_at, now)),
        ]
        if erasure.ended_at:
            facts.append(("Done", moment(erasure.ended_at, now)))
        return {
            **super().page_context(request, erasure),
            "title": f"Erasure {first_digits(erasure.pk)} of {_article(erasure)}",
            "subtitle": None,
            "facts": facts,
            "left": [] if erasure.ended_at or erasure.kind == Kind.SUBJECT else _left(erasure),
            "lines": may_view(request.user, LogEntry)
            and erasure.kind != Kind.SUBJECT
            and list_of(LogEntry, q=erasure.project_id or erasure.organization_id),
        }


def _article(erasure: Erasure) -> str:
    if erasure.kind == Kind.SUBJECT:
        return "a person"
    return "a project" if erasure.kind == Kind.PROJECT else "an organization"


def _left(erasure: Erasure) -> list[str]:
    """The names of the projects that are still there."""
    field = "organization_id" if erasure.kind == Kind.ORGANIZATION else "id"
    its_id = erasure.organization_id if erasure.project_id is None else erasure.project_id
    projects = Project.objects.filter(**{field: its_id}).select_related("organization")
    return [str(one) for one in projects.order_by("id")[:MAX_NAMED]]
