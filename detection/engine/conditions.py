"""The conditions that every phase of the sequence demands. While one fails, no movement goes on."""

from collections.abc import Sequence

from detection.engine.body import Body
from detection.engine.memory import Remembering
from detection.engine.settings import EngineSettings
from detection.spec import Criterion


class Conditions(Remembering):
    MEMORY = {"failing_since_ms": None}
    __slots__ = (*MEMORY, "_condition_ms", "_criteria", "_tolerance")
    failing_since_ms: float | None

    def __init__(self, criteria: Sequence[Criterion], body: Body, settings: EngineSettings) -> None:
        self._criteria = [body.hold(criterion) for criterion in criteria]
        self._tolerance = settings.hysteresis_degrees
        self._condition_ms = settings.condition_ms
        self.forget()

    def are_broken(self, now_ms: float) -> bool:
        """Whether a condition has failed for longer than an error of the landmarks lasts."""
        for criterion in self._criteria:
            if criterion.shortfall() > self._tolerance:
                if self.failing_since_ms is None:
                    self.failing_since_ms = now_ms
                return now_ms - self.failing_since_ms >= self._condition_ms
        self.failing_since_ms = None
        return False
