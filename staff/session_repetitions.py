"""The table of a session's repetitions and attempts: how each was, and why others did not count."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from detection import MoveSpec, carried_angles
from sessions_app.attempt_words import why_words
from sessions_app.models import DetectionEvent, EventType
from staff.display import duration

# The newest repetitions and attempts that are listed.
ROWS = 30
OUTCOMES = (EventType.EVENT_COMPLETED, EventType.EVENT_INTERRUPTED)


class Range(NamedTuple):
    """The least and the most of a measure in a repetition, in degrees."""

    name: str
    least: float
    most: float
    # Whether it was filmed from where its degrees don't hold.
    is_uncertain: bool

    def __str__(self) -> str:
        uncertain = ", uncertain" if self.is_uncertain else ""
        return f"{measure_words(self.name)} {self.least:.0f}° to {self.most:.0f}°{uncertain}"


@dataclass(frozen=True, slots=True)
class Row:
    """A repetition, or an attempt that did not count. `after` is its time since the oldest event
    that is drawn. What older code has not stored is empty."""

    name: str
    counts: bool
    side: str
    after: str
    took: str
    ranges: Sequence[Range]
    form: str
    score: float | None
    why: str


class Table(NamedTuple):
    """The newest rows first. The columns that no row fills are left out."""

    rows: Sequence[Row]
    more: int
    has_side: bool
    has_took: bool
    has_range: bool
    has_form: bool
    has_score: bool
    has_why: bool


def table(newest: Sequence[DetectionEvent], spec: MoveSpec | None) -> Table:
    """The table of the newest events of a session, the last one first."""
    outcomes = [event for event in newest if event.type in OUTCOMES]
    rows = [_row(event, newest[-1].ts_ms, spec) for event in outcomes[:ROWS]]
    return Table(
        rows=rows,
        more=len(outcomes) - len(rows),
        has_side=any(row.side for row in rows),
        has_took=any(row.took for row in rows),
        has_range=any(row.ranges for row in rows),
        has_form=any(row.form for row in rows),
        # The score says less than these do.
        has_score=any(row.score is not None and not row.took for row in rows),
        has_why=any(row.why for row in rows),
    )


def ranges_of(event: DetectionEvent, spec: MoveSpec | None) -> list[Range]:
    """The ranges of the measures that carry the movement; of all where none is known to."""
    metrics = event.payload.get("metrics") or {}
    ranges = [
        Range(name, range_["least"], range_["most"], range_.get("uncertain", False))
        for name, range_ in metrics.get("measures", {}).items()
        if range_["least"] is not None and range_["most"] is not None
    ]
    carry = {angle.measure for angle in carried_angles(spec)} if spec else set()
    carried = [one for one in ranges if one.name.split(".")[1] in carry]
    return carried or ranges


def measure_words(name: str) -> str:
    """`joint.knee.left` as `left knee`, `lean.trunk` as `lean of the trunk`."""
    kind, measure, *side = name.split(".")
    words = " ".join([*side, measure.replace("_", " ")])
    return f"lean of the {words}" if kind == "lean" else words


def _row(event: DetectionEvent, began: float, spec: MoveSpec | None) -> Row:
    payload = event.payload
    metrics: dict[str, Any] = payload.get("metrics") or {}
    counts = event.type == EventType.EVENT_COMPLETED
    took = metrics.get("held_ms") or metrics.get("duration_ms")
    form = metrics.get("form")
    return Row(
        name=_name(payload, counts=counts, is_hold=metrics.get("held_ms") is not None),
        counts=counts,
        side=payload.get("side") or "",
        after=duration(timedelta(milliseconds=event.ts_ms - began)),
        took="" if took is None else duration(timedelta(milliseconds=took)),
        ranges=ranges_of(event, spec),
        form="" if form is None else f"{form:.0%}",
        score=payload.get("score"),
        why="" if counts else why_words(payload, spec),
    )


def _name(payload: dict[str, Any], *, counts: bool, is_hold: bool) -> str:
    """`Repetition 3`, `Attempt at 4`. One of older code has no number."""
    number = payload.get("number")
    if not counts:
        return "Attempt" if number is None else f"Attempt at {number}"
    kind = "Hold" if is_hold else "Repetition"
    return kind if number is None else f"{kind} {number}"
