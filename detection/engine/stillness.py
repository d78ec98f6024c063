"""The stillness of the body since the last step of the sequence."""

from collections.abc import Sequence
from math import sqrt

from detection.engine.angles import SideAngle
from detection.engine.memory import Fields, Remembering
from detection.engine.settings import EngineSettings

_NO_LEAST, _NO_MOST = 999.0, -999.0


class Stillness(Remembering):
    """The range of each side's angle since the last step.

    The pair's angle would not do: it changes when a side of a still body comes into sight.
    """

    MEMORY = {"least": (), "most": ()}
    __slots__ = (*MEMORY, "_angles", "_settings")
    least: list[float]
    most: list[float]

    def __init__(self, angles: Sequence[SideAngle], settings: EngineSettings) -> None:
        self._angles = angles
        self._settings = settings
        self.forget()

    def forget(self) -> None:
        self.least = [_NO_LEAST] * len(self._angles)
        self.most = [_NO_MOST] * len(self._angles)

    def watch(self) -> None:
        """Take in the angles of this frame."""
        least, most = self.least, self.most
        for number, angle in enumerate(self._angles):
            degrees = angle.degrees
            if degrees is not None:
                # A tenth of a degree will do, and is short to store.
                if degrees < least[number]:
                    least[number] = round(degrees, 1)
                if degrees > most[number]:
                    most[number] = round(degrees, 1)

    def has_ended(self) -> bool:
        """Whether an angle has gone least_swing_degrees, and more than errors explain."""
        settings = self._settings
        return any(
            most - least >= settings.least_swing_degrees
            and (most - least) * sqrt(angle.weight) >= settings.trembling
            for angle, least, most in zip(self._angles, self.least, self.most, strict=True)
        )

    def snapshot(self) -> Fields:
        return super().snapshot() if max(self.most, default=_NO_MOST) > _NO_MOST else {}

    def restore(self, fields: Fields) -> None:
        super().restore(fields)
        if {len(self.least), len(self.most)} != {len(self._angles)}:
            raise ValueError("Not a range of so many angles.")
