"""Criteria held against the measured angles, one class for each meaning of `side`."""

from typing import Protocol

from detection.engine.angles import SideAngle, pair_degrees
from detection.engine.lead import Lead
from detection.spec import Criterion

# What `shortfall` answers while an angle it needs is not known.
UNKNOWN = -1.0
# A mean of equal angles on the grid may differ from them by so much; bounds are inclusive.
_ROUNDING_DEGREES = 1e-4

Band = tuple[float, float]


def band_of(criterion: Criterion) -> Band:
    return criterion.angle_min - _ROUNDING_DEGREES, criterion.angle_max + _ROUNDING_DEGREES


class HeldCriterion(Protocol):
    def shortfall(self) -> float:
        """By how many degrees the angle misses the band: 0 when the criterion holds, UNKNOWN when
        it cannot be told."""

    def degrees(self, is_low: bool) -> float | None:
        """The one angle that decides whether the criterion holds, where its band is the low end of
        a movement or else the high one; None while it is not known."""

    def visibility(self) -> float:
        """How well what decides it is seen, 0 to 1."""


class OfSide:
    """`left` or `right`, or the trunk: one angle."""

    __slots__ = ("_angle", "_high", "_low")

    def __init__(self, angle: SideAngle, band: Band) -> None:
        self._angle = angle
        self._low, self._high = band

    def shortfall(self) -> float:
        degrees = self._angle.degrees
        if degrees is None:
            return UNKNOWN
        if degrees < self._low:
            return self._low - degrees
        return degrees - self._high if degrees > self._high else 0.0

    def degrees(self, is_low: bool) -> float | None:
        return self._angle.degrees

    def visibility(self) -> float:
        return self._angle.seen


class OfPair:
    """No side: one angle, the mean of both sides, each by its weight."""

    __slots__ = ("_high", "_left", "_low", "_right")

    def __init__(self, left: SideAngle, right: SideAngle, band: Band) -> None:
        self._left, self._right = left, right
        self._low, self._high = band

    def shortfall(self) -> float:
        degrees = pair_degrees(self._left, self._right)
        if degrees is None:
            return UNKNOWN
        if degrees < self._low:
            return self._low - degrees
        return degrees - self._high if degrees > self._high else 0.0

    def degrees(self, is_low: bool) -> float | None:
        return pair_degrees(self._left, self._right)

    def visibility(self) -> float:
        return max(self._left.seen, self._right.seen)


class _OfTwo:
    __slots__ = ("_left", "_right")

    def __init__(self, left: OfSide, right: OfSide) -> None:
        self._left, self._right = left, right

    def _one(self, is_low: bool, is_greater: bool) -> float | None:
        """The greater or the smaller angle; of one that is known alone, that."""
        left, right = self._left.degrees(is_low), self._right.degrees(is_low)
        if left is None or right is None:
            return right if left is None else left
        return max(left, right) if is_greater else min(left, right)


class OfBoth(_OfTwo):
    """Each side must hold. One that fails decides, whether or not the other is known."""

    __slots__ = ()

    def shortfall(self) -> float:
        left, right = self._left.shortfall(), self._right.shortfall()
        worst = left if left > right else right
        return UNKNOWN if worst == 0.0 and (left < 0.0 or right < 0.0) else worst

    def degrees(self, is_low: bool) -> float | None:
        return self._one(is_low, is_greater=is_low)

    def visibility(self) -> float:
        return min(self._left.visibility(), self._right.visibility())


class OfEither(_OfTwo):
    """One side that holds is enough, and so is one that is known to tell how far it is off."""

    __slots__ = ()

    def shortfall(self) -> float:
        left, right = self._left.shortfall(), self._right.shortfall()
        if left < 0.0 or right < 0.0:
            return left if left > right else right
        return left if left < right else right

    def degrees(self, is_low: bool) -> float | None:
        return self._one(is_low, is_greater=not is_low)

    def visibility(self) -> float:
        return max(self._left.visibility(), self._right.visibility())


class OfLead:
    """`front` or `back`: the side that leads, or the other one. Unknown until one has led."""

    __slots__ = ("_lead", "_left", "_leftward", "_right")

    def __init__(self, lead: Lead, side: str, left: OfSide, right: OfSide) -> None:
        self._lead = lead
        # The side that must lead for the left angle to be the one that is meant.
        self._leftward = 1 if side == "front" else -1
        self._left, self._right = left, right

    def shortfall(self) -> float:
        if not self._lead.side:
            return UNKNOWN
        return self._meant().shortfall()

    def degrees(self, is_low: bool) -> float | None:
        return self._meant().degrees(is_low) if self._lead.side else None

    def visibility(self) -> float:
        return self._meant().visibility() if self._lead.side else 0.0

    def _meant(self) -> OfSide:
        return self._left if self._lead.side == self._leftward else self._right
