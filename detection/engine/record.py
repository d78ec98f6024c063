"""The record of a repetition or a hold: what is measured in it, and what is told of its end."""

from collections.abc import Sequence
from typing import NamedTuple

from detection.engine.body import Body
from detection.engine.checks import Checks
from detection.engine.cues import Rations
from detection.engine.events import DetectionEvent, completion, feedback, interruption
from detection.engine.phases import PhaseTracker
from detection.engine.plan import CounterPlan
from detection.engine.ranges import Ranges
from detection.engine.repetition import Completed, Interrupted
from detection.engine.summary import Summary
from detection.spec import COMPLETED, INTERRUPTED, BodySide, Reason


class _Told(NamedTuple):
    """An event, and what cues may wait for it."""

    event: DetectionEvent
    when: str
    reason: Reason | None
    only_named: bool = False


class Record:
    """The record of what one counter counts. All share the summary and the rations of cues."""

    __slots__ = ("_event_key", "_rations", "_summary", "_told", "checks", "ranges")

    def __init__(
        self,
        plan: CounterPlan,
        phases: Sequence[PhaseTracker],
        body: Body,
        summary: Summary,
        rations: Rations,
    ) -> None:
        self._event_key = plan.spec.movement_name
        self._summary = summary
        self._rations = rations
        self.ranges = Ranges(
            body.measured_of(
                criterion for phase in plan.spec.phases for criterion in phase.criteria
            )
        )
        self.checks = Checks(plan.spec.checks, phases, body)
        # Of this frame.
        self._told: list[_Told] = []

    def begin_anew(self) -> None:
        self.ranges.forget()
        self.checks.forget()

    def pass_window(self) -> None:
        self.ranges.pass_window()
        self.checks.pass_window()

    def complete(
        self, completed: Completed, side: BodySide | None, now: float, held_ms: float | None = None
    ) -> None:
        """Tell of a completion, or of an attempt whose form was poor."""
        verdict = self.checks.verdict()
        if verdict.path is not None:
            self.interrupt(Interrupted("poor_form", verdict.path, verdict.by), side, now)
            return
        self._summary.complete(side, self.ranges)
        number = self._summary.completions
        event = completion(
            self._event_key, completed, number, side, self.ranges.told(), verdict.form, held_ms, now
        )
        self._told.append(_Told(event, COMPLETED, None))
        self.begin_anew()

    def interrupt(self, interrupted: Interrupted, side: BodySide | None, now: float) -> None:
        """Tell of an interruption."""
        self._told.append(self._interruption(interrupted, side, now))
        self.begin_anew()

    def note(self, attempt: Interrupted, side: BodySide | None, now: float) -> None:
        """Tell of an attempt beside which a repetition under way goes on."""
        self._told.append(self._interruption(attempt, side, now)._replace(only_named=True))
        if not attempt.is_under_way:
            self.begin_anew()

    def _interruption(self, interrupted: Interrupted, side: BodySide | None, now: float) -> _Told:
        number = self._summary.completions + 1 if interrupted.is_under_way else None
        self._summary.interrupt(interrupted.reason)
        event = interruption(interrupted, number, now, side)
        return _Told(event, INTERRUPTED, interrupted.reason)

    def events(self, side: BodySide | None, now: float) -> list[DetectionEvent]:
        """What this frame tells, and then the cues on it."""
        told, self._told = self._told, []
        events = [one.event for one in told]
        for one in told:
            cues = self._rations.tell(one.when, one.reason, now, only_named=one.only_named)
            events += [feedback(cue, now, side) for cue in cues]
        return events
