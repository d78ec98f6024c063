"""What must hold throughout a movement, and the checks of how well it was done."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from detection.engine.arithmetic import has_lasted, rounded_share, since
from detection.engine.body import Body
from detection.engine.criteria import BoundCriterion, tolerance_of
from detection.engine.events import part_ms
from detection.engine.phases import PhaseTracker
from detection.engine.plan import CounterPlan
from detection.engine.settings import PhaseSettings
from detection.engine.states import FIXED
from detection.spec import MOVEMENT, Check, MoveSpec, TempoCheck

# The path of a condition that was missed for too long, and by how much it is missed now.
Broken = tuple[str, float]
# A condition with its path, and by how many degrees it may be missed.
_Condition = tuple[BoundCriterion, str, float]


@dataclass(slots=True, eq=False)
class ConditionsState:
    # Since when each group fails.
    failing_since_ms: list[float | None] = field(default_factory=list, metadata=FIXED)


class Conditions(ConditionsState):
    """The conditions that the author names; or, where `are_inferred`, those that all phases demand
    at any time. Those of a group share a time: the one may be missed right after the other."""

    def __init__(self, plan: CounterPlan, body: Body, settings: PhaseSettings) -> None:
        throughout = plan.spec.throughout
        self.are_inferred = throughout is None
        # Each group with how long it may fail.
        self._groups: list[tuple[float, list[_Condition]]] = []
        for number, one in enumerate(throughout or ()):
            path, tolerance = f"{MOVEMENT}.throughout[{number}]", tolerance_of(one.criterion, 0.0)
            self._groups.append((one.grace_ms, [(body.bind(one.criterion), path, tolerance)]))
        inferred = [
            (body.bind(criterion), path, settings.hysteresis_degrees)
            for path, criterion in plan.conditions
        ]
        if inferred:
            self._groups.append((settings.condition_ms, inferred))
        self.forget()

    def forget(self) -> None:
        self.failing_since_ms = [None] * len(self._groups)

    def are_met(self) -> bool:
        return all(
            (criterion.shortfall() or 0.0) <= tolerance
            for _, group in self._groups
            for criterion, _, tolerance in group
        )

    def broken(self, now_ms: float) -> Broken | None:
        """The condition that has failed for longer than it may."""
        found: Broken | None = None
        for number, (grace_ms, group) in enumerate(self._groups):
            failing: Broken | None = None
            is_known = self.are_inferred
            for criterion, path, tolerance in group:
                short = criterion.shortfall()
                if short is not None:
                    is_known = True
                    if short > tolerance:
                        failing = path, short
                        break
            if not is_known:
                continue
            failing_ms = since(self.failing_since_ms[number], now_ms, failing is not None)
            self.failing_since_ms[number] = failing_ms
            if found is None and has_lasted(failing_ms, now_ms, grace_ms):
                found = failing
        return found


def form_of(missed: Sequence[float | None]) -> float | None:
    """The share of the checks met, of those seen; None where none was seen."""
    seen = [by for by in missed if by is not None]
    return rounded_share(seen.count(0.0) / len(seen)) if seen else None


@dataclass(slots=True, eq=False)
class ChecksState:
    # The extreme that each is about, and that of the window at rest before this one.
    values: list[float | None] = field(default_factory=list, metadata=FIXED)
    values_before: list[float | None] = field(default_factory=list, metadata=FIXED)


class Checks(ChecksState):
    def __init__(self, spec: MoveSpec, phases: Sequence[PhaseTracker], body: Body) -> None:
        by_name = {phase.name: phase for phase in phases}
        self._checks = [
            (
                None if check.when is None else by_name[check.when],
                body.bind_extreme(check.criterion, check.extreme),
            )
            for check in spec.checks
        ]
        self._tempo = spec.tempo
        checks: list[Check | TempoCheck] = [*spec.checks, *spec.tempo]
        self._required = [number for number, check in enumerate(checks) if check.is_required]
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

    def watch(self) -> None:
        for number, (phase, extreme) in enumerate(self._checks):
            if phase is None or phase.holds:
                self.values[number] = extreme.follow(self.values[number])

    def watch_passed(self, passed: PhaseTracker) -> None:
        """Take in this frame for a phase that was entered and left since the last one."""
        for number, (phase, extreme) in enumerate(self._checks):
            if phase is passed:
                self.values[number] = extreme.follow(self.values[number])

    def verdict(
        self, times: Sequence[float | None] = ()
    ) -> tuple[list[float | None], list[float | None]]:
        """The value of each check in a repetition or an attempt, of which a completion has `times`,
        and by how much it misses the bounds: 0 where it is met, None where it was not seen."""
        values: list[float | None] = []
        missed: list[float | None] = []
        for number, (_, extreme) in enumerate(self._checks):
            value = extreme.of(self.values_before[number], self.values[number])
            values.append(value)
            missed.append(None if value is None else extreme.missed_by(value))
        for check in self._tempo:
            ms = part_ms(times, check.part)
            values.append(None if ms is None else float(ms))
            missed.append(None if ms is None else check.missed_by(ms))
        return values, missed

    def failed(
        self, missed: Sequence[float | None], skipped: Collection[str]
    ) -> tuple[str, float | None] | None:
        """The path of the first required check that is not met, and by how much. Those of a
        `skipped` phase do not count."""
        for number in self._required:
            by = missed[number]
            phase = self._checks[number][0] if number < len(self._checks) else None
            if by is None and phase is not None and phase.name in skipped:
                continue
            if by != 0.0:
                return self._paths[number], by
        return None
