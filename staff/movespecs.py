"""The pages of MoveSpecs, their drafts and their releases."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import SEARCH_VAR
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from detection import validate
from kynaplatform import clock
from kynaplatform.api.names import visible
from movespecs.accuracy import accuracy_cards, facts_of, why_experimental
from movespecs.models import IN_USE_FIRST, MoveSpec, MoveSpecDraft, MoveSpecVersion, Release
from staff.actions.base import StaffActionAdmin, action_url
from staff.actions.movespecs import Delist, Relist
from staff.actions.versions import RollBack, name_of
from staff.authors import author_of, author_of_release, with_author
from staff.base import OF_PROJECT, OwnerFilter, ReadOnlyAdmin
from staff.diffs import lines_of
from staff.display import badge, id_column, moment_of
from staff.full_names import full_name
from staff.links import sessions_of
from staff.movespec_text import reading
from staff.namesakes import in_use_first, release_words, with_release
from staff.suspensions import with_suspensions
from staff.version_table import version_rows

# The most versions and releases that a MoveSpec's page lists.
MAX_LISTED = 20


@admin.register(MoveSpec)
class MoveSpecAdmin(ReadOnlyAdmin, StaffActionAdmin):
    change_form_template = "admin/movespecs/movespec.html"
    list_display = [
        "shown_name", id_column, "project", "state", "released_version", moment_of("created_at"),
    ]  # fmt: skip
    list_filter = [
        ("project", OwnerFilter),
        ("project__organization", OwnerFilter),
        "visibility",
        ("current_released_version", admin.EmptyFieldListFilter),
        ("archived_at", admin.EmptyFieldListFilter),
        ("delisted_at", admin.EmptyFieldListFilter),
        "created_at",
    ]
    search_fields = OF_PROJECT
    fields = [
        "id", "shown_name", "shown_description", "project", "visibility", "released_version",
        "forked_from", "made_by", "created_at", "updated_at", "archived_at", "delisted_at",
    ]  # fmt: skip
    staff_actions = [Delist(), Relist()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[MoveSpec]:
        rows = with_release(super().get_queryset(request))
        found: QuerySet[MoveSpec] = with_author(rows, "created_by", request.user)
        return found

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        is_searched = bool(request.GET.get(SEARCH_VAR, "").strip())
        is_narrow = is_searched or any(one.startswith("project") for one in request.GET)
        in_all = [condition.asc() for condition in IN_USE_FIRST]
        return [*(in_use_first(MoveSpec) if is_narrow else in_all), "-created_at"]

    @admin.display(description="made by")
    def made_by(self, movespec: MoveSpec) -> SafeString | str:
        return author_of(movespec, movespec.created_by)

    def leads_to(self, request: HttpRequest, row: MoveSpec) -> list[tuple[str, str]]:
        return sessions_of(request.user, movespec=row.pk)

    @admin.display(description="description", empty_value="-")
    def shown_description(self, movespec: MoveSpec) -> str:
        return visible_lines(movespec.description or "-")

    @admin.display(description="state", ordering="visibility")
    def state(self, movespec: MoveSpec) -> SafeString:
        state = with_suspensions(movespec, _own_state(movespec))
        card = accuracy_cards().get(movespec.id)
        if card is None or not card.experimental:
            return state
        return format_html("{} {}", state, badge("experimental", "warning"))

    @admin.display(description="released", ordering="current_released_version")
    def released_version(self, movespec: MoveSpec) -> str:
        return release_words(movespec)

    def page_context(self, request: HttpRequest, movespec: MoveSpec) -> dict[str, Any]:
        context = super().page_context(request, movespec)
        card = accuracy_cards().get(movespec.id)
        versions = movespec.versions.order_by("-version_number")
        newest = list(versions.values_list("version_number", flat=True)[: MAX_LISTED + 1])
        made = with_author(movespec.releases.all(), "released_by_credential", request.user)
        releases = list(
            made.select_related("from_version", "to_version", "released_by_staff")
            .defer("from_version__yaml_source", "to_version__yaml_source")
            .order_by("-id")[: MAX_LISTED + 1]
        )
        previous = self._previous_version(movespec, releases)
        if previous is not None and request.user.has_perm(RollBack.permission):
            label = f"{RollBack.label} {name_of(previous)} …"
            roll_back = {"label": label, "address": action_url(RollBack, previous)}
            context["staff_actions"].insert(0, roll_back)
        shown = _with_released(newest[:MAX_LISTED], movespec)
        return {
            **context,
            "versions": list(version_rows(request.user, movespec, shown, clock.now())),
            "more_versions": len(newest) > MAX_LISTED,
            "releases": [(one, author_of_release(one)) for one in releases[:MAX_LISTED]],
            "more_releases": len(releases) > MAX_LISTED,
            "card": card,
            "accuracy": card and facts_of(card),
            "experimental": card and why_experimental(card),
        }

    def _previous_version(
        self, movespec: MoveSpec, releases: Sequence[Release]
    ) -> MoveSpecVersion | None:
        """The earlier version that was released last, and may be released again."""
        released = movespec.current_released_version
        if released is None or movespec.archived_at is not None:
            return None
        for release in releases:
            version = release.from_version
            if (
                version is not None
                and version.withdrawn_at is None
                and version.version_number < released.version_number
            ):
                return version
        return None


def _own_state(movespec: MoveSpec) -> SafeString:
    if movespec.archived_at is not None:
        return badge("archived")
    if movespec.delisted_at is not None:
        return badge("delisted", "bad")
    return badge(movespec.visibility, "good" if movespec.visibility == "public" else "quiet")


def visible_lines(text: str) -> str:
    return "\n".join(map(visible, lines_of(text)))


def _with_released(newest: list[int], movespec: MoveSpec) -> list[int]:
    """The numbers of the newest versions, and the released one's after them if it is older."""
    released = movespec.current_released_version
    if released is None or released.version_number in newest:
        return newest
    return [*newest, released.version_number]


@admin.register(MoveSpecDraft)
class MoveSpecDraftAdmin(ReadOnlyAdmin):
    change_form_template = "admin/movespecs/draft.html"
    list_display = ["movespec_name", "project", moment_of("updated_at")]
    list_filter = ["updated_at"]
    search_fields = ["=id", "=movespec__id", "movespec__name"]
    fields = ["id", "movespec", "project", "edited_by", "updated_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[MoveSpecDraft]:
        rows = super().get_queryset(request)
        found: QuerySet[MoveSpecDraft] = with_author(rows, "updated_by", request.user)
        return found

    @admin.display(description="changed by")
    def edited_by(self, draft: MoveSpecDraft) -> SafeString | str:
        return author_of(draft, draft.updated_by)

    @admin.display(description="MoveSpec", ordering="movespec__name")
    def movespec_name(self, draft: MoveSpecDraft) -> str:
        return str(draft.movespec)

    @admin.display(description="project")
    def project(self, draft: MoveSpecDraft) -> str:
        return str(draft.movespec.project)

    def page_context(self, request: HttpRequest, draft: MoveSpecDraft) -> dict[str, Any]:
        text, every = draft.yaml_source, "all" in request.GET
        read = reading(text, validate(text), "?all=yes", every=every)
        return {**super().page_context(request, draft), **read}


@admin.register(Release)
class ReleaseAdmin(ReadOnlyAdmin):
    list_display = [moment_of("created_at", "when"), "movespec_name", "versions", "who", "why"]
    list_filter = [("movespec", OwnerFilter), "created_at"]
    list_select_related = ["from_version", "to_version", "released_by_staff"]
    ordering = ["-id"]
    search_fields = ["=movespec__id", "movespec__name", "reason"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Release]:
        texts = [f"{version}__yaml_source" for version in ("from_version", "to_version")]
        rows = super().get_queryset(request).defer(*texts)
        found: QuerySet[Release] = with_author(rows, "released_by_credential", request.user)
        return found

    @admin.display(description="MoveSpec", ordering="movespec__name")
    def movespec_name(self, release: Release) -> str:
        return full_name(release.movespec)

    @admin.display(description="versions")
    def versions(self, release: Release) -> str:
        numbers = [
            str(version.version_number) if version else "none"
            for version in (release.from_version, release.to_version)
        ]
        return " → ".join(numbers)

    @admin.display(description="who")
    def who(self, release: Release) -> SafeString | str:
        return author_of_release(release)

    @admin.display(description="why")
    def why(self, release: Release) -> str:
        return release.reason
