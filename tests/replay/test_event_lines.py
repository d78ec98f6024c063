import pytest

from detection import DetectionEvent, MoveSpec
from detection import compile as compile_movespec
from dev.poses.figure import MOVEMENTS, recorded
from dev.replay.engine_run import run_engine
from dev.replay.event_lines import EventLines, count_completed, count_interrupted, lines_of
from tests.admin.counted_sessions import SQUAT


def event(type: str, ts_ms: float = 12_400, **payload: object) -> DetectionEvent:  # noqa: A002
    return DetectionEvent(type, ts_ms, payload)


HELD = {"duration_ms": 30_400, "held_ms": 30_000}
CHECKED = {"duration_ms": 2460, "held_ms": None, "form": 0.5}


@pytest.mark.parametrize(
    ("type_", "payload", "line"),
    [
        (
            "shape_enter",
            {"shape_key": "bottom", "confidence": 0.931},
            "enter           bottom, confidence 0.93",
        ),
        ("event_completed", {"event_key": "squat", "score": None}, "repetition 1    squat"),
        (
            "event_completed",
            {"event_key": "plank", "score": None, "metrics": HELD},
            "repetition 1    plank, held 30.0 s",
        ),
        (
            "event_completed",
            {"event_key": "lunge", "score": 0.5, "side": "left", "metrics": CHECKED},
            "repetition 1    lunge, left, score 0.50, 2.5 s, form 0.50",
        ),
        ("event_interrupted", {"reason": "pose_lost"}, "interrupted     pose lost"),
        (
            "event_interrupted",
            {"reason": "not_reached", "side": "left", "path": "a.b[1]", "by": 12.5},
            "interrupted     not reached, left, by 12.5, a.b[1]",
        ),
        ("feedback", {"level": "coaching", "message": "Chest up."}, "coaching        Chest up."),
    ],
)
def test_each_event_is_a_line(type_: str, payload: dict[str, object], line: str) -> None:
    assert EventLines().line(event(type_, **payload)) == f"  12.40 s  {line}"


def test_repetitions_are_numbered_and_counted_by_key() -> None:
    events = [
        event("event_completed", event_key="squat", score=None),
        event("event_interrupted", reason="out_of_order"),
        event("event_completed", event_key="squat", score=None),
        event("event_completed", event_key="lunge", score=None),
    ]
    lines = EventLines()
    numbers = [lines.line(event).split()[3] for event in events]
    assert numbers == ["1", "out", "2", "3"]
    assert count_completed(events) == {"squat": 2, "lunge": 1}
    assert count_interrupted(events) == 1


@pytest.fixture(scope="module")
def squat() -> MoveSpec:
    return compile_movespec(SQUAT)


@pytest.mark.parametrize(
    ("missed", "line"),
    [
        (
            {"reason": "not_reached", "path": "detection.movement.phases[1].criteria[0]", "by": 12},
            "  12.40 s  attempt         Not reached: knee on the way to bottom, 12° short",
        ),
        (
            {"reason": "pose_lost", "path": None, "by": None, "side": "right"},
            "  12.40 s  attempt         Nobody was seen any more, right",
        ),
    ],
)
def test_with_the_movespec_an_attempt_is_explained(
    squat: MoveSpec, missed: dict[str, object], line: str
) -> None:
    assert EventLines(squat).line(event("event_interrupted", **missed)) == line


def test_frames_that_are_too_few_for_the_fastest_repetition_are_told() -> None:
    spec, squat = compile_movespec(SQUAT), MOVEMENTS["squat"]
    fast = squat.variants()["fast"]

    def told(fps: float) -> list[str]:
        recording = recorded(squat, repetitions=3, variant=fast, fps=fps)
        run = run_engine(spec, recording)
        lines = lines_of(spec, recording, run, is_explained=False)
        return [line for line in lines if "frames a second" in line]

    assert told(10) == [
        "10 frames a second may miss repetitions as fast as the fastest here, 0.5 s: film with 15."
    ]
    assert told(30) == []
