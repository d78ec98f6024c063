"""Steps with a hold, a time or a choice."""

import pytest
from engine_scene import bent, completed, held, hidden, of_type, run, told, written

PHASES = """
name: squat
phases:
  - {name: standing, criteria: [{joint: knee, min: 150}]}
  - {name: half, criteria: [{joint: knee, min: 110, max: 140}]}
  - {name: bottom, criteria: [{joint: knee, max: 100}]}
"""
UP, HALF, DOWN = bent(175), bent(125), bent(80)


def squat(sequence: str):
    return written(f"{PHASES}sequence: {sequence}\n")


HELD = squat("[standing, {phase: bottom, hold_ms: 600}, standing]")
TIMED = squat("[standing, {phase: bottom, within_ms: 1500}, {phase: standing, within_ms: 1000}]")
OPTIONAL = squat(
    "[standing, {phase: half, optional: true}, bottom, {phase: half, optional: true}, standing]"
)


def test_a_phase_that_lasts_too_short_is_an_attempt_by_the_time_it_lacks() -> None:
    events = run(HELD, held((UP, 500), (DOWN, 400), (UP, 500), (DOWN, 900), (UP, 500)))
    (attempt,) = of_type(events, "event_interrupted")
    assert attempt["reason"] == "not_reached"
    assert attempt["path"] == "detection.movement.sequence[1]"
    assert attempt["by"] == pytest.approx(200, abs=150)
    assert completed(events) == 1


def test_a_repetition_whose_last_step_lasts_too_short_is_over() -> None:
    spec = squat("[standing, bottom, {phase: standing, hold_ms: 600}]")
    events = run(spec, held((UP, 700), (DOWN, 500), (UP, 300), (DOWN, 500), (UP, 900)))
    (attempt,) = of_type(events, "event_interrupted")
    assert (attempt["reason"], attempt["number"]) == ("not_reached", 1)
    assert attempt["path"] == "detection.movement.sequence[2]"


def test_the_next_repetition_begins_once_its_first_step_has_lasted() -> None:
    spec = squat("[{phase: standing, hold_ms: 600}, bottom, standing]")
    short = held((UP, 900), (DOWN, 500), (UP, 300), (DOWN, 500), (UP, 900))
    assert completed(run(spec, short)) == 1
    long = held((UP, 900), (DOWN, 500), (UP, 900), (DOWN, 500), (UP, 900))
    assert completed(run(spec, long)) == 2


def test_a_first_step_that_lasts_too_short_is_an_attempt() -> None:
    spec = squat("[{phase: bottom, hold_ms: 600}, standing]")
    events = run(spec, held((UP, 500), (DOWN, 500), (UP, 500), (DOWN, 900), (UP, 500)))
    (attempt,) = of_type(events, "event_interrupted")
    assert (attempt["reason"], attempt["detail"]) == ("not_reached", "too_short")
    assert (attempt["number"], attempt["path"]) == (None, "detection.movement.sequence[0]")
    assert completed(events) == 1


def test_who_passes_through_the_first_step_has_not_tried_to_hold_it() -> None:
    spec = squat("[{phase: bottom, hold_ms: 2000}, standing]")
    events = run(spec, held((UP, 500), (DOWN, 300), (UP, 500)))
    assert of_type(events, "event_interrupted") == []


def test_a_step_that_takes_too_long_is_told_as_its_time_is_over() -> None:
    frames = held((UP, 500), (DOWN, 500), (HALF, 2_000), (UP, 500), (DOWN, 500), (UP, 500))
    events = run(TIMED, frames)
    (late,) = of_type(events, "event_interrupted")
    assert (late["reason"], late["number"]) == ("too_slow", 1)
    assert late["path"] == "detection.movement.sequence[2]"
    assert completed(events) == 1


def test_who_comes_too_late_to_the_second_step_is_told_as_he_comes() -> None:
    frames = held((UP, 500), (HALF, 2_500), (DOWN, 500), (UP, 500), (DOWN, 500), (UP, 500))
    events = run(TIMED, frames)
    (late,) = of_type(events, "event_interrupted")
    assert (late["reason"], late["number"], late["by"]) == ("too_slow", None, None)
    assert late["path"] == "detection.movement.sequence[1]"
    entered = told(events).index("shape_enter:bottom")
    assert told(events)[entered + 1] == "event_interrupted:too_slow"
    (completion,) = of_type(events, "event_completed")
    assert completion["number"] == 1
    assert completion["metrics"]["duration_ms"] < 1_500


@pytest.mark.parametrize("after", [[], [(UP, 500)], [(UP, 500), (DOWN, 500), (UP, 500)]])
def test_who_leaves_the_first_step_and_does_not_come_to_the_second_is_not_too_slow(after) -> None:
    events = run(TIMED, held((UP, 500), (HALF, 2_500), *after))
    turned_back = {one["reason"] for one in of_type(events, "event_interrupted")}
    assert turned_back == ({"not_reached"} if after else set())
    assert completed(events) == (len(after) == 3)


@pytest.mark.parametrize("stays", [[(HALF, 400)], []])
def test_a_step_that_is_optional_may_be_passed_over(stays) -> None:
    out_of_sight = hidden(DOWN, "left_knee", "right_knee")
    events = run(OPTIONAL, held((UP, 500), *stays, (out_of_sight, 400), (DOWN, 500), (UP, 500)))
    (completion,) = of_type(events, "event_completed")
    phases = [step["phase"] for step in completion["metrics"]["steps"]]
    assert phases == [*(["half"] if stays else []), "bottom", "half", "standing"]
    assert completion["score"] == 1.0


def test_a_required_step_that_is_passed_over_is_out_of_order() -> None:
    spec = squat("[standing, bottom, half, standing]")
    assert completed(run(spec, held((UP, 500), (DOWN, 500), (HALF, 500), (UP, 500)))) == 1
    events = run(OPTIONAL, held((UP, 500), (HALF, 500), (UP, 500)))
    (interrupted,) = of_type(events, "event_interrupted")
    assert interrupted["path"] == "detection.movement.sequence[2]"


def test_a_stay_that_no_frame_sees_long_enough_lacks_something() -> None:
    spec = squat("[standing, {phase: bottom, hold_ms: 450}, standing]")
    frames = held((UP, 1_000), (DOWN, 500), (UP, 1_000), fps=5)
    (attempt,) = of_type(run(spec, frames), "event_interrupted")
    assert attempt["reason"] == "not_reached"
    assert 0 < attempt["by"] <= 450


def test_a_posture_that_was_passed_has_not_lasted_by_an_earlier_stay() -> None:
    spec = squat("[standing, {phase: half, hold_ms: 300}, bottom, half, standing]")
    slow = held((UP, 500), (HALF, 600), (DOWN, 500), (UP, 500))
    passing = held((UP, 500), (DOWN, 500), (UP, 500), fps=5, start_ms=slow[-1].timestamp_ms + 200)
    events = run(spec, slow + passing)
    assert "shape_enter:half" in told(events)[-8:]
    assert completed(events) == 1


def test_an_optional_step_that_is_late_is_passed_over() -> None:
    down = "{phase: half, optional: true, within_ms: 1000}"
    spec = squat(f"[standing, {down}, bottom, half, standing]")
    beside = bent(146)
    for pause in (0, 2_000):
        frames = held((UP, 500), (beside, 200 + pause), (HALF, 400), (DOWN, 500), (UP, 500))
        (completion,) = of_type(run(spec, frames), "event_completed")
        phases = [step["phase"] for step in completion["metrics"]["steps"]]
        assert phases == [*(["half"] if not pause else []), "bottom", "half", "standing"]
