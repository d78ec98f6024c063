"""The list of sessions: its filters, and its search by id, name, subject or note.

It reads sessions as the API's list does.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, reduce
from operator import or_
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.db.models import Exists, ForeignKey, OuterRef, Q, QuerySet
from django.http import HttpRequest

from common.keyset import Place
from kynaplatform import clock
from movespecs.models import MoveSpec, MoveSpecVersion
from projects.models import Credential, Project
from sessions_app.context import fault_of_subject
from sessions_app.listing import (
    LIVE,
    UNCOUNTED,
    AnyOf,
    SessionFilters,
    ids_with_note,
    sessions_list,
)
from sessions_app.models import DetectionSession, Status
from staff.lists import PlacedChangeList, PlacedPage, StrictFilter
from staff.names import told_apart, with_customer, with_release
from staff.search_terms import ids_of, means_one_id, searched, words_of

# Of what a name finds, the newest count. Each is a place in an index of sessions that a page reads.
MAX_PROJECTS = MAX_MOVESPECS = MAX_VERSIONS = 100
HELP = (
    "By the name of a customer, a project or a MoveSpec, of each the newest "
    f"{MAX_PROJECTS}; or by the id of a session, a project, a MoveSpec or one of its versions. "
    "What no name has is sought as a whole subject, or a whole text of the metadata; subject:p_1 "
    "and metadata:north are sought as nothing else."
)
SUBJECT, NOTE = "subject:", "metadata:"
# The filters of what is the customer's own.
LABELS = frozenset({"subject", "note"})
OF_PROJECT = ["name", "=id", "organization__name", "=organization__id"]
OF_MOVESPEC = ["name", "=id", "project__name", "project__organization__name"]


def sought(text: str) -> dict[str, Any]:
    """The `SessionFilters` that `text` means; empty if it finds nothing.

    An id is a version's, a project's, or the first digits of a session's. Raises Refused if the
    words are too many.
    """
    if text.startswith((SUBJECT, NOTE)):
        return labelled(text)
    if meant := ids_of(text):
        if means_one_id(text) and (owned := _of_one_id(meant[0])):
            return owned
        if DetectionSession.objects.filter(id__range=meant).exists():
            return {"ids": meant}
    any_of = AnyOf(_projects(text), _versions(text))
    return {"any_of": any_of} if any(any_of) else labelled(text)


def labelled(text: str) -> dict[str, Any]:
    """The same of a subject, else of a note."""
    if text.startswith(SUBJECT):
        return _of_subject(text.removeprefix(SUBJECT).strip())
    if text.startswith(NOTE):
        return _of_note(text.removeprefix(NOTE).strip())
    return _of_subject(text) or _of_note(text)


def _of_subject(text: str) -> dict[str, Any]:
    """In several projects these are several people. The newest projects count."""
    if fault_of_subject(text):
        return {}
    theirs = DetectionSession.objects.filter(subject=text, project_id=OuterRef("pk"))
    projects = Project.objects.filter(Exists(theirs)).order_by("-created_at")
    ids = list(projects.values_list("pk", flat=True)[:MAX_PROJECTS])
    return {"subject": text, "any_of": AnyOf(ids, [])} if ids else {}


def _of_note(text: str) -> dict[str, Any]:
    found = ids_with_note(text) if text else []
    return {} if found == [] else {"note": text}


def _of_one_id(row_id: Any) -> dict[str, Any]:
    versions = MoveSpecVersion.objects.filter(id=row_id)
    if version := versions.values_list("movespec__project_id").first():
        return {"version_id": row_id, "project_id": version[0]}
    return {"project_id": row_id} if Project.objects.filter(id=row_id).exists() else {}


def _projects(text: str) -> list[Any]:
    found = searched(Project.objects.all(), text, OF_PROJECT).order_by("-created_at")
    return list(found.values_list("pk", flat=True)[:MAX_PROJECTS])


def _versions(text: str) -> list[Any]:
    """The versions of the MoveSpecs that are called so: by their owners' names alone none is."""
    called = searched(MoveSpec.objects.all(), text, OF_MOVESPEC)
    if ids_of(text) is None:
        called = called.filter(reduce(or_, (Q(name__icontains=one) for one in words_of(text)), Q()))
    movespecs = called.order_by("-created_at").values_list("pk", flat=True)[:MAX_MOVESPECS]
    versions = MoveSpecVersion.objects.filter(movespec__in=list(movespecs)).order_by("-created_at")
    return list(versions.values_list("pk", flat=True)[:MAX_VERSIONS])


class InputFilter(admin.SimpleListFilter):
    """A filter with an input of its own, which keeps what the other filters say."""

    kept: list[tuple[str, str]] = []

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return []

    def has_output(self) -> bool:
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Left to `SessionChangeList`."""

    @property
    def told(self) -> str | None:
        """The value that came by the input, and not by a choice."""
        return None if self.value() in dict(self.lookup_choices) else self.value()

    def choices(self, changelist: Any) -> Iterator[Any]:
        kept = changelist.params.items()
        self.kept = [(name, value) for name, value in kept if name != self.parameter_name]
        return super().choices(changelist)


class StatusFilter(StrictFilter):
    title = "status"
    parameter_name = "status__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            (LIVE, "Live, any of the first three"),
            *((one, one) for one in Status.values),
            (UNCOUNTED, "Completed, 0 repetitions"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Left to `SessionChangeList`."""


class OwnerField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return told_apart(obj)


class OwnerFinder(InputFilter):
    """A filter that finds an owner as the owner's own list does. `refers` is the key to it."""

    template = "admin/sessions_app/detectionsession/owner_filter.html"
    refers: ForeignKey[Any, Any]

    @property
    def told(self) -> str | None:
        owner = self._owners().filter(pk=self.value()).first() if self.value() else None
        return told_apart(owner) if owner else None

    def _owners(self) -> QuerySet[Any]:
        owners = with_customer(self.refers.remote_field.model._default_manager.all())
        return with_release(owners) if owners.model is MoveSpec else owners

    @property
    def form(self) -> forms.Form:
        name = str(self.parameter_name)
        form = forms.Form(initial={name: self.value()})
        form.fields[name] = OwnerField(
            self._owners(),
            label=f"Find by {self.title}",
            widget=AutocompleteSelect(self.refers, admin.site, attrs={"id": f"by-{self.title}"}),
        )
        return form


class OrganizationFilter(OwnerFinder):
    title = "organization"
    parameter_name = "organization"
    refers = Project._meta.get_field("organization")


class ProjectFilter(OwnerFinder):
    title = "project"
    parameter_name = "project__id__exact"
    refers = DetectionSession._meta.get_field("project")


class CredentialFilter(InputFilter):
    """A filter that the page of a key leads to, and nobody types."""

    title = "made by"
    parameter_name = "key"
    template = "admin/filter.html"

    def has_output(self) -> bool:
        return self.value() is not None

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        if not request.GET.get("key"):
            return []
        try:
            chosen = Credential.objects.filter(pk=request.GET["key"]).first()
        except ValidationError:  # not an id: the list itself refuses it
            return []
        return [(str(chosen.pk), str(chosen))] if chosen else []


class MoveSpecFilter(OwnerFinder):
    title = "MoveSpec"
    parameter_name = "movespec"
    refers = MoveSpecVersion._meta.get_field("movespec")


FINDER_MEDIA = AutocompleteSelect(ProjectFilter.refers, admin.site).media


class DayFilter(InputFilter):
    """A filter by days of UTC: `2026-11-25`, or `2026-11-19..2026-11-25` with both."""

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


class SessionChangeList(PlacedChangeList):
    def page_from(self, start: Place | None, size: int) -> PlacedPage:
        if self._filters is None:
            return PlacedPage([])
        found = sessions_list(
            self._filters,
            start=start,
            size=size,
            related=["project__organization", "resolved_version__movespec"],
        )
        return PlacedPage(found.sessions, found.newer, found.older)

    @cached_property
    def _filters(self) -> SessionFilters | None:
        """The filters and the search as one query; None if they exclude each other.

        All pages of a download have what a name has found for the first.
        """
        filters = {name: value for name, value in self.params.items() if value}
        organization, project = (
            UUID(text) if (text := filters.get(one.parameter_name)) else None
            for one in (OrganizationFilter, ProjectFilter)
        )
        chosen: dict[str, Any] = {
            "status": filters.get(StatusFilter.parameter_name),
            "mode": filters.get("mode__exact"),
        }
        if day := filters.get(DayFilter.parameter_name):
            chosen["created_after"], chosen["created_before"] = around(day)
        if self.query.strip():
            found = sought(self.query)
            if not found or (project and found.get("project_id", project) != project):
                return None
            chosen |= found
        if movespec := filters.get(MoveSpecFilter.parameter_name):
            narrowed = of_movespec(UUID(movespec), chosen)
            if narrowed is None or (project and narrowed["project_id"] != project):
                return None
            chosen = narrowed
        if key := filters.get(CredentialFilter.parameter_name):
            made = Credential.objects.filter(pk=UUID(key)).only("project_id").first()
            if made is None or made.project_id != (
                chosen.get("project_id", project) or made.project_id
            ):
                return None
            chosen |= {"created_by": made.pk, "project_id": made.project_id}
        project = chosen.get("project_id", project)
        if project is None:
            return SessionFilters(**chosen, organization_id=organization)
        if organization:
            theirs = Project.objects.filter(id=project, organization_id=organization)
            if not theirs.exists():
                return None
        return SessionFilters(**chosen | {"project_id": project})


def of_movespec(movespec_id: UUID, chosen: dict[str, Any]) -> dict[str, Any] | None:
    """The `SessionFilters` of `chosen` for one MoveSpec alone, whose sessions are all of its own
    project; None if they exclude it.

    As many of its versions count as it may have, the newest, and always the released one.
    """
    movespecs = MoveSpec.objects.filter(id=movespec_id).select_related("project")
    movespec = movespecs.only("project__version_limit", "current_released_version_id").first()
    if movespec is None or chosen.get("project_id", movespec.project_id) != movespec.project_id:
        return None
    newest = movespec.versions.order_by("-version_number").values_list("pk", flat=True)
    ids = list(newest[: movespec.project.version_limit or settings.VERSIONS_PER_MOVESPEC])
    if (released := movespec.current_released_version_id) and released not in ids:
        ids.append(released)
    narrowed = {**chosen, "project_id": movespec.project_id, "any_of": None, "version_id": None}
    if (any_of := chosen.get("any_of")) and movespec.project_id not in any_of.project_ids:
        ids = [one for one in ids if one in any_of.version_ids]
    if one := chosen.get("version_id"):
        ids = [one] if one in ids else []
    return {**narrowed, "version_ids": ids} if ids else None


def around(text: str) -> tuple[datetime, datetime]:
    """The last moment before the days, and the first one after."""
    first, _, last = text.partition("..")
    since, until = (
        datetime.combine(date.fromisoformat(day), time(), UTC) for day in (first, last or first)
    )
    return since - timedelta(microseconds=1), until + timedelta(days=1)
