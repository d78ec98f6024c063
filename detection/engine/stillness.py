"""The stillness of the body since the repetition began."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt

from detection.engine.angles import SideAngle
from detection.engine.settings import SwingSettings


@dataclass(slots=True, eq=False)
class StillnessState:
    # The least and the most of each side's angle, in degrees; None where it was never known.
    least: list[float | None] = field(default_factory=list)
    most: list[float | None] = field(default_factory=list)


class Stillness(StillnessState):
    """The range of each side's angle since the repetition began.

    The pair's angle would not do: it changes when a side of a still body comes into sight.
    """

    __slots__ = ("_angles", "_settings")

    def __init__(self, angles: Sequence[SideAngle], settings: SwingSettings) -> None:
        self._angles = angles
        self._settings = settings
        self.forget()

    def forget(self) -> None:
        """Begin anew with the angles of this frame."""
        self.least = [angle.degrees for angle in self._angles]
        self.most = [angle.degrees for angle in self._angles]

    def check(self) -> None:
        """Raise ValueError if the range is not of so many angles."""
        if {len(self.least), len(self.most)} != {len(self._angles)}:
            raise ValueError("Not a range of so many angles.")

    def watch(self) -> None:
        """Take in the angles of this frame."""
        for number, angle in enumerate(self._angles):
            degrees = angle.degrees
            if degrees is not None:
                least, most = self.least[number], self.most[number]
                if least is None or degrees < least:
                    self.least[number] = degrees
                if most is None or degrees > most:
                    self.most[number] = degrees

    def has_ended(self) -> bool:
        """Whether an angle has gone least_swing_degrees, and more than errors explain."""
        settings = self._settings
        for angle, least, most in zip(self._angles, self.least, self.most, strict=True):
            if least is not None and most is not None:
                way = most - least
                if (
                    way >= settings.least_swing_degrees
                    and way * sqrt(angle.weight) >= settings.trembling
                ):
                    return True
        return False
