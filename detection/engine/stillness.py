"""The stillness of the body since the repetition began."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from detection.engine.settings import SwingSettings
from detection.engine.signals import Signal


@dataclass(slots=True, eq=False)
class StillnessState:
    # The least and the most of each signal; None where it was never known.
    least: list[float | None] = field(default_factory=list)
    most: list[float | None] = field(default_factory=list)


class Stillness(StillnessState):
    """The range of each side's signal since the repetition began.

    The pair's would not do: it changes when a side of a still body comes into sight.
    """

    __slots__ = ("_settings", "_signals")

    def __init__(self, signals: Sequence[Signal], settings: SwingSettings) -> None:
        self._signals = signals
        self._settings = settings
        self.forget()

    def forget(self) -> None:
        """Begin anew with the signals of this frame."""
        self.least = [signal.value for signal in self._signals]
        self.most = [signal.value for signal in self._signals]

    def check(self) -> None:
        """Raise ValueError if the range is not of so many signals."""
        if {len(self.least), len(self.most)} != {len(self._signals)}:
            raise ValueError("Not a range of so many signals.")

    def watch(self) -> None:
        """Take in the signals of this frame."""
        for number, signal in enumerate(self._signals):
            value = signal.value
            if value is not None:
                least, most = self.least[number], self.most[number]
                if least is None or value < least:
                    self.least[number] = value
                if most is None or value > most:
                    self.most[number] = value

    def has_ended(self) -> bool:
        """Whether a signal has gone least_swing_degrees."""
        least_swing = self._settings.least_swing_degrees
        return any(
            least is not None and most is not None and most - least >= least_swing
            for least, most in zip(self.least, self.most, strict=True)
        )
