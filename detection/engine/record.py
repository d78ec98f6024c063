"""The record of a repetition or a hold: its true times, what is measured in it, and its outcome."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from detection.engine.body import Body
from detection.engine.conditions import Checks, form_of
from detection.engine.events import (
    ENDED,
    EXITED,
    INTERRUPTION,
    DetectionEvent,
    Outcome,
    Times,
    interruption,
)
from detection.engine.phases import PhaseTracker
from detection.engine.plan import CounterPlan
from detection.engine.ranges import Ranges
from detection.engine.swing import Swing
from detection.engine.tally import Tally
from detection.engine.tracking import view_of
from detection.spec import MOVEMENT, BodySide, Cue


@dataclass(slots=True, eq=False)
class TimekeeperState:
    # When the way out of the repetition under way began, and when it was over.
    began_ms: float | None = None
    reached_ms: float | None = None
    # Those of the last completion, and whether its way back goes on.
    last: Times = field(default_factory=list)
    is_coming_back: bool = False
    # Whether its end has not been told yet.
    is_untold: bool = False


class Timekeeper(TimekeeperState):
    """The timekeeper of a counter's repetitions, by the swing that its last step is at an end of.

    The way out leads from there to the other end.
    """

    def __init__(self, swings: Sequence[Swing], sequence: Sequence[str]) -> None:
        TimekeeperState.__init__(self)
        self._swing = next((one for one in swings if one.motion.end_of(sequence[-1])), None)
        self._rest = self._swing.motion.end_of(sequence[-1]) if self._swing else 0

    def forget(self) -> None:
        TimekeeperState.__init__(self)

    def follow(self, now_ms: float, *, is_midway: bool, must_be_seen: bool) -> bool:
        """Follow the swing of this frame, in which a repetition may be past its first step.
        Whether the way back of the last completion is over. If it must be seen, who is out of sight
        does not end it."""
        swing = self._swing
        if swing is None:
            return False
        was_coming_back = self.is_coming_back
        if swing.has_arrived and swing.end == self._rest:
            if self.began_ms is None and swing.gone is not None:
                self.began_ms, self.reached_ms = swing.gone
        elif swing.has_arrived:
            if self.is_coming_back:
                self._end(None if swing.gone is None else swing.gone.ended_ms)
            if not is_midway:
                self.began_ms = self.reached_ms = None
        elif self.is_coming_back and swing.is_over(now_ms) and (swing.is_known or not must_be_seen):
            self._end(swing.way_here(is_over=True)[1])
        return was_coming_back and not self.is_coming_back

    def end_early(self, now_ms: float) -> None:
        """End the way back of the last completion, though it is not over for long enough yet, if
        it seems so."""
        if self.is_coming_back and self._swing is not None:
            ended_ms = self._swing.seems_over(now_ms)
            if ended_ms is not None:
                self._end(ended_ms)

    def _end(self, ended_ms: float | None) -> None:
        left_ms = self.last[EXITED]
        if ended_ms is not None and left_ms is not None:
            ended_ms = max(ended_ms, left_ms)
        self.last[ENDED] = ended_ms
        self.is_coming_back = False
        self.is_untold = ended_ms is not None

    def take_back(self) -> list[float]:
        """When the way back of the last completion began and was over, if that is not told yet."""
        back = [ms for ms in self.last[EXITED:] if ms is not None] if self.is_untold else []
        self.is_untold = False
        return back if len(back) == 2 else []

    def measure(self, now_ms: float) -> Times:
        """The times of the repetition that this frame completes, if it counts."""
        began_ms, reached_ms = self.began_ms, self.reached_ms
        left_ms = ended_ms = None
        swing = self._swing
        if swing is not None and swing.end == self._rest:
            left_ms, ended_ms = swing.way_here(is_over=swing.is_over(now_ms))
            if reached_ms is not None and left_ms is not None and left_ms < reached_ms:
                reached_ms = left_ms = (reached_ms + left_ms) / 2  # it turned at once
        return [began_ms, reached_ms, left_ms, ended_ms]

    def complete(self, times: Times) -> None:
        self.began_ms = self.reached_ms = None
        self.last = list(times)
        self.is_coming_back = times[EXITED] is not None and times[ENDED] is None


# How long a completion is held back at most, for the end of a way back that is required.
MAX_HELD_BACK_MS: Final = 1000.0
BACK_PATH: Final = f"{MOVEMENT}.tempo.back"


@dataclass(slots=True, eq=False)
class RecordState:
    # The completion that is held back: none or one.
    held_back: list[Outcome] = field(default_factory=list, metadata={"of": Outcome})


class Record(RecordState):
    """The record of what one counter counts, which it gives to the session's tally."""

    def __init__(
        self,
        plan: CounterPlan,
        phases: Sequence[PhaseTracker],
        swings: Sequence[Swing],
        body: Body,
        tally: Tally,
    ) -> None:
        RecordState.__init__(self)
        self._tally = tally
        self._way_back = plan.spec.way_back
        told = (*plan.measured, *(check.criterion for check in plan.spec.checks))
        has_view = any(view_of(one.measure, plan.spec.plane) != "any" for one in told)
        facing = body.watch_facing() if has_view else None
        self.ranges = Ranges(body.measured_signals(plan.measured), facing)
        self.checks = Checks(plan.spec, phases, body)
        self._steps = plan.spec.steps
        self.times = Timekeeper(swings, plan.spec.sequence)
        # Of this frame.
        self._outcomes: list[Outcome] = []

    def begin_anew(self) -> None:
        self.ranges.forget()
        self.checks.forget()

    @property
    def may_hold_back(self) -> bool:
        return self._way_back is not None and self._way_back.is_required

    def keep_time(self, now: float, step: float, *, is_midway: bool) -> list[Cue]:
        """Take the times of this frame, `step` milliseconds after the last one, in which a
        repetition may be past its first step: the cues on a way back that is over."""
        is_over = self.times.follow(now, is_midway=is_midway, must_be_seen=self.may_hold_back)
        if self.held_back:
            # The next frame would be too late.
            if is_over or now + step - self.held_back[0].ts_ms > MAX_HELD_BACK_MS:
                self._release(now)
            return []
        return self._tally.come_back(self.times.last, now) if is_over else []

    def lose_time(self, now: float) -> None:
        """Follow the times of no repetition any more."""
        self._release(now)
        self.times.forget()

    def _release(self, now: float) -> None:
        """Judge what is held back by what is known of its way back."""
        for outcome in self.held_back:
            self.times.end_early(now)
            outcome.ts_ms = now
            outcome.come_back(self.times.last, self._way_back)
            by = outcome.missed[-1]
            if by == 0.0:
                outcome.form = form_of(outcome.missed)
            else:
                outcome.kind, outcome.reason, outcome.form = INTERRUPTION, "poor_form", None
                outcome.path, outcome.by = BACK_PATH, by
                outcome.is_under_way = True
            self._outcomes.append(outcome)
            # Its way back is left as this event has it.
            self.times.is_coming_back = self.times.is_untold = False
        self.held_back = []

    def pass_window(self) -> None:
        self.ranges.pass_window()
        self.checks.pass_window()

    def complete(self, completed: Outcome, side: BodySide | None, now: float) -> None:
        """Take a completion. If its form was poor it is an attempt; if only the required way back
        is not known yet, it is held back."""
        self._release(now)
        is_repetition = completed.held_ms is None
        times = self.times.measure(now) if is_repetition else []
        self._measure(completed, side, now, times)
        failed = self.checks.failed(completed.missed, self._skipped(completed))
        # It is the last of the checks: all others are met.
        is_held_back = (
            failed is not None
            and failed[0] == BACK_PATH
            and times[EXITED] is not None
            and times[ENDED] is None
        )
        if failed is not None and not is_held_back:
            poor = interruption("poor_form", *failed)
            self._take(poor, side, now, times)
        else:
            completed.form = form_of(completed.missed)
            completed.times = times
            completed.back = self.times.take_back()
            if is_repetition:
                self.times.complete(times)
            (self.held_back if is_held_back else self._outcomes).append(completed)
        self.begin_anew()

    def _skipped(self, completed: Outcome) -> set[str]:
        """The phases of the optional steps that were not done."""
        done = {self._steps[step].phase for step in completed.steps if self._steps}
        return {step.phase for step in self._steps if step.is_optional} - done

    def interrupt(self, interrupted: Outcome | None, side: BodySide | None, now: float) -> None:
        if interrupted is not None:
            self._take(interrupted, side, now)
            self.begin_anew()

    def note(self, attempt: Outcome, side: BodySide | None, now: float) -> None:
        """Take an attempt beside which a repetition under way goes on."""
        attempt.is_aside = True
        self._take(attempt, side, now)
        if not attempt.is_under_way:
            self.begin_anew()

    def let_go(self, held_ms: float, now: float) -> None:
        self._outcomes.append(Outcome(now, held_ms=held_ms))

    def _take(
        self,
        interrupted: Outcome,
        side: BodySide | None,
        now: float,
        times: Sequence[float | None] = (),
    ) -> None:
        """Take an interruption, with the times of a repetition that was done to its end."""
        self._release(now)
        self._measure(interrupted, side, now, times)
        interrupted.back = self.times.take_back()
        self._outcomes.append(interrupted)

    def _measure(
        self, outcome: Outcome, side: BodySide | None, now: float, times: Sequence[float | None]
    ) -> None:
        outcome.ts_ms = now
        outcome.side = side or ""
        outcome.values, outcome.missed = self.checks.verdict(times)
        outcome.least, outcome.most = self.ranges.whole()
        outcome.unseen = self.ranges.unseen()

    def finish(self, now: float) -> list[DetectionEvent]:
        self._release(now)
        return self.events(now)

    def events(self, now: float) -> list[DetectionEvent]:
        """The events of this frame, and then the cues on it."""
        if not self._outcomes:
            return []
        outcomes, self._outcomes = self._outcomes, []
        return self._tally.take(outcomes, now)
