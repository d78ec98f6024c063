"""What a customer's page, and a project's, shows: to whom, how exactly, and at what cost."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from movespecs.models import MoveSpec
from staff.organizations import DAYS, recent_sessions
from tests.admin.session_rows import make_session
from tests.admin.staffing import LEVELS, address, client_of, queries_of, words
from tests.conftest import Machine, make_machine
from tests.webhooks.endpoint import make_endpoint

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOW = datetime(2026, 3, 14, 12, tzinfo=UTC)
# Permission → the list that it leads to.
LEADS = {
    "view_apikey": "API keys",
    "view_serviceaccount": "Service accounts",
    "view_movespec": "MoveSpecs",
    "view_webhookendpoint": "Webhook endpoints",
    "view_detectionsession": "Sessions",
    "view_usagemonth": "Usage",
    "view_logentry": "Who did what",
}


def test_it_counts_sessions_by_day_and_outcome_with_their_frames(
    movespec: MoveSpec, peer: Machine
) -> None:
    today = NOW.replace(hour=0)
    first = today - (DAYS - 1) * DAY
    tick = timedelta(microseconds=1)
    frames = {"accepted_frames_total": 100}
    make_session(movespec, "completed", created_at=NOW, **frames)
    make_session(movespec, "completed", created_at=today, **frames, project_id=peer.project.id)
    make_session(movespec, "failed", created_at=today - tick, accepted_frames_total=7)
    make_session(movespec, "streaming", created_at=NOW, deadline_at=NOW + HOUR, **frames)
    make_session(movespec, "created", created_at=first, deadline_at=NOW)
    make_session(movespec, "completed", created_at=first - tick, **frames)

    recent = recent_sessions([movespec.project_id, peer.project.id], now=NOW)

    assert [outcome for outcome, _ in recent["columns"]] == ["completed", "failed", "live"]
    assert [(day, list(counts), frames) for day, counts, frames in recent["days"]] == [
        (today, [2, 0, 1], 300), (today - DAY, [0, 1, 0], 7), (first, [0, 0, 1], 0),
    ]  # fmt: skip
    assert recent["counted_from"] is None
    assert recent_sessions([], now=NOW)["days"] == []


@pytest.mark.parametrize(("max_sessions", "is_cut"), [(4, True), (5, True), (6, False)])
def test_of_too_many_sessions_the_newest_are_counted_and_it_says_from_when(
    movespec: MoveSpec, peer: Machine, max_sessions: int, is_cut: bool
) -> None:
    for back in range(5):
        project = peer.project.id if back % 2 else movespec.project_id
        make_session(movespec, "completed", created_at=NOW - back * HOUR, project_id=project)
    ids = [movespec.project_id, peer.project.id]
    recent = recent_sessions(ids, now=NOW, max_sessions=max_sessions)
    assert sum(sum(counts) for _, counts, _ in recent["days"]) == min(5, max_sessions)
    assert recent["counted_from"] == (NOW - (max_sessions - 1) * HOUR if is_cut else None)


def leads_of(client: Client, row: Any) -> dict[str, str]:
    return dict(client.get(address(row)).context["leads_to"])


@LEVELS
def test_it_leads_to_the_lists_of_what_it_owns_alone(
    superuser: Client, owner: Machine, outsider: Machine, movespec: MoveSpec, level: str
) -> None:
    session_id = make_session(movespec)
    make_endpoint(owner.project)
    row = getattr(owner, level)
    leads = leads_of(superuser, row)
    assert set(leads) == set(LEADS.values()) - ({"Usage"} if level == "project" else set())
    counts = {
        label: len(superuser.get(there).context["cl"].result_list) for label, there in leads.items()
    }
    assert counts | {"Who did what": 0} == {
        **dict.fromkeys(leads, 0), "API keys": 1, "MoveSpecs": 1, "Webhook endpoints": 1,
        "Sessions": 1,
    }  # fmt: skip
    assert session_id in words(superuser.get(leads["Sessions"]))
    other = leads_of(superuser, getattr(outsider, level))
    assert superuser.get(other["Sessions"]).context["cl"].result_list == []


@pytest.mark.parametrize("codename", LEADS)
def test_it_leads_where_one_may_look(owner: Machine, codename: str) -> None:
    user = User.objects.create_user("ann", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(codename__in=["view_organization", codename])
    )
    page = client_of(user).get(address(owner.organization))
    assert [label for label, _ in page.context["leads_to"]] == [LEADS[codename]]
    assert (page.context["recent"] is not None) == (codename == "view_detectionsession")


@LEVELS
def test_it_costs_the_same_queries_whatever_there_is(
    support: Client, owner: Machine, movespec: MoveSpec, level: str
) -> None:
    row = getattr(owner, level)
    few = queries_of(support, row)
    for number in range(5):
        make_machine(owner.organization, f"more {number}")
        make_session(movespec, created_at=timezone.now())
    assert queries_of(support, row) == few
