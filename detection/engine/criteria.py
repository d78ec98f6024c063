"""Criteria on measured signals, one class for each meaning of `side`."""

from typing import Final

from detection.engine.lead import Lead
from detection.engine.signals import Signal, pair_before, pair_value
from detection.spec import Criterion

# A mean of equal values may differ from them by so much; bounds are inclusive.
_ROUNDING: Final = 1e-4

Band = tuple[float, float]
# Where on the way from the last frame's value (0) to this one's (1) the value is in the band.
Stretch = tuple[float, float]
NOWHERE: Stretch = (1.0, 0.0)
EVERYWHERE: Stretch = (0.0, 1.0)
HERE: Stretch = (1.0, 1.0)


def band_of(criterion: Criterion) -> Band:
    return criterion.minimum - _ROUNDING, criterion.maximum + _ROUNDING


class HeldCriterion:
    """A criterion as measured on a body: of this class, on one that shows nothing.

    It is no ABC, which would add 24 bytes to each that is compiled.
    """

    __slots__ = ()

    def shortfall(self) -> float | None:
        """By how much the signal misses the band: 0 when the criterion holds, None when the signal
        is not known."""
        return None

    def stretch(self) -> Stretch:
        """The stretch of the way since the last frame on which the criterion has held."""
        return NOWHERE

    def value(self, is_low: bool) -> float | None:
        """The value that decides whether the criterion holds; None while it is not known.

        With several sides that depends on whether its band is the low or the high end of the
        movement.
        """
        return None

    def visibility(self) -> float:
        """The visibility of the deciding signal, 0 to 1."""
        return 0.0


def _shortfall(value: float | None, low: float, high: float) -> float | None:
    if value is None:
        return None
    if value < low:
        return low - value
    return value - high if value > high else 0.0


def _stretch(before: float | None, now: float | None, low: float, high: float) -> Stretch:
    if now is None:
        return NOWHERE
    change = 0.0 if before is None else now - before
    if before is None or change == 0.0:
        # Nothing is known of a way that begins here.
        return NOWHERE if not low <= now <= high else HERE if before is None else EVERYWHERE
    one, other = (low - before) / change, (high - before) / change
    first, last = (one, other) if one < other else (other, one)
    if first > 1.0 or last < 0.0:
        return NOWHERE
    return (first if first > 0.0 else 0.0), (last if last < 1.0 else 1.0)


class OfSide(HeldCriterion):
    """A criterion with the side `left` or `right`, or on the trunk: one signal."""

    __slots__ = ("_high", "_low", "_signal")

    def __init__(self, signal: Signal, band: Band) -> None:
        self._signal = signal
        self._low, self._high = band

    def shortfall(self) -> float | None:
        return _shortfall(self._signal.value, self._low, self._high)

    def stretch(self) -> Stretch:
        return _stretch(self._signal.before, self._signal.value, self._low, self._high)

    def is_known(self) -> bool:
        return self._signal.value is not None

    def value(self, is_low: bool) -> float | None:
        return self._signal.value

    def visibility(self) -> float:
        return self._signal.seen


class OfPair(HeldCriterion):
    """A criterion without a side: one value, the weighted mean of both sides."""

    __slots__ = ("_high", "_left", "_low", "_right")

    def __init__(self, left: Signal, right: Signal, band: Band) -> None:
        self._left, self._right = left, right
        self._low, self._high = band

    def shortfall(self) -> float | None:
        return _shortfall(pair_value(self._left, self._right), self._low, self._high)

    def stretch(self) -> Stretch:
        before, now = pair_before(self._left, self._right), pair_value(self._left, self._right)
        return _stretch(before, now, self._low, self._high)

    def value(self, is_low: bool) -> float | None:
        return pair_value(self._left, self._right)

    def visibility(self) -> float:
        return max(self._left.seen, self._right.seen)


def _chosen(left: float | None, right: float | None, *, is_greater: bool) -> float | None:
    """The greater or the smaller one, or the only one that is known."""
    if left is None or right is None:
        return right if left is None else left
    return left if (left > right) == is_greater else right


class _OfTwo(HeldCriterion):
    __slots__ = ("_left", "_right")

    def __init__(self, left: OfSide, right: OfSide) -> None:
        self._left, self._right = left, right


class OfBoth(_OfTwo):
    """A criterion with the side `both`: each side that is known must hold."""

    __slots__ = ()

    def shortfall(self) -> float | None:
        return _chosen(self._left.shortfall(), self._right.shortfall(), is_greater=True)

    def stretch(self) -> Stretch:
        if not self._left.is_known():
            return self._right.stretch()
        left = self._left.stretch()
        if not self._right.is_known():
            return left
        right = self._right.stretch()
        return max(left[0], right[0]), min(left[1], right[1])

    def value(self, is_low: bool) -> float | None:
        return _chosen(self._left.value(is_low), self._right.value(is_low), is_greater=is_low)

    def visibility(self) -> float:
        """The lower one of the sides that are known, or the last that was."""
        if self._left.is_known() != self._right.is_known():
            return (self._left if self._left.is_known() else self._right).visibility()
        return min(self._left.visibility(), self._right.visibility())


class OfEither(_OfTwo):
    """A criterion with the side `either`. One known side is enough to hold, or to miss."""

    __slots__ = ()

    def shortfall(self) -> float | None:
        return _chosen(self._left.shortfall(), self._right.shortfall(), is_greater=False)

    def stretch(self) -> Stretch:
        left, right = self._left.stretch(), self._right.stretch()
        # That which holds now, and else the longer one.
        return max(left, right, key=lambda one: (one[1] == 1.0, one[1] - one[0]))

    def value(self, is_low: bool) -> float | None:
        return _chosen(self._left.value(is_low), self._right.value(is_low), is_greater=not is_low)

    def visibility(self) -> float:
        return max(self._left.visibility(), self._right.visibility())


class OfLead(HeldCriterion):
    """A criterion with the side `front` or `back`, unknown until a side has led."""

    __slots__ = ("_lead", "_left", "_leftward", "_right")

    def __init__(self, lead: Lead, side: str, left: OfSide, right: OfSide) -> None:
        self._lead = lead
        # The side that must lead for the left angle to be the one that is meant.
        self._leftward = 1 if side == "front" else -1
        self._left, self._right = left, right

    def shortfall(self) -> float | None:
        return self._meant().shortfall() if self._lead.side else None

    def stretch(self) -> Stretch:
        return self._meant().stretch() if self._lead.side else NOWHERE

    def value(self, is_low: bool) -> float | None:
        return self._meant().value(is_low) if self._lead.side else None

    def visibility(self) -> float:
        return self._meant().visibility() if self._lead.side else 0.0

    def _meant(self) -> OfSide:
        return self._left if self._lead.side == self._leftward else self._right
