"""What every phase of the sequence demands must hold throughout, between the phases too."""

from dataclasses import replace

import pytest
from engine_scene import completed, going, movespec, run, told

from dev.poses.figure import Limb, Posture, perform

PUSH_UP = {
    "up": ["{joint: elbow, angle_min: 150}", "{lean: trunk, angle_min: 50}"],
    "down": ["{joint: elbow, angle_max: 110}", "{lean: trunk, angle_min: 60}"],
}
SPEC = movespec(PUSH_UP, ["up", "down", "up"])
PRONE = Limb(-76, -76)
PLANK, LOW = (
    Posture(lean=76, left_leg=PRONE, right_leg=PRONE, left_arm=arm, right_arm=arm, foot=-80)
    for arm in (Limb(5, -5), Limb(-45, 40, 40, -40))
)
STANDING = Posture()


def of_repetitions(events: object) -> list[str]:
    return [line for line in told(events) if line.startswith("event")]  # type: ignore[arg-type]


def with_arms_of(posture: Posture, lean: float) -> Posture:
    """The same arms before a trunk that leans by so much."""
    turn = posture.lean - lean

    def turned(arm: Limb) -> Limb:
        return replace(arm, upper=arm.upper + turn, lower=arm.lower + turn)

    return Posture(
        lean=lean, left_arm=turned(posture.left_arm), right_arm=turned(posture.right_arm)
    )


@pytest.mark.parametrize("turned", [0, 10, 30])
def test_push_ups_of_somebody_who_lies_count(turned: float) -> None:
    assert completed(run(SPEC, perform("push-up", repetitions=6, fps=30, turned=turned))) == 6


@pytest.mark.parametrize("lean", [0, 20, 40])
def test_the_same_movement_of_the_arms_standing_counts_nothing(lean: float) -> None:
    up, down = with_arms_of(PLANK, lean), with_arms_of(LOW, lean)
    frames = going(up, *[down, up] * 6, stay_ms=200)
    without = movespec(
        {name: criteria[:1] for name, criteria in PUSH_UP.items()}, ["up", "down", "up"]
    )
    assert completed(run(without, frames)) == 6
    assert completed(run(SPEC, frames)) == 0


def test_who_gets_up_midway_is_interrupted() -> None:
    frames = going(PLANK, LOW, STANDING, PLANK, LOW, PLANK, seconds=1, stay_ms=500)
    assert of_repetitions(run(SPEC, frames)) == [
        "event_interrupted:condition",
        "event_completed:squat",
    ]


def test_who_gets_up_between_two_repetitions_is_not() -> None:
    frames = going(PLANK, LOW, PLANK, STANDING, PLANK, LOW, PLANK, seconds=1, stay_ms=500)
    assert of_repetitions(run(SPEC, frames)) == ["event_completed:squat"] * 2


def test_a_moment_outside_interrupts_nothing() -> None:
    frames = going(PLANK, LOW, PLANK, seconds=1, stay_ms=500)
    upright = with_arms_of(LOW, 0)
    jump = going(upright)[0].landmarks
    for n in range(50, 53):
        frames[n] = frames[n]._replace(landmarks=jump)
    assert of_repetitions(run(SPEC, frames)) == ["event_completed:squat"]


def test_the_widest_of_the_bands_is_demanded_between_the_phases() -> None:
    # Upright by 55 degrees is enough for "up", and for the way, but not for "down".
    leaning = replace(PLANK, lean=57)
    frames = going(PLANK, LOW, leaning, PLANK, seconds=1, stay_ms=500)
    assert of_repetitions(run(SPEC, frames)) == ["event_completed:squat"]


SQUAT = {
    name: [f"{{joint: knee, {bound}}}", "{lean: trunk, max: 45}"]
    for name, bound in (("standing", "min: 150"), ("bottom", "max: 100"))
}


@pytest.mark.parametrize("sequence", [["standing", "bottom", "standing"], ["bottom", "standing"]])
def test_a_condition_that_is_broken_on_the_way_to_the_second_step_is_an_attempt(
    sequence: list[str],
) -> None:
    spec = movespec(SQUAT, sequence)
    bent_over = Posture(lean=85, left_leg=Limb(60, -40), right_leg=Limb(60, -40))
    frames = going(STANDING, bent_over, STANDING, bent_over, STANDING, stay_ms=500)
    attempts = [event.payload for event in run(spec, frames) if event.type == "event_interrupted"]
    assert [(one["reason"], one["path"]) for one in attempts] == [
        ("condition", "detection.movement.phases[0].criteria[1]")
    ] * 2
    assert all(one["by"] > 5 for one in attempts)


def test_who_bends_over_with_straight_knees_has_not_tried() -> None:
    bends = going(STANDING, Posture(lean=80), STANDING, stay_ms=500)
    assert "event_interrupted:condition" not in told(run(movespec(SQUAT), bends))
