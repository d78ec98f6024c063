"""What a MoveSpec asks of the body: the angles and leads it needs, each measured once a frame."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from detection.angles import SideAngle
from detection.criteria import HeldCriterion, OfBoth, OfEither, OfLead, OfPair, OfSide
from detection.landmarks import LandmarkLike
from detection.lead import Lead
from detection.overlap import ARM_JOINTS
from detection.spec import Criterion, Joint


class Body:
    def __init__(self, deciding: Iterable[Criterion], advising: Iterable[Criterion]) -> None:
        """`deciding` are the criteria of phases, which make a pose usable; `advising` of cues."""
        self._angles: dict[tuple[Joint, str], SideAngle] = {}
        self._leads: dict[str, Lead] = {}
        for criterion in deciding:
            self._watch(criterion)
        self._deciding = list(self._angles.values())
        for criterion in advising:
            self._watch(criterion)
        self._advising = list(self._angles.values())[len(self._deciding) :]

    def _watch(self, criterion: Criterion) -> None:
        sides = (criterion.side,) if criterion.side in ("left", "right") else ("left", "right")
        for side in sides:
            if (criterion.joint, side) not in self._angles:
                self._angles[criterion.joint, side] = SideAngle(criterion.joint, side)
        if criterion.side in ("front", "back"):
            end = _end_of(criterion.joint)
            if end not in self._leads:
                self._leads[end] = Lead(end)

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

    def snapshot(self) -> list[Any]:
        return [
            [angle.snapshot() for angle in self._angles.values()],
            [lead.snapshot() for lead in self._leads.values()],
        ]

    def restore(self, state: list[Any]) -> None:
        angles, leads = state
        for angle, angle_state in zip(self._angles.values(), angles, strict=True):
            angle.restore(angle_state)
        for lead, lead_state in zip(self._leads.values(), leads, strict=True):
            lead.restore(lead_state)


def _end_of(joint: Joint) -> Literal["ankle", "wrist"]:
    return "wrist" if joint in ARM_JOINTS else "ankle"
