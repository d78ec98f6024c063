"""The least and the most of each measure: of a repetition, and of a body that may stand still."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from detection.engine.arithmetic import MAX_VALUE, TOLD_STEPS, extreme
from detection.engine.settings import SwingSettings
from detection.engine.signals import Signal
from detection.engine.states import FIXED
from detection.engine.tracking import Facing

# In steps of a degree, None where it was never known.
Steps = Sequence[int | None]


@dataclass(slots=True, eq=False)
class RangesState:
    # The least and the most of each in steps, and those of the window at rest before this one.
    least: list[int | None] = field(default_factory=list, metadata=FIXED)
    most: list[int | None] = field(default_factory=list, metadata=FIXED)
    least_before: list[int | None] = field(default_factory=list, metadata=FIXED)
    most_before: list[int | None] = field(default_factory=list, metadata=FIXED)
    # The frames from the side less all others, and those from the front; and of the window before.
    from_side: int = 0
    from_front: int = 0
    from_side_before: int = 0
    from_front_before: int = 0


class Ranges(RangesState):
    """The range of each measure in a repetition, for what an event says of it."""

    def __init__(self, signals: Sequence[Signal], facing: Facing | None) -> None:
        self._signals = signals
        self._facing = facing
        self.forget()

    def forget(self) -> None:
        self._begin_window()
        self.pass_window()

    def pass_window(self) -> None:
        """Forget all but the window that ends here: nothing has begun in it."""
        self.least_before, self.most_before = self.least, self.most
        self.from_side_before, self.from_front_before = self.from_side, self.from_front
        self._begin_window()

    def _begin_window(self) -> None:
        self.least = [None] * len(self._signals)
        self.most = [None] * len(self._signals)
        self.from_side = self.from_front = 0

    def watch(self) -> None:
        if self._facing is not None:
            view = self._facing.view
            self.from_side += 1 if view == "side" else -1
            self.from_front += 1 if view == "front" else -1
        for number, signal in enumerate(self._signals):
            value = signal.value
            # Visibilities beyond all sense make a value that is no number.
            if value is not None and -MAX_VALUE < value < MAX_VALUE:
                step = int(value * TOLD_STEPS + 0.5)
                least, most = self.least[number], self.most[number]
                if least is None or step < least:
                    self.least[number] = step
                if most is None or step > most:
                    self.most[number] = step

    def whole(self) -> tuple[list[int | None], list[int | None]]:
        """The least of each measure, and the most."""
        numbers = range(len(self._signals))
        least = [extreme(self.least_before[n], self.least[n], False) for n in numbers]
        return least, [extreme(self.most_before[n], self.most[n], True) for n in numbers]

    def unseen(self) -> str:
        """The names of the views from which the body was not seen in most of the frames: degrees
        that hold from there are uncertain."""
        views = {
            "side": self.from_side_before + self.from_side,
            "front": self.from_front_before + self.from_front,
        }
        return " ".join(view for view, frames in views.items() if frames < 0)


def range_payload(
    names: Sequence[str], least: Steps, most: Steps, uncertain: Sequence[int]
) -> dict[str, dict[str, Any]]:
    """Each measure with its least and its most, and whether they are uncertain."""
    payload: dict[str, dict[str, Any]] = {
        name: {"least": in_degrees(low), "most": in_degrees(high)}
        for name, low, high in zip(names, least, most, strict=True)
    }
    for number in uncertain:
        payload[names[number]]["uncertain"] = True
    return payload


def asymmetry_payload(names: Sequence[str], least: Steps, most: Steps) -> dict[str, float | None]:
    """By how much farther the left went than the right, of each measure that has both; None where
    one was never known."""
    ranges = {
        name: None if low is None or high is None else high - low
        for name, low, high in zip(names, least, most, strict=True)
    }
    payload: dict[str, float | None] = {}
    for name, left in ranges.items():
        measure = name.removesuffix(".left")
        if measure != name:
            right = ranges[f"{measure}.right"]
            payload[measure] = None if left is None or right is None else in_degrees(left - right)
    return payload


def in_degrees(steps: int | None) -> float | None:
    return None if steps is None else steps / TOLD_STEPS


@dataclass(slots=True, eq=False)
class StillnessState:
    # The least and the most of each signal; None where it was never known.
    least: list[float | None] = field(default_factory=list, metadata=FIXED)
    most: list[float | None] = field(default_factory=list, metadata=FIXED)


class Stillness(StillnessState):
    """The range of each side's signal since the repetition began.

    The pair's would not do: it changes when a side of a still body comes into sight.
    """

    def __init__(self, signals: Sequence[Signal], settings: SwingSettings) -> None:
        self._signals = signals
        self._min_swing = settings.min_swing_degrees
        self.forget()

    def forget(self) -> None:
        """Begin anew with the signals of this frame."""
        self.least = [signal.value for signal in self._signals]
        self.most = [signal.value for signal in self._signals]

    def watch(self) -> None:
        for number, signal in enumerate(self._signals):
            value = signal.value
            if value is not None:
                least, most = self.least[number], self.most[number]
                if least is None or value < least:
                    self.least[number] = value
                if most is None or value > most:
                    self.most[number] = value

    def has_ended(self) -> bool:
        """Whether a signal has gone min_swing_degrees."""
        return any(
            least is not None and most is not None and most - least >= self._min_swing
            for least, most in zip(self.least, self.most, strict=True)
        )
