"""The tally of a session, which its counters share: what was counted, and what is sent of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from detection.engine.body import measure_names
from detection.engine.events import (
    COMPLETION,
    ENDED,
    LET_GO,
    DetectionEvent,
    Outcome,
    Payload,
    ViewedChecks,
    back_payload,
    by_payload,
    checks_payload,
    feedback,
    part_ms,
    times_payload,
)
from detection.engine.plan import Plan
from detection.engine.ranges import asymmetry_payload, range_payload
from detection.engine.states import FIXED
from detection.engine.summary import Summary
from detection.engine.tracking import view_of
from detection.spec import COMPLETED, INTERRUPTED, BodySide, Cue, MoveSpec


@dataclass(slots=True, eq=False)
class ThrottleState:
    # How often each cue could have been sent, and when it was last: sent, or where it repeats
    # within a stay, could have been.
    chances: list[int] = field(default_factory=list, metadata=FIXED)
    last_ms: list[float | None] = field(default_factory=list, metadata=FIXED)


class Throttle(ThrottleState):
    """How often each cue of a MoveSpec is sent: of every side, and of the readiness. `repeats` says
    of each whether it can be sent again in the same stay."""

    def __init__(self, spec: MoveSpec) -> None:
        names = {phase.name for phase in spec.phases}
        self._cues = spec.feedback
        self._reserved = [n for n, cue in enumerate(self._cues) if cue.when not in names]
        checks = {name: number for number, name in enumerate(spec.check_paths)}
        # Of each cue on a check of the whole its number and that of the check.
        self._of_whole = [
            (number, checks[cue.check])
            for number, cue in enumerate(self._cues)
            if cue.check is not None and not cue.when
        ]
        self.repeats = [spec.repeats(cue) for cue in self._cues]
        self.chances = [0] * len(self._cues)
        self.last_ms = [None] * len(self._cues)

    def reserved(
        self,
        when: str,
        reason: str | None,
        now_ms: float,
        *,
        only_named: bool = False,
        form: float | None = None,
        detail: str | None = None,
        step: str | None = None,
    ) -> list[Cue]:
        """The cues of `completed`, `interrupted` and `not_ready` that are sent now; `only_named`,
        those that name the reason. One that asks for form, a detail or a step is for an outcome
        that had it."""
        fired: list[Cue] = []
        for number in self._reserved:
            cue = self._cues[number]
            is_meant = cue.reason == reason if cue.reason else not only_named
            if cue.detail not in (None, detail) or cue.step not in (None, step):
                is_meant = False
            if cue.form is not None:
                is_meant = form is not None and cue.form[0] <= form <= cue.form[1]
            if cue.when == when and is_meant and self.may_send(number, now_ms):
                fired.append(cue)
        return fired

    def judge(self, missed: Sequence[float | None], now_ms: float) -> list[Cue]:
        """The cues on checks of the whole repetition or hold, by how much each was missed."""
        fired: list[Cue] = []
        for number, check in self._of_whole:
            cue, by = self._cues[number], missed[check]
            is_meant = by is not None and (by == 0.0) == cue.is_met
            if is_meant and self.may_send(number, now_ms):
                fired.append(cue)
        return fired

    def may_send(self, number: int, now_ms: float) -> bool:
        """Whether a cue may be sent now. Within its gap it waits for its next chance."""
        cue = self._cues[number]
        is_due = self.chances[number] == 0
        if cue.min_gap_ms > 0.0 and (is_due or self.repeats[number]):
            last_ms = self.last_ms[number]
            if last_ms is not None and now_ms - last_ms < cue.min_gap_ms:
                return False
            self.last_ms[number] = now_ms
        if cue.every > 1:
            self.chances[number] = (self.chances[number] + 1) % cue.every
        return is_due


# Upper bound on repetitions per second.
MAX_WITHHELD: Final = 4


@dataclass(slots=True, eq=False)
class TallyState:
    # What happened since all that the setup asks for holds, in order.
    withheld: list[Outcome] = field(default_factory=list, metadata={"of": Outcome})


class Tally(TallyState):
    """`counts` says whether anything counts: without a setup always. What happens before is
    withheld, the last MAX_WITHHELD of it, until it counts or is forgotten."""

    def __init__(self, spec: MoveSpec, plan: Plan) -> None:
        TallyState.__init__(self)
        directions = {
            name: direction
            for counter in plan.counters
            for name, direction in counter.directions.items()
        }
        self.summary = Summary(spec, directions)
        self.throttle = Throttle(spec)
        self._checks: ViewedChecks = (
            *((one, view_of(one.criterion.measure, spec.plane)) for one in spec.checks),
            *((one, "any") for one in spec.tempo),
        )
        self._way_back = spec.way_back
        self._both_move = spec.both_move
        self._views = {
            name: view_of(criterion.measure, spec.plane)
            for counter in plan.counters
            for criterion in counter.measured
            for name in measure_names(criterion)
        }
        self._event_key = spec.movement_name
        self._steps = tuple(step.phase for step in spec.steps) or (spec.phases[0].name,)
        self._measures = {counter.side: tuple(counter.directions) for counter in plan.counters}
        self._has_setup = spec.setup is not None
        self.counts = not self._has_setup

    def take(self, outcomes: Sequence[Outcome], now: float) -> list[DetectionEvent]:
        """Take what a frame has decided: what is told of it."""
        if self.counts:
            return self._tell(outcomes, now)
        self.withheld = [*self.withheld, *outcomes][-MAX_WITHHELD:]
        return []

    def begin(self, now: float) -> list[DetectionEvent]:
        """Count from this frame on: what was withheld, each with its own time."""
        self.counts = True
        withheld, self.withheld = self.withheld, []
        return self._tell(withheld, now)

    def begin_anew(self) -> None:
        """Forget what is withheld. What counts already is left as it is."""
        self.counts = not self._has_setup
        self.withheld = []

    def come_back(self, times: Sequence[float | None], now: float) -> list[Cue]:
        """Take the times of a completion whose way back is over: the cues on its tempo."""
        ms = part_ms(times, "back")
        missed: list[float | None] = [None] * len(self._checks)
        if self._way_back is not None and ms is not None:
            missed[-1] = self._way_back.missed_by(ms)
        for outcome in self.withheld:
            if outcome.kind == COMPLETION and outcome.times[:ENDED] == times[:ENDED]:
                outcome.come_back(times, self._way_back)
        if not self.counts:
            return []
        self.summary.come_back(times)
        self.summary.judge(missed)
        return self.throttle.judge(missed, now)

    def may_send(self, cue: int, now: float) -> bool:
        return self.counts and self.throttle.may_send(cue, now)

    def _tell(self, outcomes: Iterable[Outcome], now: float) -> list[DetectionEvent]:
        """The events of outcomes, and then the cues on those of this frame: a cue that comes later
        would be taken for one on what the person does now."""
        events: list[DetectionEvent] = []
        cues: list[DetectionEvent] = []
        for outcome in outcomes:
            side = outcome.side or None
            if outcome.kind == LET_GO:
                self.summary.hold(outcome.held_ms or 0.0)
                continue
            self.summary.judge(outcome.missed)
            is_completed = outcome.kind == COMPLETION
            events.append(self._event(outcome, side))
            if outcome.ts_ms != now:
                continue
            fired = self.throttle.reserved(
                COMPLETED if is_completed else INTERRUPTED,
                outcome.reason or None,
                now,
                only_named=outcome.is_aside,
                form=outcome.form,
                detail=outcome.detail or None,
                step=None if outcome.step is None else self._steps[outcome.step],
            )
            # The repetition that goes on beside an attempt is judged as it ends.
            if not (outcome.is_aside and outcome.is_under_way):
                fired += self.throttle.judge(outcome.missed, now)
            cues += [feedback(cue, now, side) for cue in fired]
        return events + cues

    def _event(self, outcome: Outcome, side: BodySide | None) -> DetectionEvent:
        metrics: Payload = {"checks": checks_payload(outcome, self._checks)}
        missed: Payload = {}
        if outcome.kind == COMPLETION:
            metrics = self._complete(outcome, side) | metrics
            metrics |= times_payload(outcome.times)
            held_ms = outcome.held_ms
            metrics["form"] = outcome.form
            metrics["held_ms"] = None if held_ms is None else round(held_ms)
            payload: Payload = {"event_key": self._event_key, "score": outcome.score}
            number: int | None = sum(self.summary.completed)
        else:
            if outcome.reason:
                self.summary.interrupt(outcome.reason)
            payload = {"reason": outcome.reason}
            missed = {"path": outcome.path or None, "by": by_payload(outcome.by)}
            number = sum(self.summary.completed) + 1 if outcome.is_under_way else None
        metrics["previous"] = back_payload(outcome.back, self._way_back)
        if self._both_move:
            names = self._measures[None]
            metrics["asymmetry"] = asymmetry_payload(names, outcome.least, outcome.most)
        payload |= {"number": number, "side": side, **missed, "metrics": metrics}
        if outcome.detail:
            payload["detail"] = outcome.detail
        return DetectionEvent(outcome.kind, outcome.ts_ms, payload)

    def _complete(self, completed: Outcome, side: BodySide | None) -> Payload:
        """Sum up a completion: how long it and its steps took, and how far its measures went."""
        # Of the counter that counts this side.
        names = self._measures[side if side in self._measures else None]
        least, most = completed.least, completed.most
        uncertain = [n for n, name in enumerate(names) if self._views[name] in completed.unseen]
        self.summary.complete(side, names, least, most, uncertain)
        self.summary.time(completed.times)
        steps = zip(completed.steps, completed.steps_ms, strict=True)
        return {
            "duration_ms": round(completed.duration_ms or 0.0),
            "steps": [{"phase": self._steps[step], "ms": round(ms)} for step, ms in steps],
            "measures": range_payload(names, least, most, uncertain),
        }
