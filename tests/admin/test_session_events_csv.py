"""The CSV of a session's events: a line each, for whoever may see the session's page."""

import csv
import io
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from movespecs.models import MoveSpec
from sessions_app.models import DetectionSession
from staff.lists import ROWS_AT_ONCE
from tests.admin.counted_sessions import (
    CURL,
    SQUAT,
    curls,
    events_of,
    squats,
    stored_session,
)
from tests.admin.session_rows import make_session
from tests.admin.staffing import address, last_history, member
from tests.admin.test_session_page import add_many_events
from tests.conftest import Machine, make_released

CSV = "events_csv"
PATH = "detection.movement.phases[1].criteria[0]"


@pytest.fixture
def squat(owner: Machine) -> MoveSpec:
    return make_released(owner.project, SQUAT)[0]


def downloaded(client: Client, session: DetectionSession) -> list[dict[str, str]]:
    answer = client.get(address(session, CSV))
    assert answer.status_code == 200
    text = b"".join(answer.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(text)))


def filled(line: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in line.items() if value}


def test_it_has_a_line_for_each_event_with_its_fields(support: Client, squat: MoveSpec) -> None:
    events = events_of(SQUAT, squats())
    lines = downloaded(support, stored_session(squat, events))
    assert list(lines[0]) == [
        "event", "ts_ms", "frame", "type", "name", "number", "side", "duration_ms", "out_ms",
        "stay_ms", "back_ms", "held_ms", "form", "previous_back_ms", "joint.knee least",
        "joint.knee most", "check.depth", "check.depth.value", "check.depth.by", "check.control",
        "check.control.value", "check.control.by", "uncertain", "score", "reason", "path", "by",
        "confidence", "level", "key", "message", "why",
    ]  # fmt: skip
    assert [line["event"] for line in lines] == [str(n) for n in range(1, len(events) + 1)]
    assert [line["type"] for line in lines] == [event.type for event in events]
    completed = [line for line in lines if line["type"] == "event_completed"]
    assert filled(completed[3]) == {
        "event": completed[3]["event"], "ts_ms": completed[3]["ts_ms"], "frame": "291",
        "type": "event_completed", "name": "squat", "number": "4", "duration_ms": "1500",
        "out_ms": "744", "stay_ms": "217", "previous_back_ms": "943",
        "form": "0.5", "joint.knee least": "65.2", "joint.knee most": "174.8",
        "check.depth": "met", "check.depth.value": "65.2", "check.control": "missed",
        "check.control.value": "65.2", "check.control.by": "4.8", "score": "1.0",
    }  # fmt: skip
    interrupted = [line for line in lines if line["type"] == "event_interrupted"]
    assert filled(interrupted[1]) == {
        "event": interrupted[1]["event"], "ts_ms": interrupted[1]["ts_ms"], "frame": "400",
        "type": "event_interrupted", "reason": "not_reached", "path": PATH, "by": "11.1",
        "why": "Not reached: knee on the way to bottom, 11° short",
        "check.depth": "not judged", "check.control": "not judged", "previous_back_ms": "891",
    }  # fmt: skip
    assert filled(lines[0]) == {
        "event": "1", "ts_ms": lines[0]["ts_ms"], "frame": lines[0]["frame"],
        "type": "shape_enter", "name": "standing", "confidence": "1.0",
    }  # fmt: skip
    (feedback, *_) = [line for line in lines if line["type"] == "feedback"]
    assert (feedback["level"], feedback["message"]) == ("coaching", "Good depth.")


def test_each_side_has_columns_of_its_own(support: Client, owner: Machine) -> None:
    curl, _ = make_released(owner.project, CURL)
    lines = downloaded(support, stored_session(curl, events_of(CURL, curls())))
    completed = [line for line in lines if line["type"] == "event_completed"]
    assert [
        (line["side"], line["joint.elbow.left least"], line["joint.elbow.right least"])
        for line in completed[:2]
    ] == [("left", "58.0", ""), ("right", "", "53.3")]


def test_a_download_is_noted_in_the_session_s_history(squat: MoveSpec) -> None:
    session = stored_session(squat, [])
    downloaded(member("support", "sam"), session)
    assert last_history(session) == (
        "sam", f"Acme / owner / {session.id}", "Downloaded its events as CSV.",
    )  # fmt: skip


def test_who_may_not_see_sessions_gets_none(owner: Machine, squat: MoveSpec) -> None:
    session = stored_session(squat, [])
    nobody = Client()
    nobody.force_login(User.objects.create_user("nobody", is_staff=True))
    assert nobody.get(address(session, CSV)).status_code == 403
    assert Client().get(address(session, CSV)).status_code == 302
    support = member("support")
    assert support.post(address(session, CSV)).status_code == 405
    assert support.get(f"{address(session, CSV)}?q=1").status_code == 400
    assert LogEntry.objects.count() == 0


def test_a_long_one_is_read_by_short_statements(support: Client, squat: MoveSpec) -> None:
    session = DetectionSession.objects.get(id=make_session(squat))
    add_many_events(session, 2 * ROWS_AT_ONCE + 3)
    answer: Any = support.get(address(session, CSV))
    with CaptureQueriesContext(connection) as queries:
        chunks = list(answer.streaming_content)
    # Three pages, and that none follows.
    assert (len(queries), len(chunks)) == (4, 3)
    assert b"".join(chunks).count(b"\r\n") == 1 + 2 * ROWS_AT_ONCE + 3


def test_uncertain_measures_and_checks_are_named(support: Client, squat: MoveSpec) -> None:
    events = [one for one in events_of(SQUAT, squats()) if one.type == "event_completed"][:2]
    events[1].payload["metrics"]["measures"]["joint.knee"]["uncertain"] = True
    events[1].payload["metrics"]["checks"][0]["uncertain"] = True
    lines = downloaded(support, stored_session(squat, events))
    assert [line["uncertain"] for line in lines] == ["", "joint.knee, depth"]
