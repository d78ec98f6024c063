"""`both_move`: a repetition counts only if each side in sight moves, and the difference is told."""

from collections.abc import Iterable
from textwrap import indent
from typing import Any

import pytest
from engine_scene import Pose, at, completed, hidden, of_type, run, run_restored, written
from hypothesis import given, settings
from hypothesis import strategies as st
from movespec_documents import errors_of

from detection import DetectionEvent, MoveSpec, PoseFrame
from dev.bench.score.engine_runs import catalogue
from dev.poses.figure import EXERCISES, Limb, Posture, landmarks, perform

SQUAT = """
name: squat
phases:
  - {name: standing, criteria: [{joint: knee, min: 150}, {joint: hip, min: 150}]}
  - {name: bottom, criteria: [{joint: knee, max: 110}, {joint: hip, max: 110}]}
sequence: [standing, bottom, standing]
"""
KNEES = """
name: squat
phases:
  - {name: standing, criteria: [{joint: knee, min: 150}]}
  - {name: bottom, criteria: [{joint: knee, max: 125}]}
sequence: [standing, bottom, standing]
"""
KEY = "both_move: true\n"
FAR_LEG = ["left_knee", "left_ankle"]


def thigh_up(left: float, right: float) -> Pose:
    """Each thigh raised so far, with the shank hanging down and folded as far again."""
    return landmarks(Posture(left_leg=Limb(left, -left / 3), right_leg=Limb(right, -right / 3)), 45)


def marching(
    repetitions: int = 10, *, fps: float = 30, alternating: bool = False
) -> list[PoseFrame]:
    half = round(fps * 0.6)
    poses = [thigh_up(0, 0)] * round(fps)
    for number in range(repetitions):
        ways = [*range(1, half + 1), *range(half - 1, -1, -1)]
        for step in ways:
            up = 95 * step / half
            is_left = alternating and number % 2 == 1
            poses.append(thigh_up(up, 0) if is_left else thigh_up(0, up))
        poses += [thigh_up(0, 0)] * round(fps * 0.3)
    return at([*poses, *[poses[-1]] * round(fps)], fps=fps)


def attempts(events: Iterable[DetectionEvent]) -> list[dict[str, Any]]:
    return of_type(events, "event_interrupted")


@pytest.mark.parametrize("fps", [15, 30])
@pytest.mark.parametrize("alternating", [False, True])
def test_marching_is_no_squat(fps: float, alternating: bool) -> None:
    frames = marching(fps=fps, alternating=alternating)
    assert completed(run(written(KNEES), frames)) == 10
    events = run(written(KNEES + KEY), frames)
    assert completed(events) == 0
    told = attempts(events)
    assert len(told) == 10
    assert {(one["reason"], one["detail"]) for one in told} == {("not_reached", "one_sided")}
    assert {one["path"] for one in told} == {"detection.movement.phases[1].criteria[0]"}
    assert all(4 < one["by"] < 8 for one in told)  # a quarter of the gap, which one did not go


@pytest.mark.parametrize("fps", [15, 30])
@pytest.mark.parametrize("turned", [0, 45, 80])
@pytest.mark.parametrize("far_side_is_hidden", [False, True])
def test_clean_squats_count(fps: float, turned: float, far_side_is_hidden: bool) -> None:
    frames = perform("squat", repetitions=10, fps=fps, turned=turned, hides=False)
    if far_side_is_hidden:
        frames = [one._replace(landmarks=hidden(one.landmarks, *FAR_LEG)) for one in frames]
    assert completed(run(written(SQUAT + KEY), frames)) == 10


def test_a_side_that_comes_into_sight_at_the_bottom_is_not_asked() -> None:
    frames = perform("squat", repetitions=10, fps=30, hides=False)
    lowest = [min(frame.landmarks[24].y, frame.landmarks[23].y) for frame in frames]
    middle = (min(lowest) + max(lowest)) / 2
    frames = [
        one if hip > middle else one._replace(landmarks=hidden(one.landmarks, *FAR_LEG))
        for one, hip in zip(frames, lowest, strict=True)
    ]
    assert completed(run(written(SQUAT + KEY), frames)) == 10


def test_squats_count_after_a_session_that_begins_on_one_leg() -> None:
    marched = marching(3)
    marched = marched[48:]  # the thigh is up
    begin_ms = marched[-1].timestamp_ms + 33
    squats = perform("squat", repetitions=5, fps=30, start_ms=begin_ms, hides=False)
    assert completed(run(written(KNEES + KEY), [*marched, *squats])) == 5


def test_with_strict_ends_both_must_move_too() -> None:
    spec = written(KNEES + KEY + "judge: bands\n")
    assert completed(run(spec, marching())) == 0
    assert completed(run(spec, perform("squat", repetitions=5, fps=30, hides=False))) == 5


def test_the_difference_is_told() -> None:
    spec = written(KNEES + KEY)
    events = run(spec, perform("squat", repetitions=3, fps=30, hides=False))
    for one in of_type(events, "event_completed"):
        metrics = one["metrics"]
        sides = [metrics["measures"][f"joint.knee.{side}"] for side in ("left", "right")]
        left, right = (side["most"] - side["least"] for side in sides)
        assert metrics["asymmetry"] == {"joint.knee": pytest.approx(left - right, abs=0.01)}
        assert abs(metrics["asymmetry"]["joint.knee"]) < 15
    told = attempts(run(spec, marching(alternating=True)))
    signs = [one["metrics"]["asymmetry"]["joint.knee"] for one in told]
    assert all(one < -50 for one in signs[::2])  # the right thigh alone
    assert all(one > 50 for one in signs[1::2])


def test_the_catalogue_s_squat_and_lunge_are_no_march() -> None:
    for slug in ("squat", "lunge"):
        assert completed(run(catalogue()[slug], marching(alternating=True))) == 0


def test_of_a_hidden_side_no_difference_is_told() -> None:
    frames = perform("squat", repetitions=1, fps=30)
    (one,) = of_type(run(written(KNEES + KEY), frames), "event_completed")
    assert one["metrics"]["asymmetry"] == {"joint.knee": None}


def test_without_the_key_no_difference_is_told() -> None:
    frames = perform("squat", repetitions=1, fps=30)
    (one,) = of_type(run(written(KNEES), frames), "event_completed")
    assert "asymmetry" not in one["metrics"]
    assert one["metrics"]["measures"].keys() == {"joint.knee"}


@pytest.mark.parametrize("exercise", sorted(set(EXERCISES) & {"squat", "push-up", "lunge"}))
def test_without_the_key_the_events_are_the_same(exercise: str) -> None:
    """False says what leaving it out says, to the byte."""
    frames = perform(exercise, repetitions=3, fps=15)
    assert run(written(SQUAT + "both_move: false\n"), frames) == run(written(SQUAT), frames)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([(0, 0), (95, 0), (0, 95), (95, 95), (60, 20)]),
                          st.integers(1, 12), st.booleans()), min_size=1, max_size=10))  # fmt: skip
def test_whatever_the_sides_do_it_is_the_same_when_restored(
    stays: list[tuple[tuple[float, float], int, bool]],
) -> None:
    spec: MoveSpec = written(KNEES + KEY)
    poses = [
        hidden(thigh_up(*up), *FAR_LEG) if is_hidden else thigh_up(*up)
        for up, frames, is_hidden in stays
        for _ in range(frames)
    ]
    frames = at(poses, fps=15)
    assert run_restored(spec, frames, set(range(len(frames)))) == run(spec, frames)


def document(movement: str) -> str:
    head = "name: t\nversion: '1'\ndetection:\n  type: repetition\n  movement:\n"
    return head + indent(movement.strip(), "    ") + "\n"


@pytest.mark.parametrize("side", ["left", "right", "either", "front", "back"])
def test_no_phase_names_one_side(side: str) -> None:
    named = KNEES.replace("joint: knee, min", f"joint: knee, side: {side}, min")
    path = "detection.movement.phases[0].criteria[0].side"
    found = [error[:2] for error in errors_of(document(named + KEY))]
    assert found == [("both_move_conflict", path)]
    assert errors_of(document(KNEES.replace("knee, min", "knee, side: both, min") + KEY)) == []


def test_sides_counted_apart_need_not_move_together() -> None:
    found = [error[:2] for error in errors_of(document(KNEES + KEY + "count: each_side\n"))]
    assert found == [("both_move_conflict", "detection.movement.both_move")]
