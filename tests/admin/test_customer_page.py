"""What a customer's page, and a project's, shows: to whom, how exactly, and at what cost."""

import html
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from movespecs.models import MoveSpec
from projects.credentials import credential_issue
from projects.models import ApiKey, Credential, CredentialKind, Organization, Project
from staff.customer_page import MAX_LISTED, customer_page
from staff.history import history_of_all
from staff.sessions_by_day import DAYS, recent_sessions
from tests.admin.session_rows import make_session
from tests.admin.staffing import LEVELS, address, client_of, member, text_of
from tests.conftest import Machine, make_machine, make_released
from tests.sessions_app.plans import MANY, add_sessions, analyze_sessions
from tests.usage.using import use
from tests.webhooks.endpoint import make_endpoint

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PARTS = {
    "view_project": {"Projects"},
    "view_apikey": {"Live keys"},
    "view_serviceaccount": {"Live keys"},
    "view_movespec": {"MoveSpecs"},
    "view_detectionsession": {"recent"},
    "view_logentry": {"history"},
    "view_usagemonth": {"Usage"},
}


def seen_by(user: User, row: Any) -> dict[str, Any]:
    return customer_page(user, row, now=timezone.now())


def everything(row: Any) -> dict[str, Any]:
    return seen_by(User(is_superuser=True, is_active=True), row)


# Tags, and the digits that stand beside a name.
MARKUP = re.compile(r" <span class=.short-id.*?</span>|<[^>]+>")


def cells(row: Any, title: str) -> list[list[str]]:
    (section,) = [one for one in everything(row)["sections"] if one.title == title]
    return [[html.unescape(MARKUP.sub("", str(cell))) for cell in cells] for cells in section.rows]


# --- Sessions and frames -----------------------------------------------------------------


def test_it_counts_sessions_by_day_and_outcome_with_their_frames(
    movespec: MoveSpec, peer: Machine
) -> None:
    now = datetime(2026, 3, 14, 12, tzinfo=UTC)
    today = now.replace(hour=0)
    first = today - (DAYS - 1) * DAY
    tick = timedelta(microseconds=1)
    frames = {"accepted_frames_total": 100}
    make_session(movespec, "completed", created_at=now, **frames)
    make_session(movespec, "completed", created_at=today, **frames, project_id=peer.project.id)
    make_session(movespec, "failed", created_at=today - tick, accepted_frames_total=7)
    make_session(movespec, "streaming", created_at=now, deadline_at=now + HOUR, **frames)
    make_session(movespec, "created", created_at=first, deadline_at=now)
    make_session(movespec, "completed", created_at=first - tick, **frames)
    ids = [movespec.project_id, peer.project.id]

    recent = recent_sessions(ids, now=now)

    assert recent.outcomes == ["completed", "failed", "live"]
    counted = [(day.since, list(day.counts), day.total, day.frames) for day in recent.days]
    nothing = [(today - back * DAY, [0, 0, 0], 0, 0) for back in range(2, DAYS - 1)]
    assert counted == [
        (today, [2, 0, 1], 3, 300),
        (today - DAY, [0, 1, 0], 1, 7),
        *nothing,
        (first, [0, 0, 1], 1, 0),
    ]
    assert recent.counted_from is None
    assert recent.total == 5
    drawn = [(bar.since, bar.value, bar.height) for bar in recent.frames.bars if bar.value]
    assert drawn == [(today - DAY, 7, 2), (today, 300, 100)]
    assert recent_sessions([], now=now).total == 0


@pytest.mark.parametrize(("max_sessions", "is_cut"), [(4, True), (5, True), (6, False)])
def test_of_too_many_sessions_the_newest_are_counted_and_it_says_from_when(
    movespec: MoveSpec, peer: Machine, max_sessions: int, is_cut: bool
) -> None:
    now = datetime(2026, 3, 14, 12, tzinfo=UTC)
    for back in range(5):
        project = peer.project.id if back % 2 else movespec.project_id
        make_session(movespec, "completed", created_at=now - back * HOUR, project_id=project)
    ids = [movespec.project_id, peer.project.id]

    recent = recent_sessions(ids, now=now, max_sessions=max_sessions)

    assert recent.total == min(5, max_sessions)
    assert recent.counted_from == (now - (max_sessions - 1) * HOUR if is_cut else None)


def test_the_page_has_the_picture_and_the_numbers(operator: Client, movespec: MoveSpec) -> None:
    now = timezone.now()
    make_session(movespec, "completed", created_at=now, accepted_frames_total=1234)
    for row in (movespec.project, movespec.project.organization):
        page = text_of(operator.get(address(row)))
        (picture,) = re.findall(r'<svg class="chart".*?</svg>', page, re.DOTALL)
        assert picture.count("<rect ") == DAYS
        assert "1,234 in all, at most 1,234 a day." in picture
        day = re.search(rf'<th scope="row">{now:%Y-%m-%d}</th>(.*?)</tr>', page)
        assert day is not None
        assert re.findall(r">([\d,]+)</td>", day[1]) == ["1", "1", "1,234"]
        assert "<style" not in page
        assert " style=" not in page


def test_sessions_are_read_by_the_index_of_each_project(
    owner: Machine, movespec: MoveSpec, peer: Machine
) -> None:
    make_session(movespec, "completed", created_at=timezone.now())
    # Of a small table PostgreSQL would read the whole.
    add_sessions(owner, movespec, MANY, created_at="now() - n * interval '1 hour'")
    analyze_sessions()
    with CaptureQueriesContext(connection) as queries:
        recent_sessions([movespec.project_id, peer.project.id], now=timezone.now())
    (one,) = [query["sql"] for query in queries if "detection_session" in query["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {one}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Seq Scan" not in plan
    assert plan.count("session_of_project") >= 2


# --- What it owns ------------------------------------------------------------------------


def test_a_customers_page_lists_what_it_owns_and_nobody_elses(
    owner: Machine, peer: Machine, outsider: Machine, movespec: MoveSpec
) -> None:
    make_released(outsider.project)
    now = timezone.now()
    soon, _ = credential_issue(
        project=peer.project, kind=CredentialKind.SERVICE_ACCOUNT, name="nightly",
        expires_at=now + DAY + HOUR,
    )  # fmt: skip
    for name, moments in (("gone", {"expires_at": now}), ("out", {"revoked_at": now})):
        one, _ = credential_issue(project=owner.project, kind=CredentialKind.API_KEY, name=name)
        Credential.objects.filter(id=one.id).update(**moments)
    Project.objects.filter(id=peer.project.id).update(suspended_at=now)
    owner.create_session(movespec)

    assert cells(owner.organization, "Projects") == [
        ["peer", "suspended", "0", "1", "1", "0"],
        ["owner", "active", "1", "1", "0", "1"],
    ]
    keys = cells(owner.organization, "Live keys")
    assert [row[:4] for row in keys] == [
        ["nightly", "service account", "peer", "project suspended expires soon"],
        ["peer's key", "API key", "peer", "project suspended"],
        ["owner's key", "API key", "owner", "live"],
    ]
    assert soon.expires_at is not None
    assert keys[0][4:] == ["never", f"{soon.expires_at:%-d %b, %H:%M}"]
    assert [row[:3] for row in cells(owner.organization, "MoveSpecs")] == [
        ["Squat", "owner", "v1 released"]
    ]
    assert [row[0] for row in cells(owner.project, "Live keys")] == ["owner's key"]
    assert cells(peer.project, "MoveSpecs") == []


def test_what_is_cut_leads_to_all_of_it(operator: Client, owner: Machine, peer: Machine) -> None:
    for number in range(MAX_LISTED):
        make_machine(owner.organization, f"more {number}")
        make_released(owner.project, name=f"Squat {number}")
        make_released(peer.project, name=f"Lunge {number}")
        make_endpoint(owner.project)
    make_endpoint(peer.project)
    for month in range(1, 13):
        use(owner, date(2026, month, 1))
    organization = owner.organization
    counts = {"Projects": 12, "MoveSpecs": 20, "Webhooks": 11, "Usage": 12}

    for section in everything(organization)["sections"]:
        assert len(section.rows) == MAX_LISTED
        for label, link in section.everything:
            found = operator.get(link).context["cl"].result_count
            expected = {"All API keys": 12, "All service accounts": 0}
            assert found == counts.get(section.title, expected.get(label)), label
    for section in everything(owner.project)["sections"]:
        ((_, link), *_) = section.everything
        assert operator.get(link).context["cl"].result_count == (
            1 if section.title == "Live keys" else 10
        )


# --- Suspension and history --------------------------------------------------------------


def test_the_history_is_of_the_customer_and_of_what_it_owns(
    operator: Client, owner: Machine, peer: Machine, outsider: Machine, movespec: MoveSpec
) -> None:
    version = movespec.versions.get()
    key = ApiKey.objects.get(id=peer.credential.id)
    operator.post(address(version, "withdraw"), {"reason": "a", "replacement": "nothing"})
    operator.post(address(owner.organization, "suspend"), {"reason": "b"})
    operator.post(address(owner.project, "suspend"), {"reason": "c"})
    operator.post(address(key, "revoke"), {"reason": "d"})
    operator.post(address(outsider.project, "suspend"), {"reason": "e"})
    ours = [entry.get_change_message()[-1] for entry in history_of_all(owner.organization)]
    of_project = [entry.get_change_message()[-1] for entry in history_of_all(owner.project)]

    assert ours[:3] == ["d", "c", "b"]
    assert of_project[0] == "c"
    assert "b" not in of_project
    page = text_of(operator.get(address(owner.organization)))
    for row in (key, owner.project, owner.organization):
        assert f'<a href="{address(row)}">' in page
    assert "Reason: e" not in page


def test_an_entry_leads_to_what_one_may_view_only(operator: Client, owner: Machine) -> None:
    key = ApiKey.objects.get(id=owner.credential.id)
    operator.post(address(key, "revoke"), {"reason": "Leaked"})
    assert LogEntry.objects.count() == 1

    page = text_of(member("release managers").get(address(owner.organization)))

    assert "<td>Leaked</td>" in page
    assert address(key) not in page


# --- To whom, and at what cost -----------------------------------------------------------


@pytest.mark.parametrize("permission", PARTS)
def test_a_part_is_for_those_who_may_view_its_rows(
    movespec: MoveSpec, owner: Machine, permission: str
) -> None:
    account = CredentialKind.SERVICE_ACCOUNT
    credential_issue(project=owner.project, kind=account, name="nightly")
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(codename__in=[permission, "view_organization"])
    )
    shown = seen_by(user, owner.organization)
    seen = {one.title for one in shown["sections"]} | ({"recent", "history"} & set(shown))
    assert seen == PARTS[permission]
    kinds = {row[1] for one in shown["sections"] if one.title == "Live keys" for row in one.rows}
    assert kinds == {"view_apikey": {"API key"}, "view_serviceaccount": {"service account"}}.get(
        permission, set()
    )
    assert client_of(user).get(address(owner.organization)).status_code == 200


@LEVELS
def test_it_costs_the_same_queries_whatever_there_is(
    operator: Client, owner: Machine, movespec: MoveSpec, level: str
) -> None:
    page = address(getattr(owner, level))
    owner.create_session(movespec)
    operator.post(address(owner.project, "suspend"), {"reason": "x"})
    operator.get(page)
    with CaptureQueriesContext(connection) as few:
        operator.get(page)
    for number in range(15):
        more = make_machine(owner.organization, f"more {number}")
        released, _ = make_released(owner.project, name=f"More {number}")
        make_session(released, "completed", project_id=more.project.id)
        operator.post(address(more.project, "suspend"), {"reason": "x"})
    with CaptureQueriesContext(connection) as many:
        operator.get(page)
    assert len(many) == len(few) <= 20
    assert Organization.objects.count() == 1
