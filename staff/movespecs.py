"""The pages of MoveSpecs, their drafts and their releases."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from kynaplatform.api.names import visible
from movespecs.accuracy import accuracy_cards, facts_of
from movespecs.models import MoveSpec, MoveSpecDraft, MoveSpecVersion, Release
from projects.models import Credential
from staff.actions.base import StaffActionAdmin, action_url
from staff.actions.movespecs import Delist, Relist
from staff.actions.versions import RollBack, name_of
from staff.base import OF_PROJECT, OwnerFilter, ReadOnlyAdmin
from staff.diffs import lines_of
from staff.display import badge, moment_of
from staff.full_names import full_name
from staff.movespec_text import reading
from staff.suspensions import with_suspensions

# The most versions and releases that a MoveSpec's page lists.
MOST_LISTED = 20


def author_of(release: Release, credentials: Mapping[UUID, Credential]) -> str:
    """The author: staff, the platform, or a credential, named if it is among `credentials`."""
    if release.released_by_staff is not None:
        return release.released_by_staff.get_username()
    if release.released_by_credential is None:
        return "the platform"
    credential = credentials.get(release.released_by_credential)
    return f"{credential.get_kind_display()} {credential}" if credential else "a credential"


@admin.register(MoveSpec)
class MoveSpecAdmin(ReadOnlyAdmin, StaffActionAdmin):
    change_form_template = "admin/movespecs/movespec.html"
    list_display = [
        "shown_name", "project", "state", "released_version", moment_of("created_at"),
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
    list_select_related = ["current_released_version"]
    search_fields = OF_PROJECT
    fields = [
        "id", "shown_name", "shown_description", "project", "visibility", "released_version",
        "forked_from", "created_by", "created_at", "updated_at", "archived_at", "delisted_at",
    ]  # fmt: skip
    staff_actions = [Delist(), Relist()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[MoveSpec]:
        return super().get_queryset(request).defer("current_released_version__yaml_source")

    @admin.display(description="description", empty_value="-")
    def shown_description(self, movespec: MoveSpec) -> str | None:
        return movespec.description and visible_lines(movespec.description)

    @admin.display(description="state", ordering="visibility")
    def state(self, movespec: MoveSpec) -> SafeString:
        return with_suspensions(movespec, _own_state(movespec))

    @admin.display(description="released", ordering="current_released_version")
    def released_version(self, movespec: MoveSpec) -> str:
        version = movespec.current_released_version
        return f"Version {version.version_number}" if version else "none"

    def page_context(self, request: HttpRequest, movespec: MoveSpec) -> dict[str, Any]:
        context = super().page_context(request, movespec)
        card = accuracy_cards().get(movespec.id)
        versions = movespec.versions.order_by("-version_number").defer("yaml_source")
        newest = list(versions[: MOST_LISTED + 1])
        releases = list(
            movespec.releases.select_related("from_version", "to_version", "released_by_staff")
            .defer("from_version__yaml_source", "to_version__yaml_source")
            .order_by("-id")[: MOST_LISTED + 1]
        )
        by = [one.released_by_credential for one in releases if one.released_by_credential]
        credentials = Credential.objects.in_bulk(by)
        previous = self._previous_version(movespec, releases)
        if previous is not None and request.user.has_perm(RollBack.permission):
            label = f"{RollBack.label} {name_of(previous)} …"
            roll_back = {"label": label, "address": action_url(RollBack, previous)}
            context["staff_actions"].insert(0, roll_back)
        return {
            **context,
            "versions": _with_released(newest[:MOST_LISTED], movespec),
            "more_versions": len(newest) > MOST_LISTED,
            "releases": [(one, author_of(one, credentials)) for one in releases[:MOST_LISTED]],
            "more_releases": len(releases) > MOST_LISTED,
            "card": card,
            "accuracy": card and facts_of(card),
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


def _with_released(newest: list[MoveSpecVersion], movespec: MoveSpec) -> list[MoveSpecVersion]:
    """The newest versions, and the released one after them if it is older."""
    released = movespec.current_released_version
    return newest if released is None or released in newest else [*newest, released]


@admin.register(MoveSpecDraft)
class MoveSpecDraftAdmin(ReadOnlyAdmin):
    change_form_template = "admin/movespecs/draft.html"
    list_display = ["movespec_name", "project", moment_of("updated_at")]
    list_filter = ["updated_at"]
    search_fields = ["=id", "=movespec__id", "movespec__name"]
    fields = ["id", "movespec", "project", "updated_by", "updated_at"]

    @admin.display(description="MoveSpec", ordering="movespec__name")
    def movespec_name(self, draft: MoveSpecDraft) -> str:
        return str(draft.movespec)

    @admin.display(description="project")
    def project(self, draft: MoveSpecDraft) -> str:
        return str(draft.movespec.project)

    def page_context(self, request: HttpRequest, draft: MoveSpecDraft) -> dict[str, Any]:
        read = reading(draft.yaml_source, "?all=yes", every="all" in request.GET)
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
        return super().get_queryset(request).defer(*texts)

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
    def who(self, release: Release) -> str:
        return author_of(release, {})

    @admin.display(description="why")
    def why(self, release: Release) -> str:
        return release.reason
