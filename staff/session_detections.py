"""The detections of a session: its counts, a picture over time, its events and attaches."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from detection import MoveSpec, MoveSpecInvalid
from detection.spec import BODY_SIDES
from sessions_app.attempt_words import reason_words
from sessions_app.event_counters import Counts, counts_of, is_counted
from sessions_app.models import DetectionEvent, DetectionSession, EventType, SessionAttach
from sessions_app.version_specs import spec_of_session
from staff.display import duration
from staff.plain_words import EVENTS
from staff.session_measures import DRAWN as MAX_DRAWN
from staff.session_measures import measure_charts
from staff.session_repetitions import table
from staff.session_tries import MovementTries

# The newest events that are drawn, the newest that are listed, and the newest attaches.
DRAWN, LISTED, ATTACHES = 2_000, 25, 20
# The most frequent keys, reasons or messages that are counted.
COUNTED = 10
# The picture's width in units of its own, stretched to the page's; and a lane's height in pixels.
WIDTH, LANE = 1_000, 24
THINNEST = 2
# The same code, from the stream server.
IS_OVER = "The session was over."
MARKS: dict[str, str] = {
    EventType.EVENT_COMPLETED: "completed",
    EventType.EVENT_INTERRUPTED: "interrupted",
    EventType.FEEDBACK: "feedback",
}
CLOSED = {
    1000: "The client closed the connection.",
    1001: "The client went away.",
    1006: "The connection broke.",
    1009: "A message was larger than the transport takes.",
    1012: "The stream server restarted or lost the database: the client was to attach again.",
    4400: "The client sent a bad message.",
    4408: "The client did not read, or sent a message too slowly.",
    4409: "A newer connection took the session.",
    4413: "A batch was too large.",
    4429: "The client sent too many messages.",
}


class Lane(NamedTuple):
    """A row of the picture: a phase's stays as bars, or events of one type as marks."""

    name: str
    kind: str
    times: int
    path: str


class Picture(NamedTuple):
    lanes: Sequence[Lane]
    height: int
    lasts: str


class Attach(NamedTuple):
    """An attach, with the host and process of the stream server that held it."""

    noted: SessionAttach
    host: str
    process: str
    lasted: str
    how: str


def detections(
    session: DetectionSession, now: datetime, tries: Iterable[MovementTries]
) -> dict[str, Any]:
    """The variables of a session's page, read by three queries at most. `tries` are what its
    summary has of it."""
    # Sequences have no gap: so no plan reads more of a long session than this.
    newest = list(
        session.events.filter(sequence__gt=session.events_total - DRAWN).order_by("-sequence")
    )
    feedback = [one for one in newest if one.type == EventType.FEEDBACK]
    interrupted = [one for one in newest if one.type == EventType.EVENT_INTERRUPTED]
    attaches = list(session.attaches.order_by("-attached_at")[: ATTACHES + 1])
    spec = spec_of(session) if newest else None
    return {
        "picture": picture(newest[::-1], lanes_of(spec)) if newest else None,
        "drawn": len(newest),
        "counts": _counts(session, newest),
        "is_counted": is_counted(session),
        "reasons": _most(reason_words(one.payload) for one in interrupted),
        "feedback": _most(one.payload["message"] for one in feedback),
        "repetitions": table(newest, spec, [one.last for one in tries if one.last])
        if newest
        else None,
        "most_drawn": MAX_DRAWN,
        "measures": measure_charts(newest, spec) if newest else [],
        "listed": [(one, EVENTS.get(one.type, one.type)) for one in newest[:LISTED]],
        "attaches": [_attach(one, session, now) for one in attaches[:ATTACHES]],
        "has_older_attaches": len(attaches) > ATTACHES,
    }


def spec_of(session: DetectionSession) -> MoveSpec | None:
    """The MoveSpec that counts in it; None if the language no longer takes its version's text."""
    try:
        return spec_of_session(session)
    except MoveSpecInvalid:
        return None


def lanes_of(spec: MoveSpec | None) -> list[str]:
    """The names of its phases' lanes, in order; of each side where sides are counted apart."""
    if spec is None:
        return []
    sides = BODY_SIDES if spec.counts_each_side else (None,)
    return [_lane_name(phase.name, side) for phase in spec.phases for side in sides]


def _lane_name(phase: str, side: str | None) -> str:
    return f"{phase}, {side}" if side else phase


def picture(events: Sequence[DetectionEvent], phases: Sequence[str]) -> Picture:
    """The lanes named `phases`, of others in `events`, and of marks; the oldest event first."""
    began, span = events[0].ts_ms, events[-1].ts_ms - events[0].ts_ms
    stays: dict[str, list[tuple[float, float]]] = {name: [] for name in phases}
    marks: dict[str, list[float]] = {name: [] for name in MARKS.values()}
    entered: dict[str, float] = {}
    for event in events:
        at = WIDTH * (event.ts_ms - began) / span if span else 0.0
        if event.type in MARKS:
            marks[MARKS[event.type]].append(at)
            continue
        phase = _lane_name(event.payload["shape_key"], event.payload.get("side"))
        if event.type == EventType.SHAPE_ENTER:
            entered[phase] = at
        else:
            # What was entered before the first of these events is held from the edge.
            stays.setdefault(phase, []).append((entered.pop(phase, 0.0), at))
    for phase, since in entered.items():
        stays.setdefault(phase, []).append((since, float(WIDTH)))
    lanes: list[Lane] = []
    for name, held in stays.items():
        top = LANE * len(lanes)
        bars = "".join(_bar(since, until, top) for since, until in held)
        lanes.append(Lane(name, "phase", len(held), bars))
    for name, found in marks.items():
        top = LANE * len(lanes)
        lines = "".join(f"M{at:.1f} {top + 3}V{top + LANE - 3}" for at in found)
        lanes.append(Lane(name, name, len(found), lines))
    return Picture(lanes, LANE * len(lanes), duration(timedelta(milliseconds=span)))


def _bar(since: float, until: float, top: int) -> str:
    """The bar of a stay, at least THINNEST wide."""
    until = max(until, since + THINNEST)
    return f"M{since:.1f} {top + 5}H{until:.1f}V{top + LANE - 5}H{since:.1f}Z"


def _counts(session: DetectionSession, newest: Sequence[DetectionEvent]) -> list[tuple[str, int]]:
    """The counts of all events; of `newest` alone if code without counters has stored some."""
    known = Counts(session.repetitions, session.interrupted_total)
    counts = known if is_counted(session) else counts_of(newest)
    keys = Counter(counts.repetitions).most_common(COUNTED) or [("repetitions", 0)]
    return [*keys, ("interrupted", counts.interrupted)]


def _most(texts: Iterable[str]) -> list[tuple[str, int]]:
    return Counter(texts).most_common(COUNTED)


def _attach(attach: SessionAttach, session: DetectionSession, now: datetime) -> Attach:
    is_held = (
        session.attachment_id == attach.id
        and session.lease_until is not None
        and session.lease_until > now
    )
    if attach.detached_at is None:
        how = "Attached now." if is_held else "The stream server said nothing of its end."
        lasted = duration(now - attach.attached_at) if is_held else ""
    else:
        how = _how_closed(attach, session)
        lasted = duration(attach.detached_at - attach.attached_at)
    return Attach(attach, *attach.runtime.rpartition(":")[::2], lasted, how)


def _how_closed(attach: SessionAttach, session: DetectionSession) -> str:
    """The server closes with 1000 once the session has ended, and a client whenever it likes."""
    ended, closed = session.ended_at, attach.detached_at
    if attach.close_code == 1000 and ended and closed and ended <= closed:
        return IS_OVER
    return CLOSED.get(attach.close_code or 0, "")
