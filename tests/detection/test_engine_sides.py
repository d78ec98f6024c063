"""Each meaning of `side`."""

import pytest
from engine_scene import bent, completed, crouched, held, hidden, movespec, run, told
from golden_states import EXAMPLES

import detection
from detection import LANDMARK_NAMES, EngineSettings
from dev.poses.figure import perform


def entered(criterion: str, *stays: tuple[object, float]) -> list[str]:
    spec = movespec({"in": [criterion], "other": ["{joint: hip, angle_max: 1}"]}, ["in", "other"])
    return told(run(spec, held(*stays)))


@pytest.mark.parametrize(
    ("side", "holds"),
    [("left", {"left"}), ("right", {"right"}), ("both", set()), ("either", {"left", "right"})],
)
def test_which_bent_knee_a_side_means(side: str, holds: set[str]) -> None:
    criterion = f"{{joint: knee, side: {side}, angle_max: 100}}"
    enters = ["shape_enter:in"]
    assert (entered(criterion, (bent(90, 170), 500)) == enters) == ("left" in holds)
    assert (entered(criterion, (bent(170, 90), 500)) == enters) == ("right" in holds)
    assert entered(criterion, (bent(90, 90), 500)) == enters
    assert entered(criterion, (bent(170, 170), 500)) == []


@pytest.mark.parametrize(("side", "confidence"), [("both", 0.6), ("either", 0.9)])
def test_its_confidence_is_that_of_the_side_that_decides(side: str, confidence: float) -> None:
    """The worse seen side of both, the better seen one of either."""
    pose = tuple(
        mark._replace(visibility=0.6 if name.startswith("right_") else 0.9)
        for name, mark in zip(LANDMARK_NAMES, bent(90), strict=True)
    )
    criterion = f"{{joint: knee, side: {side}, angle_max: 100}}"
    spec = movespec({"in": [criterion], "other": ["{joint: hip, angle_max: 1}"]}, ["in", "other"])
    (event,) = run(spec, held((pose, 500)))
    assert event.payload["confidence"] == confidence


BOTH_BENT = "{joint: knee, side: both, angle_max: 100}"


@pytest.mark.parametrize("ankle", ["left_ankle", "right_ankle"])
def test_both_is_told_by_the_side_in_sight(ankle: str) -> None:
    assert entered(BOTH_BENT, (hidden(bent(90), ankle), 500)) == ["shape_enter:in"]
    assert entered(BOTH_BENT, (hidden(bent(170), ankle), 500)) == []


def test_both_is_not_met_while_neither_side_is_in_sight() -> None:
    pose = hidden(bent(90), "left_ankle", "right_ankle")
    assert entered(BOTH_BENT, (pose, 500)) == []
    assert entered(BOTH_BENT, (pose, 500), (bent(90), 500)) == ["shape_enter:in"]


def test_both_is_left_when_the_side_in_sight_fails() -> None:
    gone = hidden(bent(90, 170), "left_ankle")
    assert entered(BOTH_BENT, (bent(90), 500), (gone, 500)) == ["shape_enter:in", "shape_exit:in"]


def test_both_is_left_when_a_side_comes_into_sight_that_fails() -> None:
    half = hidden(bent(170, 90), "left_ankle")
    assert entered(BOTH_BENT, (half, 500), (bent(170, 90), 500)) == [
        "shape_enter:in",
        "shape_exit:in",
    ]


def test_a_plank_is_held_with_its_far_side_out_of_sight() -> None:
    spec = detection.compile((EXAMPLES / "plank.yaml").read_text(), parameters={"hold_ms": 2_000})
    assert completed(run(spec, perform("plank", repetitions=1, fps=30))) == 1


def test_either_is_told_by_the_side_in_sight() -> None:
    pose = hidden(bent(170, 90), "left_ankle")
    assert entered("{joint: knee, side: either, angle_max: 100}", (pose, 500)) == ["shape_enter:in"]


FRONT_BENT = "{joint: knee, side: front, angle_max: 100}"
BACK_BENT = "{joint: knee, side: back, angle_max: 100}"


def test_front_is_the_leg_whose_ankle_is_farther_along_the_toes() -> None:
    left_ahead_and_bent = bent(95, 170, ahead=60)
    assert entered(FRONT_BENT, (left_ahead_and_bent, 1000)) == ["shape_enter:in"]
    assert entered(BACK_BENT, (left_ahead_and_bent, 1000)) == []


def test_back_is_the_other_one() -> None:
    right_behind_and_bent = bent(170, 95, ahead=40)
    assert entered(BACK_BENT, (right_behind_and_bent, 1000)) == ["shape_enter:in"]
    assert entered(FRONT_BENT, (right_behind_and_bent, 1000)) == []


def test_before_a_lead_is_known_neither_holds() -> None:
    assert entered(FRONT_BENT, (crouched(90, 90), 2000)) == []
    assert entered(BACK_BENT, (crouched(90, 90), 2000)) == []
    assert (
        entered(FRONT_BENT, (bent(95, 170, ahead=60), EngineSettings().lead.lead_held_ms - 50))
        == []
    )


def test_the_lead_stays_when_the_legs_come_together() -> None:
    assert entered(FRONT_BENT, (bent(170, 170, ahead=30), 1000), (crouched(90, 170), 500)) == [
        "shape_enter:in"
    ]


def test_the_lead_changes_only_after_the_other_side_has_been_ahead_for_a_while() -> None:
    left_leads = (bent(170, 170, ahead=30), 1000)
    short = (bent(170, 170, ahead=-30), 150)
    long = (bent(170, 170, ahead=-30), 400)
    left_bent = (crouched(90, 170), 500)
    assert entered(FRONT_BENT, left_leads, short, left_bent) == ["shape_enter:in"]
    assert entered(FRONT_BENT, left_leads, long, left_bent) == []
    assert entered(FRONT_BENT, left_leads, long, (crouched(170, 90), 500)) == ["shape_enter:in"]
