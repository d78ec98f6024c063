"""The checks of a repetition's form."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from detection.engine.body import Body
from detection.engine.extremes import HeldExtreme
from detection.engine.phases import PhaseTracker
from detection.spec import MOVEMENT, Check


class Verdict(NamedTuple):
    """`form` is the share of the checks met, of those seen; None where none was seen. `path` is
    that of the first required check that was missed, and `by` how much."""

    form: float | None
    path: str | None
    by: float


@dataclass(slots=True, eq=False)
class ChecksState:
    # The extreme that each is about, and that of the window at rest before this one.
    values: list[float | None] = field(default_factory=list)
    values_before: list[float | None] = field(default_factory=list)


class Checks(ChecksState):
    __slots__ = ("_checks", "_required")

    def __init__(self, checks: Sequence[Check], phases: Sequence[PhaseTracker], body: Body) -> None:
        by_name = {phase.name: phase for phase in phases}
        self._checks = [
            (
                None if check.when is None else by_name[check.when],
                HeldExtreme(check.criterion, check.extreme, body),
            )
            for check in checks
        ]
        self._required = [check.is_required for check in checks]
        self.forget()

    def forget(self) -> None:
        self.values = [None] * len(self._checks)
        self.values_before = [None] * len(self._checks)

    def pass_window(self) -> None:
        """Forget, of the checks without a phase, all but the window that ends here."""
        for number, (phase, _) in enumerate(self._checks):
            if phase is None:
                self.values_before[number] = self.values[number]
                self.values[number] = None

    def check(self) -> None:
        """Raise ValueError for a state that is not of so many checks."""
        if {len(self.values), len(self.values_before)} != {len(self._checks)}:
            raise ValueError("Not the values of so many checks.")

    def watch(self) -> None:
        """Take in this frame."""
        for number, (phase, extreme) in enumerate(self._checks):
            if phase is None or phase.holds:
                self.values[number] = extreme.follow(self.values[number])

    def verdict(self) -> Verdict:
        met = seen = 0
        path: str | None = None
        by = 0.0
        for number, (_, extreme) in enumerate(self._checks):
            value = extreme.of(self.values_before[number], self.values[number])
            if value is None:
                continue
            seen += 1
            missed = extreme.missed_by(value)
            if missed == 0.0:
                met += 1
            elif self._required[number] and path is None:
                path, by = f"{MOVEMENT}.checks[{number}]", missed
        return Verdict(round(met / seen, 3) if seen else None, path, by)
