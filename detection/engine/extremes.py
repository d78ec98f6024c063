"""The least or the most of a measure in a stay, for checks of form and for cues."""

from detection.engine.body import Body
from detection.engine.criteria import HeldCriterion, band_of
from detection.engine.rounding import MOST, TOLD_STEPS, rounded
from detection.spec import Criterion, Extreme


class HeldExtreme:
    """What a criterion asks of the least or the most of its measure.

    Of `both` sides the one that is farther from the bound that is asked, of `either` the nearer.
    """

    __slots__ = ("_criterion", "_high", "_is_least", "_is_low", "_low")

    def __init__(self, criterion: Criterion, extreme: Extreme, body: Body) -> None:
        self._criterion: HeldCriterion = body.hold(criterion)
        self._is_least = extreme == "least"
        self._is_low = criterion.maximum < 180.0
        self._low, self._high = band_of(criterion)

    def value(self) -> float | None:
        """The measure in this frame."""
        value = self._criterion.value(self._is_low)
        # Visibilities beyond all sense make a value that is no number.
        if value is None or not -MOST < value < MOST:
            return None
        return rounded(value, TOLD_STEPS)

    def follow(self, known: float | None) -> float | None:
        """The extreme by this frame, of which `known` is that of the frames before."""
        return self.of(known, self.value())

    def of(self, one: float | None, other: float | None) -> float | None:
        """The extreme of two values, or the one that is known."""
        if one is None or other is None:
            return other if one is None else one
        if self._is_least:
            return other if other < one else one
        return other if other > one else one

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
        return value < self._low if self._is_least else value > self._high
