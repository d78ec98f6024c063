"""API keys, service accounts, access tokens, signing keys. No hash is ever shown, a secret once."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from kynaplatform.api.errors import Conflict
from projects.credentials import credential_issue, credential_revoke, credential_rotate, is_live
from projects.models import (
    AccessToken,
    ApiKey,
    Credential,
    CredentialKind,
    ServiceAccount,
    SigningKey,
    all_scopes,
)
from staff.acts import Act, ActingAdmin, Outcome, ReasonForm
from staff.lists import OwnerFilter, ReadOnlyAdmin

SOON = timedelta(days=14)


@dataclass(frozen=True)
class Issued:
    """A credential and its secret, for the one page that shows it.

    A template's context is written to the log, at DEBUG, when a variable is not found in it:
    so the secret is no part of this object's repr.
    """

    credential: Credential
    secret: str = field(repr=False)


def secret_page(request: HttpRequest, issued: Issued) -> TemplateResponse:
    """The answer to the POST that made the secret: no redirect, which would have to keep it."""
    opts = issued.credential._meta
    context = {
        **admin.site.each_context(request),
        "title": f"The secret of {issued.credential.name}",
        "opts": opts,
        "issued": issued,
        "page": reverse(
            f"admin:{opts.app_label}_{opts.model_name}_change", args=[issued.credential.pk]
        ),
    }
    return TemplateResponse(request, "admin/projects/secret.html", context)


class ExpiryField(forms.DateTimeField):
    """A moment yet to come, or none."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            required=False,
            widget=forms.DateTimeInput({"type": "datetime-local"}, "%Y-%m-%dT%H:%M"),
            help_text="In UTC. Empty: it does not expire.",
            **options,
        )

    def validate(self, value: datetime | None) -> None:
        super().validate(value)
        if value is not None and value <= timezone.now():
            raise ValidationError("This moment has passed. Choose one in the future.")


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


class RotateForm(ReasonForm):
    seen_expires_at = forms.DateTimeField(required=False, widget=forms.HiddenInput)
    overlap = forms.TypedChoiceField(
        label="The old one goes on for",
        choices=[
            (0, "no time: it is revoked at once"),
            (1, "1 hour"),
            (24, "24 hours"),
            (168, "7 days"),
        ],
        coerce=lambda hours: timedelta(hours=int(hours)),
        initial=24,
        widget=forms.RadioSelect,
    )
    expires_at = ExpiryField(label="The new one expires at")
    field_order = ["overlap", "expires_at", "reason"]


class Rotate(Act):
    name = "rotate"
    label = "Rotate"
    past = "Rotated"
    permission = "projects.change_{model}"
    form_class = RotateForm
    takes_many = False
    is_dangerous = False

    def applies_to(self, row: Credential) -> bool:
        return state_of(row, timezone.now()) not in ("expired", "revoked")

    def effects(self, rows: Sequence[Credential]) -> list[str]:
        (row,) = rows
        return [
            "A new one is issued with the same project, name and scopes. "
            "Its secret is shown once, on the next page.",
            "The old one does not expire by itself, nor will the new one unless you say when."
            if row.expires_at is None
            else "The new one expires as long after now as the old one did after it was issued, "
            "unless you say otherwise: the moment is filled in below.",
            "When the old one ends, the access tokens minted with it are refused as well. "
            "If it expires sooner than you choose here, it still does.",
            "Sessions that were made go on.",
        ]

    def form(self, data: Any, row: Credential) -> forms.Form:
        return RotateForm(
            data,
            initial={
                "seen_expires_at": row.expires_at,
                "expires_at": _as_long_again(row, timezone.now()),
            },
        )

    def perform(
        self, request: HttpRequest, row: Credential, data: dict[str, Any], now: datetime
    ) -> Outcome:
        credential, secret = credential_rotate(
            credential=row,
            seen_expires_at=data["seen_expires_at"],
            overlap=data["overlap"],
            expires_at=data["expires_at"],
            now=now,
        )
        # As the page's own model, under which the history is kept.
        successor = type(row)._default_manager.get(pk=credential.pk)
        page = admin.site.get_model_admin(type(row))
        page.log_addition(request, successor, f"Issued to replace {row}.")
        sentence = f"Rotated {row}: {successor} replaces it."
        return Outcome(sentence, secret_page(request, Issued(successor, secret)))


class Revoke(Act):
    name = "revoke"
    label = "Revoke"
    past = "Revoked"
    permission = "projects.change_{model}"

    def applies_to(self, row: Credential) -> bool:
        return row.revoked_at is None

    def effects(self, rows: Sequence[Credential]) -> list[str]:
        used = [row.last_used_at for row in rows if row.last_used_at is not None]
        last = f"Last used at {max(used):%Y-%m-%d %H:%M} UTC." if used else "Never used until now."
        return [
            "No access token can be minted any more, and those that were are refused at once.",
            "Sessions that were made go on.",
            "This can't be undone.",
            last,
        ]

    def perform(
        self, request: HttpRequest, row: Credential, data: dict[str, Any], now: datetime
    ) -> Outcome:
        credential_revoke(credential=row, now=now)
        return Outcome(f"Revoked {row}.")


def _as_long_again(credential: Credential, now: datetime) -> datetime | None:
    """When a successor expires that is given the lifetime of `credential`, which expires."""
    if credential.expires_at is None:
        return None
    try:
        return now + (credential.expires_at - credential.created_at)
    except OverflowError:  # it was given the last of years
        return credential.expires_at


def state_of(credential: Credential, now: datetime) -> str:
    if credential.revoked_at is not None:
        return "revoked"
    if credential.expires_at is None or credential.expires_at > now + SOON:
        return "live"
    return "expires soon" if credential.expires_at > now else "expired"


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"
    states: ClassVar[dict[str, tuple[str, Callable[[datetime], Q]]]] = {
        "live": ("Live", is_live),
        "expiring": (
            "Live, expires within 14 days",
            lambda now: is_live(now) & Q(expires_at__lte=now + SOON),
        ),
        "expired": ("Expired", lambda now: Q(revoked_at__isnull=True, expires_at__lte=now)),
        "revoked": ("Revoked", lambda now: Q(revoked_at__isnull=False)),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, label) for name, (label, _condition) in self.states.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        state = self.states.get(self.value() or "")
        if state is None:
            return queryset
        _label, condition = state
        return queryset.filter(condition(timezone.now()))


class CredentialAdmin(ActingAdmin):
    """Issued, rotated and revoked; never edited."""

    kind: ClassVar[CredentialKind]
    acts = [Rotate(), Revoke()]
    add_form_template = "admin/projects/issue.html"
    autocomplete_fields = ["project"]
    list_display = [
        "name", "project", "state", "scope_summary", "last_used_at", "expires_at", "created_at",
    ]  # fmt: skip
    list_filter = [StateFilter, ("project", OwnerFilter), "last_used_at", "created_at"]
    list_select_related = ["project"]
    search_fields = ["name", "=id", "project__name", "=project__id"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="scopes")
    def scope_names(self, credential: Credential) -> str:
        return ", ".join(credential.scopes)

    @admin.display(description="scopes")
    def scope_summary(self, credential: Credential) -> str:
        return "all" if credential.scopes == all_scopes() else self.scope_names(credential)

    @admin.display(description="state")
    def state(self, credential: Credential) -> str:
        return state_of(credential, timezone.now())

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        if obj is None:
            return [
                (None, {"fields": ["project", "name", "expires_at", "chosen_id"]}),
                ("Scopes", {"fields": ["scopes"]}),
            ]
        known = [
            "id", "project", "name", "state", "scope_names", "created_at", "last_used_at",
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
