"""What a MoveSpec asks of the body: the angles and leads it needs, each measured once a frame."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from detection.engine.angles import JointAngle, SideAngle, pair_degrees
from detection.engine.criteria import HeldCriterion, OfBoth, OfEither, OfLead, OfPair, OfSide
from detection.engine.lead import Lead
from detection.engine.lean import LeanAngle
from detection.engine.memory import Fields, require_names
from detection.engine.settings import EngineSettings
from detection.landmarks import LandmarkLike
from detection.spec import ARM_MEASURES, Criterion, Measure

Curve = Literal["left", "right", "pair"]


class Body:
    def __init__(
        self,
        deciding: Iterable[Criterion],
        advising: Iterable[Criterion],
        settings: EngineSettings,
    ) -> None:
        """`deciding` are the criteria of phases, which make a pose usable; `advising` of cues."""
        self._settings = settings
        self._angles: dict[tuple[Measure, Curve], SideAngle] = {}
        self._leads: dict[str, Lead] = {}
        for criterion in deciding:
            self._watch(criterion)
        self._deciding = list(self._angles.values())
        for criterion in advising:
            self._watch(criterion)
        self._advising = list(self._angles.values())[len(self._deciding) :]

    def _watch(self, criterion: Criterion) -> None:
        measure = criterion.measure
        for curve in _measured_curves(criterion):
            if (measure, curve) not in self._angles:
                self._angles[measure, curve] = _angle_of(measure, curve, self._settings)
        if criterion.side in ("front", "back"):
            end = _end_of(measure)
            if end not in self._leads:
                self._leads[end] = Lead(end, self._settings)

    def forget(self) -> None:
        for angle in self._angles.values():
            angle.forget()
        for lead in self._leads.values():
            lead.forget()

    def measure(self, landmarks: Sequence[LandmarkLike], now_ms: float, keep: float) -> bool:
        """Whether the pose is usable: whether an angle of a phase could be measured."""
        is_usable = False
        for angle in self._deciding:
            if angle.measure(landmarks, now_ms, keep):
                is_usable = True
        for angle in self._advising:
            angle.measure(landmarks, now_ms, keep)
        for lead in self._leads.values():
            lead.measure(landmarks, now_ms)
        return is_usable

    def hold(self, criterion: Criterion) -> HeldCriterion:
        """The criterion, held against this body."""
        measure, side = criterion.measure, criterion.side
        measured = [self._angles[measure, curve] for curve in _measured_curves(criterion)]
        if len(measured) == 1:
            return OfSide(criterion, measured[0])
        left, right = measured
        if side is None:
            return OfPair(criterion, left, right)
        of_left, of_right = OfSide(criterion, left), OfSide(criterion, right)
        if side == "both":
            return OfBoth(of_left, of_right)
        if side == "either":
            return OfEither(of_left, of_right)
        return OfLead(self._leads[_end_of(measure)], side, of_left, of_right)

    def angles(self, now_ms: float) -> dict[tuple[Measure, Curve], float]:
        """Every angle that is known, in degrees; a pair's where both sides are measured."""
        known: dict[tuple[Measure, Curve], float] = {}
        for (measure, curve), angle in self._angles.items():
            degrees = angle.degrees(now_ms)
            if degrees is not None:
                known[measure, curve] = degrees
            left = self._angles.get((measure, "left"))
            if curve == "right" and left is not None:
                degrees = pair_degrees(left, angle, now_ms)
                if degrees is not None:
                    known[measure, "pair"] = degrees
        return known

    def snapshot(self) -> Fields:
        return {
            "angles": {name: angle.snapshot() for name, angle in self._named_angles()},
            "leads": {end: lead.snapshot() for end, lead in self._leads.items()},
        }

    def restore(self, angles: Fields, leads: Fields) -> None:
        """Raises ValueError when they are another body's."""
        named = dict(self._named_angles())
        require_names(angles, named, needed=named)
        for name, angle in named.items():
            angle.restore(angles[name])
        require_names(leads, self._leads, needed=self._leads)
        for end, lead in self._leads.items():
            lead.restore(leads[end])

    def _named_angles(self) -> Iterator[tuple[str, SideAngle]]:
        return ((f"{measure} {curve}", angle) for (measure, curve), angle in self._angles.items())


def _measured_curves(criterion: Criterion) -> tuple[Curve, ...]:
    """What is measured for the criterion: the sides that it needs. The trunk has none."""
    if criterion.measure == "trunk":
        return ("pair",)
    if criterion.side == "left" or criterion.side == "right":
        return (criterion.side,)
    return ("left", "right")


def _angle_of(measure: Measure, curve: Curve, settings: EngineSettings) -> SideAngle:
    match measure:
        case "trunk":
            return LeanAngle(measure, ("left", "right"), settings)
        case "thigh" | "shank" | "upper_arm" | "forearm":
            return LeanAngle(measure, (curve,), settings)
        case _:
            return JointAngle(measure, curve, settings)


def _end_of(measure: Measure) -> Literal["ankle", "wrist"]:
    return "wrist" if measure in ARM_MEASURES else "ankle"
