"""One repetition under way: how far along the sequence it has come."""

from typing import Literal, NamedTuple

from detection.engine.memory import Remembering

Reason = Literal["out_of_order", "session_ended", "pose_lost"]


class Completed(NamedTuple):
    score: float


class Interrupted(NamedTuple):
    reason: Reason


class Repetition(Remembering):
    """`step` is the index of the step reached, None while none is under way."""

    MEMORY = {"step": None, "confidence": 0.0}
    __slots__ = (*MEMORY, "_sequence", "_steps")
    step: int | None
    confidence: float

    def __init__(self, sequence: tuple[str, ...]) -> None:
        self._sequence = sequence
        self._steps = frozenset(sequence)
        self.forget()

    def enter(self, phase: str, confidence: float) -> Completed | Interrupted | None:
        """A phase was entered."""
        if phase not in self._steps:
            return None
        if self.step is None:
            self._begin(phase, confidence)
            return None
        if phase == self._sequence[self.step + 1]:
            return self._advance(self.step + 1, confidence)
        if phase == self._sequence[self.step] or self.step == 0:
            return None
        self._begin(phase, confidence)
        return Interrupted("out_of_order")

    def _begin(self, phase: str, confidence: float) -> None:
        self.step = 0 if phase == self._sequence[0] else None
        self.confidence = confidence

    def _advance(self, step: int, confidence: float) -> Completed | None:
        self.step = step
        self.confidence += confidence
        if step + 1 < len(self._sequence):
            return None
        score = self.confidence / len(self._sequence)
        self._begin(self._sequence[-1], confidence)
        return Completed(round(score, 3))

    def abandon(self, reason: Reason) -> Interrupted | None:
        """Interrupted when it was midway: at least two steps done."""
        was_midway = self.step is not None and self.step > 0
        self.step = None
        return Interrupted(reason) if was_midway else None
