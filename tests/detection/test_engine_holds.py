"""Holds: how long one phase lasts."""

import pytest
from engine_scene import bent, held, of_type, run, run_restored, told, written

from detection import Engine
from poses.figure import Limb, Posture, landmarks

SIT = """
name: wall sit
target_ms: 2000
grace_ms: 500
phases:
  - {name: sitting, criteria: [{joint: knee, min: 80, max: 110}]}
"""
LOW, UP = bent(95), bent(175)


def wall_sit(more: str = ""):
    return written(SIT + more, type_="hold")


def test_a_hold_is_completed_once_at_its_target() -> None:
    events = run(wall_sit(), held((UP, 500), (LOW, 5_000), (UP, 1_000)))
    assert told(events) == [
        "shape_enter:sitting",
        "event_completed:wall sit",
        "shape_exit:sitting",
    ]
    (completion,) = of_type(events, "event_completed")
    assert (completion["number"], completion["score"]) == (1, None)
    assert completion["metrics"]["held_ms"] == pytest.approx(2_000, abs=35)


def test_its_progress_is_told_meanwhile_and_the_rest_is_the_longest() -> None:
    engine = Engine(wall_sit())
    seen = []
    for frame in held((UP, 500), (LOW, 5_000), (UP, 1_000)):
        engine.feed(frame)
        seen.append(engine.held_ms)
    assert seen[10] == 0.0
    assert max(seen) == pytest.approx(5_000, abs=150)
    assert seen[-1] == 0.0
    summary = engine.summary()["wall sit"]
    assert summary["completed"] == 1
    assert summary["longest_ms"] == summary["total_ms"] == pytest.approx(5_000, abs=150)


def test_a_break_within_grace_is_bridged_and_not_counted() -> None:
    events = run(wall_sit(), held((LOW, 1_200), (UP, 300), (LOW, 1_200), (UP, 1_000)))
    (completion,) = of_type(events, "event_completed")
    assert completion["metrics"]["duration_ms"] - completion["metrics"]["held_ms"] == (
        pytest.approx(300, abs=100)
    )
    assert of_type(events, "event_interrupted") == []


def test_who_lets_go_before_is_told_how_long_was_missing() -> None:
    events = run(wall_sit(), held((LOW, 1_500), (UP, 1_000), (LOW, 1_500), (UP, 1_000)))
    first, second = of_type(events, "event_interrupted")
    assert (first["reason"], first["number"]) == ("not_reached", 1)
    assert first["by"] == pytest.approx(500, abs=100)
    assert second["by"] == pytest.approx(500, abs=100)


def test_the_end_of_the_session_lets_go() -> None:
    (interrupted,) = of_type(run(wall_sit(), held((LOW, 1_000))), "event_interrupted")
    assert interrupted["reason"] == "session_ended"
    assert of_type(run(wall_sit(), held((LOW, 3_000))), "event_interrupted") == []


def test_a_condition_that_is_broken_ends_it_and_it_begins_anew() -> None:
    spec = wall_sit("throughout: [{joint: elbow, min: 100, grace_ms: 200}]\n")
    low = Posture(left_leg=Limb(0, -85), right_leg=Limb(0, -85))
    bent_arms = Posture(
        left_leg=Limb(0, -85), right_leg=Limb(0, -85), left_arm=Limb(0, 120), right_arm=Limb(0, 120)
    )
    good, bad = landmarks(low), landmarks(bent_arms)
    events = run(spec, held((good, 1_000), (bad, 600), (good, 2_300)))
    (interrupted,) = of_type(events, "event_interrupted")
    assert (interrupted["reason"], interrupted["path"]) == (
        "condition",
        "detection.movement.throughout[0]",
    )
    assert len(of_type(events, "event_completed")) == 1


def test_it_is_the_same_wherever_it_is_restored() -> None:
    frames = held((LOW, 1_200), (UP, 300), (LOW, 1_200), (UP, 1_000), (LOW, 900))
    assert run_restored(wall_sit(), frames, set(range(len(frames)))) == run(wall_sit(), frames)


def test_a_break_beyond_grace_is_not_bridged_where_no_frame_shows_it() -> None:
    frames = [*held((LOW, 1_500), (UP, 300)), *held((LOW, 1_500), start_ms=3_300)]
    events = run(wall_sit(), frames, finish=False)
    (let_go,) = of_type(events, "event_interrupted")
    assert let_go["reason"] == "not_reached"
    assert of_type(events, "event_completed") == []


def test_who_lets_go_is_told_by_a_cue_on_any_interruption() -> None:
    spec = wall_sit("feedback: [{when: interrupted, message: Keep on.}]\n")
    events = run(spec, held((LOW, 1_000), (UP, 1_000)))
    assert [one["message"] for one in of_type(events, "feedback")] == ["Keep on."]
