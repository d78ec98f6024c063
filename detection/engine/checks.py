"""The checks of a repetition or a hold: what each has come to."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from detection.engine.body import Body
from detection.engine.extremes import HeldExtreme
from detection.engine.phases import PhaseTracker
from detection.engine.rounding import told_share
from detection.engine.times import told_part
from detection.spec import MoveSpec


class Verdict(NamedTuple):
    """Of each check its value, and by how much that misses the bounds: 0 where it is met, None
    where it was not seen. `form` is the share of those met, of those seen; None where none was
    seen."""

    values: list[float | None]
    missed: list[float | None]
    form: float | None


def form_of(missed: Sequence[float | None]) -> float | None:
    seen = [by for by in missed if by is not None]
    return told_share(seen.count(0.0) / len(seen)) if seen else None


class Failed(NamedTuple):
    """The path of a required check that was not met, and by how much; None where it was not
    seen."""

    path: str
    by: float | None


@dataclass(slots=True, eq=False)
class ChecksState:
    # The extreme that each is about, and that of the window at rest before this one.
    values: list[float | None] = field(default_factory=list)
    values_before: list[float | None] = field(default_factory=list)


class Checks(ChecksState):
    __slots__ = ("_checks", "_paths", "_required", "_tempo")

    def __init__(self, spec: MoveSpec, phases: Sequence[PhaseTracker], body: Body) -> None:
        checks = spec.checks
        by_name = {phase.name: phase for phase in phases}
        self._checks = [
            (
                None if check.when is None else by_name[check.when],
                HeldExtreme(check.criterion, check.extreme, body),
            )
            for check in checks
        ]
        self._tempo = spec.tempo
        required = [one.is_required for one in checks] + [one.is_required for one in spec.tempo]
        self._required = [number for number, is_required in enumerate(required) if is_required]
        self._paths = list(spec.check_paths.values())
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

    def watch_passed(self, passed: PhaseTracker) -> None:
        """Take in this frame for a phase that was entered and left since the last one."""
        for number, (phase, extreme) in enumerate(self._checks):
            if phase is passed:
                self.values[number] = extreme.follow(self.values[number])

    def verdict(self, times: Sequence[float | None] = ()) -> Verdict:
        """The verdict on a repetition or an attempt, of which a completion has `times`."""
        values: list[float | None] = [
            extreme.of(before, now)
            for (_, extreme), before, now in zip(
                self._checks, self.values_before, self.values, strict=True
            )
        ]
        missed: list[float | None] = [
            None if value is None else extreme.missed_by(value)
            for (_, extreme), value in zip(self._checks, values, strict=True)
        ]
        for check in self._tempo:
            ms = told_part(times, check.part)
            values.append(None if ms is None else float(ms))
            missed.append(None if ms is None else check.missed_by(ms))
        return Verdict(values, missed, form_of(missed))

    def failed(self, verdict: Verdict, passed_over: Collection[str]) -> Failed | None:
        """The first required check that is not met. One in a phase that was `passed_over` was not
        asked for."""
        for number in self._required:
            by = verdict.missed[number]
            phase = self._checks[number][0] if number < len(self._checks) else None
            if by is None and phase is not None and phase.name in passed_over:
                continue
            if by != 0.0:
                return Failed(self._paths[number], by)
        return None
