"""The table of a session's repetitions and attempts: how each was, and why others did not count."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, NamedTuple

from detection import MoveSpec, carried_angles
from detection.spec import BODY_SIDES
from sessions_app.attempt_words import check_words, why_words
from sessions_app.counted import TimedRepetition
from sessions_app.models import DetectionEvent, EventType
from staff.display import duration, written

# The newest repetitions and attempts that are listed.
ROWS = 30
# By the side and the time at which the far end was left, a way back as `previous` tells it.
WaysBack = dict[tuple[str | None, int | None], dict[str, Any]]
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
    # How long it went out, stayed and came back.
    parts: str
    ranges: Sequence[Range]
    checks: Sequence[str]
    form: str
    score: str
    why: str


# Each but the number and the time, with its lines.
COLUMNS: Final[Mapping[str, Callable[[Row], Sequence[object]]]] = {
    "Side": lambda row: [row.side],
    "Took": lambda row: [row.took],
    "Out / stay / back": lambda row: [row.parts],
    "Range": lambda row: row.ranges,
    "Form": lambda row: [row.form],
    "Score": lambda row: [row.score],
    "Checks": lambda row: row.checks,
    "Why not": lambda row: [row.why],
}


class Table(NamedTuple):
    """The newest rows first. The columns that no row fills are left out."""

    rows: Sequence[Row]
    more: int
    columns: Sequence[str]

    @property
    def lines(self) -> list[tuple[Row, list[list[object]]]]:
        """Each row with the lines of its cells."""
        cells = [COLUMNS[column] for column in self.columns]
        return [(row, [list(filter(None, lines(row))) for lines in cells]) for row in self.rows]


def table(
    newest: Sequence[DetectionEvent], spec: MoveSpec | None, last: Iterable[TimedRepetition]
) -> Table:
    """The table of the newest events of a session, the last one first. `last` is the last
    repetition of each movement, as the summary has it."""
    outcomes = [event for event in newest if event.type in OUTCOMES]
    backs = _ways_back(outcomes, last)
    rows = [_row(event, newest[-1].ts_ms, backs, spec) for event in outcomes[:ROWS]]
    return Table(
        rows=rows,
        more=len(outcomes) - len(rows),
        columns=[name for name, lines in COLUMNS.items() if any(any(lines(row)) for row in rows)],
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


def parts_words(parts: Sequence[float | None]) -> str:
    """Milliseconds as `1.1 / 0.2 / 1.0 s`, with - for what is not known; "" where nothing is."""
    if all(ms is None for ms in parts):
        return ""
    return " / ".join("-" if ms is None else f"{ms / 1000:.1f}" for ms in parts) + " s"


def _ways_back(outcomes: Sequence[DetectionEvent], last: Iterable[TimedRepetition]) -> WaysBack:
    """Those that were not over as their repetition was told: told with the next one, and of the
    last repetition by the summary, which has no side."""
    backs: WaysBack = {
        (side, one.times.left_ms): {"back_ms": one.back_ms}
        for one in last
        for side in (None, *BODY_SIDES)
    }
    for event in outcomes:
        if previous := (event.payload.get("metrics") or {}).get("previous"):
            left_ms = previous["ended_ms"] - previous["back_ms"]
            backs[event.payload.get("side"), left_ms] = previous
    return backs


def _row(
    event: DetectionEvent,
    began: float,
    backs: WaysBack,
    spec: MoveSpec | None,
) -> Row:
    payload = event.payload
    metrics: dict[str, Any] = payload.get("metrics") or {}
    counts = event.type == EventType.EVENT_COMPLETED
    took = metrics.get("held_ms") or metrics.get("duration_ms")
    left_ms = (metrics.get("times") or {}).get("left_ms")
    later = {} if left_ms is None else backs.get((payload.get("side"), left_ms), {})
    told_later = {check["name"]: check for check in later.get("checks", ())}
    back = metrics.get("back_ms")
    form, score = metrics.get("form"), payload.get("score")
    return Row(
        name=_name(payload, counts=counts, is_hold=metrics.get("held_ms") is not None),
        counts=counts,
        side=payload.get("side") or "",
        after=duration(timedelta(milliseconds=event.ts_ms - began)),
        took="" if took is None else duration(timedelta(milliseconds=took)),
        parts=parts_words(
            (
                metrics.get("out_ms"),
                metrics.get("stay_ms"),
                later.get("back_ms") if back is None else back,
            )
        ),
        ranges=ranges_of(event, spec),
        checks=[
            check_words(told_later.get(check["name"], check)) for check in metrics.get("checks", ())
        ],
        form="" if form is None else f"{form:.0%}",
        # It says less than the others do.
        score="" if score is None or metrics else written(score),
        why="" if counts else why_words(payload, spec),
    )


def _name(payload: dict[str, Any], *, counts: bool, is_hold: bool) -> str:
    """`Repetition 3`, `Attempt at 4`. One of older code has no number."""
    number = payload.get("number")
    if not counts:
        return "Attempt" if number is None else f"Attempt at {number}"
    kind = "Hold" if is_hold else "Repetition"
    return kind if number is None else f"{kind} {number}"
