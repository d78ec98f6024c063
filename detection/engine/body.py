"""The body that a MoveSpec measures: its angles and leads, each measured once a frame."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from detection.engine.angles import JointAngle, LeanAngle
from detection.engine.criteria import (
    HeldCriterion,
    OfBoth,
    OfEither,
    OfLead,
    OfPair,
    OfSide,
    band_of,
)
from detection.engine.lead import Lead
from detection.engine.plan import measure_names
from detection.engine.plausibility import Tracking
from detection.engine.points import Point, Points
from detection.engine.ranges import Measured
from detection.engine.segments import Pace, Segment, Trunk, pace_of
from detection.engine.settings import EngineSettings
from detection.engine.signals import Signal, pair_value
from detection.engine.views import Facing, view_of
from detection.landmarks import INDEX, LandmarkLike
from detection.spec import (
    ARM_MEASURES,
    BODY_SIDES,
    JOINT_LANDMARKS,
    SEGMENT_LANDMARKS,
    Criterion,
    Measure,
    Plane,
)

Curve = Literal["left", "right", "pair"]
_LANDMARKS: dict[Measure, list[str]] = {
    **{joint: list(names) for joint, names in JOINT_LANDMARKS.items()},
    **{segment: list(names) for segment, names in SEGMENT_LANDMARKS.items()},
}
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
        self,
        deciding: Iterable[Criterion],
        advising: Iterable[Criterion],
        settings: EngineSettings,
    ) -> None:
        """`deciding` are the criteria of phases, which make a pose usable; `advising` of cues."""
        self._settings = settings
        self._segments: dict[tuple[str, Curve], Segment] = {}
        self._angles: dict[tuple[Measure, Curve], Signal] = {}
        self._leads: dict[str, Lead] = {}
        self._held: dict[Criterion, HeldCriterion] = {}
        self.points = Points(settings.sight)
        self._tracking = Tracking(self.points, settings.sight)
        self._facing: Facing | None = None
        for criterion in deciding:
            self._watch(criterion)
        self._deciding = list(self._angles.values())
        for criterion in advising:
            self._watch(criterion)
        self._advising = list(self._angles.values())[len(self._deciding) :]
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
            end = _end_of(measure)
            if end not in self._leads:
                self._leads[end] = Lead(end, self.points, self._settings)

    def _angle(self, measure: Measure, curve: Curve) -> Signal:
        if measure in SEGMENT_LANDMARKS:
            return LeanAngle(self._segment(measure, curve), self._settings)
        one, other, sign = _MEETING[measure]
        return JointAngle(
            self._segment(one, curve), self._segment(other, curve), sign, self._settings
        )

    def _segment(self, name: str, curve: Curve) -> Segment:
        segment = self._segments.get((name, curve))
        if segment is None:
            segment = (
                Trunk(self.points, self._settings)
                if curve == "pair"
                else Segment(name, curve, self.points, self._settings)
            )
            self._segments[name, curve] = segment
        return segment

    def watch_facing(self) -> Facing:
        """How the body stands to the camera, seen in each frame from here on."""
        if self._facing is None:
            self._facing = Facing(self.points, self._settings.setup)
        return self._facing

    def forget(self) -> None:
        """Forget all but the tracking: a person who has been lost for long is still lost."""
        for segment in self._segments.values():
            segment.forget()
        for angle in self._angles.values():
            angle.forget()
        for lead in self._leads.values():
            lead.forget()

    def measure(
        self, landmarks: Sequence[LandmarkLike], now_ms: float, since_ms: float, keep: float
    ) -> bool:
        """Measure one frame. Whether its pose is usable: the person is not lost, and an angle of a
        phase could be measured."""
        self.points.read(landmarks)
        if self._facing is not None:
            self._facing.see()
        self._tracking.watch(since_ms)
        if self._tracking.is_lost:
            for angle in self._angles.values():
                angle.forget()
            return False
        pace = pace_of(since_ms if keep else 0.0, self._settings.depth)
        if not keep:
            # Nothing is known yet: each length first, since the other side's says of depth as well.
            self._measure_segments(pace)
        self._measure_segments(pace)
        is_usable = False
        for angle in self._deciding:
            if angle.measure(since_ms, keep):
                is_usable = True
        for angle in self._advising:
            angle.measure(since_ms, keep)
        for lead in self._leads.values():
            lead.measure(now_ms)
        return is_usable

    def _measure_segments(self, pace: Pace) -> None:
        for segment, other in self._beside:
            segment.measure(pace, 0.0 if other is None else other.length)

    @property
    def is_lost(self) -> bool:
        return self._tracking.is_lost

    def forget_gone(self) -> None:
        """Forget the tracking: the next person is not where the last one was."""
        self._tracking.forget()

    def deciding_signals(self) -> Sequence[Signal]:
        return self._deciding

    def signals_of(self, criteria: Iterable[Criterion]) -> list[Signal]:
        """The signals of each side that these criteria are about."""
        return list(
            dict.fromkeys(
                self._angles[criterion.measure, curve]
                for criterion in criteria
                for curve in _measured_curves(criterion)
            )
        )

    def points_of(self, criterion: Criterion) -> list[Point]:
        """The points that the angles of a criterion are made of."""
        ends = _LANDMARKS[criterion.measure]
        sides = [criterion.side] if criterion.side in BODY_SIDES else BODY_SIDES
        return [self.points.of(INDEX[f"{side}_{end}"]) for end in ends for side in sides]

    def measured_of(self, criteria: Iterable[Criterion], plane: Plane | None) -> list[Measured]:
        """The measures that these criteria are about, in the order of their `measure_names`, of a
        movement in this plane."""
        found: dict[str, Measured] = {}
        for criterion in criteria:
            signals = [
                self._angles[criterion.measure, curve] for curve in _measured_curves(criterion)
            ]
            names = measure_names(criterion)
            view = view_of(criterion.measure, plane)
            if len(names) == len(signals):
                for name, signal in zip(names, signals, strict=True):
                    found[name] = Measured(signal, None, view)
            else:
                found[names[0]] = Measured(signals[0], signals[1], view)
        return list(found.values())

    def leading(self) -> int:
        """The side in front, by the first lead that is watched: 1 left, -1 right, 0 neither."""
        for lead in self._leads.values():
            if lead.side:
                return lead.side
        return 0

    def hold(self, criterion: Criterion) -> HeldCriterion:
        """The criterion as measured on this body: the same for the same criterion."""
        held = self._held.get(criterion)
        if held is None:
            held = self._held[criterion] = self._holding(criterion)
        return held

    def _holding(self, criterion: Criterion) -> HeldCriterion:
        measure, side = criterion.measure, criterion.side
        measured = [self._angles[measure, curve] for curve in _measured_curves(criterion)]
        band = band_of(criterion)
        if len(measured) == 1:
            return OfSide(measured[0], band)
        left, right = measured
        if side is None:
            return OfPair(left, right, band)
        of_left, of_right = OfSide(left, band), OfSide(right, band)
        if side == "both":
            return OfBoth(of_left, of_right)
        if side == "either":
            return OfEither(of_left, of_right)
        return OfLead(self._leads[_end_of(measure)], side, of_left, of_right)

    def angles(self) -> dict[tuple[Measure, Curve], float]:
        """The known angles in degrees, with the pair's if both sides are measured."""
        known: dict[tuple[Measure, Curve], float] = {}
        for (measure, curve), angle in self._angles.items():
            value = angle.value
            if value is not None:
                known[measure, curve] = value
            left = self._angles.get((measure, "left"))
            if curve == "right" and left is not None:
                value = pair_value(left, angle)
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

    def check(self) -> None:
        """Raise ValueError for a state that this body can't have."""
        self._tracking.check()

    def parts(self) -> list[Any]:
        """All that remembers, in the order in which the MoveSpec asks for it."""
        return [
            *self._segments.values(),
            *self._angles.values(),
            *self._leads.values(),
            self._tracking,
        ]


def _measured_curves(criterion: Criterion) -> tuple[Curve, ...]:
    """The curves that a criterion needs: of its sides, or of the trunk, which has none."""
    if criterion.measure == "trunk":
        return ("pair",)
    if criterion.side == "left" or criterion.side == "right":
        return (criterion.side,)
    return ("left", "right")


def _end_of(measure: Measure) -> Literal["ankle", "wrist"]:
    return "wrist" if measure in ARM_MEASURES else "ankle"
