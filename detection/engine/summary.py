"""The summary of what was counted: completions, attempts by reason, and the range of each measure.

It is a part of the engine's state, so that it is the same wherever the session is stored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from detection.engine.arithmetic import TOLD_STEPS, extreme, rounded_degrees
from detection.engine.events import ENDED, part_ms, times_payload
from detection.engine.ranges import in_degrees
from detection.engine.states import FIXED
from detection.spec import BODY_SIDES, REASONS, TEMPO_PARTS, BodySide, MoveSpec, Reason


@dataclass(slots=True, eq=False)
class SummaryState:
    # The completions of the left, of the right, and of the whole body.
    completed: list[int] = field(default_factory=lambda: [0, 0, 0], metadata=FIXED)
    # The attempts, in the order of REASONS.
    attempts: list[int] = field(default_factory=list, metadata=FIXED)
    # Of each measure: the least and the most, the sum of what each repetition reached, and in how
    # many.
    least: list[int | None] = field(default_factory=list, metadata=FIXED)
    most: list[int | None] = field(default_factory=list, metadata=FIXED)
    total: list[int] = field(default_factory=list, metadata=FIXED)
    known: list[int] = field(default_factory=list, metadata=FIXED)
    # Of each check, in how many repetitions and attempts it was met, and in how many missed.
    met: list[int] = field(default_factory=list, metadata=FIXED)
    missed: list[int] = field(default_factory=list, metadata=FIXED)
    # Of each measure, in how many repetitions it was uncertain.
    uncertain: list[int] = field(default_factory=list, metadata=FIXED)
    # The milliseconds of all ways out, stays and ways back, and how many of each are known.
    parts_ms: list[int] = field(default_factory=lambda: [0, 0, 0], metadata=FIXED)
    parts: list[int] = field(default_factory=lambda: [0, 0, 0], metadata=FIXED)
    # The times of the last completion.
    last: list[float | None] = field(default_factory=list)
    # Of holds, in milliseconds.
    longest_ms: float = 0.0
    total_ms: float = 0.0


class Summary(SummaryState):
    """`directions` say of each measure whether it is farthest at its least (-1) or at its most (1),
    or carries nothing (0)."""

    def __init__(self, spec: MoveSpec, directions: Mapping[str, int]) -> None:
        SummaryState.__init__(self)
        self._numbers = {name: number for number, name in enumerate(directions)}
        self._directions = tuple(directions.values())
        self._checks = tuple(spec.check_paths)
        self._is_hold = spec.type == "hold"
        self._has_sides = spec.counts_each_side
        self.attempts = [0] * len(REASONS)
        self.least = [None] * len(self._numbers)
        self.most = [None] * len(self._numbers)
        self.total = [0] * len(self._numbers)
        self.known = [0] * len(self._numbers)
        self.met = [0] * len(self._checks)
        self.missed = [0] * len(self._checks)
        self.uncertain = [0] * len(self._numbers)

    def complete(
        self,
        side: BodySide | None,
        names: Sequence[str],
        lows: Sequence[int | None],
        highs: Sequence[int | None],
        uncertain: Sequence[int],
    ) -> None:
        """Take a completion with the least and the most of its measures, and the numbers of those
        that are uncertain."""
        self.completed[len(BODY_SIDES) if side is None else BODY_SIDES.index(side)] += 1
        for place, (name, least, most) in enumerate(zip(names, lows, highs, strict=True)):
            number = self._numbers[name]
            if least is None or most is None:
                continue
            direction = self._directions[number]
            reached = most if direction > 0 else least if direction < 0 else (least + most) // 2
            self.total[number] += reached
            self.known[number] += 1
            self.uncertain[number] += place in uncertain
            self.least[number] = extreme(self.least[number], least, False)
            self.most[number] = extreme(self.most[number], most, True)

    def time(self, times: Sequence[float | None]) -> None:
        self.last = list(times)
        for number in range(len(TEMPO_PARTS)):
            self._time_part(number, times)

    def come_back(self, times: Sequence[float | None]) -> None:
        """Take those of a completion whose way back is over by now."""
        if self.last[:ENDED] == times[:ENDED]:
            self.last = list(times)
        self._time_part(TEMPO_PARTS.index("back"), times)

    def _time_part(self, number: int, times: Sequence[float | None]) -> None:
        ms = part_ms(times, TEMPO_PARTS[number])
        if ms is not None:
            self.parts_ms[number] += ms
            self.parts[number] += 1

    def interrupt(self, reason: Reason) -> None:
        self.attempts[REASONS.index(reason)] += 1

    def judge(self, missed: Sequence[float | None]) -> None:
        """Take by how much each check was missed: 0 where it was met, None where it was not
        seen."""
        for number, by in enumerate(missed):
            if by is None:
                continue
            if by == 0.0:
                self.met[number] += 1
            else:
                self.missed[number] += 1

    def hold(self, held_ms: float) -> None:
        self.total_ms += held_ms
        self.longest_ms = max(self.longest_ms, held_ms)

    def payload(self, held_ms: Sequence[float]) -> dict[str, Any]:
        """The summary as JSON values; `held_ms` are of the holds that go on."""
        sides = dict(zip(BODY_SIDES, self.completed, strict=False))
        return {
            "completed": sum(self.completed),
            "attempts": {
                reason: count for reason, count in zip(REASONS, self.attempts, strict=True) if count
            },
            "by_side": sides if self._has_sides else None,
            "measures": {
                name: self._measure(number)
                for name, number in self._numbers.items()
                if self.known[number]
            },
            "checks": {
                name: {"met": met, "missed": missed}
                for name, met, missed in zip(self._checks, self.met, self.missed, strict=True)
            },
            "times": None if self._is_hold else self._times(),
            "longest_ms": round(max(self.longest_ms, *held_ms)) if self._is_hold else None,
            "total_ms": round(self.total_ms + sum(held_ms)) if self._is_hold else None,
        }

    def _times(self) -> dict[str, Any]:
        """The mean of each part of the repetitions, and the times of the last."""
        means = {
            f"{part}_ms": round(ms / count) if count else None
            for part, ms, count in zip(TEMPO_PARTS, self.parts_ms, self.parts, strict=True)
        }
        return {"mean": means, "last": times_payload(self.last) if self.last else None}

    def _measure(self, number: int) -> dict[str, Any]:
        least, most = in_degrees(self.least[number]), in_degrees(self.most[number])
        direction = self._directions[number]
        payload: dict[str, Any] = {
            "best": most if direction > 0 else least if direction < 0 else None,
            "mean": rounded_degrees(self.total[number] / self.known[number] / TOLD_STEPS),
            "least": least,
            "most": most,
        }
        if self.uncertain[number]:
            payload["uncertain"] = True
        return payload
