"""The conditions of the whole movement: those that the author names, or that all phases demand."""

from dataclasses import dataclass, field
from typing import NamedTuple

from detection.engine.body import Body
from detection.engine.criteria import HeldCriterion
from detection.engine.plan import CounterPlan
from detection.engine.settings import PhaseSettings
from detection.spec import MOVEMENT


class Broken(NamedTuple):
    """A condition that was missed for too long: its path, and by how much it is missed now."""

    path: str
    by: float


class _Watched(NamedTuple):
    criterion: HeldCriterion
    path: str
    tolerance: float
    # Those of one group share a time: the one may be missed right after the other.
    group: int
    grace_ms: float


@dataclass(slots=True, eq=False)
class ConditionsState:
    # Since when each group fails.
    failing_since_ms: list[float | None] = field(default_factory=list)


class Conditions(ConditionsState):
    """`are_inferred` says that the author has named none: then they hold at any time, and with one
    that is broken the movement begins anew."""

    __slots__ = ("_groups", "_watched", "are_inferred")

    def __init__(self, plan: CounterPlan, body: Body, settings: PhaseSettings) -> None:
        throughout = plan.spec.throughout
        self.are_inferred = throughout is None
        if throughout is None:
            self._watched = [
                _Watched(
                    body.hold(criterion),
                    path,
                    settings.hysteresis_degrees,
                    0,
                    settings.condition_ms,
                )
                for path, criterion in plan.conditions
            ]
        else:
            self._watched = [
                _Watched(
                    body.hold(one.criterion),
                    f"{MOVEMENT}.throughout[{number}]",
                    one.criterion.tolerance or 0.0,
                    number,
                    one.grace_ms,
                )
                for number, one in enumerate(throughout)
            ]
        self._groups = len({watched.group for watched in self._watched})
        self.forget()

    def forget(self) -> None:
        self.failing_since_ms = [None] * self._groups

    def check(self) -> None:
        """Raise ValueError for a state that is not of so many conditions."""
        if len(self.failing_since_ms) != self._groups:
            raise ValueError("Not the times of so many conditions.")

    def are_met(self) -> bool:
        """Whether none fails in this frame."""
        return all((one.criterion.shortfall() or 0.0) <= one.tolerance for one in self._watched)

    def broken(self, now_ms: float) -> Broken | None:
        """The condition that has failed for longer than it may."""
        found: Broken | None = None
        # The bits of the groups that fail, and of those of which nothing new is known.
        failing = unknown = 0
        for criterion, path, tolerance, group, grace_ms in self._watched:
            short = criterion.shortfall()
            if short is None and not self.are_inferred:
                unknown |= 1 << group
                continue
            short = short or 0.0
            if short <= tolerance or failing & (1 << group):
                continue
            failing |= 1 << group
            since = self.failing_since_ms[group]
            if since is None:
                self.failing_since_ms[group] = since = now_ms
            if found is None and now_ms - since >= grace_ms:
                found = Broken(path, short)
        for group in range(self._groups):
            if not (failing | unknown) & (1 << group):
                self.failing_since_ms[group] = None
        return found
