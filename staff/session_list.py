"""The list of sessions: what its filters ask for, read from one index for each state.

A status means what the sweep would have written by now, as it does in the API.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from movespecs.models import MoveSpecVersion
from projects.models import Project
from sessions_app.deadlines import as_due, is_due, sessions_as_of, with_due_columns
from sessions_app.models import LIVE_STATUSES, DetectionSession, Mode, Status
from staff.keyset import Page, Place, page, place


class AskingFilter(admin.SimpleListFilter):
    """A filter with an input of its own, which keeps what the other filters say."""

    kept: list[tuple[str, str]] = []

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return []

    def has_output(self) -> bool:
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Left to `SessionChangeList`."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        kept = changelist.params.items()
        self.kept = [(name, value) for name, value in kept if name != self.parameter_name]
        return super().choices(changelist)


class ProjectForm(forms.Form):
    project__id__exact = forms.ModelChoiceField(
        Project.objects,
        label="Find a project",
        widget=AutocompleteSelect(
            DetectionSession._meta.get_field("project"), admin.site, attrs={"id": "by-project"}
        ),
    )


class ProjectFilter(AskingFilter):
    title = "project"
    parameter_name = "project__id__exact"
    template = "admin/sessions_app/detectionsession/project_filter.html"

    @property
    def form(self) -> ProjectForm:
        return ProjectForm(initial={self.parameter_name: self.value()})


class DayFilter(AskingFilter):
    """`2026-11-25`, or `2026-11-19..2026-11-25` with both; a day is one of UTC."""

    title = "day"
    parameter_name = "day"
    template = "admin/sessions_app/detectionsession/day_filter.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        today = timezone.now().date()
        yesterday, week_ago = (today - timedelta(days=days) for days in (1, 6))
        return [
            (f"{today}", "Today"),
            (f"{yesterday}", "Yesterday"),
            (f"{week_ago}..{today}", "Last 7 days"),
        ]


class SessionChangeList(ChangeList):
    """A page of sessions by where it starts; nothing is counted."""

    def get_filters(self, request: HttpRequest) -> Any:
        filters = super().get_filters(request)
        if filters[2]:
            raise IncorrectLookupParameters(filters[2])
        return filters

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: Any = None
    ) -> QuerySet[DetectionSession]:
        """What acts choose from: the rows that were ticked, whatever they are by now."""
        super().get_queryset(request, exclude_parameters)  # makes the filters
        return self.root_queryset

    def get_results(self, request: HttpRequest) -> None:
        now = timezone.now()
        start = request.GET.get(PAGE_VAR)
        try:
            found = self._page(now, place(start) if start else None)
        except (ValueError, OverflowError) as error:
            raise IncorrectLookupParameters(error) from error
        shown = sessions_as_of(now).select_related("project").defer("engine_state")
        rows = shown.in_bulk(list(found.ids))
        self.result_list: Any = [with_due_columns(rows[id_]) for id_ in found.ids]
        neighbours = [("Newer", found.newer), ("Older", found.older)]
        self.neighbours = [("Newest", self.get_query_string())] if start else []
        self.neighbours += [
            (label, self.get_query_string({PAGE_VAR: str(there)}))
            for label, there in neighbours
            if there
        ]
        self.result_count = self.full_result_count = len(found.ids)
        self.show_admin_actions = bool(found.ids)
        self.show_full_result_count = self.can_show_all = self.multi_page = False

    def _page(self, now: datetime, start: Place | None) -> Page:
        """Raises ValueError for what no list can ask."""
        asked = {name: value for name, value in self.params.items() if value}
        rows = DetectionSession.objects.all()
        if project := asked.get(ProjectFilter.parameter_name):
            rows = rows.filter(project_id=UUID(project))
        if day := asked.get(DayFilter.parameter_name):
            rows = rows.filter(_within(day))
        if self.query:
            try:
                rows = rows.filter(_of_id(UUID(self.query.strip())))
            except ValueError:
                return Page()
        stored, overdue = with_state(
            rows, asked.get("status__exact"), asked.get("mode__exact"), now
        )
        return page(stored, overdue, start=start, size=self.list_per_page)


def with_state(
    rows: QuerySet[DetectionSession], status: str | None, mode: str | None, now: datetime
) -> tuple[list[QuerySet[DetectionSession]], QuerySet[DetectionSession] | None]:
    """Those of `rows` that have the status and the mode, if any: by stored state, and overdue."""
    modes = [mode] if mode else Mode.values
    stored = [
        rows.filter(status=one, mode=of_mode, deadline_at__isnull=one not in LIVE_STATUSES)
        for one in ([status] if status else Status.values)
        for of_mode in modes
    ]
    if status is None:
        return stored, None
    overdue = rows.filter(is_due(now), mode__in=modes).annotate(now_status=as_due(now)["status"])
    return (
        [part.exclude(deadline_at__lte=now) for part in stored],
        overdue.filter(now_status=status).order_by("deadline_at"),
    )


def _within(text: str) -> Q:
    first, _, last = text.partition("..")
    since, until = (
        datetime.combine(date.fromisoformat(day), time(), UTC) for day in (first, last or first)
    )
    return Q(created_at__gte=since, created_at__lt=until + timedelta(days=1))


def _of_id(id_: UUID) -> Q:
    """Those of a version, of a project, or the session itself."""
    if MoveSpecVersion.objects.filter(id=id_).exists():
        return Q(resolved_version_id=id_)
    return Q(project_id=id_) if Project.objects.filter(id=id_).exists() else Q(id=id_)
