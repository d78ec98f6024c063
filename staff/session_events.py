"""The CSV of a session's events, in their order: a line each, with a column for each field."""

from collections.abc import Iterator, Sequence
from typing import Any

from detection import MoveSpec
from detection.engine.plan import plan_of
from sessions_app.attempt_words import why_words
from sessions_app.events import NO_FRAME, events_behind, present_ts
from sessions_app.models import DetectionEvent, DetectionSession, EventType
from staff.downloads import ROWS_AT_ONCE, written_lines

# Of the event, then what its type has. What a type has not, or older code did not store, is empty.
OF_EVENT = ("event", "ts_ms", "frame", "type", "name", "number", "side")
OF_METRICS = ("duration_ms", "out_ms", "stay_ms", "back_ms", "held_ms", "form")
OF_PAYLOAD = ("score", "reason", "path", "by", "confidence", "level", "key", "message")
PREVIOUS_BACK, UNCERTAIN, WHY = "previous_back_ms", "uncertain", "why"
OUTCOMES = {True: "met", False: "missed", None: "not judged"}


def event_lines(session: DetectionSession, spec: MoveSpec | None) -> Iterator[bytes]:
    """The lines of the CSV. Each measure of the MoveSpec has a column for its least and for its
    most in a repetition, in degrees. Each check has one for its outcome, one for its value, and one
    for by how much it was missed. A last one names what is uncertain of them."""
    names = measure_names_of(spec) if spec else []
    checks = list(spec.check_paths) if spec else []
    ranges = [f"{name} {end}" for name in names for end in ("least", "most")]
    # No author's name has a dot: so none has the column of another.
    told = [*checks, *(f"previous.{name}" for name in _told_later(checks))]
    of_checks = [f"check.{name}{end}" for name in told for end in ("", ".value", ".by")]
    header = [
        *OF_EVENT, *OF_METRICS, PREVIOUS_BACK, *ranges, *of_checks, UNCERTAIN, *OF_PAYLOAD, WHY
    ]  # fmt: skip
    cells = (_cells(event, names, checks, spec) for event in _events(session))
    return written_lines(header, cells)


def measure_names_of(spec: MoveSpec) -> list[str]:
    """The measures of its phases, as events name them."""
    return [name for counter in plan_of(spec).counters for name in counter.directions]


def _events(session: DetectionSession) -> Iterator[DetectionEvent]:
    """All of them, by one short statement after another."""
    known = 0
    while page := events_behind(session_id=session.pk, sequence=known, limit=ROWS_AT_ONCE):
        yield from page
        known = page[-1].sequence


def _cells(
    event: DetectionEvent, names: list[str], checks: list[str], spec: MoveSpec | None
) -> list[object]:
    payload: dict[str, Any] = event.payload
    metrics = payload.get("metrics") or {}
    measures = metrics.get("measures", {})
    previous = metrics.get("previous") or {}
    told, told_later = (
        {check["name"]: check for check in of.get("checks", ())} for of in (metrics, previous)
    )
    of_all = {**measures, **told}
    return [
        event.sequence,
        present_ts(event.ts_ms),
        None if event.frame_seq == NO_FRAME else event.frame_seq,
        event.type,
        payload.get("shape_key", payload.get("event_key")),
        payload.get("number"),
        payload.get("side"),
        *(metrics.get(name) for name in OF_METRICS),
        previous.get("back_ms"),
        *(measures.get(name, {}).get(end) for name in names for end in ("least", "most")),
        *(cell for name in checks for cell in _of_check(told.get(name))),
        *(cell for name in _told_later(checks) for cell in _of_check(told_later.get(name))),
        ", ".join(n for n in (*names, *checks) if of_all.get(n, {}).get("uncertain")) or None,
        *(payload.get(name) for name in OF_PAYLOAD),
        why_words(payload, spec) if event.type == EventType.EVENT_INTERRUPTED else None,
    ]


def _told_later(checks: Sequence[str]) -> list[str]:
    """The check of a way back, which is told once that is over."""
    return [name for name in checks if name == "tempo.back"]


def _of_check(check: dict[str, Any] | None) -> tuple[object, object, object]:
    if check is None:
        return None, None, None
    return OUTCOMES[check["met"]], check["value"], check["by"]
