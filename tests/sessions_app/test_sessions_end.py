"""POST /api/detection/sessions/{session_id}/finalize and …/cancel, as a client sees them"""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from kynaplatform import clock as platform_clock
from sessions_app.attachments import session_attach
from sessions_app.lifecycle import session_cancel, session_finalize
from sessions_app.models import DetectionSession, SessionAttach
from tests.api.api_requests import nothing_changes, refused
from tests.conftest import SESSIONS, make_released

NOW = datetime(2100, 5, 6, 7, 8, 9, 250_000, tzinfo=UTC)
LATER = NOW + timedelta(seconds=20)


@pytest.fixture
def clock(owner, monkeypatch):
    """Sets the clock; it stands at NOW, and the owner has a token that lives then."""

    def set_clock(now):
        monkeypatch.setattr(platform_clock, "now", lambda *_: now)

    set_clock(NOW)
    owner.token = owner.token_with("sessions:read", "sessions:write")
    return set_clock


@pytest.fixture
def session_id(owner, movespec, clock):
    return uuid.UUID(owner.create_session(movespec).json()["session_id"])


def attach(session_id, now=NOW):
    session_attach(
        SessionAttach(session_id=session_id, id=uuid.uuid4(), runtime="host:1", attached_at=now),
        now=now,
    )


def post(machine, session_id, action):
    return machine.post(f"{SESSIONS}/{session_id}/{action}")


def moment(at):
    return at.isoformat().replace("+00:00", "Z")


def changed(before, after):
    return {name: value for name, value in after.items() if before[name] != value}


@pytest.mark.parametrize(("action", "status"), [("finalize", "completed"), ("cancel", "cancelled")])
@pytest.mark.parametrize("was_attached", [False, True])
def test_it_ends_at_once_what_nothing_is_attached_to(
    owner, session_id, clock, action, status, was_attached
):
    if was_attached:
        attach(session_id)
    now = NOW + timedelta(seconds=40)  # a lease of 30 s has run out
    clock(now)
    before = owner.get(f"{SESSIONS}/{session_id}").json()
    response = post(owner, session_id, action)
    assert response.status_code == 200
    assert response.json() == owner.get(f"{SESSIONS}/{session_id}").json()
    assert changed(before, response.json()) == {
        "status": status,
        "terminal_outcome": status,
        "ended_at": moment(now),
        "deadline_at": None,
    }


def test_finalize_waits_for_the_runtime_that_is_attached(owner, session_id, clock):
    attach(session_id)
    clock(LATER)
    before = owner.get(f"{SESSIONS}/{session_id}").json()
    assert before["started_at"] == moment(NOW)
    response = post(owner, session_id, "finalize")
    assert response.status_code == 200
    assert changed(before, response.json()) == {
        "status": "finalizing",
        "deadline_at": moment(NOW + timedelta(seconds=60)),
    }
    with nothing_changes():
        again = post(owner, session_id, "finalize")
    assert (again.status_code, again.content) == (200, response.content)


def test_cancel_ends_what_is_finalizing(owner, session_id):
    attach(session_id)
    assert post(owner, session_id, "finalize").json()["status"] == "finalizing"
    response = post(owner, session_id, "cancel")
    assert (response.status_code, response.json()["status"]) == (200, "cancelled")
    assert response.json()["terminal_outcome"] == "cancelled"


@pytest.mark.parametrize("action", ["finalize", "cancel"])
def test_again_it_gives_the_same_record(owner, session_id, clock, action):
    first = post(owner, session_id, action)
    clock(LATER)
    with nothing_changes():
        again = post(owner, session_id, action)
    assert (again.status_code, again.content) == (200, first.content)


@pytest.mark.parametrize(
    ("end", "then", "status"),
    [
        (session_cancel, "finalize", "cancelled"),
        (session_finalize, "cancel", "completed"),
    ],
)
def test_it_does_not_end_another_way_what_has_ended(owner, session_id, end, then, status):
    end(session_id=session_id, project_id=owner.project.id, now=NOW)
    DetectionSession.objects.update(accepted_frames_total=17)
    with nothing_changes():
        response = post(owner, session_id, then)
    refused(
        response,
        409,
        "session_already_ended",
        status=status,
        terminal_outcome=status,
        accepted_frames_total=17,
    )


def test_what_has_expired_can_not_be_finalized(owner, session_id, clock):
    clock(NOW + timedelta(seconds=301))
    response = post(owner, session_id, "finalize")
    refused(
        response,
        409,
        "session_already_ended",
        status="cancelled",
        terminal_outcome="expired",
        accepted_frames_total=0,
    )
    record = post(owner, session_id, "cancel").json()
    assert (record["terminal_outcome"], record["error_code"]) == ("expired", "session_expired")
    assert record["ended_at"] == moment(NOW + timedelta(seconds=300))


@pytest.mark.parametrize("action", ["finalize", "cancel"])
def test_another_projects_session_is_not_found(peer, outsider, session_id, action):
    peer.token = peer.token_with("sessions:write")
    outsider.token = outsider.token_with("sessions:write")
    make_released(peer.project)
    with nothing_changes():
        for machine in (peer, outsider):
            for id_ in (session_id, uuid.uuid4(), "no-uuid"):
                response = post(machine, id_, action)
                refused(response, 404, "not_found", resource="session")
