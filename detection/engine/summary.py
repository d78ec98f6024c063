"""The summary of what was counted: completions, attempts by reason, and the range of each measure.

It is a part of the engine's state, so that it is the same wherever the session is stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from detection.engine.ranges import STEPS, in_units
from detection.spec import BODY_SIDES, REASONS, BodySide, Reason


@dataclass(slots=True, eq=False)
class SummaryState:
    # The completions of the left, of the right, and of the whole body.
    completed: list[int] = field(default_factory=lambda: [0, 0, 0])
    # The attempts, in the order of REASONS.
    attempts: list[int] = field(default_factory=list)
    # Of each measure: the least and the most, the sum of what each repetition reached, and in how
    # many.
    least: list[int | None] = field(default_factory=list)
    most: list[int | None] = field(default_factory=list)
    total: list[int] = field(default_factory=list)
    known: list[int] = field(default_factory=list)
    # Of holds, in milliseconds.
    longest_ms: float = 0.0
    total_ms: float = 0.0


class Summary(SummaryState):
    """`directions` say of each measure whether it is farthest at its least (-1) or at its most (1),
    or carries nothing (0)."""

    __slots__ = ("_directions", "_has_sides", "_is_hold", "_numbers")

    def __init__(
        self,
        names: Sequence[str],
        directions: Sequence[int],
        *,
        is_hold: bool,
        has_sides: bool,
    ) -> None:
        SummaryState.__init__(self)
        self._numbers = {name: number for number, name in enumerate(names)}
        self._directions = tuple(directions)
        self._is_hold = is_hold
        self._has_sides = has_sides
        self.attempts = [0] * len(REASONS)
        self.least = [None] * len(self._numbers)
        self.most = [None] * len(self._numbers)
        self.total = [0] * len(self._numbers)
        self.known = [0] * len(self._numbers)

    def check(self) -> None:
        """Raise ValueError for a state that is not of so many measures."""
        if (len(self.completed), len(self.attempts)) != (len(BODY_SIDES) + 1, len(REASONS)):
            raise ValueError("Not the counts of a summary.")
        sizes = {len(one) for one in (self.least, self.most, self.total, self.known)}
        if sizes != {len(self._numbers)}:
            raise ValueError("Not a summary of so many measures.")
        if any(None in one for one in (self.completed, self.attempts, self.total, self.known)):
            raise ValueError("Not the numbers of a summary.")

    @property
    def completions(self) -> int:
        return sum(self.completed)

    def complete(
        self,
        side: BodySide | None,
        names: Sequence[str],
        lows: Sequence[int | None],
        highs: Sequence[int | None],
    ) -> None:
        """Take a completion with the least and the most of its measures."""
        self.completed[len(BODY_SIDES) if side is None else BODY_SIDES.index(side)] += 1
        for name, least, most in zip(names, lows, highs, strict=True):
            number = self._numbers[name]
            if least is None or most is None:
                continue
            direction = self._directions[number]
            reached = most if direction > 0 else least if direction < 0 else (least + most) // 2
            self.total[number] += reached
            self.known[number] += 1
            before = self.least[number]
            self.least[number] = least if before is None or least < before else before
            before = self.most[number]
            self.most[number] = most if before is None or most > before else before

    def interrupt(self, reason: Reason) -> None:
        self.attempts[REASONS.index(reason)] += 1

    def hold(self, held_ms: float) -> None:
        """Take a hold that has ended."""
        self.total_ms += held_ms
        self.longest_ms = max(self.longest_ms, held_ms)

    def told(self, held_ms: Sequence[float]) -> dict[str, Any]:
        """The summary as JSON values; `held_ms` are of the holds that go on."""
        sides = dict(zip(BODY_SIDES, self.completed, strict=False))
        return {
            "completed": self.completions,
            "attempts": {
                reason: count for reason, count in zip(REASONS, self.attempts, strict=True) if count
            },
            "by_side": sides if self._has_sides else None,
            "measures": {
                name: self._measure(number)
                for name, number in self._numbers.items()
                if self.known[number]
            },
            "longest_ms": max(self.longest_ms, *held_ms) if self._is_hold else None,
            "total_ms": self.total_ms + sum(held_ms) if self._is_hold else None,
        }

    def _measure(self, number: int) -> dict[str, float | None]:
        least, most = in_units(self.least[number]), in_units(self.most[number])
        direction = self._directions[number]
        return {
            "best": most if direction > 0 else least if direction < 0 else None,
            "mean": round(self.total[number] / self.known[number] / STEPS, 1),
            "least": least,
            "most": most,
        }
