"""What the frames of a session showed, in words, and why nothing may have been counted.

The reasons are guesses from a few figures, the likeliest first.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from detection import CarriedAngle, MoveSpec, MoveSpecInvalid, Side, carried_angles
from sessions_app.models import LIVE_STATUSES, DetectionSession
from sessions_app.stream_state import SUMMARY, summary_of
from sessions_app.version_specs import spec_of_session
from staff import session_quality
from staff.display import counted, duration, written
from staff.session_rejections import rejections, words_of
from staff.session_tries import tries

# Below these it is told: less than half of the frames, and frames of a second.
USABLE_SHARE, MIN_PER_SECOND = 0.5, 8
# An angle that is so near to a band has missed nothing by it.
NEAR_DEGREES = 1.0
# Of what else a phase asks for, so much is named.
MAX_NAMED = 4


@dataclass(frozen=True, slots=True)
class Seen:
    """The stored summary of a session, beside its version's MoveSpec where that can be read."""

    completed: int
    interrupted: int
    frames: int
    usable: int
    intervals: int
    active_ms: float
    ranges: Sequence[tuple[float | None, float | None]]
    steps: int
    repeated: int
    rejected: Mapping[str, int]
    quality: Mapping[str, Any]
    spec: MoveSpec | None

    @property
    def usable_share(self) -> float:
        return self.usable / self.frames if self.frames else 0.0

    @property
    def frames_a_second(self) -> float | None:
        return 1000 * self.intervals / self.active_ms if self.active_ms else None

    @property
    def angles(self) -> list[tuple[CarriedAngle, float | None, float | None]]:
        """Each angle that carries the movement, with its least and its most."""
        carried = carried_angles(self.spec) if self.spec else []
        if len(carried) != len(self.ranges):
            return []
        return [(angle, *range_) for angle, range_ in zip(carried, self.ranges, strict=True)]


def frames_shown(session: DetectionSession) -> dict[str, Any]:
    """The variables of a session's page: facts as (name, value, what is asked for), reasons, the
    frames that were not taken, what was counted in all, and how much time the frames span."""
    stored = _stored(session)
    seen = _seen(session, stored)
    return {
        "shown": list(_facts(seen, session)) if seen else [],
        "why": list(_reasons(seen) if seen else _nothing_taken(session)),
        "rejections": rejections(stored, session.rejected_frames_total),
        "tries": tries(stored),
        "frames_span": duration(timedelta(milliseconds=seen.active_ms))
        if seen and seen.active_ms
        else "",
    }


def _stored(session: DetectionSession) -> dict[str, Any] | None:
    """None where nothing was stored, or by code from before there were summaries."""
    stored = summary_of(session)
    if stored is None:
        this = DetectionSession.objects.filter(id=session.id)
        stored = this.values_list(SUMMARY, flat=True).first()
    return stored if stored and "frames" in stored else None


def _seen(session: DetectionSession, stored: dict[str, Any] | None) -> Seen | None:
    if stored is None:
        return None
    try:
        spec = spec_of_session(session)
    except MoveSpecInvalid:
        spec = None
    return Seen(
        completed=sum(session.repetitions.values()),
        interrupted=session.interrupted_total,
        frames=stored["frames"],
        usable=stored.get("usable", 0),
        intervals=stored.get("intervals", 0),
        active_ms=stored.get("active_ms", 0.0),
        ranges=[(least, most) for least, most in stored.get("ranges", ())],
        steps=stored.get("steps", 0),
        repeated=stored.get("repeated", 0),
        rejected=stored.get("rejected", {}),
        quality=stored.get("quality", {}),
        spec=spec,
    )


def _nothing_taken(session: DetectionSession) -> Iterator[str]:
    if session.accepted_frames_total:
        return  # earlier code took them, and summed up nothing
    if session.rejected_frames_total:
        yield "Every frame was rejected."
    elif session.started_at is not None:
        yield "The client attached, and no frame of it was taken."
    elif session.status in LIVE_STATUSES:
        yield "No client has attached yet."
    else:
        yield "No client attached."


def _facts(seen: Seen, session: DetectionSession) -> Iterator[tuple[str, str, str]]:
    if seen.frames < session.accepted_frames_total:
        yield "Summed up", f"{seen.frames} of {session.accepted_frames_total} frames", ""
    if seen.frames:
        yield "Frames with a usable pose", f"{seen.usable_share:.0%} of {seen.frames}", ""
    yield from session_quality.facts(seen.quality)
    if seen.frames_a_second is not None:
        yield "Frames a second", written(round(seen.frames_a_second, 1)), ""
    for angle, least, most in seen.angles:
        low, high = _subject(angle, angle.low_side), _subject(angle, angle.high_side)
        if low == high:
            yield low, f"{_degrees(least)} to {_degrees(most)}", f"{_low(angle)}, {_high(angle)}"
        else:
            yield low, f"down to {_degrees(least)}", _low(angle)
            yield high, f"up to {_degrees(most)}", _high(angle)
    if seen.spec is not None and seen.frames:
        yield "Farthest step", *_farthest(seen, seen.spec)


def _farthest(seen: Seen, spec: MoveSpec) -> tuple[str, str]:
    if seen.completed:
        return "a whole repetition", ""
    reached = spec.sequence[seen.steps - 1] if seen.steps else ""
    return f"{seen.steps} of {len(spec.sequence)}", reached


def _reasons(seen: Seen) -> Iterator[str]:
    """Where repetitions were counted, only what may have cost others."""
    yield from _of_frames(seen)
    if seen.completed:
        yield from session_quality.reasons(seen.quality)
    if not seen.usable or seen.completed or seen.spec is None:
        return
    yield from _of_movement(seen, seen.spec)
    if seen.interrupted:
        attempts = counted(seen.interrupted, "attempt")
        yield f"{attempts} did not count: the table of repetitions says why."


def _of_frames(seen: Seen) -> Iterator[str]:
    rejected = Counter(seen.rejected)
    if rejected.total() > seen.frames:
        which = (
            "More frames were rejected than taken" if seen.frames else "Every frame was rejected"
        )
        (first, times), *_ = rejected.most_common(1)
        most = "most because" if 2 * times > rejected.total() else "some because"
        yield f"{which}, {most} {words_of(first)}."
    if seen.repeated > seen.frames:
        yield (
            f"{seen.repeated} frames had numbers that were taken: they were sent again, or "
            "numbered from 1 after an attach."
        )
    if not seen.frames:
        return
    if seen.usable_share < USABLE_SHARE:
        share = f"Only {seen.usable_share:.0%}" if seen.usable else "None"
        yield (
            f"{share} of the frames had a usable pose: what the MoveSpec measures was hidden or "
            "out of the picture, or the landmarks jumped."
        )
    a_second = seen.frames_a_second
    if a_second is None and seen.frames > 1:
        yield "The frames came more than 2 s apart."
    elif a_second is not None and a_second < MIN_PER_SECOND:
        yield (
            f"Only {a_second:.1f} frames came for a second of movement: a phase may lie between "
            "two of them."
        )


def _of_movement(seen: Seen, spec: MoveSpec) -> Iterator[str]:
    """What the phase after the farthest step asks for, and did not get."""
    phase = spec.sequence[min(seen.steps, len(spec.sequence) - 1)]
    missed = [reason for angle in seen.angles for reason in _missed(phase, *angle)]
    yield from missed
    if missed:
        return
    step = f"{phase}, step {seen.steps + 1} of {len(spec.sequence)}"
    if seen.steps:
        yield f"A repetition came to {spec.sequence[seen.steps - 1]}, and none to {step}."
    else:
        yield f"Nobody came to {step}."
    if gates := _gates(spec, phase):
        yield f"{phase} asks for {', '.join(gates)} too, which may not have held."


def _missed(
    phase: str, angle: CarriedAngle, least: float | None, most: float | None
) -> Iterator[str]:
    """The bound of the phase that the angle did not come to.

    Whoever swings by the whole gap is judged by that, and not by the bounds.
    """
    swings = least is not None and most is not None and most - least >= angle.gap
    if phase in angle.low_phases:
        if least is None:
            yield _unknown(angle, angle.low_side)
        elif least > angle.low_max + NEAR_DEGREES and not swings:
            yield f"{_never(angle, angle.low_side)} below {_degrees(least)}: {_low(angle)}."
    elif phase in angle.high_phases:
        if most is None:
            yield _unknown(angle, angle.high_side)
        elif most < angle.high_min - NEAR_DEGREES and not swings:
            yield f"{_never(angle, angle.high_side)} above {_degrees(most)}: {_high(angle)}."


def _unknown(angle: CarriedAngle, side: Side | None) -> str:
    if side in ("front", "back"):
        return f"It was never clear which side is in front, and so which {_words(angle.measure)}."
    return f"{_subject(angle, side)} was never measured: hidden, or out of the picture."


def _never(angle: CarriedAngle, side: Side | None) -> str:
    name = _words(angle.measure)
    if side == "either":
        return f"Neither {name} was ever"
    if side == "both":
        return f"The {name}s were never both"
    return f"The {side + ' ' if side else ''}{name} was never"


def _subject(angle: CarriedAngle, side: Side | None) -> str:
    name = _words(angle.measure)
    if side == "both":
        return f"Both {name}s"
    return f"{side} {name}".capitalize() if side else name.capitalize()


def _gates(spec: MoveSpec, phase: str) -> list[str]:
    """The criteria of a phase that no angle that carries the movement answers for."""
    carried = {
        angle.measure
        for angle in carried_angles(spec)
        if phase in angle.low_phases | angle.high_phases
    }
    gates = [
        f"{criterion.side + ' ' if criterion.side else ''}{_words(criterion.measure)} "
        f"{criterion.minimum:g}° to {criterion.maximum:g}°"
        for one in spec.phases
        if one.name == phase
        for criterion in one.criteria
        if one.strict or criterion.measure not in carried
    ]
    return gates if len(gates) <= MAX_NAMED else [*gates[:MAX_NAMED], "and more"]


def _low(angle: CarriedAngle) -> str:
    return f"{_names(angle.low_phases)} is up to {angle.low_max:g}°"


def _high(angle: CarriedAngle) -> str:
    return f"{_names(angle.high_phases)} is from {angle.high_min:g}°"


def _names(phases: frozenset[str]) -> str:
    return " or ".join(sorted(phases))


def _words(name: str) -> str:
    return name.replace("_", " ")


def _degrees(degrees: float | None) -> str:
    return "?" if degrees is None else f"{degrees:.0f}°"
