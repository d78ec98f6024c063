"""MoveSpecs for staff: find one, see which version is released, release another."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from kynaplatform.api.errors import ApiError
from movespecs.authors import Author
from movespecs.models import MoveSpec, MoveSpecDraft, MoveSpecVersion, Release
from movespecs.releases import version_release
from staff.lists import ReadOnlyAdmin


class VersionInline(admin.TabularInline):  # type: ignore[type-arg]
    model = MoveSpecVersion
    fields = ["number", "released", "content_hash", "created_at", "withdrawn_at"]
    readonly_fields = ["number", "released", "content_hash", "created_at", "withdrawn_at"]
    ordering = ["-version_number"]
    extra = 0
    can_delete = False
    show_change_link = True
    verbose_name_plural = "versions, the newest first"

    @admin.display(description="version")
    def number(self, version: MoveSpecVersion) -> int:
        return version.version_number

    @admin.display(boolean=True, description="released")
    def released(self, version: MoveSpecVersion) -> bool:
        return version.movespec.current_released_version_id == version.id

    def get_queryset(self, request: HttpRequest) -> QuerySet[MoveSpecVersion]:
        return super().get_queryset(request).select_related("movespec").defer("yaml_source")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(MoveSpec)
class MoveSpecAdmin(ReadOnlyAdmin):
    list_display = ["name", "id", "project", "visibility", "released_version", "archived_at"]
    list_filter = ["visibility", "archived_at", "delisted_at", "created_at"]
    list_select_related = ["project", "current_released_version"]
    search_fields = ["name", "=id", "project__name", "=project__id"]
    fields = [
        "id", "name", "description", "project", "visibility", "released_version",
        "forked_from", "created_by", "created_at", "updated_at", "archived_at", "delisted_at",
    ]  # fmt: skip
    inlines = [VersionInline]

    @admin.display(description="released version", ordering="current_released_version")
    def released_version(self, movespec: MoveSpec) -> str:
        version = movespec.current_released_version
        return f"Version {version.version_number}" if version else "none"


@admin.register(MoveSpecDraft)
class MoveSpecDraftAdmin(ReadOnlyAdmin):
    list_display = ["id", "movespec", "updated_at"]
    list_filter = ["updated_at"]
    list_select_related = ["movespec"]
    search_fields = ["=id", "=movespec__id", "movespec__name"]
    fields = ["id", "movespec", "source", "updated_by", "updated_at"]

    @admin.display(description="YAML")
    def source(self, draft: MoveSpecDraft) -> SafeString:
        return format_html("<pre>{}</pre>", draft.yaml_source)


@admin.register(MoveSpecVersion)
class MoveSpecVersionAdmin(ReadOnlyAdmin):
    list_display = ["id", "movespec", "version_number", "released", "created_at", "withdrawn_at"]
    list_filter = ["withdrawn_at", "created_at"]
    list_select_related = ["movespec"]
    search_fields = ["=id", "=movespec__id", "movespec__name", "=content_hash"]
    fields = [
        "id", "movespec", "version_number", "released", "content_hash", "source",
        "created_by", "created_at", "withdrawn_at",
    ]  # fmt: skip
    actions = ["release"]

    @admin.display(boolean=True, description="released")
    def released(self, version: MoveSpecVersion) -> bool:
        return version.movespec.current_released_version_id == version.id

    @admin.display(description="YAML")
    def source(self, version: MoveSpecVersion) -> SafeString:
        return format_html("<pre>{}</pre>", version.yaml_source)

    @admin.action(description="Release the selected version", permissions=["release"])
    def release(self, request: HttpRequest, queryset: QuerySet[MoveSpecVersion]) -> None:
        versions = list(queryset[:2])
        if len(versions) != 1:
            self.message_user(request, "Select exactly one version.", messages.ERROR)
            return
        version = versions[0]
        try:
            version_release(
                movespec_id=version.movespec_id,
                version_id=version.id,
                author=Author(staff_id=request.user.pk),
                now=timezone.now(),
            )
        except ApiError as error:
            self.message_user(request, str(error), messages.ERROR)
            return
        self.message_user(
            request,
            f"Released version {version.version_number} of {version.movespec.name}: "
            "every new session gets it.",
            messages.SUCCESS,
        )

    def has_release_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("movespecs.add_release")


@admin.register(Release)
class ReleaseAdmin(ReadOnlyAdmin):
    list_display = [
        "created_at", "movespec", "from_version", "to_version", "released_by_staff",
        "released_by_credential", "reason",
    ]  # fmt: skip
    list_filter = ["created_at"]
    list_select_related = ["movespec", "from_version", "to_version", "released_by_staff"]
    search_fields = ["=movespec__id", "movespec__name", "reason"]
