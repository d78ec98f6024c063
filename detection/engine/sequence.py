"""The sequence of a repetition: the step it has reached, what comes next, and what was only an
attempt at a step."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from detection.engine.arithmetic import rounded_share
from detection.engine.events import COMPLETION, Outcome, interruption, step_path
from detection.engine.phases import PhaseTracker
from detection.engine.swing import Swing
from detection.spec import Detail, Measure, MoveSpec, Reason, Step, criterion_path

# The measures of a repetition cover one or two such windows at rest before it, in milliseconds, to
# show where the movement started.
WINDOW_MS: Final = 500.0


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
    """Where the person is in the sequence of steps, one repetition after another."""

    def __init__(self, steps: Sequence[Step]) -> None:
        RepetitionState.__init__(self)
        self._sequence = tuple(steps)
        # It ends in the phase in which it begins.
        self._is_closed = self._sequence[0].phase == self._sequence[-1].phase

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
        """Whether no repetition is under way, and the next one starts in this phase."""
        return self.step is None and self._is_closed and phase == self._sequence[0].phase

    def number_of(self, phase: str) -> int | None:
        """The index of the step that would be done by the entry of a phase."""
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

    def enter(self, phase: str, confidence: float, now_ms: float) -> Outcome | None:
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
                return interruption(
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
        return interruption("out_of_order", step_path(expected), step=expected)

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

    def overdue(self, now_ms: float) -> Outcome | None:
        """Abandon the repetition if the time for its next step is over.

        With only the first step done the person has not tried yet; `enter` reports a late second
        step.
        """
        number = self._required(self.step) if self.step else 0
        if not number or not self._is_late(number, now_ms):
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
        """Start again with the entry of a phase, unless the first step must be held for longer.

        A sequence that ends where it begins is timed from the exit of that phase, any other from
        the exit of its last phase.
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

    def _advance(self, step: int, confidence: float, now_ms: float) -> Outcome | None:
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
        # The last step has only begun, so the score leaves it out.
        before = sum(number > 0 for number in self.done)
        began_ms = self.began_ms
        completed = Outcome(
            kind=COMPLETION,
            score=rounded_share(self.steps_before / before),
            duration_ms=now_ms - began_ms,
            steps=self.done,
            steps_ms=[
                ms - ms_before
                for ms, ms_before in zip(self.done_ms, [began_ms, *self.done_ms], strict=False)
            ],
        )
        self._begin(self._sequence[-1].phase, confidence, now_ms)
        self.completed_ms = now_ms
        return completed

    def abandon(
        self, reason: Reason, path: str = "", by: float | None = None, *, step: int | None = None
    ) -> Outcome | None:
        """Abandon the repetition. With at least two steps done it is interrupted."""
        was_midway = self.step is not None and self.step > 0
        self.step = None
        self.left_ms = self.began_ms = self.rested_ms = None
        self.done, self.done_ms = [], []
        return interruption(reason, path, by, step=step) if was_midway else None


def attempts(
    swing: Swing,
    phases: Sequence[PhaseTracker],
    repetition: Repetition,
    spec: MoveSpec,
    beside: Repetition | None,
) -> Iterator[Outcome]:
    """The attempts that this frame of a swing ends.

    A resting side has not tried while a repetition of the side `beside` it goes on.
    """
    turned, step = swing.turned_back, repetition.step
    # If the body goes back to an earlier phase, the entry of that is reported instead.
    if (
        turned is not None
        and (not step or swing.motion.end_of(spec.steps[step].phase) == turned.from_end)
        and not (beside and beside.went_on_since(turned.since_ms))
    ):
        phase = _awaited(swing, -turned.from_end, phases, repetition)
        if phase is not None:
            path = _path_of(phase, turned.measure, spec)
            yield _not_reached(repetition, phase, path, turned.by, turned.detail)
    if swing.unmet and not (beside and beside.went_on_since(swing.unmet_ms)):
        phase = _awaited(swing, swing.unmet, phases, repetition)
        if phase is not None and phase.missed_by is not None:
            if phase.missed_criterion >= 0:
                path = criterion_path(phase.number, phase.missed_criterion)
                yield _not_reached(repetition, phase, path, phase.missed_by, "too_low")
            else:
                path = _path_of(phase, swing.motion.angles[0].measure, spec)
                yield _not_reached(repetition, phase, path, None, "too_short")


def _not_reached(
    repetition: Repetition, phase: PhaseTracker, path: str, by: float | None, detail: Detail
) -> Outcome:
    number = repetition.number_of(phase.name)
    is_midway = bool(repetition.step)
    return interruption("not_reached", path, by, is_under_way=is_midway, step=number, detail=detail)


def _awaited(
    swing: Swing, end: int, phases: Sequence[PhaseTracker], repetition: Repetition
) -> PhaseTracker | None:
    """The phase at an end that would do a step."""
    for phase in phases:
        is_next = repetition.number_of(phase.name) is not None
        if is_next and swing.motion.end_of(phase.name) == end:
            return phase
    return None


def _path_of(phase: PhaseTracker, measure: Measure, spec: MoveSpec) -> str:
    criteria = spec.phases[phase.number].criteria
    numbers = [n for n, criterion in enumerate(criteria) if criterion.measure == measure]
    return criterion_path(phase.number, numbers[0])
