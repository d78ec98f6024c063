"""The actions on organizations and projects: onboard, suspend, resume and set retention."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.models import ADDITION
from django.contrib.admin.widgets import AdminIntegerFieldWidget
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.text import capfirst

from common.names import MAX_NAME_CHARACTERS, validate_name
from erasure.erasures import erasure_of
from kynaplatform import clock
from kynaplatform.api.errors import Conflict
from kynaplatform.checks import MAX_RETENTION_DAYS, MIN_RETENTION_DAYS
from projects import models as suspension
from projects.models import Credential, CredentialKind, Organization, Project
from sessions_app.models import DetectionSession
from sessions_app.retention import kept_of
from staff.actions import (
    ActionResult,
    AlreadyDone,
    ReasonForm,
    StaffAction,
    StaffActionAdmin,
    Submission,
)
from staff.actions.credentials import Issued, IssueForm, issue, issued_before, secret_page
from staff.display import count_up_to, counted, list_of, page_of
from staff.lists import user_id_of
from staff.states import history_add


class Suspend(StaffAction):
    name, label, past = "suspend", "Suspend", "Suspended"
    permission = "projects.suspend_{model}"

    def applies_to(self, row: Organization | Project) -> bool:
        return row.suspended_at is None

    def effects(self, rows: Sequence[Any]) -> list[str]:
        if isinstance(rows[0], Organization):
            projects = counted(sum(row.project_count for row in rows), "project")
            refused = f"Every request of {projects} is refused at once: organization_suspended."
        else:
            refused = "Every request is refused at once: project_suspended."
        sessions = counted(sum(row.live_session_count for row in rows), "live session")
        return [
            refused,
            f"Cancelled at once, for good: {sessions}.",
            "MoveSpecs, keys and limits stay as they are, for a resume.",
        ]

    def perform(self, row: Any, submission: Submission) -> None:
        if not suspension.suspend(row, now=submission.now):
            row.refresh_from_db(fields=["suspended_at"])
            raise Conflict(f"It has been suspended since {row.suspended_at:%Y-%m-%d %H:%M} UTC.")


class Resume(StaffAction):
    name, label, past = "resume", "Resume", "Resumed"
    permission = "projects.suspend_{model}"
    is_dangerous = False

    def applies_to(self, row: Organization | Project) -> bool:
        return row.suspended_at is not None and erasure_of(row) is None

    def effects(self, rows: Sequence[Any]) -> list[str]:
        effects = ["Requests are let in again at once. Sessions that were cancelled stay so."]
        if isinstance(rows[0], Organization):
            effects.append("A project that is itself suspended stays so.")
        elif any(row.organization.suspended_at is not None for row in rows):
            effects.append(
                "Where the organization is suspended, requests are refused until it is not."
            )
        return effects

    def perform(self, row: Any, submission: Submission) -> None:
        if erasure_of(row) is not None:
            raise Conflict("It is being erased.")
        if not suspension.resume(row):
            raise Conflict("It is not suspended.")


DAYS = Organization._meta.get_field("retention_days")
MAY_ERASE = "projects.erase_organization"
ONLY_LONGER = "To set fewer days than now you need the right to erase organizations."


def kept_for(own_days: int | None) -> str:
    days = kept_of(own_days).sessions
    return "forever" if days is None else f"for {counted(days, 'day')}"


def is_shorter(own_days: int | None, before: int | None) -> bool:
    """Whether sessions are kept for less time than with `before`."""
    days, days_before = kept_of(own_days).sessions, kept_of(before).sessions
    return days is not None and (days_before is None or days < days_before)


def deletion_words(
    organization: Organization, own_days: int | None, before: int | None, now: datetime
) -> str:
    """The sentence about what is deleted if `own_days` replace `before`; empty for nothing."""
    days = kept_of(own_days).sessions
    if days is None or not is_shorter(own_days, before):
        return ""
    until = now - timedelta(days=days)
    # No session ends before it is created: so the index of created_at serves.
    older = count_up_to(
        DetectionSession.objects.filter(
            project__organization=organization,
            deadline_at__isnull=True,
            created_at__lt=until,
            ended_at__lt=until,
        )
    )
    if not older:
        return ""
    return (
        f"{capfirst(str(older))} of its sessions ended more than {counted(days, 'day')} ago. They "
        "would be deleted within the hour, and nothing brings them back."
    )


class RetentionForm(ReasonForm):
    """The days. Those that delete sessions add a box to tick, which is for these days only."""

    retention_days = forms.IntegerField(
        required=False,
        validators=DAYS.validators,
        widget=AdminIntegerFieldWidget,
        help_text=f"How many days a session is kept after its end, {MIN_RETENTION_DAYS} to "
        f"{MAX_RETENTION_DAYS:,}. Leave it empty for the platform's default.",
    )
    field_order = ["retention_days", "reason"]

    def __init__(self, data: Any, row: Organization, user: Any) -> None:
        super().__init__(data, initial={"retention_days": row.retention_days})
        self.before = row.retention_days
        self.may_erase = user.has_perm(MAY_ERASE)
        if not self.may_erase:
            self.fields["retention_days"].help_text += f" {ONLY_LONGER}"
        elif data is not None:
            self._ask_before_deleting(row)

    def clean_retention_days(self) -> int | None:
        days: int | None = self.cleaned_data["retention_days"]
        if not self.may_erase and is_shorter(days, self.before):
            raise forms.ValidationError(ONLY_LONGER)
        return days

    def _ask_before_deleting(self, row: Organization) -> None:
        try:
            own_days = self.fields["retention_days"].clean(self["retention_days"].value())
        except forms.ValidationError:
            return
        if deletes := deletion_words(row, own_days, row.retention_days, clock.now()):
            self.fields[f"delete_older_than_{kept_of(own_days).sessions}"] = forms.BooleanField(
                label="Delete the older sessions", error_messages={"required": deletes}
            )


class SetRetention(StaffAction):
    name, label, past = "retention", "Set retention", "Set retention of"
    permission = "projects.change_{model}"
    takes_many = False

    def title(self, row: Organization) -> str:
        return f"{self.label} of {row}"

    def form(self, data: Any, row: Organization, user: Any) -> forms.BaseForm:
        return RetentionForm(data, row, user)

    def effects(self, rows: Sequence[Organization]) -> list[str]:
        (row,) = rows
        own = "" if row.retention_days else " (the default)"
        return [
            f"Sessions are kept {kept_for(row.retention_days)}{own}.",
            "If you set fewer days, older sessions are deleted within the hour. Nothing brings "
            "them back.",
        ]

    def perform(self, row: Organization, submission: Submission) -> ActionResult:
        days = submission.data["retention_days"]
        before = row.retention_days
        # Only from the days that the form was about: a colleague may have set others since.
        unchanged = Organization.objects.filter(pk=row.pk, retention_days=before)
        if not unchanged.update(retention_days=days):
            raise Conflict("Its days have changed meanwhile.")
        return ActionResult(
            f"Set retention of {row}: "
            f"sessions are kept {kept_for(days)} (before: {kept_for(before)})."
        )


MAY_ONBOARD = ("projects.add_organization", "projects.add_project", "projects.add_apikey")
ONBOARD = "Onboard a customer"


class OnboardForm(IssueForm):
    organization_name = forms.CharField(
        label="Name of the customer",
        max_length=MAX_NAME_CHARACTERS,
        validators=[validate_name],
        help_text="An organization of this name is made.",
    )
    project_name = forms.CharField(
        label="Name of its project",
        max_length=MAX_NAME_CHARACTERS,
        validators=[validate_name],
        help_text="As its customer calls it. The platform shows it behind the customer's name.",
    )
    field_order = ["organization_name", "project_name", "name", "expires_at", "scopes"]

    def clean_organization_name(self) -> str:
        name: str = self.cleaned_data["organization_name"]
        if known := Organization.objects.filter(name__iexact=name).first():
            error = '<a href="{}">{}</a> exists. Add a project to it, or choose another name.'
            raise forms.ValidationError(format_html(error, page_of(known), known))
        return name


def onboard_view(page: StaffActionAdmin, request: HttpRequest) -> HttpResponse:
    """GET shows the form; POST makes all three or nothing, and shows the secret."""
    projects: Any = page.admin_site.get_model_admin(Project)
    sees = page.has_view_permission(request) and projects.has_view_permission(request)
    if not (sees and request.user.has_perms(MAY_ONBOARD)):
        raise PermissionDenied
    form = OnboardForm(request.POST or None)
    try:
        is_valid = form.is_valid()
        # A form that was sent before would find its own customer.
        chosen = form.cleaned_data.get("chosen_id") if form.is_bound else None
        if chosen and Credential.objects.filter(pk=chosen).exists():
            raise issued_before(chosen, "It was issued already, and its secret was shown then.")
        if is_valid:
            issued = onboard(form.cleaned_data, user_id=user_id_of(request))
            page.message_user(request, f"Onboarded {issued.credential.project}.", messages.SUCCESS)
            return secret_page(issued, request)
    except AlreadyDone as before:
        return page.redirect_to(request, before)
    context = {
        "action": {"label": ONBOARD},
        "title": ONBOARD,
        "is_possible": True,
        "effects": [
            "An organization, a project in it and an API key are made together.",
            "The key's secret is shown once, on the next page.",
        ],
        "back": list_of(Organization),
    }
    return page.render_action(request, form, context)


@transaction.atomic
def onboard(given: Mapping[str, Any], *, user_id: int) -> Issued:
    """Make, by the data of an `OnboardForm`, all three or nothing, and log them."""
    organization = Organization.objects.create(name=given["organization_name"])
    history_add(user_id=user_id, row=organization, message="Onboarded.", flag=ADDITION)
    project = Project.objects.create(organization=organization, name=given["project_name"])
    history_add(
        user_id=user_id, row=project, message=f"Onboarded with {organization}.", flag=ADDITION
    )
    return issue(project, CredentialKind.API_KEY, given, user_id=user_id)
