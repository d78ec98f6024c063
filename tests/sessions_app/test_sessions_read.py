"""GET /api/detection/sessions/{session_id} and GET /api/detection/sessions"""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from new_session import RECORD

from kynaplatform import clock
from sessions_app.models import DetectionSession, Outcome, Status
from sessions_app.session_sweep import expire_sessions
from tests.api.api_requests import nothing_changes, refused, refused_fields
from tests.conftest import SESSIONS, make_released

NOW = datetime(2100, 5, 6, 7, 8, 9, 250_000, tzinfo=UTC)
IDS = ("session_id", "organization_id", "project_id", "resolved_movespec_version_id")


@pytest.fixture
def at_now(owner, monkeypatch):
    """Freezes the clock at NOW and gives the owner a token that lives then."""
    monkeypatch.setattr(clock, "now", lambda *_: NOW)
    owner.token = owner.token_with("sessions:read", "sessions:write")


def make_session(machine, movespec, minutes_ago=0, **columns):
    """A session as it was made `minutes_ago` minutes before NOW, but for `columns`."""
    created_at = NOW - timedelta(minutes=minutes_ago)
    return DetectionSession.objects.create(
        **{
            "project": machine.project,
            "resolved_version": movespec.current_released_version,
            "mode": "live",
            "contract_major": 1,
            "status": Status.CREATED,
            "created_at": created_at,
            "deadline_at": NOW + timedelta(minutes=5),
            "signing_key_id": uuid.uuid4(),
            "runtime_token_expires_at": created_at + timedelta(hours=2),
            "stream_url": "ws://example/stream",
            **columns,
        }
    )


def ended(status, outcome, **columns):
    return {
        "status": status,
        "terminal_outcome": outcome,
        "ended_at": NOW - timedelta(seconds=1),
        "deadline_at": None,
        **columns,
    }


def test_it_shows_every_field_of_a_new_session(owner, movespec, at_now):
    created = owner.create_session(movespec).json()
    response = owner.get(f"{SESSIONS}/{created['session_id']}")
    assert response.status_code == 200
    assert list(response.json()) == list(RECORD)
    assert response.json() == RECORD | {
        "session_id": created["session_id"],
        "organization_id": str(owner.organization.id),
        "project_id": str(owner.project.id),
        "resolved_movespec_version_id": created["resolved_movespec_version_id"],
        "created_at": "2100-05-06T07:08:09.250000Z",
        "deadline_at": "2100-05-06T07:13:09.250000Z",
    }


def test_it_shows_the_stored_row_until_the_sweep_has_written_its_deadline(owner, movespec, at_now):
    deadline = NOW - timedelta(seconds=1)
    session = make_session(owner, movespec, minutes_ago=6, deadline_at=deadline)
    with nothing_changes():
        record = owner.get(f"{SESSIONS}/{session.id}").json()
        assert owner.get(SESSIONS).json() == [record]
        assert owner.get(f"{SESSIONS}?status=cancelled").json() == []
        assert owner.get(f"{SESSIONS}/{session.id}/events").json() == []
    assert record == RECORD | {name: record[name] for name in IDS} | {
        "created_at": "2100-05-06T07:02:09.250000Z",
        "deadline_at": "2100-05-06T07:08:08.250000Z",
    }
    assert expire_sessions(now=NOW + timedelta(seconds=4)) == 1
    swept = owner.get(f"{SESSIONS}/{session.id}").json()
    assert owner.get(f"{SESSIONS}?status=cancelled").json() == [swept]
    assert swept == record | {
        "status": "cancelled",
        "terminal_outcome": "expired",
        # Not when it was noticed.
        "ended_at": record["deadline_at"],
        "deadline_at": None,
        "error_code": "session_expired",
        "error_message": "No runtime attached within the attach window.",
    }


def test_a_record_costs_two_statements_and_a_list_three(owner, movespec):
    """Who asks, and the row; of a list the ids too."""
    session = make_session(owner, movespec, minutes_ago=6, deadline_at=NOW)
    for path, statements in (
        (f"/{session.id}", 2), ("", 3), ("?status=created", 3), ("?status=cancelled", 2),
    ):  # fmt: skip
        owner.get(SESSIONS + path)
        with CaptureQueriesContext(connection) as queries:
            assert owner.get(SESSIONS + path).status_code == 200
        assert len(queries) == statements, path


def test_another_projects_session_is_not_found(owner, peer, outsider, movespec):
    session = make_session(owner, movespec)
    with nothing_changes():
        for machine in (peer, outsider):
            for id_ in (session.id, uuid.uuid4(), "no-uuid"):
                response = machine.get(f"{SESSIONS}/{id_}")
                refused(response, 404, "not_found", resource="session")


# The list


@pytest.fixture
def shelf(owner, peer, movespec, at_now):
    """Name → id of the owner's sessions, the newest first; a peer has one as well."""
    others, _ = make_released(peer.project)
    make_session(peer, others)
    sessions = {
        "created": make_session(owner, movespec, 1),
        "streaming replay": make_session(
            owner, movespec, 2, mode="replay", status=Status.STREAMING, longest_until=NOW
        ),
        "overdue": make_session(owner, movespec, 3, deadline_at=NOW),
        "expired": make_session(owner, movespec, 4, **ended(Status.CANCELLED, Outcome.EXPIRED)),
        "completed replay": make_session(
            owner, movespec, 5, **ended(Status.COMPLETED, Outcome.COMPLETED, mode="replay")
        ),
    }
    return {str(session.id): name for name, session in sessions.items()}


def at(minutes_ago):
    return (NOW - timedelta(minutes=minutes_ago)).isoformat().replace("+00:00", "Z")


def test_it_lists_and_filters_newest_first(owner, shelf):
    for query, expected in [
        ("", ["created", "streaming replay", "overdue", "expired", "completed replay"]),
        ("status=created", ["created", "overdue"]),
        ("status=streaming", ["streaming replay"]),
        ("status=finalizing", []),
        ("status=cancelled", ["expired"]),
        ("status=completed", ["completed replay"]),
        ("status=failed", []),
        ("mode=replay", ["streaming replay", "completed replay"]),
        ("mode=replay&status=completed", ["completed replay"]),
        (f"created_after={at(3)}", ["created", "streaming replay"]),
        (f"created_before={at(3)}", ["expired", "completed replay"]),
        (f"created_after={at(4)}&created_before={at(2)}", ["overdue"]),
        ("created_after=2100-05-06T09:06:09.25%2B02:00", ["created"]),
        ("created_after=9999-12-31T23:59:59-14:00", []),
        ("created_before=0001-01-01T00:00:00%2B14:00", []),
        ("unknown=1&mode=live&status=created", ["created", "overdue"]),
    ]:
        response = owner.get(f"{SESSIONS}?{query}")
        assert response.status_code == 200
        assert [shelf[row["session_id"]] for row in response.json()] == expected, query


def test_it_refuses_a_bad_filter(owner):
    for query, *fields in [
        ("status=done", "status"),
        ("created_after=2100-05-06T07:08:09", "created_after"),
        ("created_before=2100-13-06T07:08:09Z", "created_before"),
        ("status=x&mode=x&limit=x&created_after=x", "status", "mode", "limit", "created_after"),
    ]:
        with nothing_changes():
            refused_fields(owner.get(f"{SESSIONS}?{query}"), *fields)
