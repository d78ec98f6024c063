"""The plane of a movement: from where its angles are seen, one camera, and degrees that hold."""

from dataclasses import replace
from itertools import product
from textwrap import indent
from typing import Any

import pytest
from engine_scene import SQUAT, of_type, run, run_restored, written
from movespec_documents import DOCUMENT, HOLD, edit

from detection import Engine, MoveSpec, PoseFrame, camera, compile, roles, validate  # noqa: A004
from dev.poses.figure import LANDMARKER, Limb, Posture, between, perform

PLANES = (None, "sagittal", "frontal")
EXTENSION = """
name: knee extension
plane: sagittal
count: each_side
phases:
  - {name: bent, criteria: [{joint: knee, max: 110}]}
  - {name: straight, criteria: [{joint: knee, min: 150}]}
sequence: [straight, bent]
"""


def in_plane(plane: str | None, movement: str = SQUAT) -> MoveSpec:
    return written(movement if plane is None else f"plane: {plane}\n{movement}")


def filmed(exercise: str, turned: float, repetitions: int = 2) -> list[PoseFrame]:
    return perform(
        exercise, repetitions=repetitions, camera=replace(LANDMARKER, turned=turned, noise_m=0.0)
    )


def measures(spec: MoveSpec, frames: list[PoseFrame]) -> list[dict[str, Any]]:
    found = of_type(run(spec, frames), "event_completed")
    return [completion["metrics"]["measures"] for completion in found]


# The language


@pytest.mark.parametrize("document", [DOCUMENT, HOLD], ids=["repetition", "hold"])
@pytest.mark.parametrize("plane", PLANES[1:])
def test_a_movement_has_a_plane(document: str, plane: str) -> None:
    text = edit("    phases:", f"    plane: {plane}\n    phases:", document)
    assert compile(text).plane == plane
    assert compile(document).plane is None


# One camera


@pytest.mark.parametrize(
    ("plane", "criteria", "view"),
    [
        (None, "{joint: knee, %s}", "side"),
        ("sagittal", "{joint: knee, %s}", "side"),
        ("frontal", "{joint: hip, %s}", "front"),
        ("sagittal", "{joint: shoulder, %s}", "side"),
        ("frontal", "{joint: shoulder, %s}", "front"),
        ("sagittal", "{joint: knee, side: both, %s}", "side"),
        ("frontal", "{joint: hip, side: either, %s}", "front"),
        ("frontal", "{joint: knee, side: front, %s}", "oblique"),
        ("frontal", "{joint: hip, %s}, {joint: ankle, min: 40}", "oblique"),
    ],
)
def test_one_camera_shows_all_that_is_asked_for(
    plane: str | None, criteria: str, view: str
) -> None:
    ends = [criteria.replace("%s", band) for band in ("min: 150", "max: 100")]
    phases = "\n".join(f"  - {{name: p{n}, criteria: [{end}]}}" for n, end in enumerate(ends))
    spec = in_plane(plane, f"name: x\nphases:\n{phases}\nsequence: [p1, p0]\n")
    assert camera(spec).view == view


def test_of_each_side_the_camera_shows_both_and_they_are_counted_there() -> None:
    """From the front, where such criteria were said to be seen, none is counted."""
    spec = written(EXTENSION)
    assert {role.view for role in roles(spec)} == {"side"}
    assert camera(spec).view == "oblique"
    seated = Posture(left_leg=Limb(90, 0), right_leg=Limb(90, 0))
    ways = {side: replace(seated, **{f"{side}_leg": Limb(90, 85)}) for side in ("left", "right")}

    def posture_at(second: float) -> Posture:
        side = "left" if second < 10.0 else "right"
        share = min(max(abs((second % 2.0) - 1.0) * 2.0 - 0.5, 0.0), 1.0)
        return between(ways[side], seated, share)

    def counted(turned: float) -> dict[str, int]:
        engine = Engine(spec)
        for frame in replace(LANDMARKER, turned=turned).film(posture_at, seconds=20.0):
            engine.feed(frame)
        summary = engine.summary()["knee extension"]
        return dict(summary["by_side"])

    assert counted(45.0) == {"left": 5, "right": 5}
    assert counted(90.0) == {"left": 0, "right": 0}


# Degrees that hold


@pytest.mark.parametrize(
    ("plane", "turned"),
    [
        *product(PLANES, (0.0, 20.0, 70.0, 90.0, 180.0, 270.0)),
        # The depth of the shoulders is too flat to tell 45° from the front.
        *product((None, "sagittal"), (45.0,)),
    ],
)
def test_degrees_are_uncertain_outside_of_their_view(plane: str | None, turned: float) -> None:
    is_side, is_front = turned in (0.0, 20.0, 180.0), turned in (70.0, 90.0, 270.0)
    holds = is_front if plane == "frontal" else is_side
    spec = in_plane(plane, SQUAT.replace("min: 150", "min: 165").replace("max: 100", "max: 164"))
    found = measures(spec, filmed("squat", turned))
    assert found
    for knee in (one["joint.knee"] for one in found):
        assert knee.keys() == {"least", "most"} | (set() if holds else {"uncertain"})
        assert knee.get("uncertain", True) is True


@pytest.mark.parametrize(("turned", "told"), [(0.0, None), (90.0, True)])
def test_a_check_s_value_is_uncertain_too(turned: float, told: bool | None) -> None:
    """Also of a measure that no phase has, and of an attempt."""
    checks = "checks:\n  - {name: upright, lean: trunk, most: {max: 180}%s}\n"
    for required, type_ in (("", "event_completed"), (", required: true", "event_interrupted")):
        limits = checks.replace("max: 180", "max: 1") if required else checks
        spec = in_plane("sagittal", SQUAT + limits % required)
        events = [one for one in run(spec, filmed("squat", turned)) if one.type == type_]
        assert [one.payload["metrics"]["checks"][0].get("uncertain") for one in events] == [
            told
        ] * 2


def test_of_arms_in_no_plane_nothing_is_uncertain() -> None:
    phases = (
        "  - {name: down, criteria: [{joint: shoulder, max: 40}]}\n"
        "  - {name: up, criteria: [{joint: shoulder, min: 80}]}\n"
    )
    movement = f"name: raise\nphases:\n{phases}sequence: [up, down]\n"
    for plane, turned in product(PLANES, (0.0, 90.0)):
        found = measures(in_plane(plane, movement), filmed("lateral-raise", turned))
        holds = plane is None or (plane == "frontal") == (turned == 90.0)
        assert [one["joint.shoulder"].get("uncertain", False) for one in found] == [not holds] * 2


def test_who_turns_between_two_repetitions_has_one_of_each() -> None:
    from_side, from_front = filmed("squat", 0.0), filmed("squat", 45.0)
    later = from_side[-1].timestamp_ms + 33.0
    frames = from_side + [
        PoseFrame(later + frame.timestamp_ms, frame.landmarks) for frame in from_front
    ]
    spec = in_plane("sagittal")
    told = [one["joint.knee"].get("uncertain") for one in measures(spec, frames)]
    assert told == [None, None, True, True]
    engine = Engine(spec)
    for number, frame in enumerate(frames):
        engine.feed(frame)
        if number + 1 == len(from_side):
            assert "uncertain" not in engine.summary()["squat"]["measures"]["joint.knee"]
    assert engine.summary()["squat"]["measures"]["joint.knee"]["uncertain"] is True
    assert run_restored(spec, frames, set(range(len(frames)))) == run(spec, frames)


def test_a_hold_s_are_told_too() -> None:
    spec = written(
        "name: stand\nplane: sagittal\ntarget_ms: 500\n"
        "phases: [{name: stand, criteria: [{joint: knee, min: 150}]}]\n",
        type_="hold",
    )
    still = Posture()
    for turned, told in ((0.0, None), (90.0, True)):
        frames = replace(LANDMARKER, turned=turned).film(lambda _: still, seconds=2.0)
        [held] = measures(spec, frames)
        assert held["joint.knee"].get("uncertain") == told


def test_no_plane_changes_a_count_or_what_carries() -> None:
    for turned in (0.0, 45.0):
        frames = filmed("squat", turned, repetitions=3)
        told = [
            [(one.type, one.ts_ms, one.payload.get("score")) for one in run(spec, frames)]
            for spec in map(in_plane, PLANES)
        ]
        assert told[0] == told[1] == told[2]
    by_plane = [[(one.role, one.sentence) for one in roles(in_plane(plane))] for plane in PLANES]
    assert by_plane[0] == by_plane[1] == by_plane[2]


# Criteria that disagree


def views_disagree(movement: str, above: str = "") -> list[tuple[str, str | None]]:
    head = f"name: test\nversion: '1'\ndetection:\n  type: repetition\n{above}  movement:\n"
    text = head + indent(movement.strip(), "    ") + "\n"
    return [(one.message, one.path) for one in validate(text).warnings]


FACING, SIDE_ON = "  setup: {view: front}\n", "  setup: {view: side}\n"


def test_criteria_that_no_view_shows_together_are_warned_of() -> None:
    movement = EXTENSION.replace("sagittal", "frontal").replace(
        "max: 110}]", "max: 110}, {joint: ankle, min: 60}]"
    )
    assert views_disagree(movement) == [
        (
            "A camera sees this from the side, and others from the front. Film at 45°, between the"
            " side and the front: degrees are less certain there.",
            "detection.movement.phases[0].criteria[1]",
        )
    ]
    assert views_disagree(EXTENSION) == views_disagree(SQUAT) == []


@pytest.mark.parametrize(
    ("plane", "setup", "message"),
    [
        ("sagittal", SIDE_ON, None),
        ("frontal", FACING, None),
        (
            "sagittal",
            FACING,
            "The setup asks for the front, and an angle is seen from the side. Change the view, or"
            " write plane: frontal if the body moves in that plane.",
        ),
        (
            "frontal",
            SIDE_ON,
            "The setup asks for the side, and an angle is seen from the front. Change the view, or"
            " write plane: sagittal if the body moves in that plane.",
        ),
    ],
)
def test_a_setup_s_view_from_which_an_angle_is_not_seen_is_warned_of(
    plane: str, setup: str, message: str | None
) -> None:
    found = views_disagree(f"plane: {plane}\n{SQUAT.strip()}", setup)
    assert found == ([] if message is None else [(message, "detection.setup.view")])
