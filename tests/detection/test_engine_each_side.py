"""`count: each_side`: the left and the right are counted apart."""

from itertools import pairwise

import pytest
from engine_scene import at, bent, going, held, hidden, of_type, run, run_restored, told, written

from detection import DrivingPaths, Engine, driving_angles
from dev.poses.figure import Limb, Posture, between, landmarks

CURL = """
name: curl
count: each_side
phases:
  - {name: long, criteria: [{joint: elbow, min: 140}]}
  - {name: curled, criteria: [{joint: elbow, max: 70}, {lean: trunk, max: 30}]}
sequence: [long, curled, long]
feedback:
  - {when: completed, message: Good.}
"""


def arms(left: float, right: float, lean: float = 0.0):
    return landmarks(
        Posture(lean=lean, left_arm=Limb(0, 180 - left), right_arm=Limb(0, 180 - right)), 0
    )


LONG, LEFT, RIGHT, BOTH = arms(170, 170), arms(50, 170), arms(170, 50), arms(50, 50)


def sides(events):
    return [one["side"] for one in of_type(events, "event_completed")]


def test_sides_in_turn_are_counted_by_side_with_one_number() -> None:
    stays = [
        (LONG, 500),
        (LEFT, 500),
        (LONG, 500),
        (RIGHT, 500),
        (LONG, 500),
        (LEFT, 500),
        (LONG, 500),
    ]
    events = run(written(CURL), held(*stays))
    assert sides(events) == ["left", "right", "left"]
    assert [one["number"] for one in of_type(events, "event_completed")] == [1, 2, 3]
    assert of_type(events, "event_interrupted") == []


def test_what_both_reach_in_one_frame_comes_before_the_feedback_on_it() -> None:
    events = run(written(CURL), held((LONG, 500), (BOTH, 500), (LONG, 500)))
    assert events[-1].ts_ms == events[-6].ts_ms
    assert [(event.type, event.payload["side"]) for event in events[-6:]] == [
        ("shape_exit", "right"),
        ("shape_enter", "right"),
        ("event_completed", "left"),
        ("event_completed", "right"),
        ("feedback", "left"),
        ("feedback", "right"),
    ]


def test_side_is_in_shapes_completions_interruptions_and_feedback() -> None:
    events = run(written(CURL), held((LONG, 500), (LEFT, 500), (LONG, 500), (RIGHT, 500)))
    assert {event.payload["side"] for event in events} == {"left", "right"}
    (interrupted,) = of_type(events, "event_interrupted")
    assert (interrupted["reason"], interrupted["side"]) == ("session_ended", "right")
    (cue,) = of_type(events, "feedback")
    assert cue["side"] == "left"


def test_the_measures_are_those_of_the_side() -> None:
    events = run(written(CURL), held((LONG, 500), (LEFT, 500), (LONG, 500)))
    (completion,) = of_type(events, "event_completed")
    measures = completion["metrics"]["measures"]
    assert set(measures) == {"joint.elbow.left", "lean.trunk"}
    assert measures["joint.elbow.left"]["least"] == pytest.approx(50, abs=1)


def test_the_summary_is_by_side() -> None:
    engine = Engine(written(CURL))
    for frame in held((LONG, 500), (LEFT, 500), (LONG, 500), (BOTH, 500), (LONG, 500)):
        engine.feed(frame)
    summary = engine.summary()["curl"]
    assert (summary["completed"], summary["by_side"]) == (3, {"left": 2, "right": 1})
    assert set(summary["measures"]) == {"joint.elbow.left", "joint.elbow.right", "lean.trunk"}


def test_the_side_that_rests_has_not_tried() -> None:
    swayed = arms(50, 125)
    within = held((LONG, 500), (LEFT, 200), (swayed, 400), (LEFT, 200), (LONG, 500))
    events = run(written(CURL), within)
    assert (sides(events), of_type(events, "event_interrupted")) == (["left"], [])
    late = held((LONG, 500), (LEFT, 200), (swayed, 400), (arms(170, 125), 100), (LONG, 500))
    events = run(written(CURL), late)
    assert (sides(events), of_type(events, "event_interrupted")) == (["left"], [])


def test_nor_has_the_side_that_comes_along_without_what_else_is_asked() -> None:
    lunge = """
name: lunge
count: each_side
phases:
  - {name: standing, criteria: [{joint: knee, min: 150}]}
  - {name: lowered, criteria: [{joint: knee, max: 110}, {lean: thigh, min: 40}]}
sequence: [standing, lowered, standing]
"""

    def low(front: Limb, back: Limb):
        return Posture(left_leg=front, right_leg=back)

    up, down = low(Limb(0, 0), Limb(0, 0)), low(Limb(80, -10), Limb(10, -75))
    events = run(written(lunge), going(up, down, up, stay_ms=400))
    assert (sides(events), of_type(events, "event_interrupted")) == (["left"], [])


def test_both_sides_that_turn_back_have_tried() -> None:
    events = run(written(CURL), held((LONG, 500), (arms(125, 125), 500), (LONG, 500)))
    attempts = of_type(events, "event_interrupted")
    assert [(one["reason"], one["side"]) for one in attempts] == [
        ("not_reached", "left"),
        ("not_reached", "right"),
    ]


LUNGE = """
name: lunge
count: each_side
phases:
  - {name: standing, criteria: [{joint: knee, side: front, min: 150}]}
  - {name: lowered, criteria: [{joint: knee, side: front, max: 110}]}
sequence: [standing, lowered, standing]
"""


def test_a_side_that_leads_is_the_side_of_its_repetition() -> None:
    def step(ahead: float, knee: float):
        left = Limb(ahead, ahead - 180 + (knee if ahead > 0 else 175))
        right = Limb(-ahead, -ahead - 180 + (knee if ahead < 0 else 175))
        return Posture(left_leg=left, right_leg=right)

    poses = []
    for ahead in (30, -30):
        up, low = step(ahead, 170), step(ahead, 80)
        poses += [landmarks(up)] * 20
        poses += [landmarks(between(up, low, n / 15)) for n in range(16)]
        poses += [landmarks(low)] * 10
        poses += [landmarks(between(low, up, n / 15)) for n in range(16)]
        poses += [landmarks(up)] * 10
    events = run(written(LUNGE), at(poses))
    assert sides(events) == ["left", "right"]
    shapes = [
        (event.payload["shape_key"], event.payload.get("side"), event.type)
        for event in events
        if event.type.startswith("shape")
    ]
    for key, side in {(key, side) for key, side, _ in shapes}:
        types = [type_ for *of, type_ in shapes if of == [key, side]]
        assert types[::2] == ["shape_enter"] * len(types[::2])
        assert types[1::2] == ["shape_exit"] * len(types[1::2])


def test_the_paths_are_those_of_both() -> None:
    spec = written(CURL)
    engine = Engine(spec)
    paths = DrivingPaths(spec)
    for frame in held((LONG, 500), (LEFT, 500), (LONG, 500)):
        engine.feed(frame)
        paths.follow(engine.driving_degrees())
    assert [(one.measure, one.low_side) for one in driving_angles(spec)] == [
        ("elbow", "left"),
        ("elbow", "right"),
    ]
    assert paths.complete().gone > 2 * 1000


def test_who_hides_one_side_is_counted_on_the_other() -> None:

    hide = ("right_elbow", "right_wrist")
    stays = [(hidden(pose, *hide), 500) for pose in (LONG, BOTH, LONG)]
    assert sides(run(written(CURL), held(*stays))) == ["left"]
    assert told(run(written(CURL), held((bent(175), 300))))[0].startswith("shape_enter")


def test_a_check_of_the_front_makes_the_side_the_one_in_front() -> None:
    knees = "name: lunge\ncount: each_side\nphases:\n"
    knees += "  - {name: standing, criteria: [{joint: knee, min: 150}]}\n"
    knees += "  - {name: lowered, criteria: [{joint: knee, max: 110}]}\n"
    knees += "sequence: [standing, lowered, standing]\n"
    check = "checks: [{name: front knee, joint: knee, side: front, least: {max: 90}}]\n"
    up, low = bent(170, 170, ahead=30), bent(80, 80, ahead=30)
    stays = held((up, 800), (low, 800), (up, 800))
    assert sorted(sides(run(written(knees), stays))) == ["left", "right"]
    assert sides(run(written(knees + check), stays)) == ["left"]


def test_a_cue_is_rationed_over_both_sides() -> None:
    stays = [(LONG, 500), (LEFT, 500), (LONG, 500), (RIGHT, 500)] * 2 + [(LONG, 500)]
    for ration, said in (("every: 2", ["left", "left"]), ("min_gap_ms: 9000", ["left"])):
        spec = written(CURL.replace("message: Good.", f"message: Good., {ration}"))
        cues = of_type(run(spec, held(*stays)), "feedback")
        assert [cue["side"] for cue in cues] == said


STANCE = """
name: stance
count: each_side
target_ms: 2000
phases:
  - {name: raised, criteria: [{joint: knee, max: 110}, {lean: trunk, max: 20}]}
checks: [{name: high, when: raised, joint: knee, least: {max: 100}}]
feedback:
  - {when: interrupted, reason: not_reached, message: Almost.}
"""
CUE = "  - {when: raised, joint: knee, min: 100, min_gap_ms: 600, message: Higher.}\n"
ON_BOTH, ON_RIGHT, ON_LEFT = bent(175), bent(90, 175), bent(175, 90)


def stance():
    return written(STANCE, type_="hold")


def test_a_hold_is_of_the_side_that_holds_the_posture() -> None:
    stays = held((ON_BOTH, 500), (ON_RIGHT, 3_000), (ON_BOTH, 1_000), (ON_LEFT, 1_500))
    events = run(stance(), [*stays, *held((ON_BOTH, 1_000), start_ms=6_000)])
    assert [(event.type, event.payload["side"]) for event in events] == [
        ("shape_enter", "left"),
        ("event_completed", "left"),
        ("shape_exit", "left"),
        ("shape_enter", "right"),
        ("shape_exit", "right"),
        ("event_interrupted", "right"),
        ("feedback", "right"),
    ]
    (completion,) = of_type(events, "event_completed")
    assert set(completion["metrics"]["measures"]) == {"joint.knee.left", "lean.trunk"}
    assert completion["metrics"]["form"] == 1.0


def test_the_summary_of_holds_is_by_side_and_their_longest_of_both() -> None:
    engine = Engine(stance())
    seen = set()
    for frame in held((ON_RIGHT, 3_000), (ON_BOTH, 1_000), (ON_LEFT, 2_500), (ON_BOTH, 1_000)):
        engine.feed(frame)
        seen.add((engine.held_side, (engine.held_ms or 0.0) > 0.0))
    assert seen == {("left", True), (None, False), ("right", True)}
    summary = engine.summary()["stance"]
    assert (summary["completed"], summary["by_side"]) == (2, {"left": 1, "right": 1})
    assert summary["longest_ms"] == pytest.approx(3_000, abs=100)
    assert summary["total_ms"] == pytest.approx(5_500, abs=200)


def test_both_sides_may_hold_at_once() -> None:
    engine = Engine(stance())
    events = [event for frame in held((bent(90), 3_000)) for event in engine.feed(frame)]
    assert sides(events) == ["left", "right"]
    assert [one["number"] for one in of_type(events, "event_completed")] == [1, 2]
    summary = engine.summary()["stance"]
    # Each is rounded for itself.
    assert summary["total_ms"] == pytest.approx(2 * summary["longest_ms"], abs=1)
    assert summary["longest_ms"] == pytest.approx(engine.held_ms, abs=1)


def test_a_cue_on_a_hold_has_its_side_and_one_ration_for_both() -> None:
    spec = written(STANCE + CUE, type_="hold")
    events = run(spec, held((bent(105, 175), 1_500), (bent(175, 105), 1_000)), finish=False)
    cues = [event for event in events if event.payload.get("message") == "Higher."]
    assert [cue.payload["side"] for cue in cues] == ["left", "left", "left", "right"]
    assert all(after.ts_ms - before.ts_ms >= 600 for before, after in pairwise(cues))


LUNGED = """
name: lunge hold
count: each_side
target_ms: 1000
phases:
  - {name: low, criteria: [{joint: knee, side: front, max: 110}]}
"""


def test_a_hold_is_of_the_side_in_front_where_that_is_named() -> None:
    spec = written(LUNGED, type_="hold")
    left, right = bent(90, 120, 25), bent(120, 90, -25)
    frames = held((left, 2_500), (right, 2_500))
    events = run(spec, frames, finish=False)
    assert sides(events) == ["left", "right"]
    exits = of_type(events, "shape_exit")
    assert [one["side"] for one in exits] == ["left"]
    assert run_restored(spec, frames, set(range(len(frames)))) == run(spec, frames)
