"""A movement between two ends is judged by the person's own recent range; bands are the floor."""

import pytest
from engine_scene import at, bent, completed, movespec, run, swinging, told

from detection import DetectionEvent
from dev.bench.score.other_authors import FORMS
from dev.bench.score.other_authors import movespec as written
from dev.poses.figure import perform

# The bands of the squat are 50 degrees apart: half of that is 25.
DEEP, SHALLOW = [178.0, 70.0], [178.0, 138.0]
FORM_EXERCISES = ("squat", "push-up")


def counted(turns: list[float], **spec: object) -> int:
    frames = at(swinging(turns, degrees_per_second=100, stay_ms=200))
    return completed(run(movespec(**spec), frames))  # type: ignore[arg-type]


def of(events: list[DetectionEvent], type_: str, phase: str) -> list[DetectionEvent]:
    return [e for e in events if e.type == type_ and e.payload["shape_key"] == phase]


def test_a_swing_of_less_than_half_the_gap_is_none() -> None:
    assert counted([178, 155] * 10 + [178]) == 0
    assert counted([178, 70, *[178, 155] * 10, 178]) == 1


def test_a_swing_of_less_than_15_degrees_is_none_however_close_the_bands_are() -> None:
    close = {"up": ["{joint: knee, angle_min: 150}"], "down": ["{joint: knee, angle_max: 148}"]}
    spec = movespec(close, ["up", "down", "up"])
    for depth, count in ((166.0, 0), (158.0, 0), (144.0, 6), (70.0, 6)):
        frames = at(swinging([170, depth] * 6 + [170], degrees_per_second=100, stay_ms=200))
        assert completed(run(spec, frames)) == count, depth


@pytest.mark.parametrize("dip", [120.0, 130.0, 145.0])
def test_a_shallow_dip_among_deep_ones_is_none(dip: float) -> None:
    assert counted([*DEEP * 3, 178, dip, *DEEP * 3, 178]) == 6


def test_who_never_reaches_the_far_band_is_counted_from_the_second_repetition_on() -> None:
    assert counted([*SHALLOW * 6, 178]) == 5


@pytest.mark.parametrize("turns", [[140.0, 90.0], [145.0, 105.0]])
def test_who_never_reaches_the_band_of_the_start_is_counted_from_the_third_on(
    turns: list[float],
) -> None:
    assert counted([*turns * 6, turns[0]]) == 4


def test_a_range_that_shrinks_after_a_pause_is_taken_again() -> None:
    pause = [178.0] * 2
    frames = [
        *swinging([*DEEP * 6, 178], degrees_per_second=100, stay_ms=200),
        *[bent(178)] * 300,
        *swinging([*pause, *SHALLOW * 8, 178], degrees_per_second=100, stay_ms=200),
    ]
    assert completed(run(movespec(), at(frames))) - 6 in (6, 7)


def test_a_range_that_grows_is_taken_at_once() -> None:
    assert counted([*SHALLOW * 5, *DEEP * 5, 178]) == 9


def test_a_turn_that_is_taken_back_halfway_down_is_no_second_repetition() -> None:
    assert counted([*DEEP * 3, 178, 70, 110, 70, 178, *DEEP[1:], 178]) == 5


def test_a_turn_in_the_band_of_another_phase_is_no_turn_at_this_one() -> None:
    phases = {
        "standing": ["{joint: knee, angle_min: 150}"],
        "half": ["{joint: knee, angle_min: 102, angle_max: 140}"],
        "bottom": ["{joint: knee, angle_max: 100}"],
    }
    spec = movespec(phases, ["standing", "half", "bottom", "half", "standing"])
    for depth, entered in ((110.0, 0), (90.0, 4)):
        turns = [178, depth] * 4 + [178]
        events = run(spec, at(swinging(turns, degrees_per_second=100, stay_ms=300)))
        assert len(of(events, "shape_enter", "bottom")) == entered, depth


def test_trembling_in_the_middle_of_the_way_is_nothing() -> None:
    trembling = [bent(125 + (9 if n % 2 else -9)) for n in range(300)]
    assert told(run(movespec(), at(trembling))) == []


def test_one_frame_elsewhere_is_no_swing() -> None:
    for fps in (10, 15, 30, 60):
        frames = at([bent(178)] * 30 + [bent(80)] + [bent(178)] * 30, fps=fps)
        assert told(run(movespec(), frames)) == ["shape_enter:standing"]


def test_a_band_that_is_not_reached_lowers_the_confidence_and_the_score() -> None:
    scores, confidences = [], []
    for depth in (90.0, 110.0, 120.0):
        events = run(
            movespec(), at(swinging([178, depth, 178], degrees_per_second=100, stay_ms=300))
        )
        scores += [e.payload["score"] for e in events if e.type == "event_completed"]
        confidences += [e.payload["confidence"] for e in of(events, "shape_exit", "bottom")]
    assert confidences == pytest.approx([1.0, 0.8, 0.6], abs=0.02)
    assert scores == pytest.approx([1.0, 0.9, 0.8], abs=0.02)


def test_a_phase_is_left_halfway_to_where_the_other_begins() -> None:
    spec = movespec()
    lead_in = swinging([178, 70] * 4 + [178], degrees_per_second=100, stay_ms=300)
    # The last swings were of 108 degrees, of which 0.6 is 65: half the way is 145.
    for depth, leaves in ((150.0, 0), (138.0, 1)):
        dip = swinging([178, depth], degrees_per_second=100, stay_ms=500)
        events = run(spec, at([*lead_in, *dip]))
        assert len(of(events, "shape_exit", "standing")) - 4 == leaves


@pytest.mark.parametrize("exercise", FORM_EXERCISES)
@pytest.mark.parametrize("turned", [0, 20, 45])
def test_all_forms_in_which_people_write_a_movespec_give_the_same_count(
    exercise: str, turned: float
) -> None:
    frames = perform(exercise, repetitions=8, fps=30, turned=turned)
    counts = {form: completed(run(written(exercise, form), frames)) for form in FORMS}
    assert counts == dict.fromkeys(FORMS, 8)
