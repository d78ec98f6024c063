"""What a MoveSpec asks of the body: the angles and leads it needs, each measured once a frame."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from detection.engine.angles import SideAngle, pair_degrees
from detection.engine.criteria import HeldCriterion, OfBoth, OfEither, OfLead, OfPair, OfSide
from detection.engine.lead import Lead
from detection.engine.memory import Fields, require_names
from detection.engine.settings import EngineSettings
from detection.landmarks import LandmarkLike
from detection.overlap import ARM_JOINTS
from detection.spec import Criterion, Joint

Curve = Literal["left", "right", "pair"]
_SIDES: tuple[Literal["left", "right"], ...] = ("left", "right")


class Body:
    def __init__(
        self,
        deciding: Iterable[Criterion],
        advising: Iterable[Criterion],
        settings: EngineSettings,
    ) -> None:
        """`deciding` are the criteria of phases, which make a pose usable; `advising` of cues."""
        self._settings = settings
        self._angles: dict[tuple[Joint, Literal["left", "right"]], SideAngle] = {}
        self._leads: dict[str, Lead] = {}
        for criterion in deciding:
            self._watch(criterion)
        self._deciding = list(self._angles.values())
        for criterion in advising:
            self._watch(criterion)
        self._advising = list(self._angles.values())[len(self._deciding) :]

    def _watch(self, criterion: Criterion) -> None:
        joint = criterion.joint
        for side in _SIDES:
            is_meant = criterion.side == side or criterion.side not in _SIDES
            if is_meant and (joint, side) not in self._angles:
                self._angles[joint, side] = SideAngle(joint, side, self._settings)
        if criterion.side in ("front", "back"):
            end = _end_of(joint)
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
        joint, side = criterion.joint, criterion.side
        if side == "left" or side == "right":
            return OfSide(criterion, self._angles[joint, side])
        left, right = self._angles[joint, "left"], self._angles[joint, "right"]
        if side is None:
            return OfPair(criterion, left, right)
        of_left, of_right = OfSide(criterion, left), OfSide(criterion, right)
        if side == "both":
            return OfBoth(of_left, of_right)
        if side == "either":
            return OfEither(of_left, of_right)
        return OfLead(self._leads[_end_of(joint)], side, of_left, of_right)

    def angles(self, now_ms: float) -> dict[tuple[Joint, Curve], float]:
        """Every angle that is known, in degrees; a pair's where both sides are measured."""
        known: dict[tuple[Joint, Curve], float] = {}
        for (joint, side), angle in self._angles.items():
            degrees = angle.degrees(now_ms)
            if degrees is not None:
                known[joint, side] = degrees
            left = self._angles.get((joint, "left"))
            if side == "right" and left is not None:
                degrees = pair_degrees(left, angle, now_ms)
                if degrees is not None:
                    known[joint, "pair"] = degrees
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
        return ((f"{joint} {side}", angle) for (joint, side), angle in self._angles.items())


def _end_of(joint: Joint) -> Literal["ankle", "wrist"]:
    return "wrist" if joint in ARM_JOINTS else "ankle"
