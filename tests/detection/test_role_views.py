"""From where an angle is seen: what the engine measures of a figure that turns to the camera."""

import math
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from engine_scene import Pose, movespec

from detection import JOINT_LANDMARKS, SEGMENT_LANDMARKS, Engine, Measure, MoveSpec, View, roles
from detection.landmarks import INDEX
from dev.poses.figure import LANDMARKER, Limb, Posture, between, landmarks

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "movespec" / "where-to-film.md"
TURNS = (0, 30, 45, 60, 90)
# An angle is seen where the engine measures so much of its change.
SEEN_PERCENT = 70

Way = tuple[Posture, Posture]

STANDING = Posture(left_arm=Limb(0, 0, 5), right_arm=Limb(0, 0, 5))
PRONE, PROPPED = Limb(-76, -76), Limb(5, -5)
PUSH_UP = Posture(
    lean=76, left_leg=PRONE, right_leg=PRONE, left_arm=PROPPED, right_arm=PROPPED, foot=-80
)


def legs(limb: Limb, lean: float = 0.0) -> Way:
    return STANDING, replace(STANDING, lean=lean, left_leg=limb, right_leg=limb)


def arms(limb: Limb, begin: Posture = STANDING) -> Way:
    return begin, replace(begin, left_arm=limb, right_arm=limb)


HALF_SQUAT, LEGS_APART = legs(Limb(50, -25), lean=25), legs(Limb(0, 0, 35))
FORWARD, ASIDE = arms(Limb(90, 90, 5)), arms(Limb(0, 0, 90))
# How a measure is moved, and the view that shows it.
WAYS: dict[tuple[Measure, str], tuple[Way, View]] = {
    ("knee", "half a squat"): (HALF_SQUAT, "side"),
    ("hip", "half a squat"): (HALF_SQUAT, "side"),
    ("thigh", "half a squat"): (HALF_SQUAT, "side"),
    ("shank", "half a squat"): (HALF_SQUAT, "side"),
    ("ankle", "heels raised"): ((replace(STANDING, foot=0), replace(STANDING, foot=-45)), "side"),
    ("trunk", "bent forward by 60°"): ((STANDING, replace(STANDING, lean=60)), "side"),
    ("elbow", "a push-up, elbows close"): (arms(Limb(-60, 55), PUSH_UP), "side"),
    ("shoulder", "arms raised forward"): (FORWARD, "any"),
    ("upper_arm", "arms raised forward"): (FORWARD, "any"),
    ("forearm", "arms raised forward"): (FORWARD, "any"),
    ("shoulder", "arms raised aside"): (ASIDE, "any"),
    ("upper_arm", "arms raised aside"): (ASIDE, "any"),
    ("forearm", "arms raised aside"): (ASIDE, "any"),
    ("hip", "legs apart by 35°"): (LEGS_APART, "front"),
    ("thigh", "legs apart by 35°"): (LEGS_APART, "front"),
    ("shank", "legs apart by 35°"): (LEGS_APART, "front"),
    ("trunk", "bent aside by 35°"): ((STANDING, replace(STANDING, tilt=35)), "front"),
}


def carried_by(measure: Measure, side: str = "") -> MoveSpec:
    """A MoveSpec whose movement this angle carries."""
    kind = "joint" if measure in JOINT_LANDMARKS else "lean"
    angle = f"{kind}: {measure}{side and f', side: {side}'}"
    return movespec(
        {"low": [f"{{{angle}, angle_max: 60}}"], "high": [f"{{{angle}, angle_min: 120}}"]},
        ["low", "high"],
    )


def true_degrees(measure: Measure, pose: Pose) -> float:
    """The angle in space: of the right side, of the trunk between the middles of both."""
    sides = ("left", "right") if measure == "trunk" else ("right",)

    def way(start: str, end: str) -> list[float]:
        return [
            sum(
                pose[INDEX[f"{side}_{end}"]][axis] - pose[INDEX[f"{side}_{start}"]][axis]
                for side in sides
            )
            for axis in range(3)
        ]

    if measure in JOINT_LANDMARKS:
        start, middle, end = JOINT_LANDMARKS[measure]
        u, v = way(middle, start), way(middle, end)
    else:
        u, v = [0.0, -1.0, 0.0], way(*SEGMENT_LANDMARKS[measure])
    cosine = sum(a * b for a, b in zip(u, v, strict=True)) / (math.hypot(*u) * math.hypot(*v))
    return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))


@cache
def percents(name: tuple[Measure, str]) -> list[int]:
    """How much of the angle's change the engine measures at each turn to the camera."""
    measure, way = name[0], WAYS[name][0]

    def posture_at(second: float) -> Posture:
        return between(*way, min(max(second - 1.0, 0.0), 1.0))

    true = [true_degrees(measure, landmarks(posture_at(1.0 + step / 30))) for step in range(31)]
    found = []
    for turned in TURNS:
        engine, measured = Engine(carried_by(measure)), []
        for frame in replace(LANDMARKER, turned=turned).film(posture_at, seconds=3.0):
            engine.feed(frame)
            ((degrees, _),) = engine.driving_degrees()
            measured.append(degrees)
        known = [degrees for degrees in measured if degrees is not None]
        found.append(round(100 * (max(known) - min(known)) / (max(true) - min(true))))
    return found


@pytest.mark.parametrize("name", WAYS, ids=" ".join)
def test_a_change_is_seen_from_its_view_and_up_to_45_degrees_off(name: tuple[Measure, str]) -> None:
    from_side, at_30, at_45, _, from_front = (one >= SEEN_PERCENT for one in percents(name))
    view = WAYS[name][1]
    assert at_45
    assert (from_side, at_30) == ((False, False) if view == "front" else (True, True))
    assert from_front == (view != "side")


def views_of(measure: Measure, side: str = "") -> set[View]:
    return {role.view for role in roles(carried_by(measure, side))}


def test_a_role_has_the_view_of_what_goes_forward() -> None:
    forward = {name[0]: view for name, (_, view) in WAYS.items() if view != "front"}
    # The figure's hands don't bend. A wrist is the same three points in a row as an elbow.
    forward["wrist"] = forward["elbow"]
    assert {*forward} == {*JOINT_LANDMARKS, *SEGMENT_LANDMARKS}
    for measure, view in forward.items():
        assert views_of(measure) == {view}
        if measure != "trunk":
            assert views_of(measure, "left") == views_of(measure, "right") == {view}


@pytest.mark.parametrize("measure", ["knee", "shoulder", "upper_arm"])
def test_both_limbs_are_seen_as_one_is_and_which_leads_from_the_side(measure: Measure) -> None:
    assert views_of(measure, "both") == views_of(measure, "either") == views_of(measure)
    assert views_of(measure, "front") == views_of(measure, "back") == {"side"}


def test_the_reference_has_what_was_measured() -> None:
    section = REFERENCE.read_text(encoding="utf-8").split("## From which view")[1]
    rows = re.findall(r"^\| (\w+) \| ([^|]+) \| ([\d |]+) \| `(\w+)` \|$", section, re.M)
    assert {
        (measure, how): ([*map(int, numbers.split("|"))], view)
        for measure, how, numbers, view in rows
    } == {name: (percents(name), view) for name, (_, view) in WAYS.items()}
