"""Rotate and revoke a credential; and its secret, which one page shows once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString

from kynaplatform import clock
from kynaplatform.api.names import visible
from projects.credentials import credential_revoke, credential_rotate
from projects.models import Credential
from staff.acts import Act, Outcome, ReasonForm
from staff.naming import full_name
from staff.shown import Tone, badge

TONES: dict[str, Tone] = {
    "live": "good", "expires soon": "warning", "expired": "quiet", "revoked": "bad",
}  # fmt: skip
SOON, LATELY = timedelta(days=14), timedelta(days=1)


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
        "title": f"The secret of {issued.credential.project} / {visible(issued.credential.name)}",
        "opts": opts,
        "issued": issued,
        "page": reverse(
            f"admin:{opts.app_label}_{opts.model_name}_change", args=[issued.credential.pk]
        ),
    }
    return TemplateResponse(request, "admin/projects/secret.html", context)


def state_of(credential: Credential, now: datetime) -> str:
    if credential.revoked_at is not None:
        return "revoked"
    if credential.expires_at is None or credential.expires_at > now + SOON:
        return "live"
    return "expires soon" if credential.expires_at > now else "expired"


def state_badge(credential: Credential, now: datetime) -> SafeString:
    state = state_of(credential, now)
    return badge(state, TONES[state])


def about_to_expire(now: datetime) -> Q:
    """Not revoked, and expires soon or did within the last day."""
    return Q(revoked_at__isnull=True, expires_at__gte=now - LATELY, expires_at__lte=now + SOON)


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
        if value is not None and value <= clock.now():
            raise ValidationError("This moment has passed. Choose one in the future.")


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
        return state_of(row, clock.now()) not in ("expired", "revoked")

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
                "expires_at": _as_long_again(row, clock.now()),
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
        sentence = f"Rotated {full_name(row)}: {successor} replaces it."
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
        return Outcome(f"Revoked {full_name(row)}.")


def _as_long_again(credential: Credential, now: datetime) -> datetime | None:
    """When a successor expires that is given the lifetime of `credential`, which expires."""
    if credential.expires_at is None:
        return None
    try:
        return now + (credential.expires_at - credential.created_at)
    except OverflowError:  # it was given the last of years
        return credential.expires_at


CREDENTIAL_ACTS = (Rotate(), Revoke())
