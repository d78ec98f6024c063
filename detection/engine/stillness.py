"""Whether the body has moved since the last step of the sequence."""

from collections.abc import Callable, Sequence
from math import sqrt

from detection.engine.angles import SideAngle
from detection.engine.memory import Remembering
from detection.engine.settings import EngineSettings

# An angle trembles the more, the shorter its segments are seen. By errors of 3 mm it changes by
# less than this over the square root of its weight, in degrees: 24 for a foreshortened hand.
_TREMBLING = 1.0


class Stillness(Remembering):
    """The range of each angle since then, None for one that has not been known."""

    MEMORY = {"least": (), "most": ()}
    __slots__ = (*MEMORY, "_angles", "_least_swing")
    least: Sequence[float | None]
    most: Sequence[float | None]

    def __init__(self, angles: Sequence[SideAngle], settings: EngineSettings) -> None:
        self._angles = angles
        self._least_swing = settings.least_swing_degrees
        self.forget()

    def watch(self) -> None:
        """Take in the angles of this frame."""
        # A tenth of a degree will do, and is short to store.
        now = [None if angle.degrees is None else round(angle.degrees, 1) for angle in self._angles]
        if not self.least:
            self.least = self.most = now
        self.least = [_either(min, a, b) for a, b in zip(self.least, now, strict=True)]
        self.most = [_either(max, a, b) for a, b in zip(self.most, now, strict=True)]

    def has_ended(self) -> bool:
        """Whether an angle has gone least_swing_degrees, and more than errors explain."""
        return any(
            least is not None
            and most is not None
            and most - least >= self._least_swing
            and (most - least) * sqrt(angle.weight) >= _TREMBLING
            for angle, least, most in zip(self._angles, self.least, self.most, strict=True)
        )


def _either(
    choose: Callable[[float, float], float], one: float | None, other: float | None
) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    return choose(one, other)
