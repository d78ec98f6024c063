"""Criteria on measured signals: a band, by how much it is missed, and when it was held."""

from typing import Final, Literal

from detection.engine.arithmetic import MAX_VALUE, TOLD_STEPS, extreme, rounded
from detection.engine.signals import Signal
from detection.engine.tracking import Lead
from detection.spec import Criterion, Extreme

# The rounding error of a mean. Bounds are inclusive.
_ROUNDING: Final = 1e-4

# Where on the way from the last frame's value (0) to this one's (1) the value is in the band.
Stretch = tuple[float, float]
NOWHERE: Stretch = (1.0, 0.0)
EVERYWHERE: Stretch = (0.0, 1.0)
HERE: Stretch = (1.0, 1.0)


def tolerance_of(criterion: Criterion, default: float) -> float:
    """By how many degrees a criterion may be missed before what asks for it ends."""
    return default if criterion.tolerance is None else criterion.tolerance


class BoundCriterion:
    """A criterion bound to a body, with the answers of one that shows nothing.

    It is not an ABC, which would add 24 bytes to each object of the compiled build.
    """

    __slots__ = ()

    def shortfall(self) -> float | None:
        """By how many degrees the signal is below or above the band.

        0 when the criterion holds, None when the signal is not known.
        """
        return None

    def stretch(self) -> Stretch:
        """The stretch of the way since the last frame on which the criterion has held."""
        return NOWHERE

    def value(self, is_low: bool) -> float | None:
        """The value that decides whether the criterion holds, at the low or the high end of the
        movement; None while it is not known."""
        return None

    def visibility(self) -> float:
        """The visibility of the deciding signal, 0 to 1."""
        return 0.0


class OfSignal(BoundCriterion):
    """A criterion on one signal: of a side, of the trunk, or of a pair."""

    __slots__ = ("_high", "_low", "_signal")

    def __init__(self, signal: Signal, criterion: Criterion) -> None:
        self._signal = signal
        self._low = criterion.minimum - _ROUNDING
        self._high = criterion.maximum + _ROUNDING

    def shortfall(self) -> float | None:
        value = self._signal.value
        if value is None:
            return None
        if value < self._low:
            return self._low - value
        return value - self._high if value > self._high else 0.0

    def stretch(self) -> Stretch:
        before, now = self._signal.before, self._signal.value
        if now is None:
            return NOWHERE
        low, high = self._low, self._high
        change = 0.0 if before is None else now - before
        if before is None or change == 0.0:
            if not low <= now <= high:
                return NOWHERE
            return HERE if before is None else EVERYWHERE
        one, other = (low - before) / change, (high - before) / change
        first, last = (one, other) if one < other else (other, one)
        if first > 1.0 or last < 0.0:
            return NOWHERE
        return (first if first > 0.0 else 0.0), (last if last < 1.0 else 1.0)

    def is_known(self) -> bool:
        return self._signal.value is not None

    def value(self, is_low: bool) -> float | None:
        return self._signal.value

    def visibility(self) -> float:
        return self._signal.seen


class OfTwo(BoundCriterion):
    """A criterion with the side `both`, where each side that is known must hold, or `either`, where
    one known side is enough to hold, or to miss."""

    __slots__ = ("_is_both", "_left", "_right")

    def __init__(self, left: OfSignal, right: OfSignal, *, is_both: bool) -> None:
        self._left, self._right = left, right
        self._is_both = is_both

    def shortfall(self) -> float | None:
        deciding: float | None = extreme(
            self._left.shortfall(), self._right.shortfall(), self._is_both
        )
        return deciding

    def stretch(self) -> Stretch:
        left, right = self._left.stretch(), self._right.stretch()
        if not self._is_both:
            # The side that holds now, and else the longer one.
            return max(left, right, key=lambda one: (one[1] == 1.0, one[1] - one[0]))
        if not self._left.is_known():
            return right
        if not self._right.is_known():
            return left
        return max(left[0], right[0]), min(left[1], right[1])

    def value(self, is_low: bool) -> float | None:
        """`both`: that of the side farther from the band; `either`: of the nearer one."""
        deciding: float | None = extreme(
            self._left.value(is_low), self._right.value(is_low), is_low == self._is_both
        )
        return deciding

    def visibility(self) -> float:
        """Of both the lower one of the sides that are known, or the last that was."""
        if not self._is_both:
            return max(self._left.visibility(), self._right.visibility())
        if self._left.is_known() != self._right.is_known():
            return (self._left if self._left.is_known() else self._right).visibility()
        return min(self._left.visibility(), self._right.visibility())


class OfLead(BoundCriterion):
    """A criterion with the side `front` or `back`, unknown until a side has led."""

    __slots__ = ("_lead", "_left", "_leftward", "_right")

    def __init__(
        self, lead: Lead, side: Literal["front", "back"], left: OfSignal, right: OfSignal
    ) -> None:
        self._lead = lead
        # The side that must lead for the left angle to be the one that is meant.
        self._leftward = 1 if side == "front" else -1
        self._left, self._right = left, right

    def _meant(self) -> BoundCriterion:
        if not self._lead.side:
            return _UNKNOWN
        return self._left if self._lead.side == self._leftward else self._right

    def shortfall(self) -> float | None:
        return self._meant().shortfall()

    def stretch(self) -> Stretch:
        return self._meant().stretch()

    def value(self, is_low: bool) -> float | None:
        return self._meant().value(is_low)

    def visibility(self) -> float:
        return self._meant().visibility()


_UNKNOWN: Final = BoundCriterion()


class BoundExtreme:
    """What a criterion asks of the least or the most of its measure, for checks and cues."""

    __slots__ = ("_criterion", "_high", "_is_low", "_is_most", "_low")

    def __init__(self, criterion: Criterion, which: Extreme, bound: BoundCriterion) -> None:
        self._criterion = bound
        self._is_most = which == "most"
        self._is_low = criterion.maximum < 180.0
        self._low = criterion.minimum - _ROUNDING
        self._high = criterion.maximum + _ROUNDING

    def value(self) -> float | None:
        value = self._criterion.value(self._is_low)
        # Absurd visibilities can give NaN or infinity.
        if value is None or not -MAX_VALUE < value < MAX_VALUE:
            return None
        return rounded(value, TOLD_STEPS)

    def follow(self, known: float | None) -> float | None:
        """The extreme as of this frame, of which `known` is that of the frames before."""
        return self.of(known, self.value())

    def of(self, one: float | None, other: float | None) -> float | None:
        found: float | None = extreme(one, other, self._is_most)
        return found

    def missed_by(self, value: float) -> float:
        """By how much an extreme misses the bounds, 0 within them."""
        if value < self._low:
            return self._low - value
        return value - self._high if value > self._high else 0.0

    def decides(self, value: float, is_met: bool) -> bool:
        """Whether a value makes it certain that the bounds are met, or missed, for a cue that is
        early: the extreme only goes on."""
        if is_met:
            return self.missed_by(value) == 0.0
        return value > self._high if self._is_most else value < self._low
