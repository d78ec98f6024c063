"""Any number of phases, over one angle or several."""

from engine_scene import going, movespec, run, told

from detection import MoveSpec
from dev.poses.figure import Limb, Posture, mirrored


def arms(degrees: float, elbow: float = 180) -> Posture:
    """Both arms raised ahead by so much."""
    arm = Limb(degrees, degrees + 180 - elbow)
    return Posture(left_arm=arm, right_arm=arm)


ARM = {
    "down": ["{joint: shoulder, angle_max: 30}"],
    "level": ["{joint: shoulder, angle_min: 70, angle_max: 110}"],
    "overhead": ["{joint: shoulder, angle_min: 150}"],
}
UP_AND_DOWN = ["down", "level", "overhead", "level", "down"]
DOWN, LEVEL, OVERHEAD = arms(8), arms(90), arms(170)


def outcomes(spec: MoveSpec, *postures: Posture, **pace: float) -> list[str]:
    frames = going(*postures, **pace)
    return [line for line in told(run(spec, frames, finish=False)) if line.startswith("event")]


def test_an_arm_goes_through_three_phases_and_back() -> None:
    spec = movespec(ARM, UP_AND_DOWN)
    frames = going(DOWN, *[LEVEL, OVERHEAD, LEVEL, DOWN] * 5, seconds=1, stay_ms=300)
    assert told(run(spec, frames))[:10] == [
        "shape_enter:down",
        *("shape_exit:down", "shape_enter:level"),
        *("shape_exit:level", "shape_enter:overhead"),
        *("shape_exit:overhead", "shape_enter:level"),
        *("shape_exit:level", "shape_enter:down", "event_completed:squat"),
    ]
    assert outcomes(spec, DOWN, *[LEVEL, OVERHEAD, LEVEL, DOWN] * 5, seconds=1) == (
        ["event_completed:squat"] * 5
    )


def test_a_phase_between_is_passed_without_a_stay() -> None:
    spec = movespec(ARM, UP_AND_DOWN)
    assert outcomes(spec, DOWN, *[OVERHEAD, DOWN] * 5, seconds=1) == ["event_completed:squat"] * 5


def test_who_turns_at_the_phase_between_completes_nothing() -> None:
    spec = movespec(ARM, UP_AND_DOWN)
    lines = outcomes(spec, DOWN, *[LEVEL, DOWN] * 4, seconds=1, stay_ms=300)
    assert lines[0] == "event_interrupted:out_of_order"
    assert "event_completed:squat" not in lines


BENT_OVER = Posture(
    lean=70, left_leg=Limb(20, -25), right_leg=Limb(20, -25), left_arm=Limb(), right_arm=Limb()
)
RACK = Posture(left_arm=Limb(20, 155), right_arm=Limb(20, 155))
PRESSED = arms(170)
CLEAN_AND_PRESS = {
    "bent over": ["{joint: hip, angle_max: 110}"],
    "rack": ["{joint: hip, angle_min: 150}", "{joint: elbow, angle_max: 80}"],
    "overhead": ["{joint: hip, angle_min: 150}", "{joint: elbow, angle_min: 150}"],
}
CLEAN = movespec(CLEAN_AND_PRESS, ["bent over", "rack", "overhead"])


def test_a_clean_and_press_goes_over_the_hips_and_then_over_the_elbows() -> None:
    assert outcomes(CLEAN, *[BENT_OVER, RACK, PRESSED, RACK] * 4, seconds=1, stay_ms=300) == (
        ["event_completed:squat"] * 4
    )


def test_a_press_alone_and_a_clean_alone_complete_nothing() -> None:
    pressing = [RACK, PRESSED] * 4
    assert "event_completed:squat" not in outcomes(CLEAN, *pressing, seconds=1, stay_ms=300)
    cleaning = [BENT_OVER, RACK] * 4
    assert "event_completed:squat" not in outcomes(CLEAN, *cleaning, seconds=1, stay_ms=300)


KNEES = {
    "left up": ["{joint: hip, side: left, angle_max: 120}"],
    "right up": ["{joint: hip, side: right, angle_max: 120}"],
}
STANDING, LEFT_UP = Posture(), Posture(left_leg=Limb(90, 0))
RIGHT_UP = mirrored(LEFT_UP)


def test_knees_lifted_in_turn_are_a_repetition_each_pair() -> None:
    spec = movespec(KNEES, ["left up", "right up"])
    marching = [STANDING, LEFT_UP, STANDING, RIGHT_UP] * 5
    assert outcomes(spec, *marching, stay_ms=200) == ["event_completed:squat"] * 5


def test_one_knee_lifted_again_and_again_is_none() -> None:
    spec = movespec(KNEES, ["left up", "right up"])
    assert outcomes(spec, *[STANDING, LEFT_UP] * 5, stay_ms=200) == []


def test_the_same_with_standing_between_them() -> None:
    # Two phases are low, of different sides: the angle carries nothing, and bands decide.
    spec = movespec(
        KNEES | {"standing": ["{joint: hip, side: both, angle_min: 150}"]},
        ["standing", "left up", "standing", "right up", "standing"],
    )
    marching = [STANDING, LEFT_UP, STANDING, RIGHT_UP] * 5
    assert outcomes(spec, *marching, STANDING, stay_ms=200) == ["event_completed:squat"] * 5
