"""The repetition under way, and its step in the sequence."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

Reason = Literal["out_of_order", "condition", "session_ended", "pose_lost"]


class Completed(NamedTuple):
    score: float


class Interrupted(NamedTuple):
    reason: Reason


@dataclass(slots=True, eq=False)
class RepetitionState:
    # The index of the step reached, None while none is under way.
    step: int | None = None
    # The confidences of the steps before this one together, and of this one so far.
    steps_before: float = 0.0
    this_step: float = 0.0


class Repetition(RepetitionState):
    __slots__ = ("_sequence", "_steps")

    def __init__(self, sequence: tuple[str, ...]) -> None:
        RepetitionState.__init__(self)
        self._sequence = sequence
        self._steps = frozenset(sequence)

    def check(self) -> None:
        """Raise ValueError if the step is none that another follows."""
        step = self.step
        if step is not None and not (isinstance(step, int) and 0 <= step < len(self._sequence) - 1):
            raise ValueError("Not a step of the sequence that another follows.")

    def enter(self, phase: str, confidence: float) -> Completed | Interrupted | None:
        """Take an entry of a phase."""
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

    def leave(self, phase: str, confidence: float) -> None:
        """Take an exit of a phase, which may have been reached more fully since its entry."""
        if self.step is not None and phase == self._sequence[self.step]:
            self.this_step = max(self.this_step, confidence)

    def _begin(self, phase: str, confidence: float) -> None:
        self.step = 0 if phase == self._sequence[0] else None
        self.steps_before = 0.0
        self.this_step = confidence

    def _advance(self, step: int, confidence: float) -> Completed | None:
        self.step = step
        self.steps_before += self.this_step
        self.this_step = confidence
        if step + 1 < len(self._sequence):
            return None
        # The last step has only begun: how fully it is reached is not known yet.
        score = self.steps_before / step
        self._begin(self._sequence[-1], confidence)
        return Completed(round(score, 3))

    def abandon(self, reason: Reason) -> Interrupted | None:
        """Abandon the repetition. With at least two steps done it is interrupted."""
        was_midway = self.step is not None and self.step > 0
        self.step = None
        return Interrupted(reason) if was_midway else None
