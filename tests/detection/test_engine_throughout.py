"""`throughout`: what the author asks of a whole repetition, in place of what is inferred."""

import pytest
from engine_scene import completed, going, hidden, of_type, run, written

from dev.poses.figure import Limb, Posture

SQUAT = """
name: squat
phases:
  - {name: standing, criteria: [{joint: knee, min: 150}, {lean: trunk, max: 30}]}
  - {name: bottom, criteria: [{joint: knee, max: 100}, {lean: trunk, max: 60}]}
sequence: [standing, bottom, standing]
"""
PATH = "detection.movement.throughout[0]"


def bowed(trunk: float, knee: float) -> Posture:
    leg = Limb(0, -180 + knee)
    return Posture(lean=trunk, left_leg=leg, right_leg=leg)


def squat_text(throughout: str) -> str:
    knees = SQUAT.replace(", {lean: trunk, max: 60}", "").replace(", {lean: trunk, max: 30}", "")
    return f"{knees}throughout: {throughout}\n"


def squat(throughout: str):
    return written(squat_text(throughout))


GOOD = going(bowed(0, 175), bowed(20, 80), bowed(0, 175), stay_ms=400)
BOWED = going(bowed(0, 175), bowed(55, 80), bowed(0, 175), stay_ms=400)


def test_what_is_broken_for_longer_than_grace_breaks_the_repetition_off() -> None:
    events = run(squat("[{lean: trunk, max: 40}]"), BOWED)
    assert completed(events) == 0
    (interrupted,) = of_type(events, "event_interrupted")
    assert (interrupted["reason"], interrupted["path"], interrupted["number"]) == (
        "condition",
        PATH,
        1,
    )
    assert interrupted["by"] > 0


def test_a_frame_that_does_not_show_it_gives_no_new_grace() -> None:
    spec = squat("[{lean: trunk, max: 40, grace_ms: 800}]")
    seen = going(bowed(0, 175), bowed(55, 80), bowed(0, 175), stay_ms=800)
    shoulders = ("left_shoulder", "right_shoulder")
    hiding = [
        frame._replace(landmarks=hidden(frame.landmarks, *shoulders))
        if 35 <= number < 45
        else frame
        for number, frame in enumerate(seen)
    ]
    assert [completed(run(spec, frames)) for frames in (seen, hiding)] == [0, 0]


@pytest.mark.parametrize(
    ("sequence", "counted"), [("[standing, bottom, standing]", 0), ("[bottom, standing]", 1)]
)
def test_it_is_not_asked_within_the_first_step(sequence: str, counted: int) -> None:
    spec = written(
        squat_text("[{lean: trunk, max: 40}]").replace("[standing, bottom, standing]", sequence)
    )
    upright, bent, low = bowed(0, 175), bowed(0, 80), bowed(55, 80)
    frames = going(upright, bent, low, bent, upright, stay_ms=400)
    assert completed(run(spec, frames)) == counted


@pytest.mark.parametrize("more", ["tolerance: 20", "grace_ms: 3000"])
def test_tolerance_and_grace_allow_more(more: str) -> None:
    assert completed(run(squat(f"[{{lean: trunk, max: 40, {more}}}]"), BOWED)) == 1


def test_none_at_all_takes_the_place_of_what_is_inferred() -> None:
    inferred = written(SQUAT)
    frames = going(bowed(0, 175), bowed(75, 120), bowed(50, 80), bowed(0, 175), stay_ms=400)
    assert of_type(run(inferred, frames), "event_completed") == []
    named = written(SQUAT + "throughout: []\n")
    assert completed(run(named, frames)) == 1


def test_who_leans_before_it_begins_breaks_nothing_off() -> None:
    frames = going(bowed(0, 175), bowed(60, 175), bowed(0, 175), bowed(20, 80), bowed(0, 175))
    events = run(squat("[{lean: trunk, max: 40}]"), frames)
    assert completed(events) == 1
    assert of_type(events, "event_interrupted") == []


def test_the_persons_range_stays() -> None:
    poses = [bowed(0, 175), bowed(20, 80)] * 3 + [bowed(0, 175), bowed(60, 80), bowed(0, 175)]
    frames = going(*poses, bowed(20, 112), bowed(0, 175), stay_ms=400)
    events = run(squat("[{lean: trunk, max: 40}]"), frames)
    # The last goes 63 degrees: enough of 95, but not of a first one that must reach the band.
    assert completed(events) == 4


def test_bands_are_held_to_where_the_author_says_so() -> None:
    near = going(bowed(0, 175), bowed(10, 106), bowed(0, 175), stay_ms=400)
    deep = going(bowed(0, 175), bowed(10, 80), bowed(0, 175), stay_ms=400)
    spec = written(SQUAT + "judge: bands\n")
    assert (completed(run(spec, near)), completed(run(spec, deep))) == (0, 1)
