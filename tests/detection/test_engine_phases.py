"""When a phase is entered and left: dwell, hysteresis, and turns near its bands."""

from dataclasses import replace

import pytest
from engine_scene import at, bent, completed, held, movespec, run, swinging, told

from detection import Engine, EngineSettings

SETTINGS = EngineSettings()
UP, DOWN = bent(178), bent(80)


@pytest.mark.parametrize("fps", [10, 15, 24, 30, 60])
def test_a_phase_is_entered_once_its_criteria_have_held_for_the_dwell(fps: float) -> None:
    (event,) = run(movespec(), held((UP, 1000), fps=fps))
    assert SETTINGS.enter_ms <= event.ts_ms < SETTINGS.enter_ms + 1000 / fps


def test_an_engine_is_given_its_settings() -> None:
    slow = replace(SETTINGS, enter_ms=500.0)
    engine = Engine(movespec(), slow)
    events = []
    for frame in held((UP, 1000)):
        engine = Engine.restore(movespec(), engine.snapshot(), slow)
        events += engine.feed(frame)
    (event,) = events
    assert 500 <= event.ts_ms < 500 + 1000 / 30


def test_bounds_are_inclusive() -> None:
    phases = {
        "one": ["{joint: knee, angle_min: 120, angle_max: 120}"],
        "two": ["{joint: hip, angle_max: 9}"],
    }
    spec = movespec(phases, ["one", "two"])
    assert told(run(spec, held((bent(120), 500)))) == ["shape_enter:one"]
    assert told(run(spec, held((bent(120.01), 500)))) == []


def test_a_phase_is_left_once_its_criteria_have_failed_for_the_dwell() -> None:
    events = run(movespec(), held((UP, 1000), (DOWN, 1000)))
    (left,) = [event for event in events if event.type == "shape_exit"]
    assert 1000 + SETTINGS.exit_ms <= left.ts_ms <= 1000 + 2 * SETTINGS.exit_ms


def test_a_phase_is_not_left_within_the_hysteresis() -> None:
    spec = movespec()
    assert told(run(spec, held((bent(151), 1000), (bent(146), 2000)))) == ["shape_enter:standing"]
    assert "shape_exit:standing" in told(run(spec, held((bent(151), 1000), (bent(144), 2000))))


def test_an_angle_that_trembles_around_a_bound_enters_once() -> None:
    trembling = [bent(150 + (4 if n % 2 else -3)) for n in range(120)]
    assert told(run(movespec(), at([UP] * 15 + trembling))) == ["shape_enter:standing"]


def test_one_frame_elsewhere_changes_nothing() -> None:
    for fps in (10, 15, 30, 60):
        frames = at([UP] * 30 + [DOWN] + [UP] * 30, fps=fps)
        assert told(run(movespec(), frames)) == ["shape_enter:standing"]


def test_a_quick_pass_through_a_band_enters_it() -> None:
    # At the bottom for one frame of 30: shorter than the dwell, but the knees came and went.
    frames = at(swinging([178, 88, 178, 88, 178], degrees_per_second=450))
    assert completed(run(movespec(), frames)) == 2


def test_a_limb_that_goes_from_one_side_of_a_band_to_the_other_has_been_in_it() -> None:
    phases = {
        "standing": ["{joint: knee, angle_min: 150}"],
        "half": ["{joint: knee, angle_min: 105, angle_max: 125}"],
        "bottom": ["{joint: knee, angle_max: 80}"],
    }
    spec = movespec(phases, ["standing", "half", "bottom", "half", "standing"])
    frames = at(swinging([178, 65, 178, 65, 178], degrees_per_second=400))
    assert completed(run(spec, frames)) == 2


def test_a_turn_just_short_of_a_band_enters_with_less_confidence() -> None:
    events = run(movespec(), at(swinging([178, 103, 178])))
    assert completed(events) == 1
    (bottom,) = [
        e for e in events if e.type == "shape_enter" and e.payload["shape_key"] == "bottom"
    ]
    assert 0.8 < bottom.payload["confidence"] < 1.0
    assert events[-1].payload["score"] < 1.0


def test_a_partial_repetition_among_full_ones_is_not_counted() -> None:
    assert completed(run(movespec(), at(swinging([178, 85, 178, 118, 178, 85, 178])))) == 2


def test_somebody_who_never_quite_reaches_a_band_is_taken_as_he_is_from_the_second_turn() -> None:
    shallow = [178, 115] * 6 + [178]
    assert completed(run(movespec(), at(swinging(shallow)))) == 5


def test_somebody_who_stays_far_from_a_band_is_never_counted() -> None:
    assert completed(run(movespec(), at(swinging([178, 135] * 6 + [178])))) == 0


@pytest.mark.parametrize("depth", [101, 103, 110, 115])
def test_a_strict_phase_is_not_entered_by_coming_near(depth: float) -> None:
    frames = at(swinging([178, depth] * 6 + [178]))
    spec = movespec(strict=["bottom"])
    assert told(run(spec, frames)) == [
        *["shape_enter:standing", "shape_exit:standing"] * 6,
        "shape_enter:standing",
    ]


def test_a_strict_phase_is_entered_by_its_band() -> None:
    frames = at(swinging([178, 90] * 3 + [178], degrees_per_second=90))
    assert completed(run(movespec(strict=["standing", "bottom"]), frames)) == 3


def test_holding_still_near_a_band_enters_nothing() -> None:
    events = run(movespec(), at([*swinging([178, 105]), *[bent(105)] * 300]))
    assert told(events) == ["shape_enter:standing", "shape_exit:standing"]


def test_a_turn_in_the_band_of_another_phase_is_not_near_this_one() -> None:
    phases = {
        "standing": ["{joint: knee, angle_min: 150}"],
        "half": ["{joint: knee, angle_min: 102, angle_max: 140}"],
        "bottom": ["{joint: knee, angle_max: 100}"],
    }
    spec = movespec(phases, ["standing", "half", "bottom", "half", "standing"])
    assert "shape_enter:bottom" not in told(run(spec, at(swinging([178, 105, 178, 105, 178]))))
    assert "shape_enter:bottom" in told(run(spec, at(swinging([178, 95, 178]))))


def test_phases_that_cannot_hold_together_never_do() -> None:
    phases = {
        "straight": ["{joint: knee, angle_min: 121}"],
        "bent": ["{joint: knee, angle_max: 120}"],
    }
    lines = told(
        run(movespec(phases, ["straight", "bent"]), held((bent(123), 500), (bent(118), 500)))
    )
    assert lines[:3] == ["shape_enter:straight", "shape_exit:straight", "shape_enter:bent"]


def test_a_knee_held_up_enters_once_what_the_pair_and_one_side_meet() -> None:
    phases = {
        "standing": ["{joint: knee, angle_min: 120}"],
        "lifted": ["{joint: knee, side: either, angle_max: 100}"],
    }
    spec = movespec(phases, ["standing", "lifted", "standing"])
    lines = told(run(spec, held((bent(178, 80), 10_000)), finish=False))
    assert lines == ["shape_enter:standing", "shape_enter:lifted"]


def test_phases_that_can_hold_together_do() -> None:
    phases = {"bent": ["{joint: knee, angle_max: 120}"], "deep": ["{joint: knee, angle_max: 100}"]}
    lines = told(run(movespec(phases, ["bent", "deep"]), held((DOWN, 500))))
    assert lines == ["shape_enter:bent", "shape_enter:deep", "event_completed:squat"]
