"""The index at a dashboard: what it shows, to whom, and at what cost."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from movespecs.models import MoveSpec
from projects.models import Credential, CredentialKind, Organization, Project
from sessions_app.metrics import SWEEP, job_run_record, sweep_lag
from staff.dashboard import created_per_hour, dashboard
from tests.admin.session_rows import make_session
from tests.conftest import Machine
from tests.webhooks.endpoint import make_endpoint

INDEX = "/admin/"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def shown(client: Client) -> str:
    answer = client.get(INDEX)
    assert answer.status_code == 200
    return answer.content.decode()


def seen_by(user: User, now: datetime | None = None) -> dict[str, Any]:
    return dashboard(user, now=now or timezone.now())


def concerns(client: Client, now: datetime | None = None) -> dict[str, int]:
    """Title → how many rows its list shows, as many as the index says, for a superuser."""
    found = seen_by(User(is_superuser=True, is_active=True), now)["attention"]
    listed = {
        title: len(client.get(address).context["cl"].result_list) for title, _, address in found
    }
    assert listed == {title: number for title, number, _ in found}
    return listed


# --- Sessions ----------------------------------------------------------------------------


def test_it_tells_how_late_the_sweep_is(superuser: Client, movespec: MoveSpec) -> None:
    now = timezone.now()
    assert sweep_lag(now) == timedelta(0)
    make_session(movespec, "created", deadline_at=now + HOUR)
    assert sweep_lag(now) == timedelta(0)
    assert '<dt title="The sweep lag">longest overdue</dt><dd>0 s</dd>' in shown(superuser)
    make_session(movespec, "created", deadline_at=now - 2 * HOUR)
    make_session(movespec, "created", deadline_at=now - HOUR)
    assert sweep_lag(now) == 2 * HOUR
    assert '<dt title="The sweep lag">longest overdue</dt><dd>2 h</dd>' in shown(superuser)


def test_it_says_that_the_sweep_stands_still(superuser: Client, movespec: MoveSpec) -> None:
    words = "No sweep has ended well"
    assert words not in shown(superuser)  # that of the release before tells nobody
    make_session(movespec, "created", deadline_at=timezone.now() - HOUR)
    assert f"{words} yet, and statuses stand still: see that a worker runs" in shown(superuser)
    job_run_record(name=SWEEP, now=timezone.now() - timedelta(seconds=25))
    page = shown(superuser)
    assert words not in page
    assert "Nothing needs attention." in page
    job_run_record(name=SWEEP, now=timezone.now() - timedelta(seconds=32))
    page = shown(superuser)
    assert f"{words} for 3" in page
    assert "Nothing needs attention." not in page


# --- What needs attention ----------------------------------------------------------------


def test_it_counts_what_is_suspended_and_what_failed_in_the_last_day(
    superuser: Client, peer: Machine, outsider: Machine, movespec: MoveSpec
) -> None:
    now = timezone.now()
    Organization.objects.filter(id=outsider.organization.id).update(suspended_at=now)
    Project.objects.filter(id=peer.project.id).update(suspended_at=now)
    for _ in range(3):
        make_session(movespec, "failed", created_at=now)
    make_session(movespec, "failed", created_at=now - 3 * DAY)
    make_session(movespec, "completed", created_at=now)
    assert concerns(superuser) == {
        "Suspended organizations": 1, "Suspended projects": 1,
        "Sessions that failed in the last day": 3,
    }  # fmt: skip
    assert "Nothing needs attention." not in shown(superuser)


def test_it_counts_credentials_about_to_expire_and_just_expired(
    superuser: Client, owner: Machine
) -> None:
    now = timezone.now()
    moments = {
        "long gone": now - DAY - MINUTE, "gone": now - DAY + MINUTE,
        "soon": now + 14 * DAY - MINUTE, "later": now + 14 * DAY + MINUTE,
        "never": None, "revoked": now + DAY,
    }  # fmt: skip
    for kind in CredentialKind.values:
        for name, expires_at in moments.items():
            Credential.objects.create(
                project=owner.project, kind=kind, name=name, secret_hash=b"", pepper_number=1,
                expires_at=expires_at, revoked_at=now if name == "revoked" else None,
            )  # fmt: skip
    assert concerns(superuser, now) == {
        "API keys about to expire": 2, "service accounts about to expire": 2,
    }  # fmt: skip


def test_it_counts_webhooks_whose_every_try_fails(superuser: Client, owner: Machine) -> None:
    now = timezone.now()
    states: list[dict[str, Any]] = [
        {"disabled_at": now - HOUR, "disabled_reason": "failing", "failing_since": now - 5 * DAY},
        {"failing_since": now - HOUR},
        {"disabled_at": now - 2 * HOUR, "disabled_reason": "gone"},
        {"disabled_at": now - 7 * DAY - HOUR, "disabled_reason": "gone"},
        {"disabled_at": now, "disabled_reason": "client"},
        {"disabled_at": now, "disabled_reason": "staff"},
        {"deleted_at": now, "failing_since": now},
        {},
    ]
    for state in states:
        make_endpoint(owner.project, **state)
    assert concerns(superuser, now) == {"Webhooks whose every try fails": 3}


# --- To whom, and at what cost -----------------------------------------------------------


PARTS = {
    "view_detectionsession": {"live", "created", "lag", "sweep_stands"},
    "view_organization": {"Suspended organizations"},
    "view_project": {"Suspended projects"},
    "view_webhookendpoint": {"webhooks_paused", "Webhooks whose every try fails"},
    "view_apikey": {"API keys about to expire"},
    "view_serviceaccount": {"service accounts about to expire"},
}


@pytest.fixture
def troubled(owner: Machine, movespec: MoveSpec) -> None:
    """Something for every part."""
    now = timezone.now()
    make_session(movespec, "failed", created_at=now)
    Organization.objects.update(suspended_at=now)
    Project.objects.update(suspended_at=now)
    make_endpoint(owner.project, failing_since=now)
    for kind in CredentialKind.values:
        Credential.objects.create(
            project=owner.project,
            kind=kind,
            name=kind,
            secret_hash=b"",
            pepper_number=1,
            expires_at=now + DAY,
        )


@pytest.mark.parametrize("permission", PARTS)
def test_a_part_is_for_those_who_may_view_its_rows(troubled: None, permission: str) -> None:
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename=permission))
    seen = seen_by(user)
    titles = {title for title, *_ in seen.pop("attention")}
    del seen["tasks"]
    failing = {"Sessions that failed in the last day"}
    assert set(seen) | titles == PARTS[permission] | (
        failing if permission == "view_detectionsession" else set()
    )


def test_it_costs_the_same_queries_whatever_there_is(
    superuser: Client, owner: Machine, movespec: MoveSpec, troubled: None
) -> None:
    with CaptureQueriesContext(connection) as few:
        shown(superuser)
    now = timezone.now()
    for number in range(30):
        organization = Organization.objects.create(name=f"o{number}", suspended_at=now)
        project = Project.objects.create(
            organization=organization, name=f"p{number}", suspended_at=now
        )
        make_session(movespec, "failed", project_id=project.id, created_at=now)
    with CaptureQueriesContext(connection) as many:
        shown(superuser)
    assert len(many) == len(few)


# --- The last day --------------------------------------------------------------------------


def test_it_counts_the_sessions_of_each_hour(movespec: MoveSpec) -> None:
    now = timezone.now().replace(minute=30)
    hour = now.replace(minute=0, second=0, microsecond=0)
    tick = timedelta(microseconds=1)
    moments = [now, hour, hour - tick, hour - 3 * HOUR, hour - 23 * HOUR, hour - 23 * HOUR - tick]
    for moment in moments:
        make_session(movespec, created_at=moment)
    bars = created_per_hour(now)["bars"]
    assert [bar["since"] for bar in bars] == [hour - back * HOUR for back in range(23, -1, -1)]
    counts = {(hour - bar["since"]) // HOUR: bar["value"] for bar in bars if bar["value"]}
    assert counts == {23: 1, 3: 1, 1: 1, 0: 2}
    places = [(bar["x"], bar["y"], bar["height"]) for bar in bars if bar["value"]]
    assert places == [(0, 50, 50), (200, 50, 50), (220, 50, 50), (230, 0, 100)]


def test_the_picture_is_inline_with_its_numbers_beside_it(
    superuser: Client, movespec: MoveSpec
) -> None:
    make_session(movespec, created_at=timezone.now())
    page = shown(superuser)
    (picture,) = re.findall(r"<svg class=\"chart\".*?</svg>", page, re.DOTALL)
    assert picture.count("<rect ") == 24
    assert 'role="img" aria-labelledby="chart-title chart-text"' in picture
    assert "1 in all, at most 1 an hour." in picture
    (numbers,) = re.findall(r"<summary>The numbers</summary>(.*?)</details>", page, re.DOTALL)
    assert re.findall(r"<td>(\d+)</td>", numbers) == ["0"] * 23 + ["1"]
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)
