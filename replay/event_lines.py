"""Detection events as lines for people."""

from collections import Counter
from collections.abc import Iterable

from client.wire import Event
from detection import DetectionEvent

COMPLETED, INTERRUPTED = "event_completed", "event_interrupted"
# An event of the stream, or of the engine.
SomeEvent = Event | DetectionEvent


class EventLines:
    """The writer of one line an event, which numbers repetitions as they come.

    `   12.40 s  repetition 3  squat, score 0.93`
    """

    def __init__(self) -> None:
        self._repetitions = 0

    def line(self, event: SomeEvent) -> str:
        what, which = self._words(event)
        return f"{event.ts_ms / 1000:8.2f} s  {what:<14}  {which}"

    def _words(self, event: SomeEvent) -> tuple[str, str]:
        payload = event.payload
        match event.type:
            case "shape_enter":
                return "enter", f"{payload['shape_key']}, confidence {payload['confidence']:.2f}"
            case "shape_exit":
                return "exit", f"{payload['shape_key']}, confidence {payload['confidence']:.2f}"
            case "event_completed":
                self._repetitions += 1
                score = payload["score"]
                scored = "" if score is None else f", score {score:.2f}"
                return f"repetition {self._repetitions}", f"{payload['event_key']}{scored}"
            case "event_interrupted":
                return "interrupted", str(payload["reason"]).replace("_", " ")
            case _:
                return str(payload["level"]), str(payload["message"])


def count_completed(events: Iterable[SomeEvent]) -> Counter[str]:
    """event_key → completions."""
    return Counter(event.payload["event_key"] for event in events if event.type == COMPLETED)


def count_interrupted(events: Iterable[SomeEvent]) -> int:
    return sum(event.type == INTERRUPTED for event in events)
