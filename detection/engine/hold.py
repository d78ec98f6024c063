"""The counter of holds: how long one phase lasts, with short breaks bridged."""

from dataclasses import dataclass
from typing import Any

from detection.engine.body import Body
from detection.engine.checks import Checks
from detection.engine.conditions import Conditions
from detection.engine.cues import Cues, Rations
from detection.engine.events import DetectionEvent, feedback, interruption, shape
from detection.engine.phases import ENTERED, PASSED, PhaseTracker
from detection.engine.plan import CounterPlan
from detection.engine.ranges import Ranges
from detection.engine.repetition import Interrupted
from detection.engine.settings import EngineSettings
from detection.engine.summary import Summary
from detection.spec import COMPLETED, INTERRUPTED, Reason


@dataclass(slots=True, eq=False)
class HoldState:
    # When the hold began, None without one; since when it is broken; the breaks together.
    began_ms: float | None = None
    broken_ms: float | None = None
    breaks_ms: float = 0.0
    is_completed: bool = False


class Hold(HoldState):
    """The counter of a hold. It is completed once, when it has lasted target_ms."""

    __slots__ = (
        "_checks",
        "_conditions",
        "_cues",
        "_phase",
        "_plan",
        "_ranges",
        "_rations",
        "_summary",
    )

    def __init__(
        self,
        plan: CounterPlan,
        body: Body,
        summary: Summary,
        rations: Rations,
        settings: EngineSettings,
    ) -> None:
        HoldState.__init__(self)
        self._plan = plan
        self._summary = summary
        self._rations = rations
        phase = plan.spec.phases[0]
        self._phase = PhaseTracker(0, phase, body, [], [], settings)
        self._conditions = Conditions(plan, body, settings.phase)
        self._ranges = Ranges(body.measured_of(phase.criteria))
        self._checks = Checks(plan.spec.checks, [self._phase], body)
        self._cues = Cues(plan.spec.feedback, [self._phase], body, rations)

    def held_ms(self, now: float) -> float:
        """How long the hold that goes on has lasted, without its breaks."""
        if self.began_ms is None:
            return 0.0
        until = now if self.broken_ms is None else self.broken_ms
        return until - self.began_ms - self.breaks_ms

    def follow(self, now: float, step: float) -> list[DetectionEvent]:
        """The events of a frame, `step` milliseconds after the last one."""
        phase = self._phase
        phase.measure()
        events: list[DetectionEvent] = []
        if self.broken_ms is not None and now - self.broken_ms > self._plan.spec.grace_ms:
            events += self._end("not_reached", None, None, now)
        if phase.holds:
            if phase.follow_stay(now, step):
                events += self._break(now)
        else:
            change = phase.follow_approach(now, step)
            if change in (ENTERED, PASSED):
                events.append(shape("shape_enter", phase.name, phase.confidence(), now, None))
                if self.broken_ms is not None:
                    self._go_on(now)
            if change == PASSED:
                phase.leave()
                events += self._break(now)
        if self.began_ms is None:
            self._conditions.forget()
            if not (phase.holds and self._conditions.are_met()):
                return events
            self._go_on(now)
        broken = self._conditions.broken(now)
        if broken is not None:
            return events + self._end("condition", broken.path, broken.by, now)
        if phase.holds:
            self._ranges.watch()
            self._checks.watch()
            events += [feedback(cue, now, None) for cue in self._cues.follow(now)]
            if not self.is_completed and self.held_ms(now) >= self._plan.spec.target_ms:
                events += self._complete(now)
        return events

    def _go_on(self, now: float) -> None:
        if self.began_ms is None:
            self.began_ms = now
        elif self.broken_ms is not None:
            self.breaks_ms += now - self.broken_ms
        self.broken_ms = None

    def _break(self, now: float) -> list[DetectionEvent]:
        phase = self._phase
        if self.began_ms is not None:
            self.broken_ms = now
        left = shape("shape_exit", phase.name, phase.confidence(), now, None)
        return [left, *(feedback(cue, now, None) for cue in self._cues.leave(phase.name, now))]

    def _complete(self, now: float) -> list[DetectionEvent]:
        self.is_completed = True
        verdict = self._checks.verdict()
        if verdict.path is not None:
            return self._interrupt("poor_form", verdict.path, verdict.by, now)
        self._summary.complete(None, self._ranges)
        held_ms = self.held_ms(now)
        payload = {
            "event_key": self._plan.spec.movement_name,
            "score": None,
            "number": self._summary.completions,
            "side": None,
            "metrics": {
                "duration_ms": round(held_ms + self.breaks_ms),
                "steps": [{"phase": self._phase.name, "ms": round(held_ms)}],
                "measures": self._ranges.told(),
                "form": verdict.form,
                "held_ms": round(held_ms),
            },
        }
        completed = DetectionEvent("event_completed", now, payload)
        cues = self._rations.tell(COMPLETED, None, now)
        return [completed, *(feedback(cue, now, None) for cue in cues)]

    def _end(
        self, reason: Reason, path: str | None, by: float | None, now: float
    ) -> list[DetectionEvent]:
        """End the hold. One that had not lasted is interrupted, by the milliseconds it lacked."""
        if self.began_ms is None:
            return []
        held_ms = self.held_ms(now)
        self._summary.hold(held_ms)
        is_completed = self.is_completed
        HoldState.__init__(self)
        lacked = self._plan.spec.target_ms - held_ms
        events: list[DetectionEvent] = []
        if not is_completed:
            events = self._interrupt(reason, path, lacked if by is None else by, now)
        self._ranges.forget()
        self._checks.forget()
        return events

    def _interrupt(
        self, reason: Reason, path: str | None, by: float | None, now: float
    ) -> list[DetectionEvent]:
        number = self._summary.completions + 1
        self._summary.interrupt(reason)
        event = interruption(Interrupted(reason, path, by), number, now, None)
        cues = self._rations.tell(INTERRUPTED, reason, now)
        return [event, *(feedback(cue, now, None) for cue in cues)]

    def lose(self, reason: Reason, now: float) -> list[DetectionEvent]:
        """The events of a body that is lost, or is not ready any more. It begins anew."""
        events: list[DetectionEvent] = []
        if self._phase.holds:
            events.append(shape("shape_exit", self._phase.name, 0.0, now, None))
        if self.began_ms is not None and self.broken_ms is None:
            self.broken_ms = now
        events += self._end(reason, None, None, now)
        self._phase.forget()
        self._conditions.forget()
        self._cues.forget()
        return events

    def finish(self, now: float) -> list[DetectionEvent]:
        return self._end("session_ended", None, None, now)

    def check(self) -> None:
        """Raise ValueError for a state that this hold can't have."""
        self._conditions.check()
        self._ranges.check()
        self._checks.check()
        self._cues.check()

    def parts(self) -> list[Any]:
        return [
            self._conditions,
            self._ranges,
            self._phase,
            self._checks,
            self._cues,
            self,
        ]
