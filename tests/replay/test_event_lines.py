import pytest

from detection import DetectionEvent
from replay.event_lines import EventLines, count_completed, count_interrupted


def event(type: str, ts_ms: float = 12_400, **payload: object) -> DetectionEvent:  # noqa: A002
    return DetectionEvent(type, ts_ms, payload)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            event("shape_enter", shape_key="bottom", confidence=0.931),
            "   12.40 s  enter           bottom, confidence 0.93",
        ),
        (
            event("shape_exit", shape_key="bottom", confidence=1.0),
            "   12.40 s  exit            bottom, confidence 1.00",
        ),
        (
            event("event_completed", event_key="squat", score=0.5),
            "   12.40 s  repetition 1    squat, score 0.50",
        ),
        (
            event("event_completed", event_key="squat", score=None),
            "   12.40 s  repetition 1    squat",
        ),
        (event("event_interrupted", reason="pose_lost"), "   12.40 s  interrupted     pose lost"),
        (
            event("feedback", ts_ms=3_600_000, level="coaching", message="Chest up."),
            " 3600.00 s  coaching        Chest up.",
        ),
    ],
)
def test_each_event_is_a_line(event: DetectionEvent, line: str) -> None:
    assert EventLines().line(event) == line


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
