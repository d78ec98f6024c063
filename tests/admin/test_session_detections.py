"""What the page of a session shows of its detections and attaches, whatever it holds."""

import re
import uuid
from collections.abc import Sequence
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from kynaplatform import clock
from sessions_app.checkpoints import NewEvent
from sessions_app.events import NO_FRAME
from sessions_app.models import DetectionEvent, DetectionSession
from sessions_app.version_specs import spec_of_version
from staff.session_detections import DRAWN, LANE, LISTED, Lane, detections, picture
from tests.admin.staffing import address, text_of
from tests.sessions_app.engine_work import whole
from tests.sessions_app.lifecycle_scene import Scene, at
from tests.sessions_app.plans import explained, rows_read, run


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda *_: at(30))


def shown(client: Client, session_id: uuid.UUID) -> Any:
    response = client.get(address(DetectionSession(id=session_id)))
    assert response.status_code == 200
    return response


def words(response: Any) -> str:
    """The text of a page, without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text_of(response))).split())


def events_of(*told: tuple[float, str, Any]) -> list[DetectionEvent]:
    """Events as rows: their moments, types, and shapes."""
    return [
        DetectionEvent(sequence=number, ts_ms=ts_ms, type=type_, payload={"shape_key": shape})
        for number, (ts_ms, type_, shape) in enumerate(told, start=1)
    ]


def lanes_of(events: Sequence[DetectionEvent], *phases: str) -> dict[str, tuple[int, str]]:
    return {lane.name: (lane.times, lane.path) for lane in picture(events, phases).lanes}


# --- The picture -------------------------------------------------------------------------


def test_a_phase_is_a_bar_from_where_it_is_entered_to_where_it_is_left() -> None:
    lanes = lanes_of(
        events_of(
            (1000, "shape_enter", "standing"),
            (1200, "shape_exit", "standing"),
            (1500, "shape_enter", "bottom"),
            (1750, "shape_exit", "bottom"),
            (2000, "shape_enter", "standing"),
        ),
        "standing", "bottom", "knees in",
    )  # fmt: skip
    assert lanes == {
        # The second stay is of some width though it has only just begun.
        "standing": (2, "M0.0 5H200.0V19H0.0ZM1000.0 5H1002.0V19H1000.0Z"),
        "bottom": (1, "M500.0 29H750.0V43H500.0Z"),
        "knees in": (0, ""),
        "completed": (0, ""),
        "interrupted": (0, ""),
        "feedback": (0, ""),
    }


def test_a_phase_that_is_held_at_an_edge_reaches_it() -> None:
    lanes = lanes_of(
        events_of(
            (0, "feedback", None),
            (100, "shape_exit", "bottom"),
            (300, "shape_enter", "standing"),
            (400, "feedback", None),
        )
    )
    assert lanes["bottom"] == (1, "M0.0 5H250.0V19H0.0Z")
    assert lanes["standing"] == (1, "M750.0 29H1000.0V43H750.0Z")


def test_what_is_counted_is_marked_in_a_lane_of_its_type() -> None:
    found = picture(
        events_of(
            (0, "event_completed", None),
            (50, "feedback", None),
            (50, "event_interrupted", None),
            (200, "event_completed", None),
        ),
        ["bottom"],
    )
    assert found.lanes == [
        Lane("bottom", "phase", 0, ""),
        Lane("completed", "completed", 2, "M0.0 27V45M1000.0 27V45"),
        Lane("interrupted", "interrupted", 1, "M250.0 51V69"),
        Lane("feedback", "feedback", 1, "M250.0 75V93"),
    ]
    assert (found.height, found.lasts) == (4 * LANE, "0.2 s")


def test_one_event_alone_is_drawn_at_the_beginning() -> None:
    found = picture(events_of((7, "event_completed", None)), [])
    assert found.lanes[0] == Lane("completed", "completed", 1, "M0.0 3V21")
    assert found.lasts == "0 s"


# --- The page ----------------------------------------------------------------------------


def test_it_shows_a_session_that_has_detected_something(support: Client, scene: Scene) -> None:
    session_id, first = scene.streaming()
    scene.checkpoint(session_id, first, 1, 5, work=whole(), rejected_frames=3)
    scene.detach(session_id, first, 8.5, close_code=1006)
    scene.attach(session_id, 10)
    page = shown(support, session_id)
    html, text = text_of(page), words(page)
    facts, repetitions = (
        text.index(" Facts Counted 1 repetition in "),
        text.index(" Repetitions squat 1 interrupted 0 "),
    )
    assert facts < repetitions < text.index(" Lifecycle ") < text.index(" The last 6 of 6 events ")
    assert f"Frames taken {whole().frames}, and 3 not" in text
    assert 'role="img" aria-labelledby="lanes-title lanes-text"' in html
    assert (
        "standing: 2 stays. bottom: 1 stay. completed: 1. interrupted: 0. feedback: 0. "
        "The tables of this page have the last repetitions and events."
    ) in text
    assert [lane.name for lane in page.context["picture"].lanes] == [
        "standing", "bottom", "completed", "interrupted", "feedback",
    ]  # fmt: skip
    done = whole().events[-1]
    assert f"{done.ts_ms:.3f} {done.frame_seq} Counted event_completed" in text
    (row,) = page.context["repetitions"].rows
    assert (
        f"Repetition 1 {row.after} {row.took} {row.parts} {' '.join(map(str, row.ranges))} " in text
    )
    assert "What follows is of the last" not in text
    assert [
        (attach.noted.attached_at, attach.lasted, attach.noted.close_code, attach.how)
        for attach in page.context["attaches"]
    ] == [
        (at(10), "20 s", None, "Attached now."),
        (at(0), "8.5 s", 1006, "The connection broke."),
    ]
    assert "host-1, process 4711" in text


def test_an_event_that_a_clock_decided_names_no_frame(support: Client, scene: Scene) -> None:
    session_id, holder = scene.streaming()
    lost = NewEvent(1, NO_FRAME, 3000.0, "event_interrupted", {"reason": "pose_lost"})
    scene.checkpoint(session_id, holder, 1, 5, events=[lost])
    text = words(shown(support, session_id))
    assert "1 3000 by the clock Did not count event_interrupted reason pose_lost" in text


def test_it_says_so_when_there_is_nothing(support: Client, scene: Scene) -> None:
    page = shown(support, scene.created())
    assert page.context["picture"] is None
    text = words(page)
    assert "Repetitions Nothing was detected. Lifecycle" in text
    assert "Connections No client has connected." in text
    assert "<svg viewBox" not in text_of(page)
    assert "Table of the last events" not in text_of(page)


def test_an_attach_whose_runtime_died_is_told_from_one_that_holds(
    support: Client, scene: Scene
) -> None:
    session_id, _ = scene.streaming()
    scene.cancel(session_id, 3)
    (attach,) = shown(support, session_id).context["attaches"]
    assert (attach.lasted, attach.how) == ("", "The stream server said nothing of its end.")


def test_an_attach_whose_lease_ran_out_does_not_hold(
    support: Client, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id, _ = scene.streaming()
    monkeypatch.setattr(clock, "now", lambda *_: at(31))
    (attach,) = shown(support, session_id).context["attaches"]
    assert (attach.lasted, attach.how) == ("", "The stream server said nothing of its end.")


def test_names_and_messages_of_a_movespec_are_text_and_no_markup(
    support: Client, scene: Scene
) -> None:
    session_id, _ = scene.streaming()
    DetectionEvent.objects.create(
        session_id=session_id, sequence=1, frame_seq=1, ts_ms=0, type="shape_enter",
        payload={"shape_key": "<b>low</b>"},
    )  # fmt: skip
    DetectionEvent.objects.create(
        session_id=session_id, sequence=2, frame_seq=1, ts_ms=0, type="feedback",
        payload={"level": "info", "message": "<script>alert(1)</script>"},
    )  # fmt: skip
    html = text_of(shown(support, session_id))
    assert "<b>low" not in html
    assert "&lt;b&gt;low" in html
    assert "<script>alert" not in html


def test_a_version_that_the_language_no_longer_takes_is_shown_by_its_events(
    support: Client, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id, holder = scene.streaming()
    scene.checkpoint(session_id, holder, 1, 5, work=whole())
    spec_of_version.cache_clear()
    broken = property(lambda _: "name: of an older language", lambda *_: None)
    monkeypatch.setattr("movespecs.models.MoveSpecVersion.yaml_source", broken)
    lanes = shown(support, session_id).context["picture"].lanes
    spec_of_version.cache_clear()
    assert [lane.name for lane in lanes if lane.kind == "phase"] == ["standing", "bottom"]


# --- What it costs -----------------------------------------------------------------------


def add_events(session_id: uuid.UUID, count: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO detection_event "
            "(session_id, sequence, frame_seq, ts_ms, type, payload) "
            "SELECT %s, n, n, n * 40.0, "
            "(ARRAY['shape_enter', 'shape_exit'])[1 + n %% 2], "
            """jsonb_build_object('shape_key', 'bottom', 'confidence', 0.5) """
            "FROM generate_series(1, %s) n",
            [session_id, count],
        )
    DetectionSession.objects.filter(id=session_id).update(events_total=count)


@pytest.mark.long
def test_a_session_of_100_000_events_costs_no_more_than_one_of_a_few(
    support: Client, scene: Scene
) -> None:
    small, large = scene.streaming()[0], scene.streaming()[0]
    add_events(small, 3)
    add_events(large, 100_000)
    run("ANALYZE detection_event")
    for _ in range(30):
        scene.attach(large, 20)
    shown(support, small)
    with CaptureQueriesContext(connection) as few:
        shown(support, small)
    with CaptureQueriesContext(connection) as many:
        page = shown(support, large)
    assert len(many) == len(few)
    text = words(page)
    told = f"What follows is of the last {DRAWN} of 100000 events."
    assert f"repetitions 0 interrupted 0 {told}" in text
    assert [event.sequence for event in page.context["listed"]] == list(
        range(100_000, 100_000 - LISTED, -1)
    )
    assert len(page.context["attaches"]) == 20
    assert "The newest first; there are older ones" in text
    assert len(page.content) < 150_000
    read = [query["sql"] for query in many if 'FROM "detection_event"' in query["sql"]]
    assert len(read) == 1
    plan = explained(f"EXPLAIN (ANALYZE, FORMAT JSON) {read[0]}")
    assert rows_read(plan) == DRAWN


def test_its_counts_are_of_all_events_whatever_is_drawn(support: Client, scene: Scene) -> None:
    session_id = scene.streaming()[0]
    add_events(session_id, DRAWN + 500)
    DetectionSession.objects.filter(id=session_id).update(
        counted_events_total=DRAWN + 500, repetitions={"squat": 40, "lunge": 2}, interrupted_total=7
    )
    told = f"What follows is of the last {DRAWN} of {DRAWN + 500} events."
    assert f"squat 40 lunge 2 interrupted 7 {told}" in words(shown(support, session_id))


def test_what_older_code_has_stored_is_counted_as_far_as_it_is_drawn(
    support: Client, scene: Scene
) -> None:
    session_id = scene.streaming()[0]
    add_events(session_id, DRAWN + 500)
    DetectionEvent.objects.filter(session_id=session_id, sequence__in=[1, 900, 901]).update(
        type="event_completed", payload={"event_key": "squat", "score": None}
    )
    told = f"These counts and what follows are of the last {DRAWN} of {DRAWN + 500} events."
    assert f"squat 2 interrupted 0 {told}" in words(shown(support, session_id))


def test_it_says_why_repetitions_were_interrupted(support: Client, scene: Scene) -> None:
    session_id, holder = scene.streaming()
    reasons = ["pose_lost", "out_of_order", "pose_lost"]
    events = [
        NewEvent(number, number, number * 100.0, "event_interrupted", {"reason": reason})
        for number, reason in enumerate(reasons, start=1)
    ]
    scene.checkpoint(session_id, holder, 1, 5, events=events)
    text = words(shown(support, session_id))
    assert "Did not count: Nobody was seen any more (2), Out of order (1)." in text


def test_it_costs_two_queries_once_the_version_is_compiled(scene: Scene) -> None:
    session_id, holder = scene.streaming()
    scene.checkpoint(session_id, holder, 1, 5, work=whole())
    session = scene.row(session_id)
    spec_of_version(session.resolved_version_id)
    with CaptureQueriesContext(connection) as queries:
        detections(session, at(30), [])
    assert len(queries) == 2
