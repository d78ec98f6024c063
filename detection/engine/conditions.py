"""The conditions that every phase of the sequence demands. While one fails, no movement goes on."""

from collections.abc import Sequence
from dataclasses import dataclass

from detection.engine.body import Body
from detection.engine.settings import PhaseSettings
from detection.spec import Criterion


@dataclass(slots=True, eq=False)
class ConditionsState:
    failing_since_ms: float | None = None


class Conditions(ConditionsState):
    __slots__ = ("_criteria", "_settings")

    def __init__(self, criteria: Sequence[Criterion], body: Body, settings: PhaseSettings) -> None:
        self._criteria = [body.hold(criterion) for criterion in criteria]
        self._settings = settings
        self.forget()

    def forget(self) -> None:
        ConditionsState.__init__(self)

    def are_broken(self, now_ms: float) -> bool:
        """Whether a condition has failed for longer than an error of the landmarks lasts."""
        for criterion in self._criteria:
            if (criterion.shortfall() or 0.0) > self._settings.hysteresis_degrees:
                if self.failing_since_ms is None:
                    self.failing_since_ms = now_ms
                return now_ms - self.failing_since_ms >= self._settings.condition_ms
        self.failing_since_ms = None
        return False
