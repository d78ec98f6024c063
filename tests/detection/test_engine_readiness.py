"""The setup: until it is met nothing counts, and cues say what is missing."""

import pytest
from engine_scene import (
    SQUAT,
    at,
    bent,
    completed,
    held,
    hidden,
    of_type,
    run,
    run_restored,
    swinging,
    told,
    written,
)

from detection import Engine
from poses.figure import Posture, landmarks

VISIBLE = "setup: {visible: [left_ankle, right_ankle]}\n"
START = "setup: {start: [{joint: knee, min: 160}]}\n"
SIDE = "setup: {view: side}\n"
FRONT = "setup: {view: front}\n"
CUES = """
feedback:
  - {when: not_ready, reason: visible, message: Step back until I see your feet.}
  - {when: not_ready, reason: view, message: Turn sideways.}
  - {when: not_ready, message: Not yet.}
"""
UP, DOWN = bent(175), bent(80)


def hide(pose):
    return hidden(pose, "left_ankle", "right_ankle")


def ready_at(spec, frames) -> float | None:
    engine = Engine(spec)
    for frame in frames:
        engine.feed(frame)
        if engine.readiness == "ready":
            return frame.timestamp_ms
    return None


def test_without_a_setup_whoever_is_in_sight_is_ready() -> None:
    engine = Engine(written(SQUAT))
    assert (engine.readiness, engine.missing) == ("no_person", [])
    engine.feed(held((UP, 100))[0])
    assert engine.readiness == "ready"


def test_nothing_counts_before_all_has_held_for_a_second() -> None:
    spec = written(SQUAT, VISIBLE)
    assert ready_at(spec, held((UP, 2_000))) == pytest.approx(1_000, abs=35)
    early = at(swinging([175, 80, 175], degrees_per_second=400))
    assert run(spec, early[:28]) == []
    assert (
        completed(run(spec, [*held((UP, 1_100)), *at(swinging([175, 80, 175]), start_ms=1_133)]))
        == 1
    )


def test_a_landmark_out_of_sight_is_named() -> None:
    spec = written(SQUAT, VISIBLE)
    engine = Engine(spec)
    for frame in held((hide(UP), 2_000)):
        assert engine.feed(frame) == []
    assert (engine.readiness, engine.missing) == (
        "positioning",
        ["left_ankle", "right_ankle"],
    )


def test_of_a_pair_one_will_do_but_for_who_is_to_face_the_camera() -> None:
    one_hidden = held((hidden(UP, "left_ankle"), 2_000))
    facing = held((hidden(landmarks(Posture(), 90), "left_ankle"), 2_000))
    both = "visible: [left_ankle, right_ankle]"
    assert ready_at(written(SQUAT, f"setup: {{{both}}}\n"), one_hidden) is not None
    assert ready_at(written(SQUAT, f"setup: {{{both}, view: side}}\n"), one_hidden) is not None
    assert ready_at(written(SQUAT, f"setup: {{{both}, view: front}}\n"), facing) is None
    assert ready_at(written(SQUAT, "setup: {visible: [left_ankle]}\n"), one_hidden) is None


def test_landmarks_without_a_visibility_are_in_sight() -> None:
    bare = tuple(mark._replace(visibility=None) for mark in UP)
    assert ready_at(written(SQUAT, VISIBLE), held((bare, 2_000))) is not None


def test_a_start_is_asked_to_begin_and_not_after() -> None:
    spec = written(SQUAT, START)
    assert ready_at(spec, held((DOWN, 3_000))) is None
    engine = Engine(spec)
    for frame in held((DOWN, 500)):
        engine.feed(frame)
    assert engine.missing == ["start"]
    frames = held((UP, 1_200), (DOWN, 3_000), (UP, 500))
    assert completed(run(spec, frames)) == 1


@pytest.mark.parametrize(
    ("setup", "turned", "is_ready"),
    [
        (SIDE, 90, False),
        (SIDE, 45, False),
        (SIDE, 20, True),
        (SIDE, 0, True),
        (SIDE, 180, True),
        (FRONT, 90, True),
        (FRONT, 270, True),
        (FRONT, 70, True),
        (FRONT, 45, False),
        (FRONT, 0, False),
    ],
)
def test_a_view_is_within_30_degrees(setup: str, turned: float, is_ready: bool) -> None:
    frames = held((landmarks(Posture(), turned), 2_000))
    assert (ready_at(written(SQUAT, setup), frames) is not None) == is_ready


def test_what_is_lost_for_a_second_ends_the_repetition() -> None:
    spec = written(SQUAT, VISIBLE)
    frames = held((UP, 1_500), (DOWN, 500), (hide(DOWN), 1_500), (DOWN, 300), (UP, 500))
    events = run(spec, frames)
    assert [one["reason"] for one in of_type(events, "event_interrupted")] == ["not_ready"]
    assert told(events)[-2:] == ["shape_exit:bottom", "event_interrupted:not_ready"]
    short = held((UP, 1_500), (DOWN, 500), (hide(DOWN), 700), (DOWN, 300), (UP, 500))
    assert completed(run(spec, short)) == 1


def test_cues_say_once_what_has_been_missing_for_a_second() -> None:
    spec = written(SQUAT + CUES, "setup: {visible: [left_ankle], view: side}\n")
    facing = landmarks(Posture(), 90)
    frames = held((hidden(facing, "left_ankle"), 2_000), (facing, 2_000), (UP, 2_000), (DOWN, 500))
    messages = [one["message"] for one in of_type(run(spec, frames), "feedback")]
    assert messages == [
        "Step back until I see your feet.",
        "Not yet.",
        "Turn sideways.",
        "Not yet.",
    ]


def test_a_person_who_goes_has_to_get_ready_anew() -> None:
    spec = written(SQUAT, VISIBLE)
    engine = Engine(spec)
    for frame in held((UP, 1_500)):
        engine.feed(frame)
    engine.advance(5_000)
    assert (engine.readiness, engine.missing) == ("no_person", [])
    for frame in held((UP, 500), start_ms=5_100):
        engine.feed(frame)
    assert engine.readiness == "positioning"


def test_it_is_the_same_wherever_the_engine_is_restored() -> None:
    setup = "setup: {visible: [left_ankle], start: [{joint: knee, min: 160}]}\n"
    spec = written(SQUAT + CUES, setup)
    frames = held(
        (hide(DOWN), 1_500), (DOWN, 700), (UP, 1_300), (DOWN, 500), (hide(DOWN), 1_500), (UP, 1_500)
    )
    assert run_restored(spec, frames, set(range(len(frames)))) == run(spec, frames)
