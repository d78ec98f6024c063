"""The range of each measure in a repetition, for what an event tells of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from detection.engine.rounding import MOST, TOLD_STEPS
from detection.engine.signals import Signal, pair_value
from detection.engine.views import Facing
from detection.spec import View


class Measured(NamedTuple):
    """A measure that events tell of, by the signal of a side, or by those of the pair. `view` is
    that from which its degrees hold."""

    signal: Signal
    right: Signal | None
    view: View


@dataclass(slots=True, eq=False)
class RangesState:
    # The least and the most of each in steps of its unit, None where it was never known.
    least: list[int | None] = field(default_factory=list)
    most: list[int | None] = field(default_factory=list)
    # Those of the window at rest before this one.
    least_before: list[int | None] = field(default_factory=list)
    most_before: list[int | None] = field(default_factory=list)
    # The frames from the side less all others, and those from the front; and of the window before.
    from_side: int = 0
    from_front: int = 0
    from_side_before: int = 0
    from_front_before: int = 0


class Ranges(RangesState):
    __slots__ = ("_facing", "measured")

    def __init__(self, measured: Sequence[Measured], facing: Facing | None) -> None:
        self.measured = tuple(measured)
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
        self.least = [None] * len(self.measured)
        self.most = [None] * len(self.measured)
        self.from_side = self.from_front = 0

    def check(self) -> None:
        """Raise ValueError if the range is not of so many measures."""
        ranges = (self.least, self.most, self.least_before, self.most_before)
        if {len(one) for one in ranges} != {len(self.measured)}:
            raise ValueError("Not a range of so many measures.")

    def watch(self) -> None:
        """Take in the signals of this frame."""
        if self._facing is not None:
            view = self._facing.view
            self.from_side += 1 if view == "side" else -1
            self.from_front += 1 if view == "front" else -1
        for number, (signal, right, _) in enumerate(self.measured):
            value = signal.value if right is None else pair_value(signal, right)
            # Visibilities beyond all sense make a value that is no number.
            if value is not None and -MOST < value < MOST:
                step = int(value * TOLD_STEPS + 0.5)
                least, most = self.least[number], self.most[number]
                if least is None or step < least:
                    self.least[number] = step
                if most is None or step > most:
                    self.most[number] = step

    def whole(self) -> tuple[list[int | None], list[int | None]]:
        """The least of each measure, and the most."""
        return (
            [_one_of(min, *one) for one in zip(self.least_before, self.least, strict=True)],
            [_one_of(max, *one) for one in zip(self.most_before, self.most, strict=True)],
        )

    def unseen(self) -> str:
        """The names of the views from which the body was not seen in most of the frames: degrees
        that hold from there are uncertain."""
        views = {
            "side": self.from_side_before + self.from_side,
            "front": self.from_front_before + self.from_front,
        }
        return " ".join(view for view, frames in views.items() if frames < 0)


def told_ranges(
    names: Sequence[str],
    least: Sequence[int | None],
    most: Sequence[int | None],
    uncertain: Sequence[int],
) -> dict[str, dict[str, Any]]:
    """Each measure with its least and its most, and whether they are uncertain."""
    told: dict[str, dict[str, Any]] = {
        name: {"least": in_units(low), "most": in_units(high)}
        for name, low, high in zip(names, least, most, strict=True)
    }
    for number in uncertain:
        told[names[number]]["uncertain"] = True
    return told


def told_asymmetry(
    names: Sequence[str], least: Sequence[int | None], most: Sequence[int | None]
) -> dict[str, float | None]:
    """By how much farther the left went than the right, of each measure that has both; None where
    one was never known."""
    ways = {
        name: None if low is None or high is None else high - low
        for name, low, high in zip(names, least, most, strict=True)
    }
    told: dict[str, float | None] = {}
    for name, left in ways.items():
        measure = name.removesuffix(".left")
        if measure != name:
            right = ways[f"{measure}.right"]
            told[measure] = None if left is None or right is None else in_units(left - right)
    return told


def _one_of(choose: Callable[[int, int], int], one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return choose(one, other)


def in_units(step: int | None) -> float | None:
    return None if step is None else step / TOLD_STEPS
