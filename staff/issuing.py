"""Issuing a credential: on the page of its project, which names the customer."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from kynaplatform.api.errors import Conflict
from projects.credentials import credential_issue
from projects.models import Credential, CredentialKind, Project, all_scopes
from staff.acts import Act, DoneBefore, Outcome
from staff.credential_acts import ExpiryField, Issued, secret_page
from staff.links import OF_KIND, page_of
from staff.naming import full_name, with_customer

MOST_NAMESAKES = 5


class IssueForm(forms.ModelForm):  # type: ignore[type-arg]
    # Chosen when the form is made, so that sending it twice can't issue two.
    chosen_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    expires_at = ExpiryField(label="Expires at")
    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in all_scopes()],
        initial=all_scopes,
        widget=forms.CheckboxSelectMultiple,
        label="What it may do",
    )

    class Meta:
        model = Credential
        fields = ["name"]
        labels = {"name": "Name of the key"}


def issue(
    request: HttpRequest, project: Project, kind: CredentialKind, given: dict[str, Any]
) -> Issued:
    """What `IssueForm` was `given`, issued and in the history; raises DoneBefore."""
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
    # As its page's own model, under which the history is kept.
    issued = OF_KIND[kind]._default_manager.get(pk=credential.pk)
    admin.site.get_model_admin(type(issued)).log_addition(request, issued, "Issued.")
    return Issued(issued, secret)


def issued_before(credential_id: uuid.UUID, sentence: str) -> DoneBefore:
    known = Credential.objects.get(pk=credential_id)
    return DoneBefore(f"{sentence} If that is lost, rotate.", page=page_of(known))


class Issue(Act):
    past = "Issued"
    form_class = IssueForm
    takes_many = False
    is_dangerous = False
    kind: ClassVar[CredentialKind]

    def title(self, row: Project) -> str:
        return f"{self.label} for {row}"

    def effects(self, rows: Sequence[Project]) -> list[str]:
        (project,) = rows
        told = [
            f"It is for {project}, and works for no other project.",
            "Its secret is shown once, on the next page. It can't be shown again, only replaced.",
        ]
        if namesakes := _namesakes(project):
            told.insert(1, f"Not meant are: {', '.join(map(str, namesakes))}.")
        if project.suspended_at or project.organization.suspended_at:
            told.append("It is refused until the suspension is ended by a resume.")
        return told

    def perform(
        self, request: HttpRequest, row: Project, data: dict[str, Any], now: datetime
    ) -> Outcome:
        issued = issue(request, row, self.kind, data)
        sentence = f"Issued {self.kind.label} {full_name(issued.credential)}."
        return Outcome(sentence, secret_page(request, issued))


class IssueApiKey(Issue):
    name = "issue-api-key"
    label = "Issue an API key"
    permission = "projects.add_apikey"
    kind = CredentialKind.API_KEY


class IssueServiceAccount(Issue):
    name = "issue-service-account"
    label = "Issue a service account"
    permission = "projects.add_serviceaccount"
    kind = CredentialKind.SERVICE_ACCOUNT


ISSUE: dict[CredentialKind, Issue] = {
    act.kind: act for act in (IssueApiKey(), IssueServiceAccount())
}


def _namesakes(project: Project) -> list[Project]:
    """Projects of the same name, which are easily taken for it."""
    others = Project.objects.filter(name__iexact=project.name).exclude(pk=project.pk)
    return list(with_customer(others)[:MOST_NAMESAKES])
