"""The pages of API keys, service accounts, access tokens and signing keys.

They show a secret once, and a hash never.
"""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from common.names import visible
from kynaplatform import clock
from projects.models import (
    AccessToken,
    ApiKey,
    Credential,
    ServiceAccount,
    SigningKey,
    all_scopes,
    is_live,
)
from sessions_app.models import DetectionSession
from staff.actions import StaffActionAdmin
from staff.actions.credentials import Revoke, Rotate
from staff.base import BY_OWNERS, OF_PROJECT, OwnerFilter, ReadOnlyAdmin
from staff.display import id_column, in_use_first, link, lists_seen_by, moment_of, short_ids
from staff.lists import StrictFilter
from staff.states import SOON, about_to_expire, state_of_credential


class StateFilter(StrictFilter):
    def conditions(self, now: datetime) -> dict[str, tuple[str, Q]]:
        live, soon = is_live(now), Q(expires_at__lte=now + SOON)
        return {
            "live": ("Live", live),
            "expiring": ("Live, expires within 14 days", live & soon),
            "due": ("Expires within 14 days, or did in the last day", about_to_expire(now)),
            "expired": ("Expired", Q(revoked_at__isnull=True, expires_at__lte=now)),
            "revoked": ("Revoked", Q(revoked_at__isnull=False)),
        }


@admin.register(ApiKey, ServiceAccount)
class CredentialAdmin(StaffActionAdmin, ReadOnlyAdmin):
    """The page of a credential, which is issued, rotated and revoked, and never edited."""

    staff_actions = [Rotate(), Revoke()]
    list_display = [
        "shown_name", id_column, "project", "state", moment_of("last_used_at", "last used"),
        moment_of("expires_at", "expires"),
    ]  # fmt: skip
    list_filter = [StateFilter, *BY_OWNERS, "last_used_at", "created_at"]
    search_fields = OF_PROJECT

    def get_queryset(self, request: HttpRequest) -> QuerySet[Credential]:
        successors = Credential.objects.filter(replaces=OuterRef("pk")).order_by("created_at")
        replaced_at = Subquery(successors.values("created_at")[:1])
        found: QuerySet[Credential] = super().get_queryset(request)
        return found.annotate(replaced_at=replaced_at)

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        return [*in_use_first(Credential), "-created_at"]

    @admin.display(description="name", ordering="name")
    def shown_name(self, credential: Credential) -> str:
        return visible(credential.name)

    @admin.display(description="scopes")
    def scope_names(self, credential: Credential) -> str:
        return "all" if credential.scopes == all_scopes() else ", ".join(credential.scopes)

    @admin.display(description="state")
    def state(self, credential: Credential) -> SafeString:
        return state_of_credential(credential, clock.now())

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        known = [
            "id", "project", "shown_name", "state", "scope_names", "created_at", "last_used_at",
            "expires_at", "revoked_at",
        ]  # fmt: skip
        succession = {"predecessor": obj.replaces, "successor": obj.successors.exists()}
        known += [name for name, is_known in succession.items() if is_known]
        return [(None, {"fields": known})]

    @admin.display(description="replaces")
    def predecessor(self, credential: Credential) -> SafeString | None:
        older = credential.replaces
        return link(older, short_ids(older)) if older else None

    @admin.display(description="replaced by")
    def successor(self, credential: Credential) -> SafeString:
        """The newest first: a credential that goes on for a while may be rotated again."""
        links = [(link(one, short_ids(one)),) for one in credential.successors.all()]
        return format_html_join(", ", "{}", links)

    def leads_to(self, request: HttpRequest, row: Credential) -> list[tuple[str, str]]:
        return lists_seen_by(
            request.user,
            ("Sessions", DetectionSession, {"key": row.pk}),
            ("Access tokens", AccessToken, {"credential__id__exact": row.pk}),
        )


@admin.register(AccessToken)
class AccessTokenAdmin(ReadOnlyAdmin):
    has_history = False
    list_display = [
        id_column, "project", "minted_with", moment_of("created_at", "minted"),
        moment_of("expires_at", "expires"), moment_of("revoked_at", "revoked"),
    ]  # fmt: skip
    list_filter = [("credential", OwnerFilter), "created_at", "expires_at", "revoked_at"]
    list_select_related = ["credential"]
    search_fields = ["=id", "=project__id", "=credential__id"]
    fields = [
        "id", "project", "minted_with", "scopes", "created_at", "expires_at", "revoked_at",
    ]  # fmt: skip

    @admin.display(description="minted with", ordering="credential")
    def minted_with(self, token: AccessToken) -> SafeString:
        return link(token.credential, visible(token.credential.name))


@admin.register(SigningKey)
class SigningKeyAdmin(ReadOnlyAdmin):
    """Keys are rotated by `manage.py rotate_signing_key`. No page has a part of one."""

    has_history = False
    list_display = [
        id_column, moment_of("created_at"), moment_of("signs_from", "signs from"), "can_sign",
    ]  # fmt: skip
    list_filter = ["signs_from"]
    search_fields = ["=id"]
    fields = ["id", "created_at", "signs_from", "can_sign"]

    @admin.display(boolean=True, description="private part is kept")
    def can_sign(self, key: SigningKey) -> bool:
        return key.encrypted_private_key is not None
