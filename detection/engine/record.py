"""The record of a repetition or a hold: what is measured in it, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from detection.engine.body import Body
from detection.engine.checks import Checks, form_of
from detection.engine.events import DetectionEvent
from detection.engine.outcomes import COMPLETION, INTERRUPTION, LET_GO, Outcome
from detection.engine.phases import PhaseTracker
from detection.engine.plan import CounterPlan
from detection.engine.ranges import Ranges
from detection.engine.repetition import Completed, Interrupted
from detection.engine.swing import Swing
from detection.engine.tally import Tally
from detection.engine.times import ENDED, LEFT, TIMES, Timekeeper
from detection.engine.views import view_of
from detection.spec import MOVEMENT, BodySide, Cue

# How long a completion is held back at most, for the end of a way back that is required.
MAX_HELD_BACK_MS: Final = 1000.0
BACK_PATH: Final = f"{MOVEMENT}.tempo.back"


@dataclass(slots=True, eq=False)
class RecordState:
    # The completion that is held back: none or one.
    held_back: list[Outcome] = field(default_factory=list, metadata={"of": Outcome})


class Record(RecordState):
    """The record of what one counter counts, which it gives to the session's tally."""

    __slots__ = ("_outcomes", "_steps", "_tally", "_way_back", "checks", "ranges", "times")

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
        measured = body.measured_of(plan.measured, plan.spec.plane)
        views = [one.view for one in measured] + [
            view_of(check.criterion.measure, plan.spec.plane) for check in plan.spec.checks
        ]
        has_view = any(view != "any" for view in views)
        self.ranges = Ranges(measured, body.watch_facing() if has_view else None)
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

    def check(self) -> None:
        """Raise ValueError for a completion that can't be held back."""
        for outcome in self.held_back:
            self._tally.check_outcome(outcome)
            if outcome.kind != COMPLETION or len(outcome.times) != TIMES:
                raise ValueError("Not a repetition that is held back.")
        if len(self.held_back) > 1 or (self.held_back and not self.times.is_coming_back):
            raise ValueError("Nothing is held back for.")

    def keep_time(self, now: float, step: float, *, is_midway: bool) -> list[Cue]:
        """Take the times of this frame, `step` milliseconds after the last one, in which a
        repetition may be past its first step: the cues on a way back that is over."""
        is_over = self.times.follow(now, is_midway=is_midway, must_be_seen=self.may_hold_back)
        if self.held_back:
            # The next frame would be too late.
            if is_over or now + step - self.held_back[0].ts_ms > MAX_HELD_BACK_MS:
                self._tell_held_back(now)
            return []
        return self._tally.come_back(self.times.last, now) if is_over else []

    def lose_time(self, now: float) -> None:
        """Follow the times of no repetition any more."""
        self._tell_held_back(now)
        self.times.forget()

    def _tell_held_back(self, now: float) -> None:
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
            self.times.forget_last()
        self.held_back = []

    def pass_window(self) -> None:
        self.ranges.pass_window()
        self.checks.pass_window()

    def complete(
        self, completed: Completed, side: BodySide | None, now: float, held_ms: float | None = None
    ) -> None:
        """Take a completion, or an attempt whose form was poor. A completion of which only the
        required way back is not known yet is held back."""
        self._tell_held_back(now)
        times = [] if held_ms is not None else self.times.measure(now)
        verdict = self.checks.verdict(times)
        failed = self.checks.failed(verdict, self._passed_over(completed))
        # It is the last of the checks: all others are met.
        is_held_back = (
            failed is not None
            and failed.path == BACK_PATH
            and times[LEFT] is not None
            and times[ENDED] is None
        )
        if failed is not None and not is_held_back:
            poor = Interrupted("poor_form", failed.path, failed.by)
            self.interrupt(poor, side, now, times)
            return
        least, most = self.ranges.whole()
        back = self.times.tell_back()
        if times:
            self.times.complete(times)
        outcomes = self.held_back if is_held_back else self._outcomes
        outcomes.append(
            Outcome(
                now,
                COMPLETION,
                side or "",
                score=completed.score,
                duration_ms=completed.duration_ms,
                form=verdict.form,
                values=verdict.values,
                missed=verdict.missed,
                held_ms=held_ms,
                steps=[step.number for step in completed.steps],
                steps_ms=[step.ms for step in completed.steps],
                times=times,
                back=back,
                least=least,
                most=most,
                unseen=self.ranges.unseen(),
            )
        )
        self.begin_anew()

    def _passed_over(self, completed: Completed) -> set[str]:
        """The phases of the optional steps that were not done."""
        done = {self._steps[step.number].phase for step in completed.steps if self._steps}
        return {step.phase for step in self._steps if step.is_optional} - done

    def interrupt(
        self,
        interrupted: Interrupted,
        side: BodySide | None,
        now: float,
        times: Sequence[float | None] = (),
    ) -> None:
        """Take an interruption, with the times of a repetition that was done to its end."""
        self._take(interrupted, side, now, times)
        self.begin_anew()

    def note(self, attempt: Interrupted, side: BodySide | None, now: float) -> None:
        """Take an attempt beside which a repetition under way goes on."""
        self._take(attempt, side, now, is_aside=True)
        if not attempt.is_under_way:
            self.begin_anew()

    def let_go(self, held_ms: float, now: float) -> None:
        """Take a hold that is over."""
        self._outcomes.append(Outcome(now, LET_GO, held_ms=held_ms))

    def _take(
        self,
        interrupted: Interrupted,
        side: BodySide | None,
        now: float,
        times: Sequence[float | None] = (),
        *,
        is_aside: bool = False,
    ) -> None:
        self._tell_held_back(now)
        verdict = self.checks.verdict(times)
        least, most = self.ranges.whole()
        self._outcomes.append(
            Outcome(
                now,
                INTERRUPTION,
                side or "",
                least=least,
                most=most,
                values=verdict.values,
                missed=verdict.missed,
                unseen=self.ranges.unseen(),
                reason=interrupted.reason,
                path=interrupted.path or "",
                by=interrupted.by,
                detail=interrupted.detail or "",
                step=interrupted.step,
                back=self.times.tell_back(),
                is_under_way=interrupted.is_under_way,
                is_aside=is_aside,
            )
        )

    def finish(self, now: float) -> list[DetectionEvent]:
        self._tell_held_back(now)
        return self.events(now)

    def events(self, now: float) -> list[DetectionEvent]:
        """What is told of this frame, and then the cues on it."""
        if not self._outcomes:
            return []
        outcomes, self._outcomes = self._outcomes, []
        return self._tally.take(outcomes, now)
