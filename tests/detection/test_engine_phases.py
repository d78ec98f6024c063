"""When a phase is entered and left: dwell, gates, and phases that can't hold together.

What carries a movement is judged by its swing: see test_engine_swing.py. A gate holds in its band.
"""

from dataclasses import replace

import pytest
from engine_scene import at, bent, completed, going, held, movespec, run, swinging, told

from detection import Engine, EngineSettings
from dev.poses.figure import Limb, Posture

SETTINGS = EngineSettings()
UP, DOWN = bent(178), bent(80)
LOW = Limb(60, -40)
# Nobody's: a phase that is never entered.
FOLDED = "{joint: hip, angle_max: 1}"


@pytest.mark.parametrize("fps", [10, 15, 24, 30, 60])
def test_a_phase_is_entered_once_its_criteria_have_held_for_the_dwell(fps: float) -> None:
    (event,) = run(movespec(), held((UP, 1000), fps=fps))
    assert SETTINGS.phase.enter_ms <= event.ts_ms < SETTINGS.phase.enter_ms + 1000 / fps


def test_an_engine_is_given_its_settings() -> None:
    slow = replace(SETTINGS, phase=replace(SETTINGS.phase, enter_ms=500.0))
    engine = Engine(movespec(), slow)
    events = []
    for frame in held((UP, 1000)):
        engine = Engine.restore(movespec(), engine.snapshot(), slow)
        events += engine.feed(frame)
    (event,) = events
    assert 500 <= event.ts_ms < 500 + 1000 / 30


def test_a_phase_is_left_once_its_criteria_have_failed_for_the_dwell() -> None:
    events = run(movespec(), held((UP, 1000), (DOWN, 1000)))
    (left,) = [event for event in events if event.type == "shape_exit"]
    assert 1000 + SETTINGS.phase.exit_ms <= left.ts_ms <= 1000 + 2 * SETTINGS.phase.exit_ms


def test_a_gate_is_left_beyond_the_hysteresis() -> None:
    spec = movespec(
        {"bent": ["{joint: knee, angle_max: 120}"], "other": [FOLDED]}, ["bent", "other"]
    )
    for knee, leaves in ((123, []), (127, ["shape_exit:bent"])):
        lines = told(run(spec, held((bent(118), 1000), (bent(knee), 1000))))
        assert lines == ["shape_enter:bent", *leaves]


def test_a_gate_must_hold_in_its_band_however_far_the_movement_goes() -> None:
    phases = {
        "standing": ["{joint: knee, angle_min: 150}"],
        "bottom": ["{joint: knee, angle_max: 100}", "{joint: elbow, angle_min: 150}"],
    }
    spec = movespec(phases, ["standing", "bottom", "standing"])
    for elbow, count in ((160.0, 3), (145.0, 0)):
        arm = Limb(0, 180 - elbow)
        standing = Posture(left_arm=arm, right_arm=arm)
        low = Posture(left_leg=LOW, right_leg=LOW, left_arm=arm, right_arm=arm)
        frames = going(standing, *[low, standing] * 3, stay_ms=200)
        assert completed(run(spec, frames)) == count, elbow


def test_a_phase_goes_on_until_its_bands_are_missed_by_the_hysteresis() -> None:
    # Two phases that the sequence does not use, so that no movement goes between them.
    phases = {
        "one": ["{joint: elbow, angle_max: 90}"],
        "two": ["{joint: elbow, angle_min: 150}"],
        "straight": ["{joint: knee, angle_min: 120}"],
        "bent": ["{joint: knee, angle_max: 118}"],
    }
    spec = movespec(phases, ["one", "two"])
    knees = [125.0, 117.0, 121.0, 117.0, 121.0, 130.0, 110.0, 125.0]
    lines = told(run(spec, held(*[(bent(knee), 500) for knee in knees])))
    assert [line for line in lines if not line.endswith("two")] == [
        "shape_enter:straight",
        # Not at 117, which is in the band of the other, and too near to its own.
        *("shape_exit:straight", "shape_enter:bent"),
        *("shape_exit:bent", "shape_enter:straight"),
    ]


HALFWAY = {
    "standing": ["{joint: knee, angle_min: 150}"],
    "half": ["{joint: knee, angle_min: 95, angle_max: 130}"],
    "bottom": ["{joint: knee, angle_max: 90}"],
}
HALFWAY_CUES = ["{when: bottom, message: Down.}", "{when: half, message: Half.}"]


@pytest.mark.parametrize("first", [75, 105])
@pytest.mark.parametrize(("depth", "halves"), [(75, 12), (105, 6)])
def test_a_phase_that_the_sequence_does_not_use_leaves_its_neighbour_alone(
    first: int, depth: int, halves: int
) -> None:
    spec = movespec(HALFWAY, ["bottom", "standing"], HALFWAY_CUES)
    warm = at(swinging([175, first, 175, first, 175], stay_ms=300))
    start_ms = warm[-1].timestamp_ms + 1000 / 30
    engine = Engine(spec)
    for frame in warm:
        engine.feed(frame)
    squats = at(swinging([175, *[depth, 175] * 6], stay_ms=300), start_ms=start_ms)
    events = told(event for frame in squats for event in engine.feed(frame))
    assert events.count("shape_enter:bottom") == events.count("feedback:Down.") == 6
    assert events.count("shape_enter:half") == events.count("feedback:Half.") == halves
    assert events.count("event_completed:squat") == 6
