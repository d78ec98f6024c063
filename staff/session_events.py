"""The CSV of a session's events, in their order: a line each, with a column for each field."""

from collections.abc import Iterator
from typing import Any

from detection import MoveSpec
from detection.engine.plan import plan_of
from sessions_app.attempt_words import why_words
from sessions_app.events import NO_FRAME, events_behind, present_ts
from sessions_app.models import DetectionEvent, DetectionSession, EventType
from staff.downloads import ROWS_AT_ONCE, written_lines

# Of the event, then what its type has. What a type has not, or older code did not store, is empty.
OF_EVENT = ("event", "ts_ms", "frame", "type", "name", "number", "side")
OF_METRICS = ("duration_ms", "held_ms", "form")
OF_PAYLOAD = ("score", "reason", "path", "by", "confidence", "level", "key", "message")
UNCERTAIN, WHY = "uncertain", "why"


def event_lines(session: DetectionSession, spec: MoveSpec | None) -> Iterator[bytes]:
    """The lines of the CSV. Each measure of the MoveSpec has a column for its least and for its
    most in a repetition, in degrees; those that are uncertain are named in one."""
    names = measure_names_of(spec) if spec else []
    ranges = [f"{name} {end}" for name in names for end in ("least", "most")]
    header = [*OF_EVENT, *OF_METRICS, *ranges, UNCERTAIN, *OF_PAYLOAD, WHY]
    return written_lines(header, (_cells(event, names, spec) for event in _events(session)))


def measure_names_of(spec: MoveSpec) -> list[str]:
    """The measures of its phases, as events name them."""
    return [name for counter in plan_of(spec).counters for name in counter.directions]


def _events(session: DetectionSession) -> Iterator[DetectionEvent]:
    """All of them, by one short statement after another."""
    known = 0
    while page := events_behind(session_id=session.pk, sequence=known, limit=ROWS_AT_ONCE):
        yield from page
        known = page[-1].sequence


def _cells(event: DetectionEvent, names: list[str], spec: MoveSpec | None) -> list[object]:
    payload: dict[str, Any] = event.payload
    metrics = payload.get("metrics") or {}
    measures = metrics.get("measures", {})
    return [
        event.sequence,
        present_ts(event.ts_ms),
        None if event.frame_seq == NO_FRAME else event.frame_seq,
        event.type,
        payload.get("shape_key", payload.get("event_key")),
        payload.get("number"),
        payload.get("side"),
        *(metrics.get(name) for name in OF_METRICS),
        *(measures.get(name, {}).get(end) for name in names for end in ("least", "most")),
        " ".join(name for name in names if measures.get(name, {}).get("uncertain")) or None,
        *(payload.get(name) for name in OF_PAYLOAD),
        why_words(payload, spec) if event.type == EventType.EVENT_INTERRUPTED else None,
    ]
