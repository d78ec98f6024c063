"""What the frames of a session showed, in words, and why so little may have been counted."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models.fields.json import KeyTransform

from detection import CarriedAngle, MoveSpec, MoveSpecInvalid, carried_angles
from sessions_app.finish import spec_of_version
from sessions_app.models import DetectionSession

# Below these it is told: less than half of the frames, and frames of a second.
USABLE_SHARE, FEWEST_A_SECOND = 0.5, 10
# Of what else the phases ask for, so much is named.
MOST_NAMED = 4
SENT_AGAIN = "frame_seq_not_increasing"
REJECTED = {
    "session_ending": "they came after the end had been asked for",
    "malformed_frame": "a field of theirs was missing or wrong",
    "unsupported_pose_schema": "they were of another pose schema",
    "invalid_landmarks": "they had not the 33 landmarks",
    "image_landmarks": "they had image landmarks instead of world landmarks",
    SENT_AGAIN: "they were sent again, or out of order",
    "timestamp_not_increasing": "their timestamps did not increase",
    "timestamp_beyond_session": "their timestamps were beyond the longest session",
    "too_many_frames": "they were too many for a second of their timestamps",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """The stored summary of a session beside its version's MoveSpec, where that can be read."""

    accepted: int
    completed: int
    usable: int
    active_ms: float
    ranges: Sequence[tuple[float | None, float | None]]
    steps: int
    rejected: Mapping[str, int]
    spec: MoveSpec | None

    @property
    def usable_share(self) -> float:
        return self.usable / self.accepted if self.accepted else 0.0

    @property
    def frames_a_second(self) -> float | None:
        return 1000 * (self.accepted - 1) / self.active_ms if self.active_ms else None

    @property
    def angles(self) -> list[tuple[CarriedAngle, float | None, float | None]]:
        """Each angle that carries the movement, with its least and its most."""
        carried = carried_angles(self.spec) if self.spec else []
        if len(carried) != len(self.ranges):
            return []
        return [(angle, *range_) for angle, range_ in zip(carried, self.ranges, strict=True)]


def frames_shown(session: DetectionSession) -> dict[str, Any]:
    """The variables of a session's page: facts as (name, value, what is asked for), and why."""
    seen = _seen(session)
    if seen is None:
        is_told = session.accepted_frames_total == 0
        return {"shown": [], "why": [_no_frames(session)] if is_told else []}
    return {"shown": list(_facts(seen)), "why": list(_reasons(seen))}


def _seen(session: DetectionSession) -> Seen | None:
    """None where nothing was stored, or by code from before there were summaries."""
    stored = session.summary
    if stored is None and session.deadline_at is not None:
        live = DetectionSession.objects.filter(id=session.id)
        stored = live.values_list(KeyTransform("summary", "engine_state"), flat=True).first()
    if stored is None:
        return None
    try:
        spec = spec_of_version(session.resolved_version_id)
    except MoveSpecInvalid:
        spec = None
    return Seen(
        accepted=session.accepted_frames_total,
        completed=sum(session.repetitions.values()),
        usable=stored["usable"],
        active_ms=stored["active_ms"],
        ranges=[(least, most) for least, most in stored["ranges"]],
        steps=stored["steps"],
        rejected=stored["rejected"],
        spec=spec,
    )


def _no_frames(session: DetectionSession) -> str:
    if session.started_at is None:
        return "No client attached."
    return "The client attached and sent no frames."


def _facts(seen: Seen) -> Iterator[tuple[str, str, str]]:
    if seen.accepted:
        yield "Frames with a usable pose", f"{seen.usable_share:.0%} of {seen.accepted}", ""
    if seen.frames_a_second is not None:
        yield "Frames a second", f"{seen.frames_a_second:.1f}", ""
    for angle, least, most in seen.angles:
        yield (
            _name(angle.measure).capitalize(),
            f"{_degrees(least)} to {_degrees(most)}",
            f"{_names(angle.low_phases)} up to {angle.low_max:g}°, "
            f"{_names(angle.high_phases)} from {angle.high_min:g}°",
        )
    if seen.spec is not None and seen.accepted:
        yield "Farthest step", *_farthest(seen, seen.spec)
    for reason, times in Counter(seen.rejected).most_common():
        yield f"Rejected: {_name(reason)}", str(times), ""


def _farthest(seen: Seen, spec: MoveSpec) -> tuple[str, str]:
    steps = len(spec.sequence)
    if seen.completed:
        return "a whole repetition", ""
    reached = f"{seen.steps} of {steps}"
    return reached, f"{spec.sequence[seen.steps - 1]}" if seen.steps else ""


def _reasons(seen: Seen) -> Iterator[str]:
    """The likeliest first. Where repetitions were counted, only what may have cost some."""
    rejected = Counter(seen.rejected)
    del rejected[SENT_AGAIN]
    if rejected.total() > seen.accepted:
        first, _ = rejected.most_common(1)[0]
        which = "Most frames were" if seen.accepted else "Every frame was"
        yield f"{which} rejected, most of them because {REJECTED[first]}."
    if not seen.accepted:
        return
    if seen.usable_share < USABLE_SHARE:
        yield (
            f"Only {seen.usable_share:.0%} of the frames had a usable pose: the person was out of "
            "the picture, or what the MoveSpec measures was hidden."
        )
    if seen.frames_a_second is not None and seen.frames_a_second < FEWEST_A_SECOND:
        yield (
            f"Only {seen.frames_a_second:.1f} frames came for a second of movement: a phase may "
            "lie between two of them."
        )
    if not seen.completed and seen.spec is not None:
        yield from _not_reached(seen, seen.spec)


def _not_reached(seen: Seen, spec: MoveSpec) -> Iterator[str]:
    missed = list(_missed(seen))
    yield from missed
    if missed:
        return
    if 0 < seen.steps < len(spec.sequence):
        yield (
            f"A repetition came to {spec.sequence[seen.steps - 1]}, step {seen.steps} of "
            f"{len(spec.sequence)}, and not to {spec.sequence[seen.steps]} after it."
        )
    if gates := _gates(spec):
        bands = "What carries the movement came into its bands. " if seen.angles else ""
        yield f"{bands}The phases ask for more, which may not have held: {', '.join(gates)}."


def _missed(seen: Seen) -> Iterator[str]:
    for angle, least, most in seen.angles:
        name = _name(angle.measure)
        if least is None or most is None:
            yield f"The {name} was never measured: it was hidden, or out of the picture."
            continue
        if least > angle.low_max:
            yield (
                f"The {name} was never below {_degrees(least)}: {_names(angle.low_phases)} is up "
                f"to {angle.low_max:g}°."
            )
        if most < angle.high_min:
            yield (
                f"The {name} was never above {_degrees(most)}: {_names(angle.high_phases)} is from "
                f"{angle.high_min:g}°."
            )


def _gates(spec: MoveSpec) -> list[str]:
    """The criteria of phases that no angle that carries the movement answers for."""
    carried = {(angle.measure, name) for angle in carried_angles(spec) for name in _phases(angle)}
    gates = [
        f"{_name(criterion.measure)} {criterion.angle_min:g}° to {criterion.angle_max:g}° in "
        f"{phase.name}"
        for phase in spec.phases
        if phase.name in spec.sequence
        for criterion in phase.criteria
        if phase.strict or (criterion.measure, phase.name) not in carried
    ]
    return gates if len(gates) <= MOST_NAMED else [*gates[:MOST_NAMED], "and others"]


def _phases(angle: CarriedAngle) -> frozenset[str]:
    return angle.low_phases | angle.high_phases


def _names(phases: frozenset[str]) -> str:
    return " or ".join(sorted(phases))


def _name(measure: str) -> str:
    return measure.replace("_", " ")


def _degrees(degrees: float | None) -> str:
    return "?" if degrees is None else f"{degrees:.0f}°"
