"""Deadlines inside a runtime, with limits of seconds."""

import time
from datetime import timedelta
from typing import Any

import pytest
import websocket
from django.utils import timezone
from rows import (
    expected_events,
    session_of,
    stored_events,
    told_events,
)
from streaming import SQUAT, Client, wire_frames

from dev.poses.figure import perform
from kynaplatform.timing import CLOCKS_DIFFER
from sessions_app.models import SessionAttach
from tests.conftest import SESSIONS, Machine
from tests.long_runs import at_length
from tests.waiting import DEADLINE_SECONDS, eventually

pytestmark = pytest.mark.django_db(transaction=True)

IDLE_SECONDS, MAX_SECONDS = 5, 8
RUNTIME = {
    "SESSION_IDLE_SECONDS": str(IDLE_SECONDS),
    "SESSION_MAX_SECONDS": str(MAX_SECONDS),
    "HURRY": '{"RENEW_SECONDS": 0.2}',
}
MIDWAY = perform("squat", repetitions=2, fps=25)[: 2 * 25]
FRAMES = wire_frames(MIDWAY)
FINISHED = expected_events(SQUAT, MIDWAY, finished=True)


def ping_until(client: Client, kind: str) -> dict[str, Any]:
    """Be no idle client until a message of this type comes."""
    client.socket.settimeout(IDLE_SECONDS / 4)
    while True:
        try:
            message = client.next()
        except websocket.WebSocketTimeoutException:
            client.send({"type": "ping"})
            continue
        assert message is not None, client.close_code
        if message["type"] == kind:
            client.socket.settimeout(DEADLINE_SECONDS)
            return message


def is_abandoned(client: Client, frames: int) -> None:
    message = client.until("session_done")
    assert message["error"].pop("message")
    assert message["error"] == {"code": "session_abandoned", "retryable": False, "details": {}}
    assert (message["status"], message["terminal_outcome"]) == ("failed", "abandoned")
    assert message["accepted_frames_total"] == frames
    assert client.to_the_end() == 1000


@at_length("last", "ping", "pong")
def test_a_client_that_says_nothing_for_the_idle_limit_is_abandoned(
    owner: Machine, created: dict[str, Any], client: Client, last: str
) -> None:
    client.send_batch(1, FRAMES)
    client.until("frame_ack")
    sent_at, sent = timezone.now(), time.monotonic()
    client.send({"type": last})
    if last == "ping":
        client.expect("pong")
    heard_by = timezone.now()
    is_abandoned(client, len(FRAMES))
    # Never a hair too early.
    assert time.monotonic() - sent >= IDLE_SECONDS
    session = session_of(created)
    # By that message, and by no other.
    heard_at = session.ended_at - timedelta(seconds=IDLE_SECONDS)
    assert sent_at - CLOCKS_DIFFER < heard_at < heard_by + timedelta(seconds=IDLE_SECONDS)
    assert owner.get(f"{SESSIONS}/{session.id}").json()["error_code"] == "session_abandoned"
    eventually(
        lambda: SessionAttach.objects.get(session_id=session.id).close_code == 1000,
        "the attach is closed",
    )


def test_the_longest_session_finishes_and_completes(
    created: dict[str, Any], client: Client
) -> None:
    client.send_batch(1, FRAMES)
    client.until("frame_ack")
    update = ping_until(client, "session_update")
    assert update["status"] == "finalizing"
    assert client.expect("event_batch")["batch_seq"] == 1
    done = client.expect("session_done")
    assert (done["status"], done["terminal_outcome"]) == ("completed", "max_duration")
    assert done["error"] is None
    assert client.to_the_end() == 1000
    assert told_events(client.events()) == FINISHED == stored_events(created)
    session = session_of(created)
    assert session.ended_at == session.longest_until
    assert session.longest_until == session.started_at + timedelta(seconds=MAX_SECONDS)
