"""The list of sessions and its filters. It reads sessions as the API's list does."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Model
from django.http import HttpRequest

from common.keyset import Cursor, KeysetPage
from kynaplatform import clock
from movespecs.catalogue import CATALOGUE_PROJECT
from movespecs.models import MoveSpec
from projects.models import Credential, Organization, Project
from sessions_app.listing import LIVE, UNCOUNTED, SessionFilters, sessions_list
from sessions_app.models import Status
from staff.display import distinct_name, with_customer
from staff.lists import KeysetChangeList, LeftToList, StrictFilter
from staff.search import session_filters


class LinkedFilter(LeftToList):
    """A filter by a row whose page links to the list. It names the row, and offers no others."""

    parameter_name: str
    model: type[Model]

    def has_output(self) -> bool:
        return self.value() is not None

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        try:
            chosen_id = UUID(request.GET.get(self.parameter_name, ""))
        except ValueError:  # the list itself refuses it
            return []
        chosen = with_customer(self.model._default_manager.filter(pk=chosen_id))
        return [(str(one.pk), distinct_name(one)) for one in chosen]


class StatusFilter(LeftToList, StrictFilter):
    title = "status"
    parameter_name = "status__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            (LIVE, "Live, any of the first three"),
            *((one, one) for one in Status.values),
            (UNCOUNTED, "Completed, 0 repetitions"),
        ]


def linked(title: str, parameter: str, model: type[Model]) -> type[LinkedFilter]:
    named = {"title": title, "parameter_name": parameter, "model": model}
    return type(f"{model.__name__}Filter", (LinkedFilter,), named)


LINKED = (
    linked("organization", "organization", Organization),
    linked("project", "project__id__exact", Project),
    linked("MoveSpec", "movespec", MoveSpec),
    linked("made by", "key", Credential),
)


class DayFilter(LeftToList):
    """Days of UTC: `2026-11-25`, or `2026-11-19..2026-11-25` with both. An input has other days."""

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

    @property
    def typed(self) -> str | None:
        """The value that came by the input, and not by a choice."""
        return None if self.value() in dict(self.lookup_choices) else self.value()

    def choices(self, changelist: Any) -> Iterator[Any]:
        kept = changelist.params.items()
        self.kept = [(name, value) for name, value in kept if name != self.parameter_name]
        return super().choices(changelist)


class SessionChangeList(KeysetChangeList):
    def page_from(self, start: Cursor | None, size: int) -> KeysetPage:
        if self._filters is None:
            return KeysetPage([])
        related = ["project__organization", "resolved_version__movespec"]
        return sessions_list(self._filters, start=start, size=size, related=related)

    @cached_property
    def _filters(self) -> SessionFilters | None:
        """The filters and the search as one query; None if they exclude each other.

        Computed once, so that all pages of a download have the owners that a name found first.
        """
        params = {name: value for name, value in self.params.items() if value}
        organization, project, movespec, key = (
            UUID(text) if (text := params.get(one.parameter_name)) else None for one in LINKED
        )
        chosen: dict[str, Any] = {
            "status": params.get(StatusFilter.parameter_name),
            "mode": params.get("mode__exact"),
        }
        # Those that the filters are within: they agree on one project, or exclude each other.
        projects = {project}
        if day := params.get(DayFilter.parameter_name):
            chosen["created_after"], chosen["created_before"] = around(day)
        if self.query.strip():
            found = session_filters(self.query)
            if not found:
                return None
            chosen |= found
            projects.add(found.get("project_id"))
        if movespec:
            if (narrowed := of_movespec(movespec, chosen)) is None:
                return None
            chosen = narrowed
            projects.add(chosen.get("project_id"))
        if key:
            made = Credential.objects.filter(pk=key).only("project_id").first()
            if made is None:
                return None
            chosen["created_by"] = made.pk
            projects.add(made.project_id)
        within = {one for one in projects if one}
        if not within:
            return SessionFilters(**chosen, organization_id=organization)
        if len(within) > 1:
            return None
        [project] = within
        theirs = Project.objects.filter(pk=project, organization=organization)
        if organization and not theirs.exists():
            return None
        return SessionFilters(**chosen | {"project_id": project})


def of_movespec(movespec_id: UUID, chosen: dict[str, Any]) -> dict[str, Any] | None:
    """The fields of `chosen` narrowed to one MoveSpec; None if they exclude it.

    Only a MoveSpec of the catalogue has sessions of other projects than its own. The newest
    versions count, as many as it may have, and always the released one.
    """
    movespecs = MoveSpec.objects.filter(id=movespec_id).select_related("project")
    movespec = movespecs.only("project__version_limit", "current_released_version_id").first()
    if movespec is None:
        return None
    newest = movespec.versions.order_by("-version_number").values_list("pk", flat=True)
    ids = list(newest[: movespec.project.version_limit or settings.VERSIONS_PER_MOVESPEC])
    if (released := movespec.current_released_version_id) and released not in ids:
        ids.append(released)
    if one := chosen.get("version_id"):
        ids = [one] if one in ids else []
    narrowed: dict[str, Any] = {"version_id": None}
    if movespec.project_id != CATALOGUE_PROJECT:
        if (any_of := chosen.get("any_of")) and movespec.project_id not in any_of.project_ids:
            ids = [one for one in ids if one in any_of.version_ids]
        narrowed |= {"project_id": movespec.project_id, "any_of": None}
    return {**chosen, **narrowed, "version_ids": ids} if ids else None


def around(text: str) -> tuple[datetime, datetime]:
    """The last moment before the days, and the first one after."""
    first, _, last = text.partition("..")
    since, until = (
        datetime.combine(date.fromisoformat(day), time(), UTC) for day in (first, last or first)
    )
    return since - timedelta(microseconds=1), until + timedelta(days=1)
