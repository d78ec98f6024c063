"""API keys, service accounts, access tokens, signing keys. No hash is ever shown, a secret once."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.safestring import SafeString

from kynaplatform import clock
from kynaplatform.api.errors import Conflict
from kynaplatform.api.names import visible
from projects.credentials import credential_issue, is_live
from projects.models import (
    AccessToken,
    ApiKey,
    Credential,
    CredentialKind,
    ServiceAccount,
    SigningKey,
    all_scopes,
)
from staff.acts import ActingAdmin
from staff.asking import ChosenFilter
from staff.credential_acts import (
    CREDENTIAL_ACTS,
    SOON,
    ExpiryField,
    Issued,
    about_to_expire,
    secret_page,
    state_of,
)
from staff.lists import OwnerFilter, ReadOnlyAdmin
from staff.shown import Tone, badge, id_column, moment_of

TONES: dict[str, Tone] = {
    "live": "good", "expires soon": "warning", "expired": "quiet", "revoked": "bad",
}  # fmt: skip


class IssueForm(forms.ModelForm):  # type: ignore[type-arg]
    # Chosen when the form is made, so that sending it twice can't issue two.
    chosen_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in all_scopes()],
        initial=all_scopes,
        widget=forms.CheckboxSelectMultiple,
        label="What it may do",
    )
    expires_at = ExpiryField(label="Expires at")


class StateFilter(ChosenFilter):
    title = "state"
    parameter_name = "state"
    states: ClassVar[dict[str, tuple[str, Callable[[datetime], Q]]]] = {
        "live": ("Live", is_live),
        "expiring": (
            "Live, expires within 14 days",
            lambda now: is_live(now) & Q(expires_at__lte=now + SOON),
        ),
        "due": ("Expires within 14 days, or did in the last day", about_to_expire),
        "expired": ("Expired", lambda now: Q(revoked_at__isnull=True, expires_at__lte=now)),
        "revoked": ("Revoked", lambda now: Q(revoked_at__isnull=False)),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, label) for name, (label, _condition) in self.states.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if (name := self.value()) is None:
            return queryset
        _label, condition = self.states[name]
        return queryset.filter(condition(clock.now()))


class CredentialAdmin(ActingAdmin):
    """Issued, rotated and revoked; never edited."""

    kind: ClassVar[CredentialKind]
    acts = CREDENTIAL_ACTS
    add_form_template = "admin/projects/issue.html"
    autocomplete_fields = ["project"]
    list_display = [
        "shown_name", "project", "state", moment_of("last_used_at", "last used"),
        moment_of("expires_at", "expires"),
    ]  # fmt: skip
    list_filter = [StateFilter, ("project", OwnerFilter), "last_used_at", "created_at"]
    search_fields = ["name", "=id", "project__name", "=project__id"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="name", ordering="name")
    def shown_name(self, credential: Credential) -> str:
        return visible(credential.name)

    @admin.display(description="scopes")
    def scope_names(self, credential: Credential) -> str:
        if credential.scopes == all_scopes():
            return "all"
        return ", ".join(credential.scopes)

    @admin.display(description="state")
    def state(self, credential: Credential) -> SafeString:
        state = state_of(credential, clock.now())
        return badge(state, TONES[state])

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        if obj is None:
            return [
                (None, {"fields": ["project", "name", "expires_at", "chosen_id"]}),
                ("Scopes", {"fields": ["scopes"]}),
            ]
        known = [
            "id", "project", "shown_name", "state", "scope_names", "created_at", "last_used_at",
            "expires_at", "revoked_at",
        ]  # fmt: skip
        return [(None, {"fields": known})]

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any
    ) -> Any:
        if obj is None:
            options["form"] = IssueForm
        return super().get_form(request, obj, change, **options)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        try:
            return super().add_view(request, form_url, extra_context)
        except Conflict as conflict:
            self.message_user(request, f"{conflict} If that is lost, rotate.", messages.ERROR)
            return HttpResponseRedirect(self.page_of(self.model(id=request.POST["chosen_id"])))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        given = form.cleaned_data
        obj.id = given["chosen_id"]
        # On this object for as long as the request: `response_add` shows it.
        _credential, obj.secret = credential_issue(
            project=given["project"],
            kind=self.kind,
            name=given["name"],
            scopes=given["scopes"],
            expires_at=given["expires_at"],
            credential_id=given["chosen_id"],
        )

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        return secret_page(request, Issued(obj, obj.secret))


@admin.register(ApiKey)
class ApiKeyAdmin(CredentialAdmin):
    kind = CredentialKind.API_KEY


@admin.register(ServiceAccount)
class ServiceAccountAdmin(CredentialAdmin):
    kind = CredentialKind.SERVICE_ACCOUNT


@admin.register(AccessToken)
class AccessTokenAdmin(ReadOnlyAdmin):
    has_history = False
    list_display = [
        id_column, "project", "credential_name", moment_of("created_at", "minted"),
        moment_of("expires_at", "expires"), moment_of("revoked_at", "revoked"),
    ]  # fmt: skip
    list_filter = ["created_at", "expires_at", "revoked_at"]
    list_select_related = ["credential"]
    search_fields = ["=id", "=project__id", "=credential__id"]
    fields = [
        "id", "project", "credential", "scopes", "created_at", "expires_at", "revoked_at",
    ]  # fmt: skip

    @admin.display(description="credential", ordering="credential")
    def credential_name(self, token: AccessToken) -> str:
        return visible(token.credential.name)


@admin.register(SigningKey)
class SigningKeyAdmin(ReadOnlyAdmin):
    """Keys are rotated by `manage.py rotate_signing_key`."""

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
