"""Organizations and projects in the admin: making them, and their limits."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from kynaplatform.api.throttling import request_counter
from movespecs.models import MoveSpec, MoveSpecDraft
from projects import suspension
from projects.credentials import credential_issue
from projects.models import ApiKey, Credential, CredentialKind, Organization, Project
from sessions_app.models import DetectionSession
from tests.admin.staffing import (
    LEVELS,
    PROJECT_LIMITS,
    address,
    do,
    last_history,
    limits,
    shown_on,
    text_of,
)
from tests.api.api_requests import limited, nothing_changes, refused
from tests.conftest import MOVESPECS, SESSIONS, TOKENS, VALID_YAML, Machine


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


def test_a_new_project_works_over_the_api(operator: Client, owner: Machine) -> None:
    given = limits(name="New", organization=str(owner.organization.id))
    operator.post(address(Project, "add"), given)
    project = Project.objects.get(name="New")
    _, secret = credential_issue(project=project, kind=CredentialKind.API_KEY, name="key")

    minted = Client().post(TOKENS, {"api_key": secret}, content_type="application/json")

    assert (minted.status_code, minted.json()["project_id"]) == (201, str(project.id))


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("", "This field is required."),
        ("  ", "This field is required."),
        ("a\0b", "Null characters are not allowed."),
        ("two\nlines", "Holds a control or format character."),
        ("safe\u202egpj", "Holds a control or format character."),
        ("a\u2028b", "Holds a control or format character."),
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


@LEVELS
def test_a_name_from_before_is_shown_written_out_and_has_to_be_given_anew(
    operator: Client, owner: Machine, level: str
) -> None:
    row = getattr(owner, level)
    type(row).objects.update(name="safe\u202egpj\nSuspended all.")
    name = "safe[U+202E]gpj[U+000A]Suspended all."
    shown = name if level == "organization" else f"Acme / {name}"

    assert f"Suspend {shown}" in text_of(operator.get(address(row, "suspend")))
    assert f"Suspended {shown}." in text_of(do(operator, row, "suspend"))
    assert last_history(row) == ("operators", shown, f"Suspended {shown}.\nReason: Unpaid")
    with nothing_changes():
        answer = operator.post(address(row), limits(name="safe\u202egpj", rate_limit="9"))
    assert list(answer.context["adminform"].form.errors) == ["name"]


def test_the_name_of_a_key_from_before_is_shown_written_out(
    operator: Client, owner: Machine
) -> None:
    Credential.objects.update(name="safe\u202egpj")
    page = text_of(operator.get(address(ApiKey.objects.get(), "revoke")))
    assert "Revoke Acme / owner / safe[U+202E]gpj" in page


def test_a_project_stays_in_its_organization(
    operator: Client, owner: Machine, outsider: Machine
) -> None:
    moved = limits(name="Renamed", organization=str(outsider.organization.id))

    assert operator.post(address(owner.project), moved).status_code == 302

    owner.project.refresh_from_db()
    assert (owner.project.name, owner.project.organization_id) == (
        "Renamed", owner.organization.id,
    )  # fmt: skip


@pytest.mark.parametrize("sent", ["x", "\0", "00000000-0000-4000-8000-000000000000"])
def test_an_organization_that_is_none_is_a_complaint(operator: Client, sent: str) -> None:
    given = {"name": "Gym", "organization": sent, "initial-organization": sent}
    for form in (given, limits(name="Gym", organization=sent)):
        with nothing_changes():
            answer = operator.post(address(Project, "add"), form)
        assert answer.status_code == 200
        assert list(answer.context["adminform"].form.errors) == ["organization"]


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        pytest.param(
            "0", "Ensure this value is greater than or equal to 1.", marks=pytest.mark.long
        ),
        pytest.param(
            "-1", "Ensure this value is greater than or equal to 1.", marks=pytest.mark.long
        ),
        ("2147483648", "Ensure this value is less than or equal to 2147483647."),
        pytest.param("9" * 5000, "Enter a whole number.", marks=pytest.mark.long),
        ("1.5", "Enter a whole number."),
        pytest.param("many", "Enter a whole number.", marks=pytest.mark.long),
        pytest.param("1\0", "Enter a whole number.", marks=pytest.mark.long),
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


def test_the_largest_limit_is_kept_and_an_empty_one_is_the_default_again(
    operator: Client, owner: Machine
) -> None:
    for given, kept in (("2147483647", 2147483647), ("1", 1), ("", None)):
        operator.post(address(owner.project), limits(name="x", rate_limit=given))
        owner.project.refresh_from_db()
        assert owner.project.rate_limit == kept


def test_a_page_shows_each_limit_in_force(operator: Client, owner: Machine, settings: Any) -> None:
    settings.RATE_LIMIT_ORGANIZATION, settings.RATE_LIMIT_PROJECT = 500, 100
    settings.RATE_LIMIT_SESSIONS, settings.RATE_LIMIT_MOVESPECS = 10, 60
    Organization.objects.update(rate_limit=7)
    settings.MOVESPECS_PER_PROJECT, settings.VERSIONS_PER_MOVESPEC = 400, 150
    Project.objects.update(rate_limit_sessions=3, version_limit=1000)

    organization = text_of(operator.get(address(owner.organization)))
    project = text_of(operator.get(address(owner.project)))

    assert "7 a minute, overriding the default of 500" in organization
    for shown in (
        "100 a minute, the default",
        "3 a minute, overriding the default of 10",
        "60 a minute, the default",
        "400, the default",
        "1000, overriding the default of 150",
    ):
        assert shown in project
    assert "500 a minute, the default" in text_of(operator.get(address(Organization, "add")))
    assert "100 a minute, the default" in text_of(operator.get(address(Project, "add")))


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


def test_an_override_of_session_creations_holds(
    operator: Client, owner: Machine, movespec: MoveSpec
) -> None:
    operator.post(address(owner.project), limits(name="x", rate_limit_sessions="1"))

    assert owner.create_session(movespec).status_code == 201
    assert owner.create_session(movespec).status_code == 429
    assert owner.get(SESSIONS).status_code == 200
    assert DetectionSession.objects.count() == 1


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


def test_a_name_of_two_lines_from_before_is_changed_once_it_was_seen(
    operator: Client, owner: Machine
) -> None:
    Project.objects.update(name="two\nlines")

    renamed = shown_on(operator, owner.project) | {"name": "One line"}

    assert operator.post(address(owner.project), renamed).status_code == 302
    assert last_history(owner.project)[2] == "Changed name One line (was two[U+000A]lines)."
