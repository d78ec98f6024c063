"""API keys, service accounts, access tokens, signing keys. No hash is ever shown, a secret once."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from projects.models import AccessToken, ApiKey, Credential, ServiceAccount, SigningKey
from staff.lists import ReadOnlyAdmin


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
