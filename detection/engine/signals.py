"""One signal of the body: a measure of one side, frame by frame, and smoothed in time.

docs/engine.md gives the formulas.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from detection.engine.plausibility import is_jump
from detection.engine.rounding import DEGREE_STEPS, rounded
from detection.engine.settings import EngineSettings


@dataclass(slots=True, eq=False)
class SignalState:
    """`value` is a weighted mean of recent frames, None while unknown; `weight` is its weight."""

    value: float | None = None
    weight: float = 0.0
    # How well it is seen, 0 to 1.
    seen: float = 0.0
    # The last frame's own value, and what a jump has led to that the next has not confirmed.
    last: float = 0.0
    doubted: float | None = None
    # Milliseconds since it was measured.
    unseen: float = 0.0


class Signal(SignalState, ABC):
    """A measure of one side, in its `unit`.

    A frame's weight is the inverse of its value's variance, times the square of its visibility. The
    weight decays with the frame's age, by the time constant smoothing_ms. `before` and
    `weight_before` are `value` and `weight` as of the frame before.
    """

    __slots__ = (
        "_fresh_ms",
        "_jump",
        "_max_weight",
        "_sight",
        "before",
        "unit",
        "weight_before",
    )

    def __init__(self, unit: str, settings: EngineSettings) -> None:
        self.unit = unit
        self._sight = settings.sight
        self._jump = settings.sight.jump_degrees
        self._max_weight = settings.smoothing.max_weight_m2
        self._fresh_ms = settings.smoothing.fresh_ms
        self.before: float | None = None
        self.weight_before = 0.0
        self.forget()

    def forget(self) -> None:
        SignalState.__init__(self)
        self.before = None

    def measure(self, since_ms: float, keep: float) -> bool:
        """Measure one frame, whose segments are measured. Whether it shows the signal.

        The frame comes `since_ms` after the last one. `keep` is the share of the earlier weight
        that remains.
        """
        self.before, self.weight_before = self.value, self.weight
        self.unseen += since_ms
        return self._measure(keep)

    @abstractmethod
    def _measure(self, keep: float) -> bool:
        """`measure`, with the times brought up to date."""

    def _miss(self, keep: float) -> bool:
        self.weight *= keep
        if self.unseen > self._fresh_ms:
            self.value = None
            self.weight = 0.0
        return False

    def _take(self, value: float, weight: float, visibility: float, keep: float) -> bool:
        change = value - self.last
        if (
            (change > self._jump or change < -self._jump)
            and self.value is not None
            and is_jump(change, self.unseen, self._sight)
        ):
            before, self.doubted = self.doubted, value
            if before is None or is_jump(value - before, self.unseen, self._sight):
                self._miss(keep)
                return True
        self.doubted = None
        self.unseen = 0.0
        self.last = value
        if weight > self._max_weight:
            weight = self._max_weight
        share = 1.0 - keep
        weight *= visibility * visibility * share
        before, known = self.value, self.weight * keep
        self.weight = known + weight
        if before is not None and known > 0.0:
            value = (before * known + value * weight) / (known + weight)
        self.value = rounded(value, DEGREE_STEPS)
        self.seen += (visibility - self.seen) * share
        return True


def pair_value(left: Signal, right: Signal) -> float | None:
    """The value of the pair: the weighted mean of both sides. None while it is not known."""
    return _mean(left.value, left.weight, right.value, right.weight)


def pair_before(left: Signal, right: Signal) -> float | None:
    """The value of the pair as of the frame before."""
    return _mean(left.before, left.weight_before, right.before, right.weight_before)


def _mean(
    one: float | None, one_weight: float, other: float | None, other_weight: float
) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    weight = one_weight + other_weight
    if weight <= 0.0:
        return (one + other) / 2
    return (one * one_weight + other * other_weight) / weight
