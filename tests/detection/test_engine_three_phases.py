"""Repetitions through a phase between the two ends, at any pace and frame rate."""

import pytest
from engine_scene import at, bent, going, movespec, run, told

from detection import MoveSpec
from dev.poses.figure import Limb, Posture, perform
from tests.long_runs import thinned

UP_AND_DOWN = ["up", "half", "down", "half", "up"]


def squat(up: int, half: tuple[int, int], down: int) -> MoveSpec:
    return movespec(
        {
            "up": [f"{{joint: knee, angle_min: {up}}}"],
            "half": [f"{{joint: knee, angle_min: {half[0]}, angle_max: {half[1]}}}"],
            "down": [f"{{joint: knee, angle_max: {down}}}"],
        },
        UP_AND_DOWN,
    )


SPECS = {
    "narrow": squat(155, (110, 145), 100),
    "near the ends": squat(160, (115, 150), 105),
    "low": squat(150, (100, 140), 90),
    "a narrow middle": squat(155, (120, 135), 100),
}


@thinned(
    "name, fps, seconds, noise_m", list(SPECS), [10, 15, 30, 60], [1.5, 2.5, 4, 6], [0.0, 0.008]
)
def test_all_six_are_counted(name: str, fps: float, seconds: float, noise_m: float) -> None:
    frames = perform(
        "squat", repetitions=6, fps=fps, seconds_per_repetition=seconds, noise_m=noise_m
    )
    events = run(SPECS[name], frames)
    assert [line for line in told(events) if line.startswith("event")] == (
        ["event_completed:squat"] * 6
    )


MIDDLE = squat(160, (110, 145), 95)


def way(spec: MoveSpec, *degrees: float, **pace: float) -> list[str]:
    """The events of somebody whose knees go from one of these angles to the next."""
    postures = [
        Posture(left_leg=Limb(0, knee - 180), right_leg=Limb(0, knee - 180)) for knee in degrees
    ]
    return told(run(spec, going(*postures, **pace), finish=False))


def test_an_end_is_not_entered_by_who_never_comes_past_the_phase_between() -> None:
    """The person's own range would call 124 degrees the bottom."""
    lines = way(MIDDLE, 178, *[112, 178] * 6, seconds=1, stay_ms=200)
    assert "shape_enter:down" not in lines
    assert "event_completed:squat" not in lines


def test_shallow_repetitions_after_deep_ones_do_not_count() -> None:
    lines = way(MIDDLE, 178, *[80, 178] * 4, *[112, 178] * 6, seconds=1, stay_ms=200)
    assert lines.count("event_completed:squat") == 4
    assert lines.count("shape_enter:down") == 4


def test_who_comes_past_the_phase_between_and_not_to_the_band_counts_by_his_own_range() -> None:
    lines = way(MIDDLE, 178, *[101, 178] * 6, seconds=1, stay_ms=200)
    assert lines.count("event_completed:squat") == 6


def test_a_phase_that_no_frame_shows_is_entered_and_left_between_two() -> None:
    """At 10 frames a second the smoothed knees go from 138 degrees to 106."""
    spec = squat(160, (112, 132), 95)
    frames = at([bent(178)] * 8 + [bent(145), bent(112)] + [bent(80)] * 8, fps=10)
    lines = told(run(spec, frames, finish=False))
    assert lines == [
        "shape_enter:up",
        *("shape_exit:up", "shape_enter:half", "shape_exit:half", "shape_enter:down"),
    ]


@pytest.mark.parametrize(("straight", "bent_to"), [(175, 97), (153, 80)])
def test_an_end_is_entered_in_its_band_however_near_the_phase_between_is(
    straight: float, bent_to: float
) -> None:
    spec = squat(150, (101, 149), 100)
    lines = way(spec, straight, *[bent_to, straight] * 5, seconds=1, stay_ms=200)
    assert lines.count("event_completed:squat") == 5
    assert "event_interrupted:out_of_order" not in lines


def test_a_phase_that_the_sequence_does_not_use_keeps_nobody_out() -> None:
    phases = {
        "up": ["{joint: knee, angle_min: 150}"],
        "nearly": ["{joint: knee, angle_min: 101, angle_max: 125}"],
        "down": ["{joint: knee, angle_max: 100}"],
    }
    lines = way(movespec(phases, ["up", "down", "up"]), 175, *[97, 175] * 5, seconds=1, stay_ms=200)
    assert lines.count("event_completed:squat") == 5


def test_nor_does_it_make_a_step_wait() -> None:
    """The range of the stillness is since the repetition began, whatever is entered meanwhile."""
    phases = {
        "high": ["{joint: knee, angle_min: 115}"],
        "mid": ["{joint: knee, angle_min: 101, angle_max: 112}"],
        "low": ["{joint: knee, angle_max: 100}"],
    }
    spec = movespec(phases, ["high", "low", "high"])
    lines = way(spec, 120, *[98, 120] * 5, seconds=1, stay_ms=200)
    assert lines.count("event_completed:squat") == 5


def test_two_phases_that_are_passed_at_once_come_in_the_order_of_the_way() -> None:
    phases = {
        "up": ["{joint: knee, angle_min: 150}"],
        "upper": ["{joint: knee, angle_min: 122, angle_max: 134}"],
        "lower": ["{joint: knee, angle_min: 105, angle_max: 117}"],
        "down": ["{joint: knee, angle_max: 95}"],
    }
    spec = movespec(phases, ["up", "upper", "lower", "down", "lower", "upper", "up"])
    frames = perform("squat", repetitions=4, fps=10, seconds_per_repetition=2, noise_m=0.0)
    lines = told(run(spec, frames))
    assert lines.count("event_completed:squat") == 4
