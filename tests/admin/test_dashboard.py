"""The index at a dashboard: what it shows, to whom, and at what cost."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from movespecs.models import MoveSpec
from projects.models import Credential, CredentialKind, Organization, Project
from sessions_app.last_runs import SWEEP, last_run_record
from sessions_app.metrics import live_counts, sweep_lag
from staff.dashboard import dashboard
from tests.admin.session_rows import make_session, overdue
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


def concerns(now: datetime | None = None) -> dict[str, list[tuple[str, str]]]:
    """Title → what is named there and what is said of it, as a superuser sees it."""
    found = seen_by(User(is_superuser=True, is_active=True), now)["attention"]
    return {one.title: [(named.name, named.detail) for named in one.named] for one in found}


# --- Sessions ----------------------------------------------------------------------------


def test_it_counts_live_sessions_as_they_are_stored(movespec: MoveSpec) -> None:
    for status, count in (("created", 3), ("streaming", 2), ("finalizing", 1), ("completed", 4)):
        for _ in range(count):
            make_session(movespec, status)
    overdue(movespec, "created")
    assert live_counts() == {"created": 4, "streaming": 2, "finalizing": 1}


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
    last_run_record(name=SWEEP, now=timezone.now() - timedelta(seconds=25))
    page = shown(superuser)
    assert words not in page
    assert "Nothing needs attention." in page
    last_run_record(name=SWEEP, now=timezone.now() - timedelta(seconds=32))
    page = shown(superuser)
    assert f"{words} for 32 s, and statuses stand still" in page
    assert "Nothing needs attention." not in page


# --- Releases ----------------------------------------------------------------------------


# --- What needs attention ----------------------------------------------------------------


def test_it_names_what_is_suspended(
    superuser: Client, owner: Machine, peer: Machine, outsider: Machine
) -> None:
    when = datetime(2026, 1, 5, 12, tzinfo=timezone.get_current_timezone())
    Organization.objects.filter(id=outsider.organization.id).update(suspended_at=when)
    Project.objects.filter(id=peer.project.id).update(suspended_at=when)
    assert concerns() == {
        "Suspended organizations": [("Elsewhere", "since 2026-01-05 12:00 UTC")],
        "Suspended projects": [("Acme / peer", "since 2026-01-05 12:00 UTC")],
    }
    page = shown(superuser)
    assert reverse("admin:projects_project_change", args=[peer.project.id]) in page
    assert "Nothing needs attention." not in page


def test_it_counts_the_failed_sessions_of_the_last_day(
    superuser: Client, movespec: MoveSpec
) -> None:
    now = timezone.now()
    ids = [make_session(movespec, "failed", created_at=now - HOUR) for _ in range(3)]
    overdue(movespec, "streaming", created_at=now - HOUR)
    make_session(movespec, "failed", created_at=now - DAY - MINUTE)
    assert concerns(now) == {
        "Projects with failed sessions in the last day": [("Acme / owner", "3 failed")]
    }
    (address,) = re.findall(r'<a href="([^"]+)">Acme / owner</a>', shown(superuser))
    found = superuser.get(address.replace("&amp;", "&")).context["cl"].result_list
    assert {str(session.id) for session in found} >= set(ids)


def test_it_names_credentials_about_to_expire_and_just_expired(
    superuser: Client, owner: Machine
) -> None:
    now = timezone.now()
    moments = {
        "long gone": now - DAY - MINUTE,
        "gone": now - DAY + MINUTE,
        "soon": now + 14 * DAY - MINUTE,
        "later": now + 14 * DAY + MINUTE,
        "never": None,
        "revoked": now + DAY,
    }
    for kind in CredentialKind.values:
        for name, expires_at in moments.items():
            Credential.objects.create(
                project=owner.project,
                kind=kind,
                name=f"{kind} {name}",
                secret_hash=b"",
                pepper_number=1,
                expires_at=expires_at,
                revoked_at=now if name == "revoked" else None,
            )

    def about(kind: str) -> list[tuple[str, str]]:
        whose = "Acme / owner /"
        return [
            (f"{whose} {kind} gone", f"expired {now - DAY + MINUTE:%Y-%m-%d %H:%M} UTC"),
            (
                f"{whose} {kind} soon",
                f"expires {now + 14 * DAY - MINUTE:%Y-%m-%d %H:%M} UTC",
            ),
        ]

    assert concerns(now) == {
        "API keys about to expire": about("api_key"),
        "service accounts about to expire": about("service_account"),
    }
    assert "API keys about to expire" in shown(superuser)


def test_it_names_webhooks_that_take_nothing_and_leads_to_them(
    superuser: Client, owner: Machine
) -> None:
    now = timezone.now()
    url = "https://hooks.example/kyna?token=T0KEN"
    states: list[dict[str, Any]] = [
        {"disabled_at": now - HOUR, "disabled_reason": "failing", "failing_since": now - 5 * DAY},
        {"failing_since": now - HOUR},
        {"failing_since": now - 2 * HOUR},
        {"disabled_at": now - 2 * HOUR, "disabled_reason": "gone"},
        {"disabled_at": now - 7 * DAY - HOUR, "disabled_reason": "gone"},
        {"disabled_at": now, "disabled_reason": "client"},
        {"disabled_at": now, "disabled_reason": "staff"},
        {"deleted_at": now, "failing_since": now},
        {},
    ]
    made = [make_endpoint(owner.project, url=url, **state) for state in states]
    named = "Acme / owner / https://hooks.example/kyna?…"
    assert concerns(now) == {
        "Webhooks whose every try fails": [
            (named, f"since {now - 2 * HOUR:%Y-%m-%d %H:%M} UTC"),
            (named, f"since {now - HOUR:%Y-%m-%d %H:%M} UTC"),
            (named, f"disabled {now - 2 * HOUR:%Y-%m-%d %H:%M} UTC"),
            (named, f"disabled {now - HOUR:%Y-%m-%d %H:%M} UTC"),
        ]
    }
    page = shown(superuser)
    assert [reverse("admin:webhooks_webhookendpoint_change", args=[one.pk]) in page
            for one in made] == [True] * 4 + [False] * 5  # fmt: skip
    for _ in range(7):
        make_endpoint(owner.project, failing_since=now)
    (more,) = re.findall(r'<a href="([^"]+)">and more</a>', shown(superuser))
    assert superuser.get(more).context["cl"].result_count == 11


# --- To whom, and at what cost -----------------------------------------------------------


PARTS = {
    "view_detectionsession": {"live", "lag", "sweep_stands"},
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
    titles = {one.title for one in seen.pop("attention")}
    failing = {"Projects with failed sessions in the last day"}
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
