"""The repetition under way, and its step in the sequence."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from detection.engine.rounding import told_share
from detection.spec import MOVEMENT, Detail, Reason, Step

# What is measured of a repetition begins with one or two such windows before the body goes away
# from where it rests, in milliseconds: they show where it went from.
WINDOW_MS: Final = 500.0


class StepTime(NamedTuple):
    """A step that was done, and how long it took since the one before, in milliseconds."""

    number: int
    ms: float


class Completed(NamedTuple):
    """`score` is None for a hold."""

    score: float | None
    duration_ms: float
    steps: tuple[StepTime, ...]


class Interrupted(NamedTuple):
    """A repetition that was broken off, or an attempt at one: the path of what did not hold, and
    by how much that was missed; None where nothing was measured. One that is `under_way` was past
    its first step. `step` is the number of that which was to come next, where that is the
    reason."""

    reason: Reason
    path: str | None = None
    by: float | None = None
    is_under_way: bool = True
    step: int | None = None
    detail: Detail | None = None


def step_path(number: int) -> str:
    return f"{MOVEMENT}.sequence[{number}]"


@dataclass(slots=True, eq=False)
class RepetitionState:
    # The index of the step reached, None while none is under way.
    step: int | None = None
    # The confidences of the steps before this one together, and of this one so far.
    steps_before: float = 0.0
    this_step: float = 0.0
    # When the phase of the step reached was left, and when the repetition began.
    left_ms: float | None = None
    began_ms: float | None = None
    # When the last step's phase was left, while none is under way.
    rested_ms: float | None = None
    # When the last one was completed.
    completed_ms: float | None = None
    # Since when the window at rest lasts.
    window_ms: float | None = None
    # The steps done since it began, and when.
    done: list[int] = field(default_factory=list)
    done_ms: list[float] = field(default_factory=list)


class Repetition(RepetitionState):
    __slots__ = ("_is_closed", "_sequence")

    def __init__(self, steps: Sequence[Step]) -> None:
        RepetitionState.__init__(self)
        self._sequence = tuple(steps)
        self._is_closed = self._sequence[0].phase == self._sequence[-1].phase

    def check(self) -> None:
        """Raise ValueError if the steps are none that another follows."""
        last = len(self._sequence) - 1
        for step in (0 if self.step is None else self.step, *self.done):
            if not (isinstance(step, int) and 0 <= step < last):
                raise ValueError("Not a step of the sequence that another follows.")
        if len(self.done) != len(self.done_ms) or None in self.done_ms:
            raise ValueError("Not a time of each step.")

    @property
    def is_under_way(self) -> bool:
        """Whether its first step is left behind."""
        return self.step is not None and (self.step > 0 or self.left_ms is not None)

    def went_on_since(self, ms: float) -> bool:
        """Whether one past its first step has gone on at some time since then."""
        return bool(self.step) or (self.completed_ms is not None and self.completed_ms >= ms)

    def turn_window(self, now_ms: float) -> bool:
        """Begin another window once the last is over, while the body rests. Whether it did."""
        if self.left_ms is not None or self.rested_ms is not None or self.done:
            return False
        if self.window_ms is None or now_ms - self.window_ms >= WINDOW_MS:
            self.window_ms = now_ms
            return True
        return False

    def rests_in(self, phase: str) -> bool:
        """Whether none is under way, and one rests in this phase before it begins."""
        return self.step is None and self._is_closed and phase == self._sequence[0].phase

    def step_of(self, phase: str) -> Step | None:
        """The step that would be done by the entry of a phase."""
        number = self.number_of(phase)
        return None if number is None else self._sequence[number]

    def number_of(self, phase: str) -> int | None:
        """The number of that step."""
        if self.step is None:
            return 0 if phase == self._sequence[0].phase else None
        return self._next(self.step, phase)

    def _next(self, step: int, phase: str) -> int | None:
        for number in range(step + 1, len(self._sequence)):
            if self._sequence[number].phase == phase:
                return number
            if not self._sequence[number].is_optional:
                break
        return None

    def _required(self, step: int) -> int:
        """The next step that can't be passed over."""
        number = step + 1
        while self._sequence[number].is_optional:
            number += 1
        return number

    def enter(self, phase: str, confidence: float, now_ms: float) -> Completed | Interrupted | None:
        """Take an entry of a phase."""
        if not any(step.phase == phase for step in self._sequence):
            return None
        step = self.step
        if step is None:
            self._begin(phase, confidence, now_ms, has_lasted=True)
            return None
        number = self._next(step, phase)
        if number is not None:
            if self._is_late(number, now_ms):
                if self._sequence[number].is_optional:
                    return None  # it is passed over
                self._begin(phase, confidence, now_ms)
                return Interrupted(
                    "too_slow", step_path(number), is_under_way=step > 0, step=number
                )
            return self._advance(number, confidence, now_ms)
        if phase == self._sequence[step].phase:
            self.left_ms = None
            return None
        if step == 0:
            return None
        expected = self._required(step)
        self._begin(phase, confidence, now_ms)
        return Interrupted("out_of_order", step_path(expected), step=expected)

    def leave(self, phase: str, confidence: float, now_ms: float, parted_ms: float) -> None:
        """Take an exit of a phase, which may have been reached more fully since its entry. The
        body began to go away from it at `parted_ms`."""
        if self.step is not None and phase == self._sequence[self.step].phase:
            self.this_step = max(self.this_step, confidence)
            self.left_ms = now_ms
            if self.step == 0 and self._is_closed:
                self.began_ms = parted_ms
        elif self.step is None and phase == self._sequence[-1].phase:
            self.rested_ms = parted_ms

    def overdue(self, now_ms: float) -> Interrupted | None:
        """Abandon the repetition if the time for its next step is over. With the first alone done
        nobody has tried yet: he has once he comes to the next, too late."""
        if not self.step or self.left_ms is None:
            return None
        number = self._required(self.step)
        if not self._is_late(number, now_ms):
            return None
        return self.abandon("too_slow", step_path(number), step=number)

    def _is_late(self, number: int, now_ms: float) -> bool:
        within_ms = self._sequence[number].within_ms
        return (
            within_ms is not None and self.left_ms is not None and now_ms - self.left_ms > within_ms
        )

    def _begin(
        self, phase: str, confidence: float, now_ms: float, *, has_lasted: bool = False
    ) -> None:
        """Begin anew with the entry of a phase, unless it has to last for that and has not.

        A sequence that ends where it begins is begun as that phase is left. Any other is begun as
        its last phase was left, and its first step is done.
        """
        first = self._sequence[0]
        begins = phase == first.phase and (has_lasted or first.hold_ms == 0.0)
        self.step = 0 if begins else None
        self.steps_before = 0.0
        self.this_step = confidence
        self.left_ms = self.began_ms = None
        self.done, self.done_ms = [], []
        if self.step == 0 and not self._is_closed:
            self.began_ms = now_ms if self.rested_ms is None else self.rested_ms
            self.done, self.done_ms = [0], [now_ms]
        self.rested_ms = None

    def _advance(self, step: int, confidence: float, now_ms: float) -> Completed | None:
        if self.began_ms is None:
            self.began_ms = now_ms
        self.step = step
        self.steps_before += self.this_step
        self.this_step = confidence
        self.left_ms = None
        self.done.append(step)
        self.done_ms.append(now_ms)
        if step + 1 < len(self._sequence):
            return None
        # The last step has only begun: how fully it is reached is not known yet.
        before = sum(number > 0 for number in self.done)
        score = told_share(self.steps_before / before)
        completed = Completed(score, now_ms - self.began_ms, self._step_times())
        self._begin(self._sequence[-1].phase, confidence, now_ms)
        self.completed_ms = now_ms
        return completed

    def _step_times(self) -> tuple[StepTime, ...]:
        before = self.began_ms or 0.0
        times = []
        for number, ms in zip(self.done, self.done_ms, strict=True):
            times.append(StepTime(number, ms - before))
            before = ms
        return tuple(times)

    def abandon(
        self,
        reason: Reason,
        path: str | None = None,
        by: float | None = None,
        *,
        step: int | None = None,
        detail: Detail | None = None,
    ) -> Interrupted | None:
        """Abandon the repetition. With at least two steps done it is interrupted."""
        was_midway = self.step is not None and self.step > 0
        self.step = None
        self.left_ms = self.began_ms = self.rested_ms = None
        self.done, self.done_ms = [], []
        interrupted = Interrupted(reason, path, by, step=step, detail=detail)
        return interrupted if was_midway else None
