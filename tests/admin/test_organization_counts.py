"""The admin's lists of organizations and projects, what they count, and what is chosen in them."""

import re
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from movespecs.models import MoveSpec, MoveSpecVersion, Release
from projects import suspension
from projects.credentials import credential_issue
from projects.models import (
    ApiKey,
    Credential,
    CredentialKind,
    Organization,
    Project,
    ServiceAccount,
)
from sessions_app.models import DetectionSession
from tests.admin.staffing import address, member, text_of
from tests.conftest import SESSIONS, Machine, make_machine
from tests.long_runs import at_length
from tests.sessions_app.plans import LIVE, MANY, add_sessions, analyze_sessions, copy_row, run


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


def test_a_count_leads_to_a_list_that_names_whose_it_is(
    operator: Client, owner: Machine, outsider: Machine, movespec: MoveSpec
) -> None:
    session = owner.create_session(movespec).json()["session_id"]
    narrowed = {"project__id__exact": str(owner.project.id)}
    organization = {"organization__id__exact": str(owner.organization.id)}

    projects = operator.get(address(Project, "changelist"), organization)
    keys = operator.get(address(ApiKey, "changelist"), narrowed | {"state": "live"})

    sessions = operator.get(address(DetectionSession, "changelist"), narrowed)
    movespecs = operator.get(address(MoveSpec, "changelist"), narrowed)
    of_movespec = {"movespec__id__exact": str(movespec.id)}
    versions = operator.get(address(MoveSpecVersion, "changelist"), of_movespec)
    releases = operator.get(address(Release, "changelist"), of_movespec)

    assert [str(row.pk) for row in sessions.context["cl"].result_list] == [session]
    assert [row.pk for row in movespecs.context["cl"].result_list] == [movespec.pk]
    assert [row.pk for row in projects.context["cl"].result_list] == [owner.project.pk]
    assert [row.pk for row in keys.context["cl"].result_list] == [owner.credential.pk]
    assert [row.movespec for row in versions.context["cl"].result_list] == [movespec]
    assert [row.movespec for row in releases.context["cl"].result_list] == [movespec]
    for response, owned_by in (
        (projects, "Acme"),
        (keys, "Acme / owner"),
        (movespecs, "Acme / owner"),
        (versions, "Acme / owner / Squat"),
        (releases, "Acme / owner / Squat"),
    ):
        choices = [
            [
                (choice["display"], choice["selected"])
                for choice in one.choices(response.context["cl"])
            ]
            for one in response.context["cl"].filter_specs
        ]
        assert [("All", False), (owned_by, True)] in choices


def test_what_left_a_narrowed_list_meanwhile_is_told_of_when_it_is_confirmed(
    operator: Client, owner: Machine, outsider: Machine
) -> None:
    """Both were listed as not suspended; a colleague was faster with one, or with both."""
    page = f"{address(Project, 'changelist')}?suspended=no"
    ids = [str(owner.project.pk), str(outsider.project.pk)]
    chosen = {"action": "suspend", "_selected_action": ids}
    suspension.suspend(owner.project, now=timezone.now())

    asked = operator.post(page, chosen)
    assert "2 selected" in text_of(asked)
    confirmed = chosen | {"confirmed": "yes", "reason": "Unpaid"}
    told = text_of(operator.post(page, confirmed, follow=True))

    assert re.search(
        r'<li class="warning">Acme / owner: It has been suspended since [^<]*</li>', told
    )
    assert '<li class="warning">Suspended 1 of 2.</li>' in told
    told = text_of(operator.post(page, confirmed, follow=True))
    assert '<li class="warning">Suspended 0 of 2.</li>' in told
    assert "success" not in re.findall(r'<li class="(\w+)">', told)


def test_what_is_not_there_any_more_is_told_of(operator: Client, owner: Machine) -> None:
    gone = "7b0f4c3e-5a51-4d6e-9b39-1a1f0f5f5f10"
    page = address(Project, "changelist")
    confirmed = {"action": "suspend", "confirmed": "yes", "reason": "Unpaid"}

    told = operator.post(page, confirmed | {"_selected_action": [gone]}, follow=True)
    assert '<li class="warning">What was selected is not there any more.</li>' in text_of(told)

    ids = [gone, str(owner.project.pk)]
    told = operator.post(page, confirmed | {"_selected_action": ids}, follow=True)
    assert '<li class="warning">Not there any more: 1.</li>' in text_of(told)
    assert '<li class="warning">Suspended 1 of 2.</li>' in text_of(told)


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


@pytest.mark.parametrize(
    ("model", "owned_by"),
    [
        (Project, "organization"), (ApiKey, "project"), (ServiceAccount, "project"),
        (MoveSpec, "project"), (MoveSpecVersion, "movespec"), (Release, "movespec"),
    ],
)  # fmt: skip
def test_a_list_that_is_narrowed_to_no_owner_is_empty_and_to_no_id_says_so(
    operator: Client, movespec: MoveSpec, model: type[Model], owned_by: str
) -> None:
    parameter = f"{owned_by}__id__exact"
    path = address(model, "changelist")

    nobody = operator.get(path, {parameter: "7b0f4c3e-5a51-4d6e-9b39-1a1f0f5f5f10"})
    nonsense = operator.get(path, {parameter: "none"})

    assert (nobody.status_code, list(nobody.context["cl"].result_list)) == (200, [])
    assert (nonsense.status_code, "cl" in nonsense.context) == (400, False)


def test_counts_show_to_whom_may_see_what_is_counted(owner: Machine) -> None:
    shown = {
        role: text_of(member(role).get(address(owner.project)))
        for role in ("support", "release managers")
    }

    assert "Live API keys" in shown["support"]
    assert "Live sessions" in shown["release managers"]
    assert "Live API keys" not in shown["release managers"]
    assert "/admin/projects/apikey/" not in shown["release managers"]


@pytest.mark.parametrize("model", [Organization, Project])
def test_a_list_costs_as_many_queries_for_sixty_rows_as_for_one(
    operator: Client, owner: Machine, model: type[Organization | Project]
) -> None:
    page = address(model, "changelist")
    operator.get(page)
    with CaptureQueriesContext(connection) as few:
        operator.get(page)
    for number in range(60):
        make_machine(Organization.objects.create(name=f"More {number}"), f"more {number}")
    with CaptureQueriesContext(connection) as many:
        response = operator.get(page)

    assert len(response.context["cl"].result_list) == 50
    assert len(many) == len(few) <= 8


@pytest.mark.long
@at_length("model", Project, Organization)
def test_a_list_counts_by_index_for_the_rows_that_it_shows(
    operator: Client, owner: Machine, movespec: MoveSpec, model: type[Organization | Project]
) -> None:
    for number in range(250):
        organization = Organization.objects.create(name=f"More {number}")
        Project.objects.create(name=f"More {number}", organization=organization)
    # Of a table of one page all indexes are as good, and none is.
    one_by_one = "((SELECT array_agg(id) FROM projects_{}))[1 + n % 250]"
    of_organization = one_by_one.format("organization")
    copy_row("projects_project", owner.project.id, rows=5_000, organization_id=of_organization)
    one_by_one = one_by_one.format("project")
    add_sessions(owner, movespec, MANY, project_id=one_by_one)
    add_sessions(owner, movespec, 20_000, **LIVE, project_id=one_by_one)
    copy_row("movespecs_movespec", movespec.id, project_id=one_by_one)
    copy_row("projects_credential", owner.credential.id, project_id=one_by_one)
    analyze_sessions()
    run("ANALYZE projects_credential")
    with CaptureQueriesContext(connection) as queries:
        operator.get(address(model, "changelist"))
    (listing,) = [
        one["sql"] for one in queries if '_count"' in one["sql"] and "LIMIT 50" in one["sql"]
    ]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {listing}")
        (plan,) = cursor.fetchone()[0]

    counts = [node for node in nodes(plan["Plan"]) if node.get("Parent Relationship") == "SubPlan"]
    assert {node["Actual Loops"] for node in counts} == {50}
    assert len(counts) == (2 if model is Organization else 4)
    scans = [node for count in counts for node in nodes(count) if "Scan" in node["Node Type"]]
    # Rows that other tests have rolled back make a table long enough for a bitmap.
    assert "Seq Scan" not in {node["Node Type"] for node in scans}
    of_projects = {"movespec_of_project", "projects_credential_project_id_64bf2383"}
    of_organizations = {"projects_project_organization_id_c93e5ca2"}
    assert {node["Index Name"] for node in scans if "Index Name" in node} == {
        "session_live_of_project_state",
        *(of_organizations if model is Organization else of_projects),
    }


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in nodes(child))]
