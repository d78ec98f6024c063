"""The pages of MoveSpecs, their versions, drafts and releases."""

from collections.abc import Iterator
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.views.main import SEARCH_VAR
from django.db.models import Exists, Max, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from common.names import visible
from detection import validate
from kynaplatform import clock
from movespecs.accuracy import accuracy_cards, card_of, facts_of, why_experimental
from movespecs.models import IN_USE_FIRST, MoveSpec, MoveSpecDraft, MoveSpecVersion, Release
from sessions_app.models import DetectionSession
from staff.actions import StaffActionAdmin
from staff.actions import movespecs as actions
from staff.base import BY_OWNERS, OF_PROJECT, OwnerFilter, ReadOnlyAdmin
from staff.display import (
    RELEASED,
    author_of,
    badge,
    full_name,
    id_column,
    in_use_first,
    link,
    lists_seen_by,
    may_view,
    moment,
    moment_of,
    page_of,
    release_words,
    with_author,
)
from staff.movespec_text import comparison, every_line_of, lines_of, reading
from staff.states import with_suspensions


@admin.display(description="MoveSpec", ordering="movespec__name")
def movespec_name(row: Any) -> str:
    return full_name(row.movespec)


@admin.display(description="made by")
def made_by(row: MoveSpec | MoveSpecVersion) -> SafeString | str:
    return author_of(row, row.created_by)


def with_releases(versions: QuerySet[Any]) -> QuerySet[Any]:
    releases = Release.objects.filter(to_version=OuterRef("pk"))
    found: QuerySet[Any] = versions.annotate(was_released=Exists(releases))
    return found


def version_state(version: Any) -> SafeString:
    if version.withdrawn_at is not None:
        return badge("withdrawn", "bad")
    if actions.is_released(version):
        return badge("released", "good")
    return badge("released before" if version.was_released else "never released")


def _links(user: Any, version: Any) -> Iterator[tuple[str, str]]:
    """A comparison is from the older to the newer, be that released or not."""
    released = version.movespec.current_released_version
    if released and released.pk != version.pk:
        older, newer = sorted((released, version), key=lambda one: one.version_number)
        yield "Compare", f"{page_of(newer)}?against={older.pk}#against"
    yield from lists_seen_by(user, ("Sessions", DetectionSession, {"q": version.pk}))
    for action in (actions.Release(), actions.RollBack()):
        if user.has_perm(action.permission) and action.applies_to(version):
            yield f"{action.label} …", page_of(version, action.name)


# The newest versions, so many, are on a MoveSpec's page.
MAX_LISTED = 20


@admin.register(MoveSpec)
class MoveSpecAdmin(ReadOnlyAdmin, StaffActionAdmin):
    change_form_template = "admin/movespecs/movespec.html"
    list_display = [
        "shown_name", id_column, "project", "state", "released_version", moment_of("created_at"),
    ]  # fmt: skip
    list_filter = [
        *BY_OWNERS,
        "visibility",
        ("current_released_version", admin.EmptyFieldListFilter),
        ("archived_at", admin.EmptyFieldListFilter),
        ("delisted_at", admin.EmptyFieldListFilter),
        "created_at",
    ]
    search_fields = OF_PROJECT
    fields: ClassVar[list[Any]] = [
        "id", "shown_name", "shown_description", "project", "visibility", "released_version",
        "forked_from", made_by, "created_at", "updated_at", "archived_at", "delisted_at",
    ]  # fmt: skip
    staff_actions = [actions.Delist(), actions.Relist()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[MoveSpec]:
        rows = super().get_queryset(request).select_related(RELEASED)
        return with_author(rows.defer(f"{RELEASED}__yaml_source"), "created_by", request.user)

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        is_searched = bool(request.GET.get(SEARCH_VAR, "").strip())
        is_narrow = is_searched or any(one.startswith("project") for one in request.GET)
        in_all = [condition.asc() for condition in IN_USE_FIRST]
        return [*(in_use_first(MoveSpec) if is_narrow else in_all), "-created_at"]

    def leads_to(self, request: HttpRequest, row: MoveSpec) -> list[tuple[str, str]]:
        leads = lists_seen_by(
            request.user,
            ("Sessions", DetectionSession, {"movespec": row.pk}),
            ("Releases", Release, {"movespec__id__exact": row.pk}),
        )
        drafts = MoveSpecDraft.objects.filter(movespec=row).only("id")
        if may_view(request.user, MoveSpecDraft) and (draft := drafts.first()):
            leads.append(("Draft", page_of(draft)))
        return leads

    @admin.display(description="description")
    def shown_description(self, movespec: MoveSpec) -> str:
        return "\n".join(map(visible, lines_of(movespec.description or "-")))

    @admin.display(description="state", ordering="visibility")
    def state(self, movespec: MoveSpec) -> SafeString:
        own = badge(movespec.visibility, "good" if movespec.visibility == "public" else "quiet")
        if movespec.archived_at:
            own = badge("archived")
        elif movespec.delisted_at:
            own = badge("delisted", "bad")
        state = with_suspensions(movespec, own)
        card = accuracy_cards().get(movespec.id)
        if card is None or not card.experimental:
            return state
        return format_html("{} {}", state, badge("experimental", "warning"))

    @admin.display(description="released", ordering="current_released_version")
    def released_version(self, movespec: MoveSpec) -> str:
        return release_words(movespec)

    def page_context(self, request: HttpRequest, movespec: MoveSpec) -> dict[str, Any]:
        context, now = super().page_context(request, movespec), clock.now()
        card = card_of(movespec)
        versions = with_releases(movespec.versions.all())
        versions = with_author(versions, "created_by", request.user)
        newest = list(versions.order_by("-version_number").defer("yaml_source")[: MAX_LISTED + 1])
        may_roll_back = request.user.has_perm(actions.RollBack.permission)
        if may_roll_back and (previous := _previous_version(movespec)):
            label = f"{actions.RollBack.label} {actions.name_of(previous)} …"
            roll_back = {"label": label, "address": page_of(previous, actions.RollBack.name)}
            context["staff_actions"].insert(0, roll_back)
        return {
            **context,
            "versions": [
                {
                    "number": link(version, f"Version {version.version_number}"),
                    "state": version_state(version),
                    "made": moment(version.created_at, now),
                    "made_by": made_by(version),
                    "links": list(_links(request.user, version)),
                }
                for version in newest[:MAX_LISTED]
            ],
            "more_versions": len(newest) > MAX_LISTED,
            "card": card,
            "accuracy": card and facts_of(card),
            "experimental": card and why_experimental(card),
        }


def _previous_version(movespec: MoveSpec) -> MoveSpecVersion | None:
    """The earlier version that was released last, and may be released again."""
    released = movespec.current_released_version
    if released is None or movespec.archived_at is not None:
        return None
    releases = movespec.releases.filter(
        from_version__withdrawn_at__isnull=True,
        from_version__version_number__lt=released.version_number,
    ).select_related("from_version")
    last = releases.defer("from_version__yaml_source").order_by("-id").first()
    return last.from_version if last else None


@admin.register(MoveSpecDraft)
class MoveSpecDraftAdmin(ReadOnlyAdmin):
    change_form_template = "admin/movespecs/draft.html"
    list_display = [movespec_name, moment_of("updated_at")]
    list_filter = [("movespec", OwnerFilter), "updated_at"]
    search_fields = ["=id", "=movespec__id", "movespec__name"]
    fields = ["id", "movespec", "changed_by", "updated_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[MoveSpecDraft]:
        rows = super().get_queryset(request).defer("yaml_source")
        return with_author(rows, "updated_by", request.user)

    @admin.display(description="changed by")
    def changed_by(self, draft: MoveSpecDraft) -> SafeString | str:
        return author_of(draft, draft.updated_by)

    def page_context(self, request: HttpRequest, draft: MoveSpecDraft) -> dict[str, Any]:
        text, every = draft.yaml_source, "all" in request.GET
        read = reading(text, validate(text), "?all=yes", every=every)
        return {**super().page_context(request, draft), **read}


@admin.register(Release)
class ReleaseAdmin(ReadOnlyAdmin):
    list_display = [moment_of("created_at", "when"), movespec_name, "versions", "who", "why"]
    list_filter = [("movespec", OwnerFilter), "created_at"]
    list_select_related = ["from_version", "to_version", "released_by_staff"]
    ordering = ["-id"]
    search_fields = ["=movespec__id", "movespec__name", "reason"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Release]:
        texts = [f"{version}__yaml_source" for version in ("from_version", "to_version")]
        rows = super().get_queryset(request).defer(*texts)
        return with_author(rows, "released_by_credential", request.user)

    @admin.display(description="versions")
    def versions(self, release: Release) -> str:
        versions = (release.from_version, release.to_version)
        return " → ".join(f"{one.version_number}" if one else "none" for one in versions)

    @admin.display(description="who")
    def who(self, release: Release) -> SafeString | str:
        if release.released_by_staff is not None:
            return str(release.released_by_staff.get_username())
        return author_of(release, release.released_by_credential)

    @admin.display(description="why")
    def why(self, release: Release) -> str:
        return release.reason


@admin.register(MoveSpecVersion)
class MoveSpecVersionAdmin(ReadOnlyAdmin, StaffActionAdmin):
    change_form_template = "admin/movespecs/version.html"
    list_display = ["version_number", movespec_name, "state", moment_of("created_at")]
    list_filter = [("movespec", OwnerFilter), "withdrawn_at", "created_at"]
    search_fields = ["=id", "=movespec__id", "movespec__name", "=content_hash"]
    fields: ClassVar[list[Any]] = [
        "id", "movespec", "version_number", "state", "content_hash", made_by, "created_at",
    ]  # fmt: skip
    of_withdrawal = ["withdrawn_at", "withdrawn_by", "withdrawal_reason"]
    staff_actions = [actions.Release(), actions.RollBack(), actions.Withdraw()]

    def get_fields(self, request: HttpRequest, obj: MoveSpecVersion | None = None) -> list[Any]:
        is_withdrawn = obj is not None and obj.withdrawn_at is not None
        return [*self.fields, *(self.of_withdrawal if is_withdrawn else [])]

    def get_queryset(self, request: HttpRequest) -> QuerySet[MoveSpecVersion]:
        released = "movespec__current_released_version"
        versions: QuerySet[MoveSpecVersion] = super().get_queryset(request)
        versions = versions.select_related(released)
        versions = with_releases(with_author(versions, "created_by", request.user))
        # Read in the statement that reads what is released: both are of one moment.
        releases = Release.objects.filter(movespec=OuterRef("movespec")).order_by()
        latest = releases.values("movespec").annotate(latest=Max("id")).values("latest")
        versions = versions.annotate(latest_release_id=Subquery(latest))
        # A page reads two texts, a list none.
        return versions.defer("yaml_source", f"{released}__yaml_source")

    def leads_to(self, request: HttpRequest, row: MoveSpecVersion) -> list[tuple[str, str]]:
        return lists_seen_by(request.user, ("Sessions", DetectionSession, {"q": row.pk}))

    @admin.display(description="withdrawn by")
    def withdrawn_by(self, version: MoveSpecVersion) -> str | None:
        # No link: who releases may not see accounts.
        staff = version.withdrawn_by_staff
        return staff.get_username() if staff else None

    @admin.display(description="state")
    def state(self, version: MoveSpecVersion) -> SafeString:
        return with_suspensions(version, version_state(version))

    def page_context(self, request: HttpRequest, version: MoveSpecVersion) -> dict[str, Any]:
        other = self._compared_with(request, version)
        every = "all" in request.GET
        link = {"against": other.id} if other else {}
        return {
            **super().page_context(request, version),
            **reading(
                version.yaml_source,
                validate(version.yaml_source),
                every_line_of(version, **link),
                every=every,
                card=accuracy_cards().get(version.movespec_id),
            ),
            "title": full_name(version.movespec),
            "state": self.state(version),
            "others": actions.siblings_of(version)[: actions.MAX_CHOICES],
            "released_id": version.movespec.current_released_version_id,
            **comparison(other, version, every=every),
        }

    def _compared_with(
        self, request: HttpRequest, version: MoveSpecVersion
    ) -> MoveSpecVersion | None:
        """The version of the address, else the released one, else the one before."""
        siblings = actions.siblings_of(version).defer(None)
        try:
            chosen_id = UUID(request.GET.get("against", ""))
        except ValueError:
            chosen_id = None
        if chosen_id and (found := siblings.filter(id=chosen_id).first()):
            return found
        released = version.movespec.current_released_version
        if released is not None and released.id != version.id:
            return released
        return siblings.filter(version_number__lt=version.version_number).first()
