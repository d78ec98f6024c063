"""Tempo: checks of how long the way out, the stay there and the way back take."""

from typing import Any

import pytest
from engine_scene import (
    SQUAT,
    at,
    bent,
    of_type,
    run,
    run_restored,
    swinging,
    through_json,
    written,
)
from test_engine_times import WALL_PUSH_UP, paced

from detection import Engine, MoveSpec, PoseFrame
from dev.poses.figure.camera import Camera

TEMPO = """
tempo: {out: {min: 2500, max: 3500%s}, stay: {max: 800}, back: {min: 500, max: 1500}}
feedback:
  - {when: {check: tempo.out}, message: slower}
  - {when: {check: tempo.stay, met: true}, message: turned}
  - {when: {check: tempo.back}, message: one second}
  - {when: {check: tempo.back, met: true}, message: back}
"""
SPEC = written(WALL_PUSH_UP + TEMPO % "")
REQUIRED = written(WALL_PUSH_UP + TEMPO % ", required: true")
BACK = """
tempo: {out: {min: 1000, required: true}, back: {min: 700, max: 3000, required: true}}
feedback:
  - {when: completed, form: {min: 1}, message: done}
  - {when: {check: tempo.back}, message: one second}
  - {when: {check: tempo.back, met: true}, message: back}
  - {when: interrupted, reason: poor_form, message: again}
"""
WAITING = written(WALL_PUSH_UP + BACK)
BACK_PATH = "detection.movement.tempo.back"
NULL = {"met": None, "value": None, "by": None}


def pushing(
    out: float,
    stay: float,
    back: float,
    *,
    rest: float = 0.6,
    repetitions: int = 3,
    fps: float = 30,
) -> list[PoseFrame]:
    """Wall push-ups at a pace in seconds, each with a rest after it."""
    movement = paced("wall-push-up", out, stay, back, rest)
    camera = Camera(fps=fps, turned=movement.turned, noise_m=0.005)
    return list(movement.film(repetitions=repetitions, camera=camera))


def fed(engine: Engine, frames: list[PoseFrame]) -> list[Any]:
    return [event for frame in frames for event in engine.feed(frame)]


@pytest.mark.parametrize("fps", [15, 30])
@pytest.mark.parametrize(
    ("out", "stay", "back", "met"),
    [
        (3.0, 0.3, 1.0, (True, True, True)),
        (2.0, 0.3, 1.0, (False, True, True)),
        (1.5, 1.0, 2.0, (False, False, False)),
        (3.0, 0.3, 2.0, (True, True, False)),
    ],
)
def test_the_values_are_the_figure_s_within_150_ms(
    out: float, stay: float, back: float, met: tuple[bool, ...], fps: float
) -> None:
    engine = Engine(SPEC)
    metrics = [
        one["metrics"]
        for one in of_type(fed(engine, pushing(out, stay, back, fps=fps)), "event_completed")
    ]
    assert len(metrics) == 3
    for one in metrics:
        way_out, at_end, _ = one["checks"]
        for check, seconds, is_met in zip((way_out, at_end), (out, stay), met, strict=False):
            assert check["value"] == pytest.approx(seconds * 1000, abs=150)
            assert check["met"] == is_met
        assert (way_out["value"], at_end["value"]) == (one["out_ms"], one["stay_ms"])
    backs = [one["previous"]["checks"] for one in metrics[1:]]
    for [check] in backs:
        assert check["value"] == pytest.approx(back * 1000, abs=150)
        assert check["met"] == met[2]
    assert engine.summary()["wall-push-up"]["checks"] == {
        f"tempo.{part}": {"met": 3 * is_met, "missed": 3 * (not is_met)}
        for part, is_met in zip(("out", "stay", "back"), met, strict=True)
    }


def test_a_completion_does_not_wait_for_the_way_back() -> None:
    frames = pushing(2.0, 0.3, 2.0)
    with_, without = (run(spec, frames) for spec in (SPEC, written(WALL_PUSH_UP)))
    times = [
        [one.ts_ms for one in events if one.type == "event_completed"]
        for events in (with_, without)
    ]
    assert times[0] == times[1]
    first, second, _ = (one["metrics"] for one in of_type(with_, "event_completed"))
    way_out, _, back = first["checks"]
    assert way_out == {
        "name": "tempo.out",
        "met": False,
        "value": way_out["value"],
        "by": 2500 - way_out["value"],
    }
    assert back == {"name": "tempo.back", **NULL}
    assert first["form"] == 0.5
    assert first["previous"] is None
    previous = second["previous"]
    assert previous["checks"] == [
        {
            "name": "tempo.back",
            "met": False,
            "value": previous["back_ms"],
            "by": previous["back_ms"] - 1500,
        }
    ]


def test_cues_come_as_soon_as_the_time_is_known() -> None:
    events = run(SPEC, pushing(2.0, 0.3, 1.0, repetitions=2))
    told = [one for one in events if one.type in ("event_completed", "feedback")]
    names = [one.payload.get("message", one.type) for one in told]
    assert names == ["event_completed", "slower", "turned", "back"] * 2
    done, _, turned, back = told[:4]
    assert done.ts_ms == turned.ts_ms
    assert 0 < back.ts_ms - done.ts_ms < 1500


def test_a_required_time_that_is_missed_is_an_attempt() -> None:
    engine = Engine(REQUIRED)
    events = fed(engine, pushing(2.0, 0.3, 1.0))
    assert of_type(events, "event_completed") == []
    attempts = of_type(events, "event_interrupted")
    assert len(attempts) == 3
    for one in attempts:
        way_out, stay, back = one["metrics"]["checks"]
        assert (one["reason"], one["path"]) == ("poor_form", "detection.movement.tempo.out")
        assert one["by"] == way_out["by"] == 2500 - way_out["value"]
        assert (stay["met"], back) == (True, {"name": "tempo.back", **NULL})
    checks = engine.summary()["wall-push-up"]["checks"]
    assert checks["tempo.out"] == {"met": 0, "missed": 3}
    assert checks["tempo.back"] == {"met": 0, "missed": 0}
    assert len(of_type(run(REQUIRED, pushing(3.0, 0.3, 1.0)), "event_completed")) == 3


def test_a_slow_one_after_a_fast_one_is_judged_by_its_own_times() -> None:
    fast, slow = pushing(1.5, 0.3, 1.0, repetitions=1), pushing(3.0, 0.3, 1.0, repetitions=1)
    after = fast[-1].timestamp_ms + 1000 / 30
    frames = [*fast, *(one._replace(timestamp_ms=one.timestamp_ms + after) for one in slow)]
    events = run(REQUIRED, frames)
    assert [one["reason"] for one in of_type(events, "event_interrupted")] == ["poor_form"]
    (completion,) = of_type(events, "event_completed")
    assert completion["metrics"]["checks"][0]["value"] == pytest.approx(3000, abs=150)


def test_who_turns_back_midway_has_no_tempo() -> None:
    text = SQUAT + "tempo: {out: {min: 300}, back: {min: 300}}\n"
    events = run(written(text), at(swinging([175, 80, 175, 125, 175], stay_ms=600)))
    (attempt,) = of_type(events, "event_interrupted")
    assert attempt["reason"] == "not_reached"
    assert attempt["metrics"]["checks"] == [
        {"name": "tempo.out", **NULL},
        {"name": "tempo.back", **NULL},
    ]
    assert attempt["metrics"]["previous"]["checks"][0]["met"] is True


@pytest.mark.parametrize("fps", [15, 30])
@pytest.mark.parametrize("rest", [0.0, 0.6])
@pytest.mark.parametrize("back", [1.0, 1.5])
def test_with_a_required_way_back_a_completion_waits_for_its_end(
    back: float, rest: float, fps: float
) -> None:
    frames = pushing(1.5, 0.3, back, rest=rest, fps=fps)
    without = run(written(WALL_PUSH_UP), frames)
    engine = Engine(WAITING)
    events = fed(engine, frames)
    asked, told = (
        [one.ts_ms for one in some if one.type == "event_completed"] for some in (without, events)
    )
    assert len(told) == len(asked) == 3
    assert all(0 < late - early <= 1000.1 for early, late in zip(asked, told, strict=True))
    for one in of_type(events, "event_completed"):
        metrics = one["metrics"]
        value = metrics["back_ms"]
        assert value == pytest.approx(back * 1000, abs=150)
        assert metrics["checks"][1] == {
            "name": "tempo.back",
            "met": True,
            "value": value,
            "by": None,
        }
        assert metrics["times"]["ended_ms"] - metrics["times"]["left_ms"] == value
        assert (metrics["form"], metrics["previous"]) == (1.0, None)
    cues = [one for one in events if one.type == "feedback"]
    assert [one.payload["message"] for one in cues] == ["done", "back"] * 3
    assert sorted({one.ts_ms for one in cues}) == told
    summary = engine.summary()["wall-push-up"]
    assert summary["checks"]["tempo.back"] == {"met": 3, "missed": 0}
    assert summary["times"]["mean"]["back_ms"] == pytest.approx(back * 1000, abs=150)
    assert summary["times"]["last"]["back_ms"] is not None


def test_too_fast_a_way_back_is_an_attempt() -> None:
    engine = Engine(WAITING)
    events = fed(engine, pushing(1.5, 0.3, 0.4))
    assert of_type(events, "event_completed") == []
    attempts = of_type(events, "event_interrupted")
    assert [(one["reason"], one["path"]) for one in attempts] == [("poor_form", BACK_PATH)] * 3
    for one in attempts:
        way_out, back = one["metrics"]["checks"]
        assert (way_out["met"], back["met"], one["number"]) == (True, False, 1)
        assert one["by"] == back["by"] == 700 - back["value"]
        assert one["metrics"]["previous"] is None
    assert [one["message"] for one in of_type(events, "feedback")] == ["again", "one second"] * 3
    summary = engine.summary()["wall-push-up"]
    assert summary["attempts"] == {"poor_form": 3}
    assert summary["checks"]["tempo.back"] == {"met": 0, "missed": 3}


def test_a_way_back_that_goes_on_for_more_than_a_second_is_not_seen() -> None:
    frames = pushing(1.5, 0.3, 2.8)
    events = run(WAITING, frames)
    assert (
        of_type(events, "event_completed", "feedback")
        == [{"level": "coaching", "message": "again", "key": None}] * 3
    )
    attempts = [one for one in events if one.type == "event_interrupted"]
    asked = [one for one in run(written(WALL_PUSH_UP), frames) if one.type == "event_completed"]
    for one, completion in zip(attempts, asked, strict=True):
        assert (one.payload["path"], one.payload["by"]) == (BACK_PATH, None)
        assert one.payload["metrics"]["checks"][1] == {"name": "tempo.back", **NULL}
        assert 900 < one.ts_ms - completion.ts_ms <= 1000.1


def test_what_is_missed_before_waits_for_no_way_back() -> None:
    frames = pushing(0.6, 0.3, 1.0)
    attempts = [one for one in run(WAITING, frames) if one.type == "event_interrupted"]
    asked = [one for one in run(written(WALL_PUSH_UP), frames) if one.type == "event_completed"]
    assert [one.ts_ms for one in attempts] == [one.ts_ms for one in asked]
    assert {one.payload["path"] for one in attempts} == {"detection.movement.tempo.out"}


def until_waiting(spec: MoveSpec, frames: list[PoseFrame]) -> tuple[Engine, list[PoseFrame]]:
    """An engine that has just held back its first completion, and the frames after that."""
    (first, *_) = [
        one.ts_ms for one in run(written(WALL_PUSH_UP), frames) if one.type == "event_completed"
    ]
    engine = Engine(spec)
    fed(engine, [frame for frame in frames if frame.timestamp_ms <= first])
    return engine, [frame for frame in frames if frame.timestamp_ms > first]


def test_who_is_gone_before_the_way_back_is_over_is_not_counted() -> None:
    engine, rest = until_waiting(WAITING, pushing(1.5, 0.3, 1.2))
    gone = [
        one._replace(landmarks=[mark._replace(visibility=0.0) for mark in one.landmarks])
        for one in rest[:60]
    ]
    (attempt,) = of_type(fed(engine, gone), "event_interrupted")
    assert (attempt["reason"], attempt["path"], attempt["by"]) == ("poor_form", BACK_PATH, None)


def test_the_end_of_the_session_judges_what_waits() -> None:
    engine, rest = until_waiting(WAITING, pushing(1.5, 0.3, 1.2))
    fed(engine, rest[:3])
    for one in (through_json(WAITING, engine), engine):
        (attempt,) = of_type(one.finish(), "event_interrupted")
        assert (attempt["path"], attempt["by"]) == (BACK_PATH, None)
        assert one.finish() == []


@pytest.mark.parametrize("required", ["", ", required: true"])
def test_what_was_withheld_is_told_with_its_way_back(required: str) -> None:
    """A setup that is met in hindsight: the way back may be over by then."""
    setup = "setup: {visible: full_body}\n"
    engine = Engine(written(SQUAT + f"tempo: {{back: {{max: 2000{required}}}}}\n", setup))
    poses = swinging([175, 80, 175], degrees_per_second=600, stay_ms=0)
    poses += [poses[-1]] * 60
    events = fed(engine, at(poses))
    told = of_type(events, "event_completed")
    assert [one["metrics"]["checks"][0]["met"] is not None for one in told] == [
        one["metrics"]["back_ms"] is not None for one in told
    ]
    assert engine.summary()["squat"]["checks"]["tempo.back"] == {"met": len(told), "missed": 0}
    assert len(told) == 1


@pytest.mark.parametrize("spec", [SPEC, REQUIRED, WAITING])
def test_they_are_the_same_wherever_the_engine_is_restored(spec) -> None:
    frames = pushing(2.4, 0.3, 1.6, repetitions=2, fps=15)
    assert run_restored(spec, frames, set(range(len(frames)))) == run(spec, frames)


def test_one_of_each_side_may_wait() -> None:
    text = SQUAT + "count: each_side\n"
    waiting = written(text + "tempo: {back: {min: 300, required: true}}\n")
    down, up = ([a + (b - a) * n / 24 for n in range(1, 25)] for a, b in ((175, 80), (80, 175)))
    once = [*down, *[80.0] * 9, *up, *[175.0] * 24]
    left, right = ([175.0] * (15 + late) + once * 2 + [175.0] * (30 - late) for late in (0, 8))
    frames = at(bent(*angles) for angles in zip(left, right, strict=True))
    events, without = (
        [one for one in run(spec, frames) if one.type == "event_completed"]
        for spec in (waiting, written(text))
    )
    assert [one.payload["side"] for one in events] == ["left", "right"] * 2
    assert [one.payload["side"] for one in without] == ["left", "right"] * 2
    assert without[1].ts_ms < events[0].ts_ms
    assert all(0 < b.ts_ms - a.ts_ms <= 1000.1 for a, b in zip(without, events, strict=True))
    points = set(range(len(frames)))
    told = [one for one in run_restored(waiting, frames, points) if one.type == "event_completed"]
    assert told == events
