"""Organizations and projects in the admin: making them, and their limits."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from kynaplatform.api.throttling import request_counter
from movespecs.models import MoveSpec, MoveSpecDraft
from projects import models as suspension
from projects.credentials import credential_issue
from projects.models import Credential, CredentialKind, Organization, Project
from tests.admin.staffing import (
    LEVELS,
    PROJECT_LIMITS,
    address,
    last_history,
    limits,
    shown_on,
    text_of,
)
from tests.api.api_requests import limited, nothing_changes, refused
from tests.conftest import MOVESPECS, SESSIONS, VALID_YAML, Machine


def test_operators_make_an_organization_and_a_project_in_it(operator: Client) -> None:
    answer = operator.post(address(Organization, "add"), {"name": "Acme", "rate_limit": "9"})
    assert answer.status_code == 302
    organization = Organization.objects.get()
    assert (organization.name, organization.rate_limit, organization.suspended_at) == (
        "Acme", 9, None,
    )  # fmt: skip

    given = limits(name="Gym", organization=str(organization.id), rate_limit_sessions="3")
    assert operator.post(address(Project, "add"), given).status_code == 302

    project = Project.objects.get()
    assert (project.name, project.organization) == ("Gym", organization)
    assert (project.rate_limit, project.rate_limit_sessions, project.rate_limit_movespecs) == (
        None, 3, None,
    )  # fmt: skip
    assert last_history(project) == ("operators", "Acme / Gym", "Added.")


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("", "This field is required."),
        ("a\0b", "Null characters are not allowed."),
        ("two\nlines", "Holds a control or format character."),
        ("x" * 256, "Ensure this value has at most 255 characters (it has 256)."),
    ],
)
def test_a_name_that_can_not_be_kept_is_a_complaint(
    operator: Client, owner: Machine, name: str, complaint: str
) -> None:
    pages = [
        (address(Organization, "add"), {"rate_limit": ""}),
        (address(Project, "add"), limits(organization=str(owner.organization.id))),
        (address(owner.organization), {"rate_limit": ""}),
        (address(owner.project), limits()),
    ]
    for page, given in pages:
        with nothing_changes():
            answer = operator.post(page, {**given, "name": name})
        assert answer.status_code == 200, page
        assert answer.context["adminform"].form.errors == {"name": [complaint]}


def test_a_project_stays_in_its_organization(
    operator: Client, owner: Machine, outsider: Machine
) -> None:
    moved = limits(name="Renamed", organization=str(outsider.organization.id))

    assert operator.post(address(owner.project), moved).status_code == 302

    owner.project.refresh_from_db()
    assert (owner.project.name, owner.project.organization_id) == (
        "Renamed", owner.organization.id,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("0", "Ensure this value is greater than or equal to 1."),
        ("2147483648", "Ensure this value is less than or equal to 2147483647."),
        ("9" * 5000, "Enter a whole number."),
        ("1\0", "Enter a whole number."),
    ],
)
def test_a_limit_that_is_none_is_a_complaint(
    operator: Client, owner: Machine, given: str, complaint: str
) -> None:
    fields = [
        (owner.organization, {"name": "x", "rate_limit": given}, "rate_limit"),
        *((owner.project, limits(name="x", **{name: given}), name) for name in PROJECT_LIMITS),
    ]
    for row, data, field in fields:
        with nothing_changes():
            answer = operator.post(address(row), data)
        assert answer.status_code == 200
        errors = answer.context["adminform"].form.errors
        assert (list(errors), errors[field][0]) == ([field], complaint)


@pytest.mark.parametrize(
    ("level", "field", "path", "name"),
    [
        ("organization", "rate_limit", SESSIONS, "organization"),
        ("project", "rate_limit", SESSIONS, "project"),
        ("project", "rate_limit_movespecs", MOVESPECS, "movespecs"),
    ],
)
def test_an_override_holds_from_the_next_request_on(
    operator: Client, owner: Machine, level: str, field: str, path: str, name: str
) -> None:
    row = getattr(owner, level)
    given = {"name": row.name, "rate_limit": ""} if level == "organization" else limits(name="x")
    assert owner.get(path).status_code == 200

    operator.post(address(row), given | {field: "2"})

    assert owner.get(path).status_code == 200
    limited(owner.get(path), name, 2, 60)

    operator.post(address(row), given | {field: "3"})

    assert owner.get(path).status_code == 200
    request_counter.cache_clear()


def test_an_override_of_what_a_project_keeps_holds_from_the_next_request_on(
    operator: Client, owner: Machine, movespec: MoveSpec, settings: Any
) -> None:
    settings.MOVESPECS_PER_PROJECT, settings.VERSIONS_PER_MOVESPEC = 1, 1
    versions = f"{MOVESPECS}/{movespec.id}/versions"
    MoveSpecDraft.objects.update(yaml_source=VALID_YAML + "# changed\n")
    with nothing_changes():
        refused(owner.post(MOVESPECS, {"name": "x"}), 409, "conflict", limit=1)
        refused(owner.post(versions), 409, "conflict", limit=1)

    operator.post(address(owner.project), limits(name="x", movespec_limit="2", version_limit="2"))

    assert owner.post(MOVESPECS, {"name": "x"}).status_code == 201
    assert owner.post(versions).status_code == 201
    with nothing_changes():
        refused(owner.post(MOVESPECS, {"name": "x"}), 409, "conflict", limit=2)

    # A lower one takes nothing away.
    operator.post(address(owner.project), limits(name="x", movespec_limit="1"))

    with nothing_changes():
        refused(owner.post(MOVESPECS, {"name": "x"}), 409, "conflict", limit=1)
    assert len(owner.get(MOVESPECS).json()) == 2


def test_a_form_that_was_opened_before_a_suspension_does_not_undo_it(
    operator: Client, owner: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A colleague suspends between the form's reading of the row and its writing."""
    from staff.organizations import ProjectAdmin

    save_form = ProjectAdmin.save_form

    def suspend_meanwhile(page: Any, request: Any, form: Any, change: bool) -> Any:
        suspension.suspend(owner.project, now=timezone.now())
        return save_form(page, request, form, change)

    monkeypatch.setattr(ProjectAdmin, "save_form", suspend_meanwhile)

    assert operator.post(address(owner.project), limits(name="Renamed")).status_code == 302

    owner.project.refresh_from_db()
    assert owner.project.name == "Renamed"
    assert owner.project.suspended_at is not None


@LEVELS
def test_a_page_that_was_opened_before_writes_only_what_was_changed_on_it(
    operator: Client, owner: Machine, level: str
) -> None:
    row = getattr(owner, level)
    opened = shown_on(operator, row)
    type(row).objects.update(rate_limit=600)

    answer = operator.post(address(row), opened | {"name": "Renamed"})

    assert answer.status_code == 302
    before = row.name
    row.refresh_from_db()
    assert (row.name, row.rate_limit) == ("Renamed", 600)
    assert last_history(row)[2] == f"Changed name Renamed (was {before})."


def test_what_two_have_changed_is_a_complaint_and_nothing_is_saved(
    operator: Client, owner: Machine
) -> None:
    opened = shown_on(operator, owner.project)
    Project.objects.update(rate_limit=600, version_limit=7)

    late = opened | {"name": "Renamed", "rate_limit": "9", "version_limit": "7"}
    with nothing_changes():
        answer = operator.post(address(owner.project), late)
        again = operator.post(address(owner.project), late)

    for told in (answer, again):
        assert told.status_code == 200
        assert told.context["adminform"].form.errors == {
            "rate_limit": ["It was changed meanwhile to 600: open this page anew."]
        }
    assert operator.post(address(owner.project), late | {"rate_limit": "600"}).status_code == 302

    owner.project.refresh_from_db()
    assert (owner.project.name, owner.project.rate_limit) == ("Renamed", 600)
    assert last_history(owner.project)[2] == "Changed name Renamed (was owner)."


def test_the_history_has_a_limit_and_the_one_before(operator: Client, owner: Machine) -> None:
    for limit, told in (("600", "600 (was default)"), ("", "default (was 600)")):
        opened = shown_on(operator, owner.project)
        operator.post(address(owner.project), opened | {"rate_limit": limit})
        assert last_history(owner.project)[2] == f"Changed rate_limit {told}."
    operator.post(address(owner.project), shown_on(operator, owner.project))
    assert last_history(owner.project)[2] == "No fields changed."


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
