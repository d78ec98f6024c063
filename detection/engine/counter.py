"""The counter of repetitions: of the whole body, or of one side of it."""

from typing import Any

from detection.engine.body import Body
from detection.engine.conditions import Broken, Conditions
from detection.engine.cues import Cues
from detection.engine.events import (
    COMPLETION,
    DetectionEvent,
    feedback,
    interruption,
    shape,
    step_path,
)
from detection.engine.phases import ENTERED, PASSED, PhaseTracker, ended_by, first_of_each
from detection.engine.plan import CounterPlan
from detection.engine.ranges import Stillness
from detection.engine.record import Record
from detection.engine.sequence import Repetition, attempts
from detection.engine.settings import EngineSettings
from detection.engine.swing import Swing
from detection.engine.tally import Tally
from detection.spec import BodySide, Cue, Reason


class Counter:
    """The counter of one plan's repetitions. All share the session's tally."""

    def __init__(
        self, plan: CounterPlan, body: Body, tally: Tally, settings: EngineSettings
    ) -> None:
        self._plan = plan
        self._body = body
        self._attempt_ms = settings.phase.hold_attempt_ms
        strict = frozenset(phase.name for phase in plan.spec.phases if phase.strict)
        self.swings = [Swing(motion, body, strict, settings) for motion in plan.motions]
        self._conditions = Conditions(plan, body, settings.phase)
        criteria = [criterion for phase in plan.spec.phases for criterion in phase.criteria]
        self._stillness = Stillness(body.signals_of(criteria), settings.swing)
        self._phases = [
            PhaseTracker(number, phase, body, self.swings, plan.postures, settings)
            for number, phase in enumerate(plan.spec.phases)
        ]
        for phase, numbers in zip(self._phases, plan.exclusive, strict=True):
            phase.exclusive = [self._phases[number] for number in numbers]
        self._record = Record(plan, self._phases, self.swings, body, tally)
        self._cues = Cues(plan.spec.feedback, self._phases, body, tally)
        self._repetition = Repetition(plan.spec.steps)
        self._beside: Repetition | None = None

    def stand_beside(self, other: "Counter") -> None:
        """Count one side, of which the other counter counts the other."""
        self._beside = other._repetition

    @property
    def steps_reached(self) -> int:
        return 0 if self._repetition.step is None else self._repetition.step + 1

    def follow(self, now: float, step: float, *, is_seen: bool) -> list[DetectionEvent]:
        """The events of a frame, `step` milliseconds after the last one. Its signals are measured
        before."""
        self._stillness.watch()
        self._record.ranges.watch()
        if not self._conditions.are_inferred and not self._repetition.is_under_way:
            self._conditions.forget()
        cues: list[Cue] = []
        broken = self._conditions.broken(now)
        if broken is not None:
            self._break_off(broken, now)
        if broken is None or not self._conditions.are_inferred:
            for swing in self.swings:
                swing.measure(now)
            shared = self._phases, self._repetition, self._plan.spec, self._beside
            for swing in self.swings:
                for attempt in attempts(swing, *shared):
                    self._record.note(attempt, self._side, now)
            cues = self._record.keep_time(now, step, is_midway=bool(self._repetition.step))
        for phase in self._phases:
            phase.measure()
        events = self._follow_phases(now, step)
        is_at_rest = all(swing.parted_ms is None for swing in self.swings)
        if is_at_rest and self._repetition.turn_window(now):
            self._record.pass_window()
        self._record.checks.watch()
        cues += self._cues.watch(now) + self._cues.follow(now)
        return events + [feedback(cue, now, self._side) for cue in cues]

    def lose(self, reason: Reason, now: float) -> list[DetectionEvent]:
        """The events of a body that is lost, or is not ready any more. It begins anew."""
        events = [
            shape("shape_exit", phase.name, 0.0, now, self._plan.side_led(phase.led))
            for phase in self._phases
            if phase.holds
        ]
        for swing in self.swings:
            swing.forget()
        self._record.lose_time(now)
        for phase in self._phases:
            phase.forget()
        self._conditions.forget()
        self._cues.forget()
        self._record.interrupt(self._repetition.abandon(reason), self._side, now)
        self._record.begin_anew()
        return events + self._record.events(now)

    def enter(self, now: float) -> list[DetectionEvent]:
        """The entries of the phases that hold already: before, nothing was told."""
        return [self._entry(phase, now) for phase in self._phases if phase.holds]

    def _entry(self, phase: PhaseTracker, now: float) -> DetectionEvent:
        side = self._plan.side_led(phase.led)
        return shape("shape_enter", phase.name, phase.confidence(), now, side)

    def begin_still(self) -> None:
        """Take the body as it is in this frame for one that has not moved."""
        self._stillness.forget()

    def finish(self, now: float) -> list[DetectionEvent]:
        self._record.interrupt(self._repetition.abandon("session_ended"), self._side, now)
        return self._record.finish(now)

    def _break_off(self, broken: Broken, now: float) -> None:
        was_under_way = self._repetition.is_under_way
        has_tried = was_under_way
        if self._conditions.are_inferred:
            if self.swings:
                # Who bends down has left the first phase too, but has not tried.
                has_tried = any(swing.is_on_the_way() for swing in self.swings)
            for swing in self.swings:
                swing.forget()
            self._record.lose_time(now)
            for phase in self._phases:
                phase.missed_by = None
        elif not was_under_way:
            return
        tried = interruption("condition", *broken, is_under_way=was_under_way)
        is_midway = self._repetition.abandon("condition") is not None
        if is_midway or (has_tried and was_under_way):
            self._record.interrupt(tried, self._side, now)
        elif has_tried:
            self._record.note(tried, self._side, now)

    def _follow_phases(self, now: float, step: float) -> list[DetectionEvent]:
        left: list[PhaseTracker] = []
        outside: list[PhaseTracker] = []
        for phase in self._phases:
            if not phase.holds:
                outside.append(phase)
            elif phase.follow_stay(now, step):
                left.append(phase)
        passed: list[PhaseTracker] = []
        entered: list[PhaseTracker] = []
        for phase in outside:
            change = phase.follow_approach(now, step)
            if change == PASSED:
                passed.append(phase)
            elif change == ENTERED:
                entered.append(phase)
        events: list[DetectionEvent] = []
        if left or passed or entered:
            passed.sort(key=lambda phase: phase.entered_ms)
            entered = first_of_each(entered)
            left += ended_by([*passed, *entered])
            for phase in left:
                self._leave(phase, events, now)
            for phase in (*passed, *entered):
                phase.led = self._body.leading()
                if self._repetition.rests_in(phase.name):
                    self._record.begin_anew()
                events.append(self._entry(phase, now))
                phase.awaits_step = True
                self._take_step(phase, now)
                if not phase.holds:
                    self._record.checks.watch_passed(phase)
                    self._cues.watch_passed(phase.name)
                    self._leave(phase, events, now)
                    phase.leave()
        self._record.interrupt(self._repetition.overdue(now), self._side, now)
        for phase in self._phases:
            if phase.awaits_step:
                self._take_step(phase, now)
        return events + self._record.events(now)

    def _leave(self, phase: PhaseTracker, events: list[DetectionEvent], now: float) -> None:
        confidence = phase.confidence()
        side = self._plan.side_led(phase.led)  # as it was entered
        events.append(shape("shape_exit", phase.name, confidence, now, side))
        if phase.awaits_step:
            phase.awaits_step = False
            self._note_short_stay(phase, now)
        self._repetition.leave(phase.name, confidence, now, phase.parted_ms(now))
        events += [feedback(cue, now, side) for cue in self._cues.leave(phase.name, now)]

    def _note_short_stay(self, phase: PhaseTracker, now: float) -> None:
        """Note a stay that was over before the time that its step asks for. Who passes through the
        first step's phase has not tried to hold it."""
        repetition = self._repetition
        number = repetition.number_of(phase.name)
        if number is None:
            return
        hold_ms, lasted_ms = self._plan.spec.steps[number].hold_ms, phase.lasted_ms(now)
        if hold_ms == 0.0:
            return
        if repetition.step is None and lasted_ms < min(self._attempt_ms, hold_ms / 2):
            return
        is_midway = bool(repetition.step)
        repetition.abandon("not_reached")
        short = interruption(
            "not_reached",
            step_path(number),
            hold_ms - lasted_ms,
            is_under_way=is_midway,
            step=number,
            detail="too_short",
        )
        self._record.interrupt(short, self._side, now)

    def _take_step(self, phase: PhaseTracker, now: float) -> None:
        """Take the entry of a phase as a step, unless a repetition is under way in which the body
        has not moved, or the phase has not lasted: then it waits."""
        repetition = self._repetition
        if repetition.step is not None and not self._stillness.has_ended():
            return
        number = repetition.number_of(phase.name)
        if number is not None and phase.lasted_ms(now) < self._plan.spec.steps[number].hold_ms:
            return
        phase.awaits_step = False
        was_under_way = repetition.step is not None
        outcome = repetition.enter(phase.name, phase.confidence(), now)
        if outcome is not None or (not was_under_way and repetition.step is not None):
            self._stillness.forget()
        if outcome is None:
            return
        if outcome.kind == COMPLETION:
            self._record.complete(outcome, self._side, now)
        else:
            self._record.interrupt(outcome, self._side, now)
        if repetition.step is None and repetition.number_of(phase.name) is not None:
            phase.awaits_step = True  # it begins the next one once it has lasted

    @property
    def _side(self) -> BodySide | None:
        return self._plan.side_led(self._body.leading())

    def parts(self) -> list[Any]:
        return [
            self._conditions,
            self._stillness,
            self._record.ranges,
            *self.swings,
            *(swing.sides for swing in self.swings if swing.sides),
            self._record.times,
            *([self._record] if self._record.may_hold_back else []),
            *self._phases,
            self._record.checks,
            self._cues,
            self._repetition,
        ]
