"""Attempts: tries that do not count, with the reason, the criterion and by how much."""

import pytest
from engine_scene import (
    SQUAT,
    Pose,
    at,
    bent,
    completed,
    going,
    held,
    movespec,
    of_type,
    run,
    run_restored,
    swinging,
    told,
    written,
)

from dev.poses.figure import Limb, Posture

FIRST_GATE = "detection.movement.phases[1].criteria[1]"
BOTTOM_KNEE = "detection.movement.phases[1].criteria[0]"
STANDING_KNEE = "detection.movement.phases[0].criteria[0]"
GATED = {
    "standing": ["{joint: knee, angle_min: 150}"],
    "bottom": ["{joint: knee, angle_max: 100}", "{lean: trunk, angle_max: 40}"],
}


def interruptions(events):
    return of_type(events, "event_interrupted")


def test_who_turns_back_after_half_of_the_way_has_tried() -> None:
    (attempt,) = interruptions(run(written(SQUAT), at(swinging([175, 140, 175], stay_ms=400))))
    assert attempt | {"by": None} == {
        "reason": "not_reached",
        "number": None,
        "side": None,
        "path": BOTTOM_KNEE,
        "by": None,
        "detail": "too_low",
        "metrics": {"checks": [], "previous": None},
    }
    assert attempt["by"] == pytest.approx(50 - 35, abs=1)


@pytest.mark.parametrize("depth", [155, 160, 170])
def test_who_turns_back_before_half_of_the_way_has_not(depth: float) -> None:
    assert run(written(SQUAT), at(swinging([175, depth, 175])))[1:] == []


def test_who_shakes_fast_has_not() -> None:
    frames = at(swinging([175, *[140, 175] * 6], degrees_per_second=600))
    assert interruptions(run(written(SQUAT), frames)) == []


def test_an_attempt_is_told_against_the_persons_own_range() -> None:
    turns = [175, 80, 175, 80, 175, 130, 175, 80, 175]
    events = run(written(SQUAT), at(swinging(turns, stay_ms=400)))
    assert completed(events) == 3
    (attempt,) = interruptions(events)
    assert attempt["path"] == BOTTOM_KNEE
    assert attempt["by"] == pytest.approx(0.6 * 95 - 45, abs=1)


def test_who_does_not_come_up_is_told_so_and_the_repetition_goes_on() -> None:
    events = run(written(SQUAT), at(swinging([175, 80, 125, 80, 175])))
    assert told(events) == [
        "shape_enter:standing",
        "shape_exit:standing",
        "shape_enter:bottom",
        "event_interrupted:not_reached",
        "shape_exit:bottom",
        "shape_enter:standing",
        "event_completed:squat",
    ]
    (attempt,) = interruptions(events)
    assert (attempt["number"], attempt["path"]) == (1, STANDING_KNEE)


BANDS = "judge: bands\n" + SQUAT


@pytest.mark.parametrize(("turn", "tried"), [(160, 0), (145, 0), (142, 0), (130, 1), (105, 1)])
def test_a_band_is_tried_by_half_of_the_way_to_it(turn: float, tried: int) -> None:
    attempts = interruptions(run(written(BANDS), at(swinging([175, turn, 175], stay_ms=400))))
    assert len(attempts) == tried
    for attempt in attempts:
        assert attempt["path"] == BOTTOM_KNEE
        assert attempt["by"] == pytest.approx(turn - 100, abs=1)


def test_who_does_not_stand_up_into_a_band_is_told_what_is_missing() -> None:
    events = run(written(BANDS), at(swinging([175, 80, 135, 80, 175], stay_ms=400)))
    assert completed(events) == 1
    (attempt,) = interruptions(events)
    assert (attempt["number"], attempt["path"]) == (1, STANDING_KNEE)
    assert attempt["by"] == pytest.approx(150 - 135, abs=1)


@pytest.mark.parametrize("sequence", ["[standing, bottom, standing]", "[bottom, standing]"])
@pytest.mark.parametrize("first", [135, 125, 105])
def test_a_first_try_is_told_where_only_the_other_end_is_strict(sequence, first) -> None:
    text = SQUAT.replace("name: bottom,", "name: bottom, strict: true,")
    spec = written(text.replace("[standing, bottom, standing]", sequence))
    frames = at(swinging([175, first, 175, 175], stay_ms=2_000) + swinging([175, 80, 175]))
    events = run(spec, frames)
    (attempt,) = interruptions(events)
    assert (attempt["reason"], attempt["path"]) == ("not_reached", BOTTOM_KNEE)
    assert attempt["by"] == pytest.approx(first - 100, abs=1)
    (completion,) = of_type(events, "event_completed")
    assert completion["metrics"]["duration_ms"] < 1_500


def test_the_first_way_from_a_strict_end_where_a_person_begins_is_the_whole_gap() -> None:
    spec = written(SQUAT.replace("name: bottom,", "name: bottom, strict: true,"))
    turned = run(spec, at(swinging([80, 115, 80], stay_ms=400)))
    assert "shape_enter:standing" not in told(turned)


def test_a_second_measure_that_lags_is_told_once_by_what_it_lacks() -> None:
    both = {
        "standing": ["{joint: knee, min: 150}", "{joint: hip, min: 150}"],
        "bottom": ["{joint: knee, max: 100}", "{joint: hip, max: 110}"],
    }
    up, low, bent_knees = (
        Posture(left_leg=leg, right_leg=leg) for leg in (Limb(0, 0), Limb(80, -20), Limb(20, -70))
    )
    for strict, lacked in (((), 24.5), (("standing", "bottom"), 50)):
        spec = movespec(both, strict=strict)
        assert interruptions(run(spec, going(up, low, up, low, up, stay_ms=400))) == []
        attempts = interruptions(run(spec, going(up, bent_knees, up, stay_ms=400)))
        assert [one["path"][-11:] for one in attempts] == ["criteria[1]"]
        assert attempts[0]["by"] == pytest.approx(lacked, abs=2)


def bowed(trunk: float, knee: float) -> Posture:
    leg = Limb(0, -180 + knee)
    return Posture(lean=trunk, left_leg=leg, right_leg=leg)


def test_an_end_whose_gate_is_missed_is_an_attempt_with_the_least_that_was_missing() -> None:
    frames = going(bowed(60, 175), bowed(60, 80), bowed(52, 80), bowed(60, 175), stay_ms=300)
    events = run(movespec(GATED), frames)
    assert completed(events) == 0
    (attempt,) = interruptions(events)
    assert (attempt["reason"], attempt["path"]) == ("not_reached", FIRST_GATE)
    assert (attempt["by"], attempt["detail"]) == (pytest.approx(12, abs=2), "too_low")


def test_a_phase_that_no_step_awaits_is_no_attempt() -> None:
    phases = {**GATED, "upright": GATED["bottom"]}
    frames = going(bowed(60, 175), bowed(60, 80), bowed(60, 175), stay_ms=300)
    sequence = ["standing", "bottom", "standing"]
    assert len(interruptions(run(movespec(phases, sequence), frames))) == 1


def test_out_of_order_names_the_step_that_was_due() -> None:
    phases = {
        "up": ["{joint: knee, angle_min: 150}"],
        "down": ["{joint: knee, angle_max: 100}"],
        "left": ["{joint: elbow, angle_max: 60}"],
    }
    spec = movespec(phases, ["up", "down", "left", "up"])
    (interrupted,) = interruptions(
        run(spec, held((bent(175), 500), (bent(80), 500), (bent(175), 500)))
    )
    assert interrupted["reason"] == "out_of_order"
    assert interrupted["path"] == "detection.movement.sequence[2]"
    assert interrupted["number"] == 1


def test_a_cue_on_interrupted_is_sent_for_an_attempt_only_where_it_names_it() -> None:
    text = SQUAT + "feedback:\n"
    text += "  - {when: interrupted, message: Again.}\n"
    text += "  - {when: interrupted, reason: not_reached, message: Go deeper.}\n"
    events = run(written(text), at(swinging([175, 140, 175, 80])))
    assert [event["message"] for event in of_type(events, "feedback")] == ["Go deeper.", "Again."]


STEPPED = """
name: squat
phases:
  - {name: standing, criteria: [{joint: knee, min: 150}]}
  - {name: bottom, criteria: [{joint: knee, max: 100}, {lean: trunk, max: 40}]}
sequence: [standing, {phase: bottom, hold_ms: 600}, {phase: standing, within_ms: 1500}]
feedback:
  - {when: interrupted, reason: not_reached, detail: too_low, step: bottom, message: Deeper.}
  - {when: interrupted, reason: not_reached, detail: too_short, step: bottom, message: Longer.}
  - {when: interrupted, reason: not_reached, step: standing, message: Up.}
  - {when: interrupted, reason: too_slow, step: standing, message: Faster.}
"""


@pytest.mark.parametrize(
    ("stays", "reason", "detail", "message"),
    [
        ([(bent(140), 500)], "not_reached", "too_low", "Deeper."),
        ([(bent(80), 300)], "not_reached", "too_short", "Longer."),
        ([(bent(80), 900), (bent(125), 500), (bent(80), 500)], "not_reached", "too_low", "Up."),
        ([(bent(80), 900), (bent(125), 2_500)], "too_slow", None, "Faster."),
    ],
)
def test_an_attempt_says_whether_it_was_too_low_or_too_short_and_a_cue_names_its_step(
    stays: list[tuple[Pose, float]], reason: str, detail: str | None, message: str
) -> None:
    frames = held((bent(175), 700), *stays, (bent(175), 900))
    events = run(written(STEPPED), frames)
    attempt = interruptions(events)[0]
    assert (attempt["reason"], attempt.get("detail")) == (reason, detail)
    assert [one["message"] for one in of_type(events, "feedback")][:1] == [message]
    assert run_restored(written(STEPPED), frames, set(range(len(frames)))) == events
