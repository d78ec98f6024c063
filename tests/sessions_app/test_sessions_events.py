"""GET /api/detection/sessions/{session_id}/events, as a client sees it"""

import re
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from engine_work import midway, whole
from lifecycle_scene import at, sweep
from plans import explained, nodes, rows_read, run

from sessions_app.checkpoints import NewEvent
from sessions_app.events import NO_FRAME, event_id, events_caused
from tests.api.api_requests import nothing_changes, refused, refused_fields
from tests.conftest import SESSIONS, VALID_YAML, make_released


@pytest.fixture(autouse=True)
def _clock(monkeypatch):
    monkeypatch.setattr("kynaplatform.clock.now", lambda *_: at(10))


@pytest.fixture
def reader(owner, monkeypatch, _clock):
    owner.token = owner.token_with("sessions:read")
    return owner


def address(session_id, query=""):
    return f"{SESSIONS}/{session_id}/events{query}"


def numbered(count):
    """Events of which two at a time share a frame."""
    return [
        NewEvent(number, (number + 1) // 2, 40.0 * number, "shape_enter", {"number": number})
        for number in range(1, count + 1)
    ]


@pytest.fixture
def session_id(scene):
    session_id, holder = scene.streaming()
    scene.checkpoint(session_id, holder, 1, 1, events=numbered(7))
    return session_id


def numbers(response):
    assert response.status_code == 200
    return [event["payload"]["number"] for event in response.json()]


def test_it_shows_an_event_as_the_stream_does(reader, scene):
    session_id, holder = scene.streaming()
    scene.checkpoint(session_id, holder, 1, 1, work=whole())
    first, *_, last = reader.get(address(session_id)).json()
    assert first == {
        "event_id": str(uuid.UUID(int=session_id.int ^ 1)),
        "session_id": str(session_id),
        "ts_ms": pytest.approx(33.333, abs=0.001),
        "type": "shape_enter",
        "payload": {"shape_key": "standing", "confidence": 1.0},
    }
    assert (last["event_id"], last["type"]) == (
        str(uuid.UUID(int=session_id.int ^ 6)), "event_completed",
    )  # fmt: skip
    payload = last["payload"]
    assert payload.keys() == {"event_key", "score", "number", "side", "metrics"}
    assert (payload["event_key"], payload["score"]) == ("squat", pytest.approx(1, abs=0.2))
    assert (payload["number"], payload["side"]) == (1, None)
    assert payload["metrics"]["measures"].keys() >= {"joint.knee"}


def test_it_writes_whole_milliseconds_without_a_point(reader, scene):
    session_id, holder = scene.streaming()
    texts = {40.0: b"40", 33.25: b"33.25", -0.5: b"-0.5", 1e15: b"1000000000000000"}
    events = [NewEvent(n, 1, ts_ms, "shape_enter", {}) for n, ts_ms in enumerate(texts, 1)]
    scene.checkpoint(session_id, holder, 1, 1, events=events)
    content = reader.get(address(session_id)).content
    assert re.findall(rb'"ts_ms":([^,]*),', content) == list(texts.values())


def test_it_lists_the_oldest_first_behind_an_event(reader, session_id):
    assert numbers(reader.get(address(session_id))) == [1, 2, 3, 4, 5, 6, 7]
    for known in range(1, 8):
        after = event_id(session_id, known)
        response = reader.get(address(session_id, f"?after={after}"))
        assert numbers(response) == list(range(known + 1, 8))


def test_it_pages_by_the_link(reader, session_id):
    pages = []
    following = address(session_id, "?limit=3&unknown=kept")
    while following:
        response = reader.get(following)
        pages.append(numbers(response))
        link = response.headers.get("Link", "")
        following = link.removeprefix("<http://testserver").removesuffix('>; rel="next"')
        if following:
            last = event_id(session_id, pages[-1][-1])
            assert following == address(session_id, f"?limit=3&unknown=kept&after={last}")
    assert pages == [[1, 2, 3], [4, 5, 6], [7]]


def test_a_page_has_100_events_by_default_and_500_at_most(reader, scene):
    session_id, holder = scene.streaming()
    scene.checkpoint(session_id, holder, 1, 1, events=numbered(501))
    assert numbers(reader.get(address(session_id))) == list(range(1, 101))
    assert numbers(reader.get(address(session_id, "?limit=500"))) == list(range(1, 501))
    for limit in ("0", "501"):
        refused_fields(reader.get(address(session_id, f"?limit={limit}")), "limit")


def test_it_refuses_an_event_that_is_not_of_this_session(reader, scene, session_id):
    other, holder = scene.streaming()
    scene.checkpoint(other, holder, 1, 1, events=numbered(3))
    strangers = [event_id(session_id, sequence) for sequence in (0, 8, 2**31, 2**100)]
    for after in (*strangers, event_id(other, 1), "an-event"):
        refused_fields(reader.get(address(session_id, f"?after={after}")), "after")


def test_they_are_complete_once_the_sweep_has_ended_it(reader, scene, monkeypatch):
    session_id, holder = scene.streaming()
    scene.checkpoint(session_id, holder, 1, 1, work=midway())
    scene.finalize(session_id, 5)
    types = [event["type"] for event in reader.get(address(session_id)).json()]
    assert types == ["shape_enter", "shape_exit", "shape_enter"]
    monkeypatch.setattr("kynaplatform.clock.now", lambda *_: at(61))
    reader.token = reader.token_with("sessions:read")
    with nothing_changes():
        assert len(reader.get(address(session_id)).json()) == 3
    assert sweep(65) == 1
    types = [event["type"] for event in reader.get(address(session_id)).json()]
    assert types == ["shape_enter", "shape_exit", "shape_enter", "event_interrupted"]
    assert scene.state(session_id) == ("completed", "completed", None, at(61))


def test_another_projects_events_are_not_found(scene, session_id, peer, outsider):
    make_released(peer.project, VALID_YAML)
    scene.finalize(session_id, 2)
    for machine in (peer, outsider):
        machine.token = machine.token_with("sessions:read")
    for machine in (peer, outsider):
        for id_ in (session_id, uuid.uuid4(), "no-uuid"):
            refused(machine.get(address(id_)), 404, "not_found", resource="session")


def test_the_events_that_a_clock_caused_are_the_last_before_it(scene):
    session_id, holder = scene.streaming()
    events = [
        NewEvent(1, 1, 1000.0, "shape_enter", {}),
        NewEvent(2, NO_FRAME, 3000.0, "shape_exit", {}),
        NewEvent(3, NO_FRAME, 3000.0, "event_interrupted", {}),
        NewEvent(4, 2, 7000.0, "shape_enter", {}),
        NewEvent(5, NO_FRAME, 9000.0, "shape_exit", {}),
        NewEvent(6, 9, 9000.0, "shape_enter", {}),
    ]
    scene.checkpoint(session_id, holder, 1, 1, events=events)
    for clock_ms, frame_seqs, sequences in (
        (2999.9, [], []),
        (3000, [], [2, 3]),
        (8999, [], [2, 3]),
        (9000, [], [5]),
        (None, [1, 2], [1, 4]),
        (9000, [1, 9], [1, 5, 6]),
    ):
        found = events_caused(session_id=session_id, frame_seqs=frame_seqs, clock_ms=clock_ms)
        assert [event.sequence for event in found] == sequences


def test_no_more_events_are_read_than_frames_and_clocks_caused(scene):
    """Of a long session, in which the person left now and then."""
    session_id, holder = scene.streaming()
    events = [
        NewEvent(n, NO_FRAME if n % 100 == 0 else n, 40.0 * n, "shape_exit", {})
        for n in range(1, 5_001)
    ]
    scene.checkpoint(session_id, holder, 1, 1, events=events)
    run("ANALYZE detection_event")
    with CaptureQueriesContext(connection) as queries:
        found = events_caused(session_id=session_id, frame_seqs=[4_991, 4_999], clock_ms=1e9)
    assert [event.sequence for event in found] == [4_991, 4_999, 5_000]
    read = 0.0
    for query in queries:
        plan = explained(f"EXPLAIN (ANALYZE, FORMAT JSON) {query['sql']}")
        assert "Seq Scan" not in {node["Node Type"] for node in nodes(plan)}
        read += rows_read(plan)
    assert read <= 2 * 50 + 2 + 1


def test_the_events_of_many_a_frame_are_found(scene):
    """Also where a frame causes more events than lie between two that have an index."""
    session_id, holder = scene.streaming()
    frames = [1, *[2] * 40, 3, 3, *[NO_FRAME] * 20, 7, *[9] * 17, NO_FRAME, 12]
    events = [
        NewEvent(number, frame_seq, 40.0 * number, "shape_exit", {})
        for number, frame_seq in enumerate(frames, 1)
    ]
    scene.checkpoint(session_id, holder, 1, 1, events=events)
    for wanted in ([], [1], [2], [3], [7], [9], [12], [12, 1, 3], [4, 8, 13], [2, 9]):
        found = events_caused(session_id=session_id, frame_seqs=wanted)
        assert [event.sequence for event in found] == [
            number for number, frame_seq in enumerate(frames, 1) if frame_seq in wanted
        ]
