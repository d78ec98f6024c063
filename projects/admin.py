"""Organizations, projects and the credentials of machines. No secret or hash is ever shown."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from kynaplatform.api.admin import BoundedAdmin, ReadOnlyAdmin
from projects import suspension
from projects.models import (
    AccessToken,
    ApiKey,
    Credential,
    Organization,
    Project,
    ServiceAccount,
    SigningKey,
)


class SuspensionFilter(admin.SimpleListFilter):
    title = "suspended"
    parameter_name = "suspended"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Yes"), ("no", "No")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        return queryset.filter(suspended_at__isnull=self.value() == "no")


class SuspendableAdmin(BoundedAdmin):
    """Suspended and resumed by actions; never deleted."""

    actions = ["suspend", "resume"]

    @admin.action(
        description="Suspend: refuse requests, cancel live sessions", permissions=["change"]
    )
    def suspend(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        now = timezone.now()
        for row in queryset:
            suspension.suspend(row, now=now)
            self.log_change(request, row, "Suspended.")
        self.message_user(request, f"Suspended {len(queryset)}.", messages.SUCCESS)

    @admin.action(description="Resume: let requests in again", permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for row in queryset:
            suspension.resume(row)
            self.log_change(request, row, "Resumed.")
        self.message_user(request, f"Resumed {len(queryset)}.", messages.SUCCESS)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Organization)
class OrganizationAdmin(SuspendableAdmin):
    list_display = ["name", "id", "suspended_at", "rate_limit", "project_count", "created_at"]
    list_filter = [SuspensionFilter, "created_at"]
    search_fields = ["name", "=id"]
    readonly_fields = ["id", "suspended_at", "created_at"]
    date_hierarchy = "created_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organization]:
        organizations: QuerySet[Organization] = super().get_queryset(request)
        return organizations.annotate(project_count=Count("projects"))

    @admin.display(ordering="project_count", description="projects")
    def project_count(self, organization: Any) -> int:
        return int(organization.project_count)


@admin.register(Project)
class ProjectAdmin(SuspendableAdmin):
    list_display = ["name", "id", "organization", "suspended_at", "created_at"]
    list_filter = [SuspensionFilter, "created_at"]
    list_select_related = ["organization"]
    search_fields = ["name", "=id", "organization__name"]
    autocomplete_fields = ["organization"]
    readonly_fields = ["id", "suspended_at", "created_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        # What runs under a project carries its organization in signed tokens.
        return [*self.readonly_fields, "organization"] if obj else list(self.readonly_fields)


class CredentialAdmin(ReadOnlyAdmin):
    """Credentials are issued by `manage.py create_api_key`; here they are seen and revoked."""

    list_display = [
        "name",
        "id",
        "project",
        "scope_names",
        "last_used_at",
        "expires_at",
        "revoked_at",
    ]
    list_filter = ["revoked_at", "expires_at", "created_at"]
    list_select_related = ["project"]
    search_fields = ["name", "=id", "project__name", "=project__id"]
    fields = [
        "id",
        "project",
        "name",
        "scope_names",
        "created_at",
        "last_used_at",
        "expires_at",
        "revoked_at",
    ]
    actions = ["revoke"]

    @admin.display(description="scopes")
    def scope_names(self, credential: Credential) -> str:
        return ", ".join(credential.scopes)

    @admin.action(description="Revoke the selected credentials", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Credential]) -> None:
        revoked = queryset.filter(revoked_at__isnull=True).update(revoked_at=timezone.now())
        self.message_user(request, f"Revoked {revoked}.", messages.SUCCESS)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("projects.change_credential")


admin.site.register(ApiKey, CredentialAdmin)
admin.site.register(ServiceAccount, CredentialAdmin)


@admin.register(Credential)
class AnyCredentialAdmin(CredentialAdmin):
    list_display = ["name", "kind", *CredentialAdmin.list_display[1:]]
    list_filter = ["kind", *CredentialAdmin.list_filter]


@admin.register(AccessToken)
class AccessTokenAdmin(ReadOnlyAdmin):
    list_display = ["id", "project", "credential", "created_at", "expires_at", "revoked_at"]
    list_filter = ["created_at", "expires_at", "revoked_at"]
    list_select_related = ["project", "credential"]
    search_fields = ["=id", "=project__id", "=credential__id"]
    fields = [
        "id", "project", "credential", "scopes", "created_at", "expires_at", "revoked_at",
    ]  # fmt: skip


@admin.register(SigningKey)
class SigningKeyAdmin(ReadOnlyAdmin):
    """Keys are rotated by `manage.py rotate_signing_key`."""

    list_display = ["id", "created_at", "signs_from", "can_sign"]
    list_filter = ["signs_from"]
    search_fields = ["=id"]
    fields = ["id", "created_at", "signs_from", "can_sign"]

    @admin.display(boolean=True, description="private part is kept")
    def can_sign(self, key: SigningKey) -> bool:
        return key.encrypted_private_key is not None
