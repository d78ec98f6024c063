"""The onboarding of a customer: an organization, a project and a key by one form."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.models import ADDITION
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html

from common.names import MAX_NAME_CHARACTERS, validate_name
from projects.models import Credential, CredentialKind, Organization, Project
from staff.actions.base import DoneBefore, StaffActionAdmin
from staff.actions.credentials import Issued, IssueForm, issue, issued_before, secret_page
from staff.display import counted
from staff.downloads import user_id_of
from staff.history import history_add
from staff.names import list_of, page_of

PERMISSIONS = ("projects.add_organization", "projects.add_project", "projects.add_apikey")
MAX_NAMESAKES = 10
ANOTHER = "another"
LABEL = "Onboard a customer"
WHICH = "There is a customer of this name already. Say which one is meant."


class OnboardForm(IssueForm):
    """The form of a new customer. It asks about customers of the same name, if there are any."""

    organization_name = forms.CharField(
        label="Name of the customer",
        max_length=MAX_NAME_CHARACTERS,
        validators=[validate_name],
        help_text="Its organization is made, unless you choose one that is there already.",
    )
    project_name = forms.CharField(
        label="Name of its project",
        max_length=MAX_NAME_CHARACTERS,
        validators=[validate_name],
        help_text="As its customer calls it. The platform shows it behind the customer's name.",
    )
    field_order = ["organization_name", "customer", "project_name", "name", "expires_at", "scopes"]

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self.namesakes: dict[str, Organization] = {}
        typed = (data or {}).get("organization_name", "").strip()
        if not typed or "\0" in typed:
            return
        found = Organization.objects.filter(name__iexact=typed)[:MAX_NAMESAKES]
        self.namesakes = {str(one.pk): one for one in found}
        if self.namesakes:
            self.fields["customer"] = forms.ChoiceField(
                label="Which customer",
                widget=forms.RadioSelect,
                choices=[
                    *((pk, _told_apart(one)) for pk, one in self.namesakes.items()),
                    (ANOTHER, "Another customer of the same name: make a new organization"),
                ],
                error_messages={"required": WHICH},
            )
            self.order_fields(self.field_order)

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        organization = given["organization"] = self.namesakes.get(given.get("customer", ""))
        name = given.get("project_name")
        if organization and name:
            there = organization.projects.filter(name__iexact=name).first()
            if there:
                told = '{} is there already. <a href="{}">Issue the key on its page.</a>'
                self.add_error("project_name", format_html(told, there, page_of(there)))
        return given


def onboard_view(page: StaffActionAdmin, request: HttpRequest) -> HttpResponse:
    """GET shows the form; POST makes all three or nothing, and shows the secret."""
    projects: Any = page.admin_site.get_model_admin(Project)
    sees = page.has_view_permission(request) and projects.has_view_permission(request)
    if not (sees and request.user.has_perms(PERMISSIONS)):
        raise PermissionDenied
    form = OnboardForm(request.POST or None)
    try:
        is_valid = form.is_valid()
        _require_new(form)
        if is_valid:
            issued = onboard(form.cleaned_data, user_id=user_id_of(request))
            page.message_user(request, f"Onboarded {issued.credential.project}.", messages.SUCCESS)
            return secret_page(request, issued)
    except DoneBefore as done:
        page.message_user(request, str(done), messages.ERROR)
        return HttpResponseRedirect(done.page)
    context = {
        "action": {"label": LABEL},
        "title": LABEL,
        "is_possible": True,
        "effects": [
            "An organization, a project in it and an API key are made together.",
            "The key's secret is shown once, on the next page.",
        ],
        "back": list_of(Organization),
        # Asked the first time: nobody has done anything wrong.
        "question": WHICH if [*form.errors] == ["customer"] and "customer" not in form.data else "",
    }
    return page.render_action(request, "admin/action.html", form, context)


def _require_new(form: OnboardForm) -> None:
    """Raise DoneBefore for a form that was sent before, and would find its own customer."""
    chosen = form.cleaned_data.get("chosen_id") if form.is_bound else None
    if chosen and Credential.objects.filter(pk=chosen).exists():
        raise issued_before(chosen, "It was issued already, and its secret was shown then.")


@transaction.atomic
def onboard(given: Mapping[str, Any], *, user_id: int) -> Issued:
    """Make, by the data of an `OnboardForm`, all three or nothing, and log them."""
    organization = given["organization"]
    if organization is None:
        organization = Organization.objects.create(name=given["organization_name"])
        history_add(user_id=user_id, row=organization, message="Onboarded.", flag=ADDITION)
    project = Project.objects.create(organization=organization, name=given["project_name"])
    told = f"Onboarded with {organization}."
    history_add(user_id=user_id, row=project, message=told, flag=ADDITION)
    return issue(project, CredentialKind.API_KEY, given, user_id=user_id)


def _told_apart(organization: Organization) -> str:
    projects = counted(organization.projects.count(), "project")
    state = ", suspended" if organization.suspended_at else ""
    made = f"made {organization.created_at:%Y-%m-%d}"
    return f"{organization}{state}, {made}, {projects}, id {organization.pk}"
