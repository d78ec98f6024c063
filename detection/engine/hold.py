"""The counter of holds: how long one phase lasts, with short breaks bridged."""

from dataclasses import dataclass
from typing import Any

from detection.engine.body import Body
from detection.engine.conditions import Conditions
from detection.engine.cues import Cues
from detection.engine.events import (
    COMPLETION,
    DetectionEvent,
    Outcome,
    feedback,
    interruption,
    shape,
)
from detection.engine.phases import PASSED, UNCHANGED, PhaseTracker
from detection.engine.plan import CounterPlan
from detection.engine.record import Record
from detection.engine.settings import EngineSettings
from detection.engine.swing import Swing
from detection.engine.tally import Tally
from detection.spec import BodySide, Reason


@dataclass(slots=True, eq=False)
class HoldState:
    # When the hold began, None without one; since when it is broken; the breaks together.
    began_ms: float | None = None
    broken_ms: float | None = None
    breaks_ms: float = 0.0
    is_completed: bool = False
    # When the body was seen last while it goes on.
    seen_ms: float = 0.0


class Hold(HoldState):
    """The counter of a hold, of the side that led as its phase was entered; it is over once the
    other side leads."""

    def __init__(
        self, plan: CounterPlan, body: Body, tally: Tally, settings: EngineSettings
    ) -> None:
        HoldState.__init__(self)
        self.swings: list[Swing] = []
        self._plan = plan
        self._body = body
        self._fresh_ms = settings.smoothing.fresh_ms
        self._settle_ms = settings.phase.settle_ms
        self._attempt_ms = settings.phase.hold_attempt_ms
        phase = plan.spec.phases[0]
        self._phase = PhaseTracker(0, phase, body, [], [], settings)
        self._conditions = Conditions(plan, body, settings.phase)
        self._record = Record(plan, [self._phase], [], body, tally)
        self._cues = Cues(plan.spec.feedback, [self._phase], body, tally)

    @property
    def side(self) -> BodySide | None:
        return self._plan.side_led(self._phase.led)

    @property
    def steps_reached(self) -> int:
        return 0

    def begin_still(self) -> None:
        """Nothing: a hold asks for no movement."""

    @property
    def held_ms(self) -> float:
        """How long the hold that goes on has lasted, without its breaks."""
        if self.began_ms is None:
            return 0.0
        until = self.seen_ms
        # Since when the body is out of the band of a phase that is not left yet.
        away_ms = self._phase.since_ms if self._phase.holds else None
        for ms in (self.broken_ms, away_ms):
            if ms is not None and ms < until:
                until = ms
        return until - self.began_ms - self.breaks_ms

    def follow(self, now: float, step: float, *, is_seen: bool) -> list[DetectionEvent]:
        """The events of a frame, `step` milliseconds after the last one.

        `is_seen`: whether its pose was usable.
        """
        phase = self._phase
        phase.measure()
        is_seen = is_seen and phase.is_known
        unseen_ms = now - self.seen_ms
        if self.began_ms is not None and self.broken_ms is None and unseen_ms > self._fresh_ms:
            self.broken_ms = self.seen_ms
        events: list[DetectionEvent] = []
        if self.broken_ms is not None and now - self.broken_ms > self._plan.spec.grace_ms:
            events += self._end("not_reached", now)
        if self._plan.leads and phase.led * self._body.leading() < 0:
            # The leading side has changed since the entry.
            if phase.holds:
                phase.leave()
                events += self._exited(now, now)
            events += self._end("not_reached", now)
        events += self._follow_phase(now, step)
        if is_seen:
            self.seen_ms = now
        is_in = phase.holds and is_seen and phase.since_ms is None
        if self.began_ms is None:
            self._conditions.forget()
            if not (is_in and self._conditions.are_met()):
                return events
        if is_in:
            self._go_on(now)
        broken = self._conditions.broken(now)
        if broken is not None:
            return events + self._end("condition", now, *broken)
        if is_in and now - max(self.began_ms or 0.0, phase.entered_ms) >= self._settle_ms:
            self._record.ranges.watch()
            self._record.checks.watch()
            events += [feedback(cue, now, self.side) for cue in self._cues.watch(now)]
        if is_in:
            events += [feedback(cue, now, self.side) for cue in self._cues.follow(now)]
        if not self.is_completed and self.held_ms >= self._plan.spec.target_ms:
            self._complete(now)
            events += self._record.events(now)
        return events

    def _shape(self, type_: str, now: float) -> DetectionEvent:
        return shape(type_, self._phase.name, self._phase.confidence(), now, self.side)

    def _follow_phase(self, now: float, step: float) -> list[DetectionEvent]:
        phase = self._phase
        if phase.holds:
            away_ms = phase.since_ms
            return self._exited(now, away_ms) if phase.follow_stay(now, step) else []
        change = phase.follow_approach(now, step)
        if change == UNCHANGED:
            return []
        if self._plan.leads:
            phase.led = self._body.leading()
        events = [self._shape("shape_enter", now)]
        if change == PASSED:
            phase.leave()
            if self.broken_ms is not None:
                self._go_on(now)
            events += self._exited(now, now)
        return events

    def enter(self, now: float) -> list[DetectionEvent]:
        """The entry of the phase, if it holds as counting begins."""
        return [self._shape("shape_enter", now)] if self._phase.holds else []

    def _go_on(self, now: float) -> None:
        if self.began_ms is None:
            self.began_ms = now
        elif self.broken_ms is not None:
            self.breaks_ms += now - self.broken_ms
        self.broken_ms = None

    def _exited(self, now: float, away_ms: float | None) -> list[DetectionEvent]:
        """The events of an exit; the break begins at `away_ms`, when the body left the band.

        For cues the whole hold is one stay.
        """
        events = [self._shape("shape_exit", now)]
        if self.began_ms is None:
            return events + self._end_stay(now)
        if self.broken_ms is None:
            self.broken_ms = now if away_ms is None else away_ms
        return events

    def _end_stay(self, now: float) -> list[DetectionEvent]:
        return [feedback(cue, now, self.side) for cue in self._cues.leave(self._phase.name, now)]

    def _complete(self, now: float) -> None:
        self.is_completed = True
        held_ms = self.held_ms
        completed = Outcome(
            kind=COMPLETION,
            duration_ms=held_ms + self.breaks_ms,
            held_ms=held_ms,
            steps=[0],
            steps_ms=[held_ms],
        )
        self._record.complete(completed, self.side, now)

    def _end(
        self, reason: Reason, now: float, path: str = "", by: float | None = None
    ) -> list[DetectionEvent]:
        """End the hold.

        Below its target it is an attempt if it lasted `hold_attempt_ms` or half of the target.
        """
        if self.began_ms is None:
            return []
        held_ms = self.held_ms
        self._record.let_go(held_ms, now)
        is_completed, seen_ms = self.is_completed, self.seen_ms
        HoldState.__init__(self)
        self.seen_ms = seen_ms
        lacked = self._plan.spec.target_ms - held_ms
        events = [] if self._phase.holds else self._end_stay(now)
        if not is_completed and held_ms >= min(self._attempt_ms, self._plan.spec.target_ms / 2):
            interrupted = interruption(
                reason,
                path,
                lacked if by is None else by,
                detail="too_short" if reason == "not_reached" else "",
            )
            self._record.interrupt(interrupted, self.side, now)
        self._record.begin_anew()
        return events + self._record.events(now)

    def lose(self, reason: Reason, now: float) -> list[DetectionEvent]:
        """The events of a body that is lost, or is not ready any more. It begins anew."""
        events: list[DetectionEvent] = []
        if self._phase.holds:
            events.append(shape("shape_exit", self._phase.name, 0.0, now, self.side))
        events += self._end(reason, now)
        self._phase.forget()
        self._conditions.forget()
        self._cues.forget()
        return events

    def finish(self, now: float) -> list[DetectionEvent]:
        return self._end("session_ended", now)

    def parts(self) -> list[Any]:
        return [
            self._conditions,
            self._record.ranges,
            self._phase,
            self._record.checks,
            self._cues,
            self,
        ]
