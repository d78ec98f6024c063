"""Checks of form, and cues that are judged as a stay ends and are rationed."""

from itertools import pairwise

import pytest
from engine_scene import (
    SQUAT,
    at,
    bent,
    completed,
    going,
    held,
    hidden,
    of_type,
    run,
    run_restored,
    swinging,
    written,
)

from detection import Engine
from dev.poses.figure import Limb, Posture

DEPTH = "checks: [{name: depth, when: bottom, joint: knee, least: {max: 90}%s}]\n"


def squats(*depths: float):
    turns = [175.0]
    for depth in depths:
        turns += [depth, 175.0]
    return at(swinging(turns, stay_ms=400))


PRAISE = """feedback:
  - {when: bottom, joint: knee, least: {min: 90.1}, message: Deeper.}
  - {when: completed, form: {min: 1}, message: Good.}
  - {when: completed, form: {max: 0.5}, every: 2, message: Watch your form.}
  - {when: completed, message: Done.}
"""


def test_praise_is_for_form() -> None:
    """`every` counts what the form was of, and the count is as it was."""
    plain = written(SQUAT + DEPTH % "")
    spec = written(SQUAT + DEPTH % "" + PRAISE)
    frames = squats(80, 95, 80, 95, 95)
    events = run(spec, frames)
    assert [one["message"] for one in of_type(events, "feedback")] == [
        *("Good.", "Done."),
        *("Deeper.", "Watch your form.", "Done."),
        *("Good.", "Done."),
        *("Deeper.", "Done."),
        *("Deeper.", "Watch your form.", "Done."),
    ]
    assert [one for one in events if one.type != "feedback"] == run(plain, frames)
    assert run_restored(spec, frames, {20, 60, 100, 140}) == events


def test_a_required_check_that_is_missed_makes_it_an_attempt() -> None:
    spec = written(SQUAT + DEPTH % ", required: true")
    events = run(spec, squats(80, 95, 85))
    assert completed(events) == 2
    (attempt,) = of_type(events, "event_interrupted")
    assert attempt["reason"] == "poor_form"
    assert attempt["path"] == "detection.movement.checks[0]"
    assert attempt["by"] == pytest.approx(5, abs=1)
    assert attempt["number"] == 2
    assert [one["number"] for one in of_type(events, "event_completed")] == [1, 2]


HANDS = ("left_index", "right_index")
WRISTS = "checks: [{name: wrists, joint: wrist, most: {max: 90}%s}]\n"


def handless(*angles: float):
    return held(*((hidden(bent(angle), *HANDS), 500) for angle in angles))


def test_what_was_never_seen_is_no_check() -> None:
    events = run(written(SQUAT + WRISTS % "" + PRAISE), handless(175, 80, 175))
    (completion,) = of_type(events, "event_completed")
    assert completion["metrics"]["form"] is None
    assert completion["metrics"]["checks"] == [
        {"name": "wrists", "met": None, "value": None, "by": None}
    ]
    assert [one["message"] for one in of_type(events, "feedback")] == ["Done."]


def test_a_required_check_that_is_not_seen_makes_it_an_attempt() -> None:
    engine = Engine(written(SQUAT + WRISTS % ", required: true"))
    events = [event for frame in handless(175, 80, 175) for event in engine.feed(frame)]
    assert completed(events) == 0
    (attempt,) = of_type(events, "event_interrupted")
    assert (attempt["reason"], attempt["by"]) == ("poor_form", None)
    assert attempt["path"] == "detection.movement.checks[0]"
    assert attempt["metrics"]["checks"] == [
        {"name": "wrists", "met": None, "value": None, "by": None}
    ]
    assert engine.summary()["squat"]["checks"] == {"wrists": {"met": 0, "missed": 0}}


HALF = """
name: squat
phases:
  - {name: standing, criteria: [{joint: knee, min: 150}]}
  - {name: half, criteria: [{joint: hip, max: 150}, {joint: knee, min: 150}]}
  - {name: bottom, criteria: [{joint: knee, max: 100}]}
sequence: [standing, {phase: half, optional: true}, bottom, standing]
checks: [{name: hands, when: half, joint: %s, most: {max: 180}, required: true}]
"""


def test_a_required_check_of_a_step_that_is_passed_over_is_not_asked_for() -> None:
    assert completed(run(written(HALF % "wrist"), squats(80, 80))) == 2


def test_a_required_check_of_a_phase_that_no_frame_shows_is_judged_as_that_is_passed() -> None:
    spec = written("""
name: squat
phases:
  - {name: up, criteria: [{joint: knee, min: 160}]}
  - {name: half, criteria: [{joint: knee, min: 112, max: 132}]}
  - {name: down, criteria: [{joint: knee, max: 95}]}
sequence: [up, half, down, up]
checks: [{name: upright, when: half, lean: trunk, most: {max: 30}, required: true}]
""")
    down = [bent(178)] * 8 + [bent(145), bent(112)] + [bent(80)] * 8
    events = run(spec, at([*down, *[bent(178)] * 8], fps=10))
    (completion,) = of_type(events, "event_completed")
    assert completion["metrics"]["checks"][0]["met"] is True


THREE = """
checks:
  - {name: depth, when: bottom, joint: knee, least: {max: 90}, required: true}
  - {name: upright, lean: trunk, most: {max: 30}}
  - {name: wrists, joint: wrist, most: {max: 90}}
"""
UNSEEN = {"name": "wrists", "met": None, "value": None, "by": None}


def test_each_check_is_told_by_its_name() -> None:
    poses = [hidden(pose, *HANDS) for pose in swinging([175, 80, 175, 96, 175], stay_ms=400)]
    engine = Engine(written(SQUAT + THREE))
    events = [event for frame in at(poses) for event in engine.feed(frame)]
    (completion,) = of_type(events, "event_completed")
    (attempt,) = of_type(events, "event_interrupted")
    depth, upright, wrists = completion["metrics"]["checks"]
    assert depth == {"name": "depth", "met": True, "value": depth["value"], "by": None}
    assert depth["value"] == completion["metrics"]["measures"]["joint.knee"]["least"]
    assert (upright["met"], upright["by"], wrists) == (True, None, UNSEEN)
    depth, upright, wrists = attempt["metrics"]["checks"]
    assert (depth["met"], depth["value"]) == (False, pytest.approx(96, abs=1))
    assert depth["by"] == attempt["by"] == round(depth["value"] - 90, 1)
    assert (upright["met"], wrists) == (True, UNSEEN)
    assert engine.summary()["squat"]["checks"] == {
        "depth": {"met": 1, "missed": 1},
        "upright": {"met": 2, "missed": 0},
        "wrists": {"met": 0, "missed": 0},
    }


def test_of_an_attempt_what_was_not_reached_is_not_judged() -> None:
    frames = at(swinging([175, 80, 175, 125, 175], stay_ms=400))
    engine = Engine(written(SQUAT + THREE))
    events = [event for frame in frames for event in engine.feed(frame)]
    (attempt,) = of_type(events, "event_interrupted")
    assert attempt["reason"] == "not_reached"
    depth, upright, _ = attempt["metrics"]["checks"]
    assert depth == {"name": "depth", "met": None, "value": None, "by": None}
    assert upright["met"] is True


def test_a_check_is_judged_by_the_tenth_of_a_degree_that_is_told() -> None:
    """So no value that is told to lie within the bounds has missed them."""
    frames = squats(*(89.5 + n / 37 for n in range(30)))
    events = run(written(SQUAT + DEPTH % ""), frames)
    checks = [one["metrics"]["checks"][0] for one in of_type(events, "event_completed")]
    assert {one["met"] for one in checks} == {True, False}
    for one in checks:
        assert one["value"] == round(one["value"], 1)
        assert one["met"] == (one["value"] <= 90)
        assert one["by"] == (None if one["met"] else round(one["value"] - 90, 1))


def test_what_was_done_at_rest_is_not_of_the_repetition() -> None:
    upright = SQUAT + "checks: [{name: upright, lean: trunk, most: {max: 30}}]\n"
    up, low = Posture(), Posture(left_leg=Limb(50, -50), right_leg=Limb(50, -50))
    bowed = Posture(lean=70)
    frames = going(up, low, up, bowed, up, up, up, up, low, up, stay_ms=300)
    completions = of_type(run(written(upright), frames), "event_completed")
    assert [one["metrics"]["form"] for one in completions] == [1.0, 1.0]
    measures = [one["metrics"]["measures"]["joint.knee"] for one in completions]
    assert all(one["most"] == pytest.approx(180, abs=2) for one in measures)


def test_what_was_done_before_it_began_is_not_either() -> None:
    spec = written(SQUAT + DEPTH % ", required: true")
    deep_before = at(swinging([60, 175, 105, 175], stay_ms=500))
    (attempt,) = of_type(run(spec, deep_before), "event_interrupted")
    assert (attempt["reason"], attempt["by"]) == ("poor_form", pytest.approx(15, abs=1))
    broken = at(swinging([175, 60, 175, 105, 175], stay_ms=500))
    bowed = SQUAT + DEPTH % ", required: true" + "throughout: [{joint: knee, min: 70}]\n"
    reasons = [one["reason"] for one in of_type(run(written(bowed), broken), "event_interrupted")]
    assert reasons == ["condition", "poor_form"]


def test_what_was_done_right_before_is() -> None:
    upright = SQUAT + "checks: [{name: upright, lean: trunk, most: {max: 30}}]\n"
    up, low = Posture(), Posture(left_leg=Limb(50, -50), right_leg=Limb(50, -50))
    frames = going(up, Posture(lean=70), low, up, stay_ms=300)
    (completion,) = of_type(run(written(upright), frames), "event_completed")
    assert completion["metrics"]["form"] == 0.0


DEEPER = """
feedback:
  - {when: bottom, joint: knee, least: {min: 90}, key: deeper, message: Go deeper.%s}
"""


def test_a_cue_on_what_a_stay_reached_is_sent_to_whoever_did_not() -> None:
    events = of_type(run(written(SQUAT + DEEPER % ""), squats(80, 95)), "feedback")
    assert events == [{"level": "coaching", "message": "Go deeper.", "key": "deeper"}]


def test_every_second_chance_is_taken() -> None:
    spec = written(SQUAT + DEEPER % ", every: 2")
    assert len(of_type(run(spec, squats(95, 95, 95, 95, 95)), "feedback")) == 3


def test_no_cue_comes_again_before_its_gap_is_over() -> None:
    spec = written(SQUAT + DEEPER % ", min_gap_ms: 5000")
    events = [event for event in run(spec, squats(*[95] * 6)) if event.type == "feedback"]
    assert len(events) > 1
    assert all(b.ts_ms - a.ts_ms >= 5_000 for a, b in pairwise(events))


def test_a_chance_that_comes_too_early_uses_up_no_other() -> None:
    spec = written(SQUAT + DEEPER % ", every: 2, min_gap_ms: 9000")
    events = run(spec, squats(*[95] * 8))
    seconds = [round(event.ts_ms / 1000) for event in events if event.type == "feedback"]
    chances = [event.ts_ms for event in events if event.payload.get("shape_key") == "bottom"]
    turns = chances[1::2]  # as each stay ends
    due = next(ms for ms in turns[2:] if ms - turns[0] >= 9_000)
    assert seconds[:2] == [round(turns[0] / 1000), round(due / 1000)]


def on_checks(*checks: str) -> str:
    """A cue for each outcome of each check, which tells it by its message."""
    cues = "".join(
        f"  - {{when: {{check: c{number}, met: {outcome}}}, message: c{number} {outcome}%s}}\n"
        for number in range(len(checks))
        for outcome in ("true", "false")
    )
    named = "".join(f"  - {{name: c{n}, {check}}}\n" for n, check in enumerate(checks))
    return f"checks:\n{named}feedback:\n{cues}"


@pytest.mark.parametrize(
    ("extreme", "early", "late"),
    [
        ("least: {max: 90}", "true", "false"),
        ("least: {min: 90}", "false", "true"),
        ("most: {min: 90}", "true", "false"),
        ("most: {max: 90}", "false", "true"),
    ],
)
def test_a_cue_on_a_check_is_sent_as_soon_as_the_outcome_is_certain(
    extreme: str, early: str, late: str
) -> None:
    """Once in each stay: within it where no later frame can change it, and else as it ends."""
    spec = written(SQUAT + on_checks(f"when: bottom, joint: knee, {extreme}") % ("", ""))
    is_least = extreme.startswith("least")
    for depth in (80, 97) if is_least else (97,):
        events = run(spec, squats(depth, depth))
        stays = [one.type for one in events if one.payload.get("shape_key") == "bottom"]
        assert stays == ["shape_enter", "shape_exit"] * 2
        (outcome,) = {cue["message"] for cue in of_type(events, "feedback")}
        is_early = outcome == f"c0 {early}"
        assert is_early or outcome == f"c0 {late}"
        types = [
            one.type
            for one in events
            if one.type == "feedback" or one.payload.get("shape_key") == "bottom"
        ]
        told = ["feedback", "shape_exit"] if is_early else ["shape_exit", "feedback"]
        assert types == ["shape_enter", *told] * 2
        met = {one["metrics"]["checks"][0]["met"] for one in of_type(events, "event_completed")}
        assert met == {outcome == "c0 true"}


def test_between_two_bounds_a_check_is_met_as_the_stay_ends() -> None:
    spec = written(
        SQUAT + on_checks("when: bottom, joint: knee, least: {min: 70, max: 90}") % ("", "")
    )
    events = run(spec, squats(60, 80, 97))
    told = [
        one.payload.get("message", one.type)
        for one in events
        if one.type == "feedback" or one.payload.get("shape_key") == "bottom"
    ]
    assert told == [
        *("shape_enter", "c0 false", "shape_exit"),
        *("shape_enter", "shape_exit", "c0 true"),
        *("shape_enter", "shape_exit", "c0 false"),
    ]


def test_a_cue_on_a_check_of_the_whole_comes_with_the_completion_or_the_attempt() -> None:
    spec = written(SQUAT + on_checks("joint: knee, least: {max: 90}") % ("", ""))
    events = [one for one in run(spec, squats(80, 95, 125, 80)) if not one.type.startswith("shape")]
    assert [one.payload.get("message", one.type) for one in events] == [
        *("event_completed", "c0 true"),
        *("event_completed", "c0 false"),
        *("event_interrupted", "c0 false"),
        *("event_completed", "c0 true"),
    ]
    for event, cue in zip(events[::2], events[1::2], strict=True):
        assert event.ts_ms == cue.ts_ms
        met = event.payload["metrics"]["checks"][0]["met"]
        assert cue.payload["message"] == f"c0 {str(met).lower()}"


def test_a_check_that_was_not_seen_has_no_cue() -> None:
    checks = on_checks(
        "joint: wrist, most: {max: 90}", "when: bottom, joint: wrist, most: {max: 9}"
    )
    spec = written(SQUAT + checks % ("", "", "", ""))
    events = run(spec, handless(175, 80, 175))
    assert completed(events) == 1
    assert of_type(events, "feedback") == []


def test_a_cue_on_a_check_of_a_phase_that_no_frame_shows_is_sent() -> None:
    spec = written("""
name: squat
phases:
  - {name: up, criteria: [{joint: knee, min: 160}]}
  - {name: half, criteria: [{joint: knee, min: 112, max: 132}]}
  - {name: down, criteria: [{joint: knee, max: 95}]}
sequence: [up, half, down, up]
checks: [{name: upright, when: half, lean: trunk, most: {max: 30}}]
feedback: [{when: {check: upright, met: true}, message: Good.}]
""")
    down = [bent(178)] * 8 + [bent(145), bent(112)] + [bent(80)] * 8
    events = run(spec, at([*down, *[bent(178)] * 8], fps=10))
    assert [one["message"] for one in of_type(events, "feedback")] == ["Good."]


def test_cues_on_checks_are_rationed() -> None:
    check = "when: bottom, joint: knee, least: {max: 90}"
    for ration, sent in ((", every: 2", 3), (", min_gap_ms: 60000", 1)):
        spec = written(SQUAT + on_checks(check) % (ration, ration))
        assert len(of_type(run(spec, squats(*[95] * 5)), "feedback")) == sent
        assert len(of_type(run(spec, squats(*[80] * 5)), "feedback")) == sent


def test_cues_on_checks_are_the_same_wherever_the_engine_is_restored() -> None:
    checks = on_checks("when: bottom, joint: knee, least: {max: 90}", "lean: trunk, most: {max: 9}")
    spec = written(SQUAT + checks % ("", ", every: 2", "", ", min_gap_ms: 900"))
    frames = squats(95, 80)
    assert run_restored(spec, frames, set(range(len(frames)))) == run(spec, frames)


def test_both_sides_are_judged_by_the_one_that_is_farther() -> None:
    check = "{name: depth, when: bottom, joint: knee, side: both, least: {max: 90}}"
    text = SQUAT + f"checks: [{check}]\n"
    frames = held((bent(175), 500), (bent(80, 97), 600), (bent(175), 500))
    (completion,) = of_type(run(written(text), frames), "event_completed")
    assert completion["metrics"]["form"] == 0.0
