"""The page of a session: its facts, why it counted nothing, and its repetitions.

The reasons are guesses from the stored summary, the likeliest first.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from msgspec.structs import astuple

from detection import DrivingAngle, MoveSpec, MoveSpecInvalid, QualityReason, Side, driving_angles
from sessions_app.attempt_words import check_words, why_words
from sessions_app.context import spec_of_session
from sessions_app.models import LIVE_STATUSES, DetectionEvent, DetectionSession, EventType
from sessions_app.stream_state import SUMMARY, summary_of
from sessions_app.summary import DOUBTED_BELOW, MovementSummary, counted_of, quality_of, shares_of
from staff.display import duration, number_words

# The newest repetitions and attempts that are listed, the newest events that they are sought in,
# and the newest attaches.
ROWS, EVENTS, ATTACHES = 30, 2_000, 20
# Below these a page says so: the share of usable frames, and frames of a second.
USABLE_SHARE, MIN_PER_SECOND = 0.5, 8
# An angle this near to a band has not missed it.
NEAR_DEGREES = 1.0
OUTCOMES = (EventType.EVENT_COMPLETED, EventType.EVENT_INTERRUPTED)
DOUBTS: Final[Mapping[QualityReason, str]] = {
    QualityReason.POSE_LOST: "of the time there was no pose.",
    QualityReason.POSE_JUMPING: "of the time the landmarks jumped.",
    QualityReason.SIDE_HIDDEN: "of the time a driving angle was hidden.",
    QualityReason.OUT_OF_VIEW: "of the time the person was not filmed from the asked side, or cut.",
    QualityReason.INCOMPLETE_MOVEMENTS: "of the movement completed no repetition.",
}
CLOSED: Final[Mapping[int, str]] = {
    1000: "The session was over, or the client closed the connection.",
    1001: "The client went away.",
    1006: "The connection broke.",
    1009: "A message was too large.",
    1012: "The stream server restarted or lost the database.",
    4400: "The client sent a bad message.",
    4408: "The client was too slow.",
    4409: "A newer connection took the session.",
    4413: "A batch was too large.",
    4429: "The client sent too many messages.",
}
Fact = tuple[str, str, str]


def spec_of(session: DetectionSession) -> MoveSpec | None:
    """The MoveSpec that counts in it; None if the language no longer accepts its version's text."""
    try:
        return spec_of_session(session)
    except MoveSpecInvalid:
        return None


def session_page(session: DetectionSession) -> dict[str, Any]:
    """The variables of a session's page, read by four queries at most."""
    seen = Seen(session)
    # Sequences have no gap, so no plan reads more of a long session.
    newest = list(
        session.events.filter(sequence__gt=session.events_total - EVENTS).order_by("-sequence")
    )
    attaches = session.attaches.order_by("-attached_at")[:ATTACHES]
    return {
        "frames": list(_frames(seen)),
        "why": list(_why(seen)),
        "movements": [(name, list(_movement(one))) for name, one in seen.movements.items()],
        "counts": dict(Counter(session.repetitions).most_common()),
        "repetitions": repetition_rows(newest, seen),
        "attaches": [(one, CLOSED.get(one.close_code or 0, "")) for one in attaches],
    }


class Seen:
    """A session, its MoveSpec where that can be read, and what its stored summary says."""

    def __init__(self, session: DetectionSession) -> None:
        self.session, self.spec = session, spec_of(session)
        stored = summary_of(session)
        if stored is None:
            this = DetectionSession.objects.filter(id=session.id)
            stored = this.values_list(SUMMARY, flat=True).first()
        # Code from before there were summaries stored none.
        self.stored: Mapping[str, Any] = stored if stored and "frames" in stored else {}
        self.frames: int = self.stored.get("frames", 0)
        self.usable_share = self.stored.get("usable", 0) / self.frames if self.frames else 0.0
        self.active_ms: float = self.stored.get("active_ms", 0.0)
        self.frames_a_second: float | None = None
        if self.active_ms:
            self.frames_a_second = 1000 * self.stored.get("intervals", 0) / self.active_ms
        self.rejected = Counter[str](self.stored.get("rejected", {}))
        self.quality = quality_of(self.stored)
        self.movements = counted_of(self.stored) or {}
        carried = driving_angles(self.spec) if self.spec else []
        ranges = self.stored.get("ranges", ())
        self.angles: list[tuple[DrivingAngle, float | None, float | None]] = []
        if len(carried) == len(ranges):
            self.angles = [(angle, *both) for angle, both in zip(carried, ranges, strict=True)]


def _frames(seen: Seen) -> Iterator[Fact]:
    """What the frames showed, as (name, value, what is asked for)."""
    session, stored = seen.session, seen.stored
    if session.rejected_frames_total:
        named = [f"{reason}: {frames}" for reason, frames in seen.rejected.most_common()]
        if (unknown := session.rejected_frames_total - seen.rejected.total()) > 0:
            named.append(f"not stored: {unknown}")
        yield "Frames rejected", f"{session.rejected_frames_total}", ", ".join(named)
    if repeated := stored.get("repeated"):
        yield "Frames repeated", f"{repeated}", "sent again, or numbered anew"
    if not seen.frames:
        return
    if seen.active_ms:
        span = duration(timedelta(milliseconds=seen.active_ms))
        yield "Time of the frames", span, "gaps over 2 s left out"
    of = f"of {seen.frames}"
    if seen.frames < session.accepted_frames_total:
        of += f", of {session.accepted_frames_total} accepted"
    yield "Frames with a usable pose", f"{seen.usable_share:.0%}", of
    if seen.quality is not None:
        doubted = f"doubted below {DOUBTED_BELOW:.0%}"
        yield "Could be counted", f"{seen.quality.countable_share:.0%}", doubted
    if seen.frames_a_second is not None:
        yield "Frames a second", number_words(round(seen.frames_a_second, 1)), ""
    for angle, least, most in seen.angles:
        low, high = _subject(angle, angle.low_side), _subject(angle, angle.high_side)
        if low == high:
            yield low, f"{_degrees(least)} to {_degrees(most)}", f"{_low(angle)}, {_high(angle)}"
        else:
            yield low, f"down to {_degrees(least)}", _low(angle)
            yield high, f"up to {_degrees(most)}", _high(angle)
    if seen.spec is not None and not session.repetitions:
        steps, sequence = stored.get("steps", 0), seen.spec.sequence
        yield "Farthest step", f"{steps} of {len(sequence)}", sequence[steps - 1] if steps else ""


def _why(seen: Seen) -> Iterator[str]:
    """Why nothing was counted; where something was, only what may have cost repetitions."""
    session, rejected = seen.session, seen.rejected
    if not seen.frames:
        if session.accepted_frames_total:
            return  # earlier code accepted them, and stored no summary
        if session.rejected_frames_total:
            yield "Every frame was rejected."
        elif session.started_at is not None:
            yield "A client attached, and no frame was accepted."
        else:
            yield f"No client attached{' yet' if session.status in LIVE_STATUSES else ''}."
        return
    if rejected.total() > seen.frames:
        yield f"More frames were rejected than accepted, most as {rejected.most_common(1)[0][0]}."
    if seen.usable_share < USABLE_SHARE:
        yield (
            f"Only {seen.usable_share:.0%} of the frames had a usable pose: what the MoveSpec "
            "measures was hidden or out of the picture, or the landmarks jumped."
        )
    a_second = seen.frames_a_second
    if a_second is not None and a_second < MIN_PER_SECOND:
        yield f"Only {a_second:.1f} frames came a second: a phase may lie between two of them."
    if any(session.repetitions.values()):
        shares = shares_of(seen.stored.get("quality", {}))
        if seen.quality and shares and seen.quality.countable_share < DOUBTED_BELOW:
            for reason in seen.quality.reasons:
                yield f"{shares[reason]:.0%} {DOUBTS[reason]}"
    elif seen.spec is not None and seen.stored.get("usable"):
        yield from _missed(seen, seen.spec)


def _missed(seen: Seen, spec: MoveSpec) -> Iterator[str]:
    """The bounds of the phase after the farthest step that the driving angles did not reach.

    Whoever moves through the whole gap is judged by that, and not by the bounds.
    """
    steps = seen.stored.get("steps", 0)
    phase = spec.sequence[min(steps, len(spec.sequence) - 1)]
    reached = True
    for angle, least, most in seen.angles:
        is_low = phase in angle.low_phases
        if not is_low and phase not in angle.high_phases:
            continue
        side, asked = (angle.low_side, _low) if is_low else (angle.high_side, _high)
        if least is None or most is None:
            reached = False
            yield f"{_subject(angle, side)}: never measured. {asked(angle)}."
        elif most - least < angle.gap and (
            least > angle.low_max + NEAR_DEGREES if is_low else most < angle.high_min - NEAR_DEGREES
        ):
            reached = False
            there = f"down to {_degrees(least)}" if is_low else f"up to {_degrees(most)}"
            yield f"{_subject(angle, side)}: {there}. {asked(angle)}."
    if reached:
        step = f"{phase}, step {steps + 1} of {len(spec.sequence)}"
        if steps:
            yield f"A repetition reached {spec.sequence[steps - 1]}, and none reached {step}."
        else:
            yield f"Nobody reached {step}."
    if interrupted := seen.session.interrupted_total:
        yield f"Attempts that did not count: {interrupted}. The table says why."


def _subject(angle: DrivingAngle, side: Side | None) -> str:
    name = angle.measure.replace("_", " ")
    return f"Both {name}s" if side == "both" else f"{side or ''} {name}".strip().capitalize()


def _low(angle: DrivingAngle) -> str:
    return f"{' or '.join(sorted(angle.low_phases))} is up to {angle.low_max:g}°"


def _high(angle: DrivingAngle) -> str:
    return f"{' or '.join(sorted(angle.high_phases))} is from {angle.high_min:g}°"


def _degrees(degrees: float | None) -> str:
    return "?" if degrees is None else f"{degrees:.0f}°"


def _movement(one: MovementSummary) -> Iterator[tuple[str, str]]:
    """What the whole session counted of one movement, however long it was."""
    sides = ", ".join(f"{side} {times}" for side, times in (one.by_side or {}).items())
    yield "Counted", f"{one.completed} ({sides})" if sides else f"{one.completed}"
    if one.longest_ms is not None:
        yield "Longest", duration(timedelta(milliseconds=one.longest_ms))
    for reason, times in Counter(one.attempts).most_common():
        yield f"Attempts: {reason}", f"{times}"
    for check, of in one.checks.items():
        judged = of.met + of.missed
        yield check, f"met {of.met} of {judged}" if judged else "not judged"
    if one.times and (mean := _parts(astuple(one.times.mean))):
        yield "Out / stay / back, mean", mean


def repetition_rows(newest: Sequence[DetectionEvent], seen: Seen) -> list[dict[str, Any]]:
    """The newest repetitions and attempts, the last one first."""
    outcomes = [event for event in newest if event.type in OUTCOMES]
    # A way back ends after its repetition was sent: the next event has it, or the summary.
    backs = {
        (side, one.times.last.times.left_ms): {"back_ms": one.times.last.back_ms}
        for one in seen.movements.values()
        if one.times and one.times.last
        for side in (None, "left", "right")
    }
    for event in outcomes:
        if previous := (event.payload.get("metrics") or {}).get("previous"):
            backs[event.payload.get("side"), previous["ended_ms"] - previous["back_ms"]] = previous
    return [_row(event, newest[-1].ts_ms, backs, seen.spec) for event in outcomes[:ROWS]]


def _row(
    event: DetectionEvent, began_ms: float, backs: Mapping[Any, Any], spec: MoveSpec | None
) -> dict[str, Any]:
    """A repetition, or an attempt. `after` is the time since the oldest event that was read."""
    payload, counts = event.payload, event.type == EventType.EVENT_COMPLETED
    metrics: dict[str, Any] = payload.get("metrics") or {}
    side, left_ms = payload.get("side"), (metrics.get("times") or {}).get("left_ms")
    later = backs.get((side, left_ms), {}) if left_ms is not None else {}
    checks = {one["name"]: one for one in (*metrics.get("checks", ()), *later.get("checks", ()))}
    took, form = metrics.get("held_ms") or metrics.get("duration_ms"), metrics.get("form")
    kind = "Hold" if metrics.get("held_ms") is not None else "Repetition"
    number = payload.get("number")
    name = kind if counts else "Attempt" if number is None else "Attempt at"
    back_ms = metrics.get("back_ms")
    if back_ms is None:
        back_ms = later.get("back_ms")
    return {
        "name": name if number is None else f"{name} {number}",
        "counts": counts,
        "side": side or "",
        "after": duration(timedelta(milliseconds=event.ts_ms - began_ms)),
        "took": "" if took is None else duration(timedelta(milliseconds=took)),
        "parts": _parts((metrics.get("out_ms"), metrics.get("stay_ms"), back_ms)),
        "ranges": _ranges(metrics.get("measures", {}), spec),
        "form": "" if form is None else f"{form:.0%}",
        "checks": list(map(check_words, checks.values())),
        "why": "" if counts else why_words(payload, spec),
    }


def _ranges(measures: Mapping[str, Any], spec: MoveSpec | None) -> list[str]:
    """`left knee 84° to 174°` of each driving angle; of all angles where none is known to drive."""
    drives = {angle.measure for angle in driving_angles(spec)} if spec else set()
    known = {name: one for name, one in measures.items() if one["least"] is not None}
    shown = {name: one for name, one in known.items() if name.split(".")[1] in drives} or known
    found = []
    for name, one in shown.items():
        kind, measure, *side = name.split(".")
        words = " ".join([*side, measure.replace("_", " ")])
        uncertain = ", uncertain" if one.get("uncertain") else ""
        of = "lean of the " if kind == "lean" else ""
        found.append(f"{of}{words} {one['least']:.0f}° to {one['most']:.0f}°{uncertain}")
    return found


def _parts(parts: Sequence[float | None]) -> str:
    """Milliseconds as `1.1 / 0.2 / 1.0 s`, with - for what is not known; "" where nothing is."""
    if all(ms is None for ms in parts):
        return ""
    return " / ".join("-" if ms is None else f"{ms / 1000:.1f}" for ms in parts) + " s"
