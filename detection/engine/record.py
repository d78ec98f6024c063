"""The record of a repetition or a hold: what is measured in it, and what became of it."""

from collections.abc import Sequence

from detection.engine.body import Body
from detection.engine.checks import Checks
from detection.engine.events import DetectionEvent
from detection.engine.outcomes import COMPLETION, INTERRUPTION, LET_GO, Outcome
from detection.engine.phases import PhaseTracker
from detection.engine.plan import CounterPlan
from detection.engine.ranges import Ranges
from detection.engine.repetition import Completed, Interrupted
from detection.engine.swing import Swing
from detection.engine.tally import Tally
from detection.engine.times import Timekeeper
from detection.engine.views import view_of
from detection.spec import BodySide, Cue


class Record:
    """The record of what one counter counts, which it gives to the session's tally."""

    __slots__ = ("_outcomes", "_steps", "_tally", "checks", "ranges", "times")

    def __init__(
        self,
        plan: CounterPlan,
        phases: Sequence[PhaseTracker],
        swings: Sequence[Swing],
        body: Body,
        tally: Tally,
    ) -> None:
        self._tally = tally
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

    def keep_time(self, now: float, *, is_midway: bool) -> list[Cue]:
        """Take the times of this frame, in which a repetition may be past its first step: the cues
        on a way back that is over."""
        if not self.times.follow(now, is_midway=is_midway):
            return []
        return self._tally.come_back(self.times.last, now)

    def pass_window(self) -> None:
        self.ranges.pass_window()
        self.checks.pass_window()

    def complete(
        self, completed: Completed, side: BodySide | None, now: float, held_ms: float | None = None
    ) -> None:
        """Take a completion, or an attempt whose form was poor."""
        times = [] if held_ms is not None else self.times.measure(now)
        verdict = self.checks.verdict(times)
        failed = self.checks.failed(verdict, self._passed_over(completed))
        if failed is not None:
            poor = Interrupted("poor_form", failed.path, failed.by)
            self.interrupt(poor, side, now, times)
            return
        least, most = self.ranges.whole()
        back = self.times.tell_back()
        if times:
            self.times.complete(times)
        self._outcomes.append(
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

    def events(self, now: float) -> list[DetectionEvent]:
        """What is told of this frame, and then the cues on it."""
        if not self._outcomes:
            return []
        outcomes, self._outcomes = self._outcomes, []
        return self._tally.take(outcomes, now)
