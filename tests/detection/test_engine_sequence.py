"""Events of the sequence: their order, their times, and how a repetition ends."""

import pytest
from engine_scene import at, bent, completed, held, movespec, run, swinging, told, unseen

import detection
from detection import Engine, PoseFrame

UP, HALF, DOWN = bent(178), bent(125), bent(80)
THREE = {
    "standing": ["{joint: knee, angle_min: 150}"],
    "half": ["{joint: knee, angle_min: 110, angle_max: 138}"],
    "bottom": ["{joint: knee, angle_max: 95}"],
}


def test_a_repetition_gives_its_events_in_order() -> None:
    events = run(movespec(), held((UP, 500), (DOWN, 500), (UP, 500)))
    assert told(events) == [
        "shape_enter:standing",
        "shape_exit:standing",
        "shape_enter:bottom",
        "shape_exit:bottom",
        "shape_enter:standing",
        "event_completed:squat",
    ]


def test_without_the_first_step_nothing_is_completed() -> None:
    events = run(movespec(), held((DOWN, 500), (UP, 500)), finish=False)
    assert told(events) == ["shape_enter:bottom", "shape_exit:bottom", "shape_enter:standing"]


def test_a_sequence_that_does_not_end_where_it_began_needs_its_first_step_each_time() -> None:
    spec = movespec(sequence=["bottom", "standing"])
    assert completed(run(spec, held((DOWN, 500), (UP, 500), (bent(140), 500), (UP, 500)))) == 1
    assert completed(run(spec, held((DOWN, 500), (UP, 500), (DOWN, 500), (UP, 500)))) == 2


def test_entering_the_current_step_again_changes_nothing() -> None:
    # Of the three repetitions before, 0.6 is 59 degrees: half of it leaves a phase, no more.
    turns = [178, 80] * 3 + [178, 138, 178, 80, 120, 80, 178]
    events = run(movespec(), at(swinging(turns, degrees_per_second=100, stay_ms=300)))
    assert completed(events) == 4
    assert told(events).count("shape_enter:standing") == 6
    assert told(events).count("shape_enter:bottom") == 5


def test_another_phase_of_the_sequence_interrupts_after_two_steps() -> None:
    spec = movespec(THREE, ["standing", "half", "bottom", "standing"])
    events = run(spec, held((UP, 500), (HALF, 500), (UP, 500)))
    assert told(events)[-2:] == ["shape_enter:standing", "event_interrupted:out_of_order"]


def test_the_entry_that_interrupts_may_begin_the_next_repetition() -> None:
    spec = movespec(THREE, ["standing", "half", "bottom"])
    events = run(spec, held((UP, 500), (HALF, 500), (UP, 500), (HALF, 500), (DOWN, 500)))
    assert [line for line in told(events) if line.startswith("event")] == [
        "event_interrupted:out_of_order",
        "event_completed:squat",
    ]


def test_a_repetition_of_one_step_is_not_interrupted() -> None:
    spec = movespec(THREE, ["half", "standing", "bottom", "half"])
    lines = told(run(spec, held((HALF, 500), (DOWN, 500))))
    assert lines == ["shape_enter:half", "shape_exit:half", "shape_enter:bottom"]


def test_a_session_that_ends_midway_interrupts_once() -> None:
    engine = Engine(movespec())
    frames = held((UP, 500), (DOWN, 500))
    for frame in frames:
        engine.feed(frame)
    (event,) = engine.finish()
    assert event.type == "event_interrupted"
    assert event.payload == {
        "reason": "session_ended",
        "number": 1,
        "side": None,
        "path": None,
        "by": None,
        "metrics": {"checks": [], "previous": None},
    }
    assert event.ts_ms == frames[-1].timestamp_ms
    assert engine.finish() == []


def test_no_usable_pose_for_two_seconds_loses_it() -> None:
    engine = Engine(movespec())
    for frame in held((UP, 500), (DOWN, 500)):
        engine.feed(frame)
    last_seen_ms = 29 * 1000 / 30
    for n in range(1, 60):
        assert engine.feed(PoseFrame(last_seen_ms + n * 1000 / 30, unseen(DOWN))) == []
    events = engine.feed(PoseFrame(last_seen_ms + 2000, unseen(DOWN)))
    assert told(events) == ["shape_exit:bottom", "event_interrupted:pose_lost"]
    assert {event.ts_ms for event in events} == {last_seen_ms + 2000}
    assert events[0].payload["confidence"] == 0.0
    assert engine.finish() == []


def test_a_gap_between_frames_loses_the_pose_at_the_frame_after_it() -> None:
    events = run(movespec(), [*held((UP, 500), (DOWN, 500)), PoseFrame(9000, UP)])
    assert [(event.ts_ms, event.type) for event in events[-2:]] == [
        (9000, "shape_exit"),
        (9000, "event_interrupted"),
    ]


def test_a_lost_pose_that_comes_back_begins_anew() -> None:
    frames = held((UP, 500), (DOWN, 500)) + held((UP, 500), (DOWN, 500), (UP, 500), start_ms=5000)
    assert [line for line in told(run(movespec(), frames)) if line.startswith("event")] == [
        "event_interrupted:pose_lost",
        "event_completed:squat",
    ]


def test_ts_ms_is_the_timestamp_of_the_deciding_frame_as_it_was_given() -> None:
    frames = at(swinging([178, 70, 178]), start_ms=1234.5)
    given = {frame.timestamp_ms for frame in frames}
    assert {event.ts_ms for event in run(movespec(), frames)} <= given


def test_the_score_falls_with_what_was_seen() -> None:
    half_seen = [tuple(m._replace(visibility=0.6) for m in pose) for pose in (UP, DOWN, UP)]
    events = run(movespec(), held(*[(pose, 500) for pose in half_seen]))
    assert (events[-1].payload["event_key"], events[-1].payload["score"]) == ("squat", 0.6)
    # At the frame that enters "bottom" the knees are still on the way to it.
    assert [e.payload["confidence"] for e in events if e.type == "shape_exit"] == [0.6, 0.6]


@pytest.mark.parametrize("source", ["", "name: x", "a: [1"])
def test_compile_raises_the_issues_of_a_document_with_errors(source: str) -> None:
    with pytest.raises(detection.MoveSpecInvalid) as raised:
        detection.compile(source)
    assert raised.value.issues == detection.validate(source).errors
