"""The body that a MoveSpec measures: its angles and leads, each measured once a frame."""

from collections.abc import Iterable
from typing import Any, Literal

from detection.engine.criteria import BoundCriterion, BoundExtreme, OfLead, OfSignal, OfTwo
from detection.engine.points import Point, Points, Pose
from detection.engine.settings import EngineSettings
from detection.engine.signals import (
    Angle,
    JointAngle,
    LeanAngle,
    Pace,
    Pair,
    Segment,
    Signal,
    Trunk,
    pace_of,
)
from detection.engine.tracking import Facing, Lead, Tracking
from detection.landmarks import INDEX
from detection.spec import (
    ARM_MEASURES,
    BODY_SIDES,
    JOINT_LANDMARKS,
    SEGMENT_LANDMARKS,
    Criterion,
    Extreme,
    Measure,
)

Curve = Literal["left", "right", "pair"]
_LANDMARKS: dict[Measure, tuple[str, ...]] = {**JOINT_LANDMARKS, **SEGMENT_LANDMARKS}  # type: ignore[dict-item]
# The segments that meet at a joint, and -1 where one begins as the other ends.
_MEETING: dict[Measure, tuple[str, str, int]] = {
    "elbow": ("upper_arm", "forearm", -1),
    "shoulder": ("flank", "upper_arm", 1),
    "hip": ("flank", "thigh", -1),
    "knee": ("thigh", "shank", -1),
    "ankle": ("shank", "foot", -1),
    "wrist": ("forearm", "hand", -1),
}


class Body:
    def __init__(
        self, deciding: Iterable[Criterion], advising: Iterable[Criterion], settings: EngineSettings
    ) -> None:
        """`deciding` are the criteria of phases, which make a pose usable; `advising` of cues."""
        self._settings = settings
        self._segments: dict[tuple[str, Curve], Segment] = {}
        self._angles: dict[tuple[Measure, Curve], Angle] = {}
        self._pairs: dict[Measure, Pair] = {}
        self._leads: dict[str, Lead] = {}
        self._bound: dict[Criterion, BoundCriterion] = {}
        self.points = Points(settings.sight)
        self.tracking = Tracking(self.points, settings.sight)
        self._facing: Facing | None = None
        for criterion in deciding:
            self._watch(criterion)
        self.deciding_signals = list(self._angles.values())
        for criterion in advising:
            self._watch(criterion)
        self._advising = list(self._angles.values())[len(self.deciding_signals) :]
        # Each with that of the other side, which is as long, if it is measured too.
        self._beside = [
            (segment, self._segments.get((name, "right" if curve == "left" else "left")))
            for (name, curve), segment in self._segments.items()
        ]

    def _watch(self, criterion: Criterion) -> None:
        measure = criterion.measure
        for curve in _measured_curves(criterion):
            if (measure, curve) not in self._angles:
                self._angles[measure, curve] = self._angle(measure, curve)
        if criterion.side in ("front", "back"):
            limb_end = _limb_end(measure)
            if limb_end not in self._leads:
                self._leads[limb_end] = Lead(limb_end, self.points, self._settings)

    def _angle(self, measure: Measure, curve: Curve) -> Angle:
        if measure in SEGMENT_LANDMARKS:
            return LeanAngle(self._segment(measure, curve), self._settings)
        one, other, sign = _MEETING[measure]
        return JointAngle(
            self._segment(one, curve), self._segment(other, curve), sign, self._settings
        )

    def _segment(self, name: str, curve: Curve) -> Segment:
        if (name, curve) not in self._segments:
            self._segments[name, curve] = (
                Trunk(self.points, self._settings)
                if curve == "pair"
                else Segment(name, curve, self.points, self._settings)
            )
        return self._segments[name, curve]

    def watch_facing(self) -> Facing:
        """How the body stands to the camera, seen in each frame from here on."""
        if self._facing is None:
            self._facing = Facing(self.points, self._settings.setup)
        return self._facing

    def forget(self) -> None:
        """Forget all but the tracking: a person who has been lost for long is still lost."""
        for segment in self._segments.values():
            segment.forget()
        self._forget_angles()
        for lead in self._leads.values():
            lead.forget()

    def _forget_angles(self) -> None:
        for signal in (*self._angles.values(), *self._pairs.values()):
            signal.forget()

    def measure(self, pose: Pose, now_ms: float, since_ms: float, keep: float) -> bool:
        """Measure one frame. Whether its pose is usable: the person is not lost, and an angle of a
        phase could be measured."""
        self.points.read(pose)
        if self._facing is not None:
            self._facing.measure()
        self.tracking.watch(since_ms)
        if self.tracking.is_lost:
            self._forget_angles()
            return False
        pace = pace_of(since_ms if keep else 0.0, self._settings.depth)
        if not keep:
            # Nothing is known yet: each length first, since the other side's says of depth as well.
            self._measure_segments(pace)
        self._measure_segments(pace)
        is_usable = False
        for angle in self.deciding_signals:
            if angle.measure(since_ms, keep):
                is_usable = True
        for angle in self._advising:
            angle.measure(since_ms, keep)
        for pair in self._pairs.values():
            pair.update()
        for lead in self._leads.values():
            lead.measure(now_ms)
        return is_usable

    def _measure_segments(self, pace: Pace) -> None:
        for segment, other in self._beside:
            segment.measure(pace, 0.0 if other is None else other.length)

    def signals_of(self, criteria: Iterable[Criterion]) -> list[Angle]:
        found = [
            self._angles[criterion.measure, curve]
            for criterion in criteria
            for curve in _measured_curves(criterion)
        ]
        return list(dict.fromkeys(found))

    def points_of(self, criterion: Criterion) -> list[Point]:
        sides = [criterion.side] if criterion.side in BODY_SIDES else BODY_SIDES
        return [
            self.points.of(INDEX[f"{side}_{landmark}"])
            for landmark in _LANDMARKS[criterion.measure]
            for side in sides
        ]

    def measured_signals(self, criteria: Iterable[Criterion]) -> list[Signal]:
        """The signals of the measures of these criteria, in the order of their `measure_names`."""
        found: dict[str, Signal] = {}
        for criterion in criteria:
            signals: list[Signal] = [*self.signals_of([criterion])]
            if len(signals) == 2 and criterion.side is None:
                signals = [self._pair(criterion.measure)]
            found.update(zip(measure_names(criterion), signals, strict=True))
        return list(found.values())

    def _pair(self, measure: Measure) -> Pair:
        if measure not in self._pairs:
            left, right = self._angles[measure, "left"], self._angles[measure, "right"]
            self._pairs[measure] = Pair(left, right)
        return self._pairs[measure]

    def leading(self) -> int:
        """The side in front, by the first lead that is watched: 1 left, -1 right, 0 neither."""
        for lead in self._leads.values():
            if lead.side:
                return lead.side
        return 0

    def bind(self, criterion: Criterion) -> BoundCriterion:
        """The criterion bound to this body: the same for the same criterion."""
        if criterion not in self._bound:
            self._bound[criterion] = self._binding(criterion)
        return self._bound[criterion]

    def _binding(self, criterion: Criterion) -> BoundCriterion:
        measure, side = criterion.measure, criterion.side
        sides = [OfSignal(signal, criterion) for signal in self.signals_of([criterion])]
        if len(sides) == 1:
            return sides[0]
        left, right = sides
        if side == "both" or side == "either":
            return OfTwo(left, right, is_both=side == "both")
        if side == "front" or side == "back":
            return OfLead(self._leads[_limb_end(measure)], side, left, right)
        return OfSignal(self._pair(measure), criterion)

    def bind_extreme(self, criterion: Criterion, which: Extreme) -> BoundExtreme:
        return BoundExtreme(criterion, which, self.bind(criterion))

    def angles(self) -> dict[tuple[Measure, Curve], float]:
        """The known angles in degrees, with the pair's if both sides are measured."""
        known: dict[tuple[Measure, Curve], float] = {}
        for (measure, curve), angle in self._angles.items():
            if angle.value is not None:
                known[measure, curve] = angle.value
            left = self._angles.get((measure, "left"))
            if curve == "right" and left is not None:
                value = Pair(left, angle).value
                if value is not None:
                    known[measure, "pair"] = value
        return known

    def names(self) -> dict[str, list[str]]:
        """The names of its parts in form 3, in their order."""
        return {
            "segments": [f"{name} {curve}" for name, curve in self._segments],
            "angles": [f"{measure} {curve}" for measure, curve in self._angles],
            "leads": list(self._leads),
        }

    def resume(self) -> None:
        for pair in self._pairs.values():
            pair.update()

    def parts(self) -> list[Any]:
        """All that remembers, in the order in which the MoveSpec asks for it."""
        return [
            *self._segments.values(),
            *self._angles.values(),
            *self._leads.values(),
            self.tracking,
        ]


def _measured_curves(criterion: Criterion) -> tuple[Curve, ...]:
    """The curves that a criterion needs: of its sides, or of the trunk, which has none."""
    if criterion.measure == "trunk":
        return ("pair",)
    if criterion.side == "left" or criterion.side == "right":
        return (criterion.side,)
    return ("left", "right")


def _limb_end(measure: Measure) -> Literal["ankle", "wrist"]:
    return "wrist" if measure in ARM_MEASURES else "ankle"


def measure_names(criterion: Criterion) -> list[str]:
    """The names by which events tell of its measure: `joint.knee` of the pair and of the trunk,
    `joint.knee.left` of a side."""
    measure = criterion.measure
    name = f"{'lean' if measure in SEGMENT_LANDMARKS else 'joint'}.{measure}"
    if criterion.side is None:
        return [name]
    sides = [criterion.side] if criterion.side in BODY_SIDES else BODY_SIDES
    return [f"{name}.{side}" for side in sides]
