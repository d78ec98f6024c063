"""Detection events as lines for people."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from clients.python.wire import Event
from detection import DetectionEvent, EngineSettings, MoveSpec
from dev.poses.recordings import Recording
from dev.replay.engine_run import EngineRun
from sessions_app.attempt_words import check_words, why_words
from sessions_app.summary import Quality

COMPLETED, INTERRUPTED = "event_completed", "event_interrupted"
# An event of the stream, or of the engine.
SomeEvent = Event | DetectionEvent


class EventLines:
    """The writer of one line an event, which numbers repetitions as they come.

    `  12.40 s  repetition 3  squat, score 0.93`

    With the MoveSpec the line of an attempt says why it did not count.
    """

    def __init__(self, explained: MoveSpec | None = None) -> None:
        self._repetitions = 0
        self._explained = explained

    def line(self, event: SomeEvent) -> str:
        what, which = self._words(event)
        return f"{event.ts_ms / 1000:7.2f} s  {what:<14}  {which}"

    def lines(self, event: SomeEvent) -> Iterator[str]:
        """Its line, and with the MoveSpec one of its checks, if it has any."""
        yield self.line(event)
        # An older server sends none.
        checks = (event.payload.get("metrics") or {}).get("checks")
        if self._explained and checks:
            yield f"{'':11}{'checks':<14}  {', '.join(map(check_words, checks))}"

    def _words(self, event: SomeEvent) -> tuple[str, str]:
        payload = event.payload
        side = f", {payload['side']}" if payload.get("side") else ""
        match event.type:
            case "shape_enter" | "shape_exit":
                confidence = f"confidence {payload['confidence']:.2f}"
                what = event.type.removeprefix("shape_")
                return what, f"{payload['shape_key']}{side}, {confidence}"
            case "event_completed":
                self._repetitions += 1
                return f"repetition {self._repetitions}", ", ".join(_completion_words(payload))
            case "event_interrupted" if self._explained:
                return "attempt", f"{why_words(payload, self._explained)}{side}"
            case "event_interrupted":
                return "interrupted", ", ".join(_attempt_words(payload))
            case _:
                return str(payload["level"]), str(payload["message"])


def lines_of(
    spec: MoveSpec, recording: Recording, run: EngineRun, *, is_explained: bool
) -> Iterator[str]:
    """The lines of each event of a recording, of each check, and one for what was counted."""
    lines, events = EventLines(spec if is_explained else None), run.events
    for event in events:
        yield from lines.lines(event)
    if is_explained:
        for name, counts in run.checks.items():
            yield f"{name}: met {counts['met']} of {sum(counts.values())}"
    completed = [event.payload for event in events if event.type == COMPLETED]
    if spec.type == "repetition" and completed:
        shortest_ms = min(payload["metrics"]["duration_ms"] for payload in completed)
        needed = EngineSettings().lowest_fps(shortest_ms)
        if recording.fps < needed:
            yield (
                f"{recording.fps:g} frames a second may miss repetitions as fast as the fastest "
                f"here, {shortest_ms / 1000:.1f} s: film with {math.ceil(min(needed, 60))}."
            )
    by_people = "" if recording.count is None else f" (recorded {recording.count})"
    yield (
        f"{spec.movement_name}: {count_completed(events).total()} completed{by_people}, "
        f"{count_interrupted(events)} interrupted"
    )


def quality_line(quality: Quality) -> str:
    """`quality: seen 1.00, completed 0.84, countable 0.84 (incomplete_movements)`"""
    reasons = f" ({', '.join(quality.reasons)})" if quality.reasons else ""
    return (
        f"quality: seen {quality.seen_share:.2f}, completed {quality.completed_share:.2f}, "
        f"countable {quality.countable_share:.2f}{reasons}"
    )


def _completion_words(payload: dict[str, Any]) -> Iterator[str]:
    yield str(payload["event_key"])
    if side := payload.get("side"):
        yield str(side)
    if payload["score"] is not None:
        yield f"score {payload['score']:.2f}"
    if metrics := payload.get("metrics"):
        held_ms = metrics["held_ms"]
        took = f"{metrics['duration_ms'] / 1000:.1f} s"
        yield took if held_ms is None else f"held {held_ms / 1000:.1f} s"
        if (form := metrics.get("form")) is not None:
            yield f"form {form:.2f}"
        if any(measure.get("uncertain") for measure in metrics.get("measures", {}).values()):
            yield "degrees uncertain"


def _attempt_words(payload: dict[str, Any]) -> Iterator[str]:
    """An older server sends the reason alone."""
    yield str(payload["reason"]).replace("_", " ")
    if side := payload.get("side"):
        yield str(side)
    if (missed_by := payload.get("by")) is not None:
        yield f"by {missed_by:g}"
    if path := payload.get("path"):
        yield str(path)


def count_completed(events: Iterable[SomeEvent]) -> Counter[str]:
    """event_key → completions."""
    return Counter(event.payload["event_key"] for event in events if event.type == COMPLETED)


def count_interrupted(events: Iterable[SomeEvent]) -> int:
    return sum(event.type == INTERRUPTED for event in events)
