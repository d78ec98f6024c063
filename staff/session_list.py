"""The list of sessions: what its filters ask for, found as the API finds it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR
from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import QuerySet
from django.http import HttpRequest

from kynaplatform import clock
from movespecs.models import MoveSpecVersion
from projects.models import Project
from sessions_app.keyset import Place, place
from sessions_app.listing import Asked, Listed, sessions_list
from sessions_app.models import DetectionSession
from staff.asking import OfferedChangeList
from staff.naming import with_customer


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
        with_customer(Project.objects.all()),
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
        today = clock.now().date()
        yesterday, week_ago = (today - timedelta(days=days) for days in (1, 6))
        return [
            (f"{today}", "Today"),
            (f"{yesterday}", "Yesterday"),
            (f"{week_ago}..{today}", "Last 7 days"),
        ]


class SessionChangeList(OfferedChangeList):
    """A page of sessions by where it starts; nothing is counted."""

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: Any = None
    ) -> QuerySet[DetectionSession]:
        """What acts choose from: the rows that were ticked, whatever they are by now."""
        super().get_queryset(request, exclude_parameters)  # makes the filters
        return self.root_queryset

    def get_results(self, request: HttpRequest) -> None:
        start = request.GET.get(PAGE_VAR)
        try:
            found = self._listed(place(start) if start else None)
        except (ValueError, OverflowError) as error:
            raise IncorrectLookupParameters(error) from error
        self.result_list: Any = found.sessions
        neighbours = [("Newer", found.newer), ("Older", found.older)]
        self.neighbours = [("Newest", self.get_query_string())] if start else []
        self.neighbours += [
            (label, self.get_query_string({PAGE_VAR: str(there)}))
            for label, there in neighbours
            if there
        ]
        self.result_count = self.full_result_count = len(found.sessions)
        self.show_admin_actions = bool(found.sessions)
        self.show_full_result_count = self.can_show_all = self.multi_page = False

    def _listed(self, start: Place | None) -> Listed:
        """Raises ValueError for what no list can ask."""
        filters = {name: value for name, value in self.params.items() if value}
        project = filters.get(ProjectFilter.parameter_name)
        asked: dict[str, Any] = {
            "status": filters.get("status__exact"),
            "mode": filters.get("mode__exact"),
            "project_id": UUID(project) if project else None,
        }
        if day := filters.get(DayFilter.parameter_name):
            asked["created_after"], asked["created_before"] = _around(day)
        if self.query:
            found = _of_id(self.query.strip())
            is_of_another = "project_id" in found and asked["project_id"] not in (
                None,
                found["project_id"],
            )
            if not found or is_of_another:
                return Listed()
            asked |= found
        return sessions_list(
            Asked(**asked),
            now=clock.now(),
            start=start,
            size=self.list_per_page,
            related=["project__organization"],
        )


def _around(text: str) -> tuple[datetime, datetime]:
    """The last moment before the days, and the first one after."""
    first, _, last = text.partition("..")
    since, until = (
        datetime.combine(date.fromisoformat(day), time(), UTC) for day in (first, last or first)
    )
    return since - timedelta(microseconds=1), until + timedelta(days=1)


def _of_id(text: str) -> dict[str, UUID]:
    """What the id of a version, a project or a session asks; another text asks nothing."""
    try:
        id_ = UUID(text)
    except ValueError:
        return {}
    version = MoveSpecVersion.objects.filter(id=id_).values_list("movespec__project_id").first()
    if version:
        return {"version_id": id_, "project_id": version[0]}
    is_project = Project.objects.filter(id=id_).exists()
    return {"project_id" if is_project else "session_id": id_}
