"""The range of each measure in a repetition, for what an event tells of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from detection.engine.signals import Signal, pair_value

# A range is kept in so many steps of its unit.
STEPS = 10.0
MOST = 1e6


class Measured(NamedTuple):
    """A measure as events name it, by the signal of a side, or by those of the pair."""

    name: str
    signal: Signal
    right: Signal | None


@dataclass(slots=True, eq=False)
class RangesState:
    # The least and the most of each, None where it was never known.
    least: list[int | None] = field(default_factory=list)
    most: list[int | None] = field(default_factory=list)
    # Those of the window at rest before this one.
    least_before: list[int | None] = field(default_factory=list)
    most_before: list[int | None] = field(default_factory=list)


class Ranges(RangesState):
    __slots__ = ("measured",)

    def __init__(self, measured: Sequence[Measured]) -> None:
        self.measured = tuple(measured)
        self.forget()

    def forget(self) -> None:
        self._begin_window()
        self.pass_window()

    def pass_window(self) -> None:
        """Forget all but the window that ends here: nothing has begun in it."""
        self.least_before, self.most_before = self.least, self.most
        self._begin_window()

    def _begin_window(self) -> None:
        self.least = [None] * len(self.measured)
        self.most = [None] * len(self.measured)

    def check(self) -> None:
        """Raise ValueError if the range is not of so many measures."""
        ranges = (self.least, self.most, self.least_before, self.most_before)
        if {len(one) for one in ranges} != {len(self.measured)}:
            raise ValueError("Not a range of so many measures.")

    def watch(self) -> None:
        """Take in the signals of this frame."""
        for number, (_, signal, right) in enumerate(self.measured):
            value = signal.value if right is None else pair_value(signal, right)
            # Visibilities beyond all sense make a value that is no number.
            if value is not None and -MOST < value < MOST:
                step = int(value * STEPS + 0.5)
                least, most = self.least[number], self.most[number]
                if least is None or step < least:
                    self.least[number] = step
                if most is None or step > most:
                    self.most[number] = step

    def whole(self) -> list[tuple[int | None, int | None]]:
        """The least and the most of each measure."""
        return [
            (_one_of(min, *least), _one_of(max, *most))
            for least, most in zip(
                zip(self.least_before, self.least, strict=True),
                zip(self.most_before, self.most, strict=True),
                strict=True,
            )
        ]

    def told(self) -> dict[str, dict[str, float | None]]:
        """Each measure with its least and its most."""
        return {
            one.name: {"least": _value(least), "most": _value(most)}
            for one, (least, most) in zip(self.measured, self.whole(), strict=True)
        }


def _one_of(choose: Callable[[int, int], int], one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return choose(one, other)


def _value(step: int | None) -> float | None:
    return None if step is None else step / STEPS
