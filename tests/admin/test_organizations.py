"""Organizations and projects in the admin: making, suspending and resuming them, limits, counts."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kynaplatform.api.throttling import request_counter
from movespecs.models import MoveSpec, MoveSpecDraft, MoveSpecVersion, Release
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
from tests.api.asking import nothing_changes, refused
from tests.conftest import MOVESPECS, SESSIONS, TOKENS, VALID_YAML, Machine, make_machine
from tests.sessions_app.plans import LIVE, add_sessions

PROJECT_LIMITS = (
    "rate_limit", "rate_limit_sessions", "rate_limit_movespecs", "movespec_limit", "version_limit",
)  # fmt: skip
LEVELS = pytest.mark.parametrize("level", ["organization", "project"])


@pytest.fixture
def operator(db: None) -> Client:
    return member("operators")


def do(client: Client, row: Any, action: str, reason: str = "Unpaid") -> Any:
    return client.post(address(row, action), {"reason": reason}, follow=True)


def do_many(client: Client, rows: list[Any], action: str, **more: str) -> Any:
    chosen = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    return client.post(address(type(rows[0]), "changelist"), chosen | more, follow=True)


def last_history(row: Any) -> tuple[str, str, str]:
    entry = LogEntry.objects.select_related("user").filter(object_id=str(row.pk)).first()
    assert entry is not None
    return entry.user.username, entry.object_repr, entry.get_change_message()


def limits(**given: Any) -> dict[str, Any]:
    return dict.fromkeys(PROJECT_LIMITS, "") | given


# --- Making ------------------------------------------------------------------------------


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
    assert last_history(row) == ("operators", shown, f"Suspended {shown}. Reason: Unpaid")
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


# --- Limits ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("0", "Ensure this value is greater than or equal to 1."),
        ("-1", "Ensure this value is greater than or equal to 1."),
        ("2147483648", "Ensure this value is less than or equal to 2147483647."),
        ("9" * 5000, "Enter a whole number."),
        ("1.5", "Enter a whole number."),
        ("many", "Enter a whole number."),
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
    ("level", "field", "path"),
    [
        ("organization", "rate_limit", SESSIONS),
        ("project", "rate_limit", SESSIONS),
        ("project", "rate_limit_movespecs", MOVESPECS),
    ],
)
def test_an_override_holds_from_the_next_request_on(
    operator: Client, owner: Machine, level: str, field: str, path: str
) -> None:
    row = getattr(owner, level)
    given = {"name": row.name, "rate_limit": ""} if level == "organization" else limits(name="x")
    assert owner.get(path).status_code == 200

    operator.post(address(row), given | {field: "2"})

    assert owner.get(path).status_code == 200
    refused(owner.get(path), 429, "rate_limited", retry_after_seconds=60)

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


# --- Suspending and resuming -------------------------------------------------------------


@LEVELS
def test_suspending_refuses_requests_and_cancels_live_sessions_at_once(
    operator: Client, owner: Machine, peer: Machine, movespec: MoveSpec, level: str
) -> None:
    row = getattr(owner, level)
    owner.create_session(movespec)
    before = timezone.now()

    answer = do(operator, row, "suspend")

    assert f"Suspended {row}." in text_of(answer)
    refused(owner.get(MOVESPECS), 403, f"{level}_suspended")
    refused(owner.create_session(movespec), 403, f"{level}_suspended")
    refused(owner.post(TOKENS, {"api_key": owner.secret}), 403, f"{level}_suspended")
    assert peer.get(MOVESPECS).status_code == (403 if level == "organization" else 200)
    session = DetectionSession.objects.get()
    assert (session.status, session.terminal_outcome, session.error_code) == (
        "cancelled", "suspended", f"{level}_suspended",
    )  # fmt: skip
    row.refresh_from_db()
    assert row.suspended_at is not None
    assert before < row.suspended_at == session.ended_at
    assert last_history(row) == (
        "operators", str(row), f"Suspended {row}. Reason: Unpaid",
    )  # fmt: skip


@LEVELS
def test_resuming_lets_requests_in_and_leaves_cancelled_sessions_so(
    operator: Client, owner: Machine, movespec: MoveSpec, level: str
) -> None:
    row = getattr(owner, level)
    owner.create_session(movespec)
    do(operator, row, "suspend")

    answer = do(operator, row, "resume", "Paid")

    assert f"Resumed {row}." in text_of(answer)
    assert owner.get(MOVESPECS).status_code == 200
    assert owner.create_session(movespec).status_code == 201
    assert sorted(DetectionSession.objects.values_list("status", flat=True)) == [
        "cancelled", "created",
    ]  # fmt: skip
    assert last_history(row) == ("operators", str(row), f"Resumed {row}. Reason: Paid")


def test_the_page_before_a_suspension_says_what_it_ends(
    operator: Client, owner: Machine, peer: Machine, movespec: MoveSpec
) -> None:
    for _ in range(2):
        owner.create_session(movespec)
    ended = owner.create_session(movespec).json()["session_id"]
    owner.post(f"{SESSIONS}/{ended}/cancel")
    kept = "MoveSpecs, keys and limits stay as they are, for a resume."

    with nothing_changes():
        organization = operator.get(address(owner.organization, "suspend"))
        project = operator.get(address(owner.project, "suspend"))
        idle = operator.get(address(peer.project, "suspend"))

    assert organization.context["effects"] == [
        "Every request of 2 projects is refused at once: organization_suspended.",
        "Cancelled at once, for good: 2 live sessions.",
        kept,
    ]
    assert project.context["effects"] == [
        "Every request is refused at once: project_suspended.",
        "Cancelled at once, for good: 2 live sessions.",
        kept,
    ]
    assert idle.context["effects"][1] == "Cancelled at once, for good: 0 live sessions."


def test_the_page_before_a_resume_tells_of_a_suspended_organization(
    operator: Client, owner: Machine
) -> None:
    suspension.suspend(owner.project, now=timezone.now())
    page = address(owner.project, "resume")
    assert len(operator.get(page).context["effects"]) == 1

    suspension.suspend(owner.organization, now=timezone.now())

    assert operator.get(page).context["effects"][1] == (
        "Where the organization is suspended, requests are refused until it is not."
    )


@LEVELS
def test_who_comes_second_is_told_since_when_and_changes_nothing(
    operator: Client, owner: Machine, movespec: MoveSpec, level: str
) -> None:
    row = getattr(owner, level)
    since = datetime.fromisoformat("2026-03-04T05:06:07Z")
    suspension.suspend(row, now=since)

    with nothing_changes():
        again = operator.post(address(row, "suspend"), {"reason": "Unpaid"})

    assert again.status_code == 409
    assert "It has been suspended since 2026-03-04 05:06 UTC." in text_of(again)
    suspension.resume(row)
    with nothing_changes():
        resumed = operator.post(address(row, "resume"), {"reason": "Paid"})
    assert resumed.status_code == 409
    assert "It is not suspended." in text_of(resumed)


def test_it_asks_for_a_reason(operator: Client, owner: Machine) -> None:
    for row in (owner.organization, owner.project):
        with nothing_changes():
            answer = operator.post(address(row, "suspend"), {"reason": " "})
        assert answer.context["form"].errors == {"reason": ["This field is required."]}


def test_many_are_suspended_from_the_list_after_a_confirmation(
    operator: Client, owner: Machine, peer: Machine, outsider: Machine, movespec: MoveSpec
) -> None:
    owner.create_session(movespec)
    suspension.suspend(peer.project, now=datetime.fromisoformat("2026-03-04T05:06:07Z"))
    rows = [owner.project, peer.project, outsider.project]

    with nothing_changes():
        asked = do_many(operator, rows, "suspend")
    assert asked.context["effects"][1] == "Cancelled at once, for good: 1 live session."
    done = text_of(do_many(operator, rows, "suspend", confirmed="yes", reason="Attack"))

    assert "Suspended 2 of 3." in done
    assert "Acme / peer: It has been suspended since 2026-03-04 05:06 UTC." in done
    assert Project.objects.filter(suspended_at__isnull=True).count() == 0
    assert DetectionSession.objects.get().terminal_outcome == "suspended"
    assert last_history(outsider.project)[2] == "Suspended Elsewhere / outsider. Reason: Attack"
    assert not LogEntry.objects.filter(object_id=str(peer.project.id)).exists()


@LEVELS
def test_a_page_offers_what_applies(operator: Client, owner: Machine, level: str) -> None:
    row = getattr(owner, level)
    offered = text_of(operator.get(address(row)))
    assert address(row, "suspend") in offered
    assert address(row, "resume") not in offered

    suspension.suspend(row, now=timezone.now())

    offered = text_of(operator.get(address(row)))
    assert address(row, "suspend") not in offered
    assert address(row, "resume") in offered


@LEVELS
@pytest.mark.parametrize("role", ["support", "release managers"])
def test_who_only_looks_makes_changes_and_suspends_nothing(
    owner: Machine, movespec: MoveSpec, role: str, level: str
) -> None:
    owner.create_session(movespec)
    client = member(role)
    row = getattr(owner, level)
    assert client.get(address(row)).status_code == 200
    assert address(row, "suspend") not in text_of(client.get(address(row)))
    with nothing_changes():
        for name in ("suspend", "resume"):
            assert client.get(address(row, name)).status_code == 403
            assert client.post(address(row, name), {"reason": "x"}).status_code == 403
            do_many(client, [row], name, confirmed="yes", reason="x")
        given = limits(name="Mine", organization=str(owner.organization.id))
        assert client.post(address(row), given).status_code == 403
        assert client.post(address(type(row), "add"), given).status_code == 403
    assert owner.get(MOVESPECS).status_code == 200


# --- Counts ------------------------------------------------------------------------------


def test_lists_and_pages_count_what_a_row_owns(
    operator: Client, owner: Machine, peer: Machine, movespec: MoveSpec, public_movespec: MoveSpec
) -> None:
    now = timezone.now()
    project = owner.project
    for _ in range(3):
        owner.create_session(movespec)
    ended = owner.create_session(movespec).json()["session_id"]
    owner.post(f"{SESSIONS}/{ended}/cancel")
    # Its attach window is over, though no sweep has noticed: not live.
    overdue = owner.create_session(movespec).json()["session_id"]
    DetectionSession.objects.filter(id=overdue).update(deadline_at=now - timedelta(seconds=1))
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
    assert asked.context["rows"] == [(outsider.project.id, "Elsewhere / outsider")]


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


@pytest.mark.parametrize("model", [Organization, Project])
def test_a_list_counts_by_index_for_the_rows_that_it_shows(
    operator: Client, owner: Machine, movespec: MoveSpec, model: type[Organization | Project]
) -> None:
    # Of a table of one page all indexes are as good.
    add_sessions(owner, movespec, 5_000, **LIVE)
    for number in range(250):
        organization = Organization.objects.create(name=f"More {number}")
        Project.objects.create(name=f"More {number}", organization=organization)
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
