"""The setup: until it is met nothing counts, and cues say what is missing."""

from dataclasses import replace
from itertools import product

import pytest
from engine_scene import (
    SQUAT,
    at,
    bent,
    completed,
    held,
    hidden,
    of_type,
    run,
    run_restored,
    swinging,
    through_json,
    told,
    written,
)

from detection import Engine
from dev.poses.figure import LANDMARKER, Camera, Limb, Posture, landmarks
from dev.poses.figure.body import alike

VISIBLE = "setup: {visible: [left_ankle, right_ankle]}\n"
START = "setup: {start: [{joint: knee, min: 160}]}\n"
SIDE = "setup: {view: side}\n"
FRONT = "setup: {view: front}\n"
CUES = """
feedback:
  - {when: not_ready, reason: visible, message: Step back until I see your feet.}
  - {when: not_ready, reason: view, message: Turn sideways.}
  - {when: not_ready, message: Not yet.}
"""
UP, DOWN = bent(175), bent(80)


def hide(pose):
    return hidden(pose, "left_ankle", "right_ankle")


def ready_at(spec, frames) -> float | None:
    engine = Engine(spec)
    for frame in frames:
        engine.feed(frame)
        if engine.readiness == "ready":
            return frame.timestamp_ms
    return None


def test_without_a_setup_whoever_is_in_sight_is_ready() -> None:
    engine = Engine(written(SQUAT))
    assert (engine.readiness, engine.missing) == ("no_person", [])
    engine.feed(held((UP, 100))[0])
    assert engine.readiness == "ready"


def test_nothing_counts_before_all_has_held_for_a_second() -> None:
    spec = written(SQUAT, VISIBLE)
    assert ready_at(spec, held((UP, 2_000))) == pytest.approx(1_000, abs=35)
    early = at(swinging([175, 80, 175], degrees_per_second=400))
    assert run(spec, early[:28]) == []
    assert (
        completed(run(spec, [*held((UP, 1_100)), *at(swinging([175, 80, 175]), start_ms=1_133)]))
        == 1
    )


def test_a_landmark_out_of_sight_is_named() -> None:
    spec = written(SQUAT, VISIBLE)
    engine = Engine(spec)
    for frame in held((hide(UP), 2_000)):
        assert engine.feed(frame) == []
    assert (engine.readiness, engine.missing) == ("positioning", ["left_ankle", "right_ankle"])


@pytest.mark.parametrize(
    ("setup", "turned", "is_ready"),
    [
        ("{visible: lower_body}", 45, True),
        ("{visible: lower_body, view: side}", 0, True),
        ("{visible: lower_body, view: front}", 90, False),
        ("{visible: [left_ankle, right_ankle]}", 45, False),
        ("{visible: [left_ankle, right_ankle], view: side}", 0, True),
        ("{visible: [left_ankle, right_ankle], view: front}", 90, False),
        ("{visible: [left_ankle]}", 45, False),
        ("{visible: [left_ankle], view: side}", 0, False),
    ],
)
def test_one_of_a_pair_will_do_from_the_side_and_of_a_part_of_the_body(
    setup: str, turned: float, is_ready: bool
) -> None:
    frames = held((hidden(landmarks(Posture(), turned), "left_ankle"), 2_000))
    assert (ready_at(written(SQUAT, f"setup: {setup}\n"), frames) is not None) == is_ready


def test_a_start_is_asked_to_begin_and_not_after() -> None:
    spec = written(SQUAT, START)
    assert ready_at(spec, held((DOWN, 3_000))) is None
    engine = Engine(spec)
    for frame in held((DOWN, 500)):
        engine.feed(frame)
    assert engine.missing == ["start"]
    frames = held((UP, 1_200), (DOWN, 3_000), (UP, 500))
    assert completed(run(spec, frames)) == 1


def test_a_start_is_met_in_a_moment_and_what_came_of_it_counts() -> None:
    spec = written(SQUAT, START)
    frames = held((DOWN, 1_500), (UP, 300), (DOWN, 300), (UP, 300), (DOWN, 500))
    events = run(spec, frames)
    (completion,) = (event for event in events if event.type == "event_completed")
    assert completion.ts_ms == pytest.approx(2_150, abs=67)
    assert ready_at(spec, frames) == pytest.approx(2_700, abs=35)
    assert run_restored(spec, frames, set(range(len(frames)))) == events


@pytest.mark.parametrize("before_ms", [300, 1_500])
def test_a_start_is_asked_anew_after_a_loss(before_ms: int) -> None:
    setup = "setup: {visible: [left_ankle], start: [{joint: knee, min: 160}]}\n"
    engine = Engine(written(SQUAT, setup))
    for frame in held((UP, before_ms), (hide(DOWN), 1_200), (DOWN, 2_000)):
        engine.feed(frame)
    assert (engine.readiness, engine.missing) == ("positioning", ["start"])
    for frame in held((UP, 300), (DOWN, 1_000), start_ms=before_ms + 3_300):
        engine.feed(frame)
    assert (engine.readiness, engine.missing) == ("ready", [])


def seen_from(setup: str, posture: Posture, camera: Camera) -> bool:
    frames = camera.film(lambda _: posture, seconds=2)
    return ready_at(written(SQUAT, setup), frames) is not None


FLAT_Z = [pytest.param(LANDMARKER, id="landmarker"), pytest.param(Camera(), id="true z")]
# Standing, bent forward, in a plank, lying on the back with bent knees.
POSTURES = [
    Posture(),
    Posture(lean=60),
    alike(80, Limb(-75, -75), Limb(0, 0)),
    alike(-88, Limb(130, 50), Limb(80, 80)),
]


@pytest.mark.parametrize("camera", FLAT_Z)
@pytest.mark.parametrize("posture", POSTURES)
@pytest.mark.parametrize("back", [0, 180])
def test_the_side_is_seen_from_within_30_degrees_of_it(
    posture: Posture, camera: Camera, back: float
) -> None:
    for turned in (0, 15, -15, 25, -25):
        assert seen_from(SIDE, posture, replace(camera, turned=turned + back)), turned
    for turned in (45, 60, 90):
        assert not seen_from(SIDE, posture, replace(camera, turned=turned + back)), turned


@pytest.mark.parametrize("camera", FLAT_Z)
@pytest.mark.parametrize("posture", POSTURES)
@pytest.mark.parametrize("back", [0, 180])
def test_the_front_is_seen_from_within_30_degrees_of_it_and_no_view_is_both(
    posture: Posture, camera: Camera, back: float
) -> None:
    for turned in (65, 90, 115):
        assert seen_from(FRONT, posture, replace(camera, turned=turned + back)), turned
    for turned in (0, 20, 30):
        assert not seen_from(FRONT, posture, replace(camera, turned=turned + back)), turned


def test_who_lies_on_a_side_before_the_camera_shows_his_front() -> None:
    side_plank = Posture(roll=72, left_arm=Limb(0, 90, 72))
    for turned in (70, 90, 110, 270):
        camera = replace(LANDMARKER, turned=turned)
        assert seen_from(FRONT, side_plank, camera), turned
        assert not seen_from(SIDE, side_plank, camera), turned


def test_what_is_lost_for_a_second_ends_the_repetition() -> None:
    spec = written(SQUAT, VISIBLE)
    frames = held((UP, 1_500), (DOWN, 500), (hide(DOWN), 1_500), (DOWN, 300), (UP, 500))
    events = run(spec, frames)
    assert [one["reason"] for one in of_type(events, "event_interrupted")] == ["not_ready"]
    assert told(events)[-2:] == ["shape_exit:bottom", "event_interrupted:not_ready"]
    short = held((UP, 1_500), (DOWN, 500), (hide(DOWN), 700), (DOWN, 300), (UP, 500))
    assert completed(run(spec, short)) == 1


def test_cues_say_once_what_has_been_missing_for_a_second() -> None:
    spec = written(SQUAT + CUES, "setup: {visible: [left_ankle], view: side}\n")
    facing = landmarks(Posture(), 90)
    frames = held((hidden(facing, "left_ankle"), 2_000), (facing, 2_000), (UP, 2_000), (DOWN, 500))
    messages = [one["message"] for one in of_type(run(spec, frames), "feedback")]
    assert messages == ["Step back until I see your feet.", "Not yet.", "Turn sideways."]


def test_a_cue_without_a_reason_is_told_once_until_all_is_ready() -> None:
    spec = written(SQUAT + CUES, "setup: {visible: [left_ankle], view: side}\n")
    facing = landmarks(Posture(), 90)
    # Both are lacking at once, and again after nobody was there.
    frames = [
        *held((hidden(facing, "left_ankle"), 1_500)),
        *held((hidden(facing, "left_ankle"), 1_500), start_ms=5_000),
    ]
    messages = [one["message"] for one in of_type(run(spec, frames), "feedback")]
    assert messages == [
        *("Step back until I see your feet.", "Not yet.", "Turn sideways."),
        *("Step back until I see your feet.", "Turn sideways."),
    ]
    # Once it was ready it is news.
    frames = held((facing, 1_200), (UP, 1_200), (facing, 2_500))
    messages = [one["message"] for one in of_type(run(spec, frames), "feedback")]
    assert messages == ["Turn sideways.", "Not yet."] * 2


NO_KNEES = hidden(UP, "left_knee", "right_knee")
ELBOWS = ["left_elbow", "right_elbow"]
GATED = SQUAT.replace("max: 100}", "max: 100}, {joint: elbow, min: 100}")
REQUIRED = SQUAT + "checks: [{name: arms, joint: elbow, least: {min: 100}, required: true}]\n"
THROUGHOUT = SQUAT + "throughout: [{joint: elbow, min: 100}]\n"


@pytest.mark.parametrize(
    ("movement", "above"),
    [*product([GATED, REQUIRED], ["", START, VISIBLE]), (THROUGHOUT, ""), (THROUGHOUT, START)],
)
def test_nobody_is_ready_while_what_must_hold_is_out_of_sight(movement: str, above: str) -> None:
    spec = written(movement, above)
    engine = Engine(spec)
    for frame in held((hidden(UP, *ELBOWS), 2_000)):
        engine.feed(frame)
        assert engine.readiness != "ready"
    assert (engine.readiness, engine.missing) == ("positioning", ELBOWS)
    restored = through_json(spec, engine)
    assert (restored.readiness, restored.missing) == ("positioning", ELBOWS)
    for frame in held((hidden(UP, "left_elbow"), 200), start_ms=2_000):
        engine.feed(frame)
    assert (engine.readiness, engine.missing) == ("ready", [])


def test_what_need_not_hold_may_be_out_of_sight() -> None:
    checked = REQUIRED.replace(", required: true", "")
    optional = (
        SQUAT.replace("phases:", "phases:\n  - {name: half, criteria: [{joint: elbow, min: 1}]}")
    ).replace("[standing, bottom", "[standing, {phase: half, optional: true}, bottom")
    for movement in (checked, optional):
        assert ready_at(written(movement), held((hidden(UP, *ELBOWS), 500))) == 0
    # `visible` names what must be in sight, so a condition on more holds where that is seen.
    named = written(THROUGHOUT, VISIBLE)
    assert ready_at(named, held((hidden(UP, *ELBOWS), 1_500))) is not None


@pytest.mark.parametrize("above", ["", START])
def test_a_movement_out_of_sight_is_named_of_somebody_in_sight(above: str) -> None:
    engine = Engine(written(SQUAT, above))
    for frame in held((NO_KNEES, 500)):
        engine.feed(frame)
    missing = ["left_knee", "right_knee", *(["start"] if above else [])]
    assert (engine.readiness, engine.missing) == ("positioning", missing)


EMPTY = "setup: {}\n"


def test_a_setup_that_asks_for_nothing_costs_no_repetition() -> None:
    for pace in (120, 150, 250):
        frames = at(swinging([175, 80] * 4 + [175], degrees_per_second=pace))
        assert completed(run(written(SQUAT, EMPTY), frames)) == 4, pace


def test_a_repetition_that_began_in_the_first_second_is_completed_after_it() -> None:
    frames = held((UP, 300), (DOWN, 1_200), (UP, 500))
    assert told(run(written(SQUAT, EMPTY), frames)) == [
        "shape_enter:bottom",
        "shape_exit:bottom",
        "shape_enter:standing",
        "event_completed:squat",
    ]
    # The phase that holds is entered as all has held for a second.
    (entered, *_) = run(written(SQUAT, EMPTY), frames)
    assert entered.ts_ms == pytest.approx(1_000, abs=1)


CUED = (
    SQUAT
    + """
checks: [{name: deep, when: bottom, joint: knee, least: {max: 90}}]
feedback:
  - {when: completed, every: 2, message: Two.}
  - {when: bottom, every: 2, message: Down.}
  - {when: bottom, joint: knee, least: {max: 100}, every: 2, message: Deep.}
"""
)
# A repetition, and one that is begun, within the second.
WITHIN = [(UP, 200), (DOWN, 300), (UP, 400)]


def test_what_is_done_within_that_second_counts_nothing_until_it_is_over() -> None:
    spec = written(CUED, EMPTY)
    engine = Engine(spec)
    for frame in held(*WITHIN, (DOWN, 50)):
        assert engine.feed(frame) == []
    for one in (engine, through_json(spec, engine)):
        assert (one.steps_reached, one.finish()) == (0, [])
        assert one.advance(9_000) == []
        assert one.readiness in ("no_person", "positioning")
        summary = one.summary()["squat"]
        assert (summary["completed"], summary["attempts"], summary["measures"]) == (0, {}, {})


def test_it_is_told_with_its_own_time_once_that_second_is_over() -> None:
    frames = held(*WITHIN, (UP, 500), (DOWN, 500), (UP, 500))
    events = run(written(CUED, EMPTY), frames)
    assert told(events) == [
        "event_completed:squat",
        "shape_enter:standing",
        "shape_exit:standing",
        "shape_enter:bottom",
        "feedback:Down.",
        "shape_exit:bottom",
        "shape_enter:standing",
        "event_completed:squat",
        "feedback:Deep.",
        "feedback:Two.",
    ]
    # As it is without a setup, but for the cues: those would come late, and use up none.
    free = run(written(CUED), frames)
    counted = [event for event in events if event.type == "event_completed"]
    assert counted == [event for event in free if event.type == "event_completed"]
    assert counted[0].ts_ms < events[1].ts_ms == pytest.approx(1_000, abs=1)
    assert [event.payload["number"] for event in counted] == [1, 2]


def test_the_summary_and_an_attempt_are_as_without_a_setup() -> None:
    # Twice within the second, and once not deep enough.
    required = CUED.replace("{max: 90}", "{max: 85}, required: true")
    spec, free = written(required, EMPTY), written(required)
    frames = held((UP, 200), (bent(95), 200), (UP, 150), (bent(60), 250), (UP, 900))
    engines = Engine(spec), Engine(free)
    outcomes = [
        [
            event
            for frame in frames
            for event in engine.feed(frame)
            if event.type.startswith("event_")
        ]
        for engine in engines
    ]
    assert outcomes[0] == outcomes[1]
    assert [event.type for event in outcomes[0]] == ["event_interrupted", "event_completed"]
    assert outcomes[0][0].payload["reason"] == "poor_form"
    assert engines[0].summary() == engines[1].summary()


def test_a_cue_on_what_completes_in_the_very_frame_is_sent() -> None:
    spec = written(SQUAT + "feedback: [{when: completed, message: One.}]\n", EMPTY)
    sent = 0
    for ms in range(300, 1_300, 33):
        events = run(spec, held((UP, 200), (DOWN, ms), (UP, 900)))
        (completion,) = (event for event in events if event.type == "event_completed")
        is_late = completion.ts_ms < 1_000
        cues = [event.ts_ms for event in events if event.type == "feedback"]
        assert cues == ([] if is_late else [completion.ts_ms]), ms
        sent += completion.ts_ms == pytest.approx(1_000, abs=1)
    assert sent


def test_what_the_very_frame_decides_comes_after_its_entries() -> None:
    """As in any frame; what was withheld of those before comes first."""
    spec = written(SQUAT + "feedback: [{when: completed, message: One.}]\n", EMPTY)
    frames = held((UP, 150), (DOWN, 250), (UP, 250), (DOWN, 232), (UP, 900))
    for events in (run(spec, frames), run_restored(spec, frames, set(range(len(frames))))):
        assert told(events) == [
            "event_completed:squat",
            "shape_enter:standing",
            "event_completed:squat",
            "feedback:One.",
        ]
        assert [round(event.ts_ms) for event in events] == [500, 1_000, 1_000, 1_000]
        assert [one["number"] for one in of_type(events, "event_completed")] == [1, 2]


@pytest.mark.parametrize("lost", ["setup", "pose", "session"])
def test_it_is_dropped_where_the_second_is_not_reached(lost: str) -> None:
    spec = written(CUED, VISIBLE)
    engine = Engine(spec)
    for frame in held(*WITHIN):
        assert engine.feed(frame) == []
    assert engine.snapshot()["parts"] != Engine(spec).snapshot()["parts"]
    if lost == "session":
        assert engine.finish() == []
        assert engine.summary()["squat"]["completed"] == 0
        return
    if lost == "pose":
        assert engine.advance(9_000) == []
    later = held(*([(hide(UP), 400)] if lost == "setup" else []), (UP, 1_500), start_ms=9_100)
    events = [event for frame in later for event in engine.feed(frame)]
    assert told(events) == ["shape_enter:standing"]
    assert engine.summary()["squat"]["completed"] == 0


def test_of_a_second_that_is_bridged_on_and_on_the_last_is_kept() -> None:
    """Whoever is seen in one frame of six takes six seconds to be ready."""
    spec = written(SQUAT, VISIBLE)
    poses = [pose for pose, ms in [(UP, 400), (DOWN, 300)] * 12 for _ in range(ms * 30 // 1000)]
    frames = at(pose if n % 6 == 0 else hide(pose) for n, pose in enumerate(poses))
    engine = Engine(spec)
    events = []
    most = 0
    for frame in frames:
        events = engine.feed(frame)
        (tally,) = (part for part in engine.parts() if hasattr(part, "withheld"))
        most = max(most, len(tally.withheld))
        if engine.readiness == "ready":
            break
        assert events == []
    free = [event for event in run(written(SQUAT), frames) if event.type == "event_completed"]
    before = [event.ts_ms for event in free if event.ts_ms <= frame.timestamp_ms]
    counted = [event for event in events if event.type == "event_completed"]
    assert (most, len(counted)) == (4, 4)
    assert [event.ts_ms for event in counted] == before[-4:]
    assert [event.payload["number"] for event in counted] == [1, 2, 3, 4]
    assert engine.summary()["squat"]["completed"] == 4


def test_each_side_is_told_in_the_order_of_time() -> None:
    text = SQUAT.replace("sequence", "count: each_side\nsequence")
    frames = held((UP, 250), (bent(175, 80), 200), (UP, 200), (bent(80, 175), 200), (UP, 900))
    events, free = (run(written(text, setup), frames) for setup in (EMPTY, ""))
    counted = [event for event in events if event.type == "event_completed"]
    assert [(one.payload["side"], one.payload["number"]) for one in counted] == [
        ("right", 1),
        ("left", 2),
    ]
    assert counted == [event for event in free if event.type == "event_completed"]


def test_a_blink_of_the_tracker_does_not_begin_the_second_anew() -> None:
    spec = written(SQUAT, VISIBLE)
    blink = held((UP, 500), (hide(UP), 200), (UP, 2_000))
    assert ready_at(spec, blink) == pytest.approx(1_200, abs=35)
    away = held((UP, 500), (hide(UP), 400), (UP, 2_000))
    assert ready_at(spec, away) == pytest.approx(1_900, abs=35)
    unseen_for_long = [*held((UP, 500)), *held((UP, 2_000), start_ms=1_500)]
    # Of the gap a quarter of a second counts.
    assert ready_at(spec, unseen_for_long) == pytest.approx(1_750, abs=70)
    lacking_after = [*held((UP, 233)), *held((hide(UP), 30), (UP, 2_000), start_ms=1_700)]
    assert ready_at(spec, lacking_after) > 2_000


@pytest.mark.parametrize("fps", [2, 3, 5, 10])
def test_few_frames_make_ready_too(fps: int) -> None:
    frames = held((UP, 4_000), (DOWN, 1_000), (UP, 1_000), fps=fps)
    assert completed(run(written(SQUAT, VISIBLE), frames)) == 1


def test_the_start_is_asked_for_where_it_can_be_seen() -> None:
    setup = "setup: {visible: [left_ankle], start: [{joint: knee, max: 110}]}\n"
    engine = Engine(written(SQUAT, setup))
    for pose, missing in ((hide(UP), ["left_ankle"]), (UP, ["start"]), (DOWN, [])):
        for frame in held((pose, 300), start_ms=(engine.snapshot()["last_ms"] or 0) + 33):
            engine.feed(frame)
        assert engine.missing == missing


@pytest.mark.parametrize(("tolerance", "count"), [(0, 0), (12, 1)])
def test_a_start_may_be_missed_by_its_tolerance(tolerance: int, count: int) -> None:
    start = f"{{joint: knee, min: 170, tolerance: {tolerance}}}"
    spec = written(SQUAT, f"setup: {{start: [{start}]}}\n")
    frames = held((bent(162), 1_500), (DOWN, 600), (bent(162), 600))
    assert completed(run(spec, frames)) == count


@pytest.mark.parametrize("ms", range(800, 1_300, 33))
def test_what_is_entered_as_it_becomes_ready_is_left_later(ms: int) -> None:
    events = run(written(SQUAT, VISIBLE), held((UP, ms), (DOWN, 600), (UP, 600)))
    shapes = [event for event in events if event.type.startswith("shape")]
    for key in ("standing", "bottom"):
        of_key = [event for event in shapes if event.payload["shape_key"] == key]
        types = [event.type for event in of_key]
        assert types == ["shape_enter", "shape_exit"] * (len(types) // 2) + types[len(types) & ~1 :]
        for entered, left in zip(of_key[::2], of_key[1::2], strict=False):
            assert left.ts_ms > entered.ts_ms


def test_a_person_who_goes_has_to_get_ready_anew() -> None:
    spec = written(SQUAT, VISIBLE)
    engine = Engine(spec)
    for frame in held((UP, 1_500)):
        engine.feed(frame)
    engine.advance(5_000)
    assert (engine.readiness, engine.missing) == ("no_person", [])
    for frame in held((UP, 500), start_ms=5_100):
        engine.feed(frame)
    assert engine.readiness == "positioning"


def test_it_is_the_same_wherever_the_engine_is_restored() -> None:
    setup = "setup: {visible: [left_ankle], start: [{joint: knee, min: 160}]}\n"
    spec = written(SQUAT + CUES, setup)
    frames = held(
        (hide(DOWN), 1_500), (DOWN, 700), (UP, 1_300), (DOWN, 500), (hide(DOWN), 1_500), (UP, 1_500)
    )
    assert run_restored(spec, frames, set(range(len(frames)))) == run(spec, frames)
