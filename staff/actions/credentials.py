"""The actions on credentials: issue, rotate and revoke. A page shows the secret once."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.models import ADDITION
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.text import capfirst

from common.names import visible
from kynaplatform import clock
from kynaplatform.api.errors import Conflict
from projects.credentials import credential_issue, credential_revoke, credential_rotate
from projects.models import (
    DEFAULT_SCOPES,
    Credential,
    CredentialKind,
    Project,
    all_scopes,
    row_is_live,
)
from staff.actions import ActionResult, AlreadyDone, ReasonForm, StaffAction, Submission
from staff.display import OF_KIND, full_name, page_of
from staff.states import history_add, suspensions_of

WORDS: Final[Mapping[str, str]] = {
    "data:erase": "delete sessions, and all that is stored of a person",
    "movespecs:read": "read its movements and their versions",
    "movespecs:write": "make, change, release and archive movements",
    "projects:read": "read sessions: the name that older clients ask for",
    "sessions:read": "read sessions and what they counted",
    "sessions:write": "create sessions, finalize and cancel them",
    "tokens:read": "list the access tokens of its project",
    "tokens:write": "revoke access tokens of its project",
    "usage:read": "read how much was used",
    "webhooks:read": "read webhooks and what was sent to them",
    "webhooks:write": "set up webhooks, test them and send again",
}


class ScopesField(forms.MultipleChoiceField):
    """The scopes of a key. A script offers the presets beside the boxes."""

    @property
    def presets(self) -> list[dict[str, str]]:
        scopes = all_scopes()
        sets = {
            "An app's back end": ["movespecs:read", "sessions:read", "sessions:write"],
            "Read only": [scope for scope in scopes if scope.endswith(":read")],
            "Movements": ["movespecs:read", "movespecs:write"],
            "Everything": scopes,
        }
        return [{"label": label, "joined": " ".join(of)} for label, of in sets.items()]

    def __init__(self) -> None:
        super().__init__(
            choices=[(scope, f"{scope}: {WORDS.get(scope, '')}") for scope in all_scopes()],
            initial=sorted(DEFAULT_SCOPES),
            widget=forms.CheckboxSelectMultiple,
            label="What it may do",
        )


SECRET = "<the secret>"  # noqa: S105 - where it is to be put


def hand_over(request: HttpRequest, credential: Credential) -> str:
    """The text for the customer, without the secret. Its last line is a command for a shell."""
    site = request.build_absolute_uri("/").rstrip("/")
    stream = urlsplit(settings.PUBLIC_STREAM_URL)
    scopes = "everything" if credential.scopes == all_scopes() else ", ".join(credential.scopes)
    expires, kind = credential.expires_at, capfirst(credential.get_kind_display())
    body = json.dumps(
        {"api_key": SECRET}
        if credential.kind == CredentialKind.API_KEY
        else {"service_account_id": str(credential.pk), "service_account_secret": SECRET}
    )
    lines = [
        f"Your access to kynaplatform: {credential.project}",
        "",
        f"Address: {site}",
        f"Stream: {stream.scheme}://{stream.netloc}",
        f"Project id: {credential.project_id}",
        f"{kind}: {visible(credential.name)}, id {credential.pk}",
        f"It may do: {scopes}",
        f"It expires: {f'{expires:%Y-%m-%d %H:%M} UTC' if expires else 'never'}",
        f"Docs: {site}{reverse('guide', args=['start'])}",
        f"Reference: {site}{reverse('docs')}",
        "",
        f"The secret comes apart from this text. Put it in place of {SECRET}, and try:",
        "",
        f"curl -sS {site}{reverse('access-tokens')} -H 'Content-Type: application/json' "
        f"-d '{body}'",
    ]
    return "\n".join(lines)


@dataclass(frozen=True)
class Issued:
    """A credential and its secret, for the one page that shows it.

    At DEBUG the log has a template's context when a variable is not found in it: so the secret is
    no part of this object's repr.
    """

    credential: Credential
    secret: str = field(repr=False)


def secret_page(issued: Issued, request: HttpRequest) -> TemplateResponse:
    """The response to the POST itself: a redirect would have to store the secret."""
    context = {
        **admin.site.each_context(request),
        "title": f"The secret of {issued.credential.project} / {visible(issued.credential.name)}",
        "opts": issued.credential._meta,
        "issued": issued,
        "hand_over": hand_over(request, issued.credential),
        "suspensions": suspensions_of(issued.credential),
        "page": page_of(issued.credential),
    }
    return TemplateResponse(request, "admin/projects/secret.html", context)


class ExpiryField(forms.DateTimeField):
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


class Rotate(StaffAction):
    name, label, past = "rotate", "Rotate", "Rotated"
    permission = "projects.change_{model}"
    takes_many = False
    is_dangerous = False

    def applies_to(self, row: Credential) -> bool:
        return row_is_live(clock.now(), revoked_at=row.revoked_at, expires_at=row.expires_at)

    def effects(self, rows: Sequence[Credential]) -> list[str]:
        (row,) = rows
        return [
            "A new one is issued with the same project, name and scopes. "
            "Its secret is shown once, on the next page.",
            "The new one does not expire unless you say when."
            if as_long_again(row, clock.now()) is None
            else "The new one lives as long as the last one was to, unless you say otherwise: "
            "the moment is filled in below.",
            "When the old one ends, the access tokens minted with it are refused as well. "
            "If it expires sooner than you choose here, it still does.",
            "Sessions that were made go on.",
        ]

    def form(self, data: Any, row: Credential, user: Any) -> forms.Form:
        expires_at = as_long_again(row, clock.now())
        shown = {"seen_expires_at": row.expires_at, "expires_at": expires_at}
        return RotateForm(data, initial=shown)

    def perform(self, row: Credential, submission: Submission) -> ActionResult:
        issued, sentence = rotate(row, submission)
        return ActionResult(sentence, partial(secret_page, issued))


class Revoke(StaffAction):
    name, label, past = "revoke", "Revoke", "Revoked"
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

    def perform(self, row: Credential, submission: Submission) -> None:
        credential_revoke(credential=row, now=submission.now)


def rotate(credential: Credential, submission: Submission) -> tuple[Issued, str]:
    """The successor, by the data of a `RotateForm`, and the deed for the old one's history."""
    data = submission.data
    successor, secret = credential_rotate(
        credential=credential,
        seen_expires_at=data["seen_expires_at"],
        overlap=data["overlap"],
        expires_at=data["expires_at"],
        now=submission.now,
    )
    issued = _logged(submission.user_id, successor, secret, f"Issued to replace {credential}.")
    return issued, f"Rotated {full_name(credential)}: {issued.credential} replaces it."


def _logged(user_id: int, credential: Credential, secret: str, sentence: str) -> Issued:
    """The credential with its secret, logged under the model of its kind."""
    issued = OF_KIND[credential.kind]._default_manager.get(pk=credential.pk)
    history_add(user_id=user_id, row=issued, message=sentence, flag=ADDITION)
    return Issued(issued, secret)


def as_long_again(credential: Credential, now: datetime) -> datetime | None:
    """The expiry of a successor that lives as long as `credential` was to; None if for good."""
    # A rotation has shortened its own life.
    if newest := credential.successors.first():
        return as_long_again(newest, now)
    if credential.expires_at is None:
        return None
    try:
        return now + (credential.expires_at - credential.created_at)
    except OverflowError:  # it expires in the last of years
        return credential.expires_at


class IssueForm(forms.ModelForm):  # type: ignore[type-arg]
    # Chosen when the form is made, so that sending it twice can't issue two.
    chosen_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    expires_at = ExpiryField(label="Expires at")
    scopes = ScopesField()

    class Media:
        js = ("staff/scopes.js",)

    class Meta:
        model = Credential
        fields = ["name"]
        labels = {"name": "Name of the key"}


def issue(
    project: Project, kind: CredentialKind, given: Mapping[str, Any], *, user_id: int
) -> Issued:
    """Issue the credential that `IssueForm` was `given`, and log it. Raises AlreadyDone."""
    try:
        credential, secret = credential_issue(
            project=project,
            kind=kind,
            name=given["name"],
            scopes=given["scopes"],
            expires_at=given["expires_at"],
            credential_id=given["chosen_id"],
        )
    except Conflict as conflict:
        raise issued_before(given["chosen_id"], str(conflict)) from conflict
    return _logged(user_id, credential, secret, "Issued.")


def issued_before(credential_id: uuid.UUID, sentence: str) -> AlreadyDone:
    known = Credential.objects.get(pk=credential_id)
    return AlreadyDone(f"{sentence} If that is lost, rotate.", page=page_of(known))


class Issue(StaffAction):
    past = "Issued"
    form_class = IssueForm
    takes_many = False
    is_dangerous = False
    kind: ClassVar[CredentialKind]

    def title(self, row: Project) -> str:
        return f"{self.label} for {row}"

    def effects(self, rows: Sequence[Project]) -> list[str]:
        (project,) = rows
        effects = [
            f"It is for {project}, and works for no other project.",
            "Its secret is shown once, on the next page. It can't be shown again, only replaced.",
        ]
        if project.suspended_at or project.organization.suspended_at:
            effects.append("It is refused until the suspension is ended by a resume.")
        return effects

    def perform(self, row: Project, submission: Submission) -> ActionResult:
        issued = issue(row, self.kind, submission.data, user_id=submission.user_id)
        sentence = f"Issued {self.kind.label} {full_name(issued.credential)}."
        return ActionResult(sentence, partial(secret_page, issued))


class IssueApiKey(Issue):
    name, label = "issue-api-key", "Issue an API key"
    permission = "projects.add_apikey"
    kind = CredentialKind.API_KEY


class IssueServiceAccount(Issue):
    name, label = "issue-service-account", "Issue a service account"
    permission = "projects.add_serviceaccount"
    kind = CredentialKind.SERVICE_ACCOUNT
