"""The page of a MoveSpec version: its text, its validation, and a comparison."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Max, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.safestring import SafeString

from detection import validate
from movespecs.accuracy import accuracy_cards
from movespecs.models import MoveSpecVersion, Release
from staff.actions import versions as actions
from staff.actions.base import StaffActionAdmin
from staff.actions.versions import MAX_CHOICES, siblings_of
from staff.authors import author_of, with_author
from staff.base import OwnerFilter, ReadOnlyAdmin
from staff.display import moment_of
from staff.full_names import full_name
from staff.links import sessions_of
from staff.movespec_text import comparison, every_line_of, reading
from staff.suspensions import with_suspensions
from staff.version_table import version_state, with_releases


@admin.register(MoveSpecVersion)
class MoveSpecVersionAdmin(ReadOnlyAdmin, StaffActionAdmin):
    change_form_template = "admin/movespecs/version.html"
    list_display = ["version_number", "movespec_name", "state", moment_of("created_at")]
    list_filter = [("movespec", OwnerFilter), "withdrawn_at", "created_at"]
    search_fields = ["=id", "=movespec__id", "movespec__name", "=content_hash"]
    fields = [
        "id", "movespec", "version_number", "state", "content_hash", "made_by", "created_at",
    ]  # fmt: skip
    of_withdrawal = ["withdrawn_at", "withdrawn_by", "withdrawal_reason"]
    staff_actions = [actions.Release(), actions.RollBack(), actions.Withdraw()]

    def get_fields(self, request: HttpRequest, obj: MoveSpecVersion | None = None) -> list[Any]:
        is_withdrawn = obj is not None and obj.withdrawn_at is not None
        return [*self.fields, *(self.of_withdrawal if is_withdrawn else [])]

    def get_queryset(self, request: HttpRequest) -> QuerySet[MoveSpecVersion]:
        released = "movespec__current_released_version"
        versions: QuerySet[MoveSpecVersion] = super().get_queryset(request)
        versions = with_author(versions.select_related(released), "created_by", request.user)
        versions = with_releases(versions)
        # Read in the statement that reads what is released: both are of one moment.
        releases = Release.objects.filter(movespec=OuterRef("movespec")).order_by()
        latest = releases.values("movespec").annotate(latest=Max("id")).values("latest")
        versions = versions.annotate(latest_release_id=Subquery(latest))
        # A page reads two texts, a list none.
        return versions.defer("yaml_source", f"{released}__yaml_source")

    @admin.display(description="MoveSpec", ordering="movespec__name")
    def movespec_name(self, version: MoveSpecVersion) -> str:
        return full_name(version.movespec)

    @admin.display(description="made by")
    def made_by(self, version: MoveSpecVersion) -> SafeString | str:
        return author_of(version, version.created_by)

    def leads_to(self, request: HttpRequest, row: MoveSpecVersion) -> list[tuple[str, str]]:
        return sessions_of(request.user, q=row.pk)

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
        every, whole = "all" in request.GET, "whole" in request.GET
        link = {"against": other.id} if other else {}
        validation = validate(version.yaml_source)
        return {
            **super().page_context(request, version),
            **reading(
                version.yaml_source,
                validation,
                every_line_of(version, **link),
                every=every,
                card=accuracy_cards().get(version.movespec_id),
            ),
            "title": full_name(version.movespec),
            "state": self.state(version),
            "others": siblings_of(version)[:MAX_CHOICES],
            "released_id": version.movespec.current_released_version_id,
            **comparison(other, version, validation, whole=whole, every=every),
        }

    def _compared_with(
        self, request: HttpRequest, version: MoveSpecVersion
    ) -> MoveSpecVersion | None:
        """The version of the address, else the released one, else the one before."""
        siblings = siblings_of(version).defer(None)
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
