"""The admin's lists of organizations and projects, what they count, and what is chosen in them."""

from django.test import Client
from django.utils import timezone

from movespecs.models import MoveSpec
from projects import models as suspension
from projects.credentials import credential_issue
from projects.models import (
    Credential,
    CredentialKind,
    Organization,
    Project,
)
from tests.admin.staffing import address, text_of
from tests.conftest import SESSIONS, Machine


def test_lists_and_pages_count_what_a_row_owns(
    operator: Client, owner: Machine, peer: Machine, movespec: MoveSpec, public_movespec: MoveSpec
) -> None:
    now = timezone.now()
    project = owner.project
    for _ in range(3):
        owner.create_session(movespec)
    ended = owner.create_session(movespec).json()["session_id"]
    owner.post(f"{SESSIONS}/{ended}/cancel")
    account = CredentialKind.SERVICE_ACCOUNT
    for moments in ({}, {"revoked_at": now}, {"expires_at": now}):
        one, _ = credential_issue(project=project, kind=account, name="account")
        Credential.objects.filter(id=one.id).update(**moments)
    credential_issue(project=project, kind=CredentialKind.API_KEY, name="second")
    narrowed = f"?project__id__exact={project.id}"
    links = {
        f"/admin/movespecs/movespec/{narrowed}": 2,
        f"/admin/projects/apikey/{narrowed}&amp;state=live": 2,
        f"/admin/projects/serviceaccount/{narrowed}&amp;state=live": 1,
        f"/admin/sessions_app/detectionsession/{narrowed}&amp;status__exact=live": 3,
    }

    for page in (address(project), address(Project, "changelist") + "?q=owner"):
        shown = text_of(operator.get(page))
        for link, count in links.items():
            assert f'<a href="{link}">{count}</a>' in shown
    for page in (address(owner.organization), address(Organization, "changelist")):
        response = operator.get(page)
        link = f"/admin/projects/project/?organization__id__exact={owner.organization.id}"
        assert f'<a href="{link}">2</a>' in text_of(response)
    (row,) = response.context["cl"].result_list
    assert (row.project_count, row.live_session_count) == (2, 3)


def test_all_that_a_narrowed_list_has_are_chosen_by_its_filters(
    operator: Client, owner: Machine, outsider: Machine
) -> None:
    suspension.suspend(owner.project, now=timezone.now())
    page = f"{address(Project, 'changelist')}?suspended=no"
    ids = [str(outsider.project.pk)]
    asked = operator.post(
        page, {"action": "suspend", "_selected_action": ids, "select_across": "1"}
    )
    assert asked.context["rows"] == [(outsider.project.id, "Elsewhere / outsider", "")]
