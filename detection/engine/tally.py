"""The tally of a session, which its counters share: what was counted, and what is told of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from detection.engine.events import Checks, DetectionEvent, completion, feedback, interruption
from detection.engine.outcomes import COMPLETION, LET_GO, Outcome
from detection.engine.plan import Plan, measure_names
from detection.engine.ranges import told_asymmetry, told_ranges
from detection.engine.rations import Rations
from detection.engine.summary import Summary
from detection.engine.times import ENDED, told_part
from detection.engine.views import view_of
from detection.spec import COMPLETED, INTERRUPTED, BodySide, Cue, MoveSpec

# Nobody does more in a second.
MAX_WITHHELD: Final = 4


@dataclass(slots=True, eq=False)
class TallyState:
    # What happened since all that the setup asks for holds, in order.
    withheld: list[Outcome] = field(default_factory=list, metadata={"of": Outcome})


class Tally(TallyState):
    """`counts` says whether anything counts: without a setup always. What happens before is
    withheld, the last MAX_WITHHELD of it, until it counts or is forgotten."""

    __slots__ = (
        "_both_move",
        "_checks",
        "_event_key",
        "_has_setup",
        "_measures",
        "_steps",
        "_views",
        "_way_back",
        "counts",
        "rations",
        "summary",
    )

    def __init__(self, spec: MoveSpec, plan: Plan) -> None:
        TallyState.__init__(self)
        directions = {
            name: direction
            for counter in plan.counters
            for name, direction in counter.directions.items()
        }
        self.summary = Summary(
            list(directions),
            list(directions.values()),
            list(spec.check_paths),
            is_hold=spec.type == "hold",
            has_sides=spec.counts_each_side,
        )
        self.rations = Rations(spec)
        self._checks: Checks = (
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

    def check(self) -> None:
        """Raise ValueError for a state that this tally can't have."""
        self.summary.check()
        self.rations.check()
        if len(self.withheld) > MAX_WITHHELD:
            raise ValueError("Not so much is withheld.")
        for outcome in self.withheld:
            self.check_outcome(outcome)

    def check_outcome(self, outcome: Outcome) -> None:
        """Raise ValueError for an outcome that the MoveSpec can't have."""
        measures = self._measures_of(outcome.side or None)
        outcome.check(len(self._steps), len(measures), len(self._checks))

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
        ms = told_part(times, "back")
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
        return self.rations.judge(missed, now)

    def may_send(self, cue: int, now: float) -> bool:
        return self.counts and self.rations.may_send(cue, now)

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
            events.append(
                self._completion(outcome, side) if is_completed else self._interruption(outcome)
            )
            if outcome.ts_ms != now:
                continue
            fired = self.rations.tell(
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
                fired += self.rations.judge(outcome.missed, now)
            cues += [feedback(cue, now, side) for cue in fired]
        return events + cues

    def _completion(self, outcome: Outcome, side: BodySide | None) -> DetectionEvent:
        names = self._measures_of(side)
        uncertain = [
            number for number, name in enumerate(names) if self._views[name] in outcome.unseen
        ]
        self.summary.complete(side, names, outcome.least, outcome.most, uncertain)
        self.summary.time(outcome.times)
        return completion(
            outcome,
            self._event_key,
            self.summary.completions,
            self._steps,
            told_ranges(names, outcome.least, outcome.most, uncertain),
            self._checks,
            self._way_back,
            self._asymmetry(outcome),
        )

    def _interruption(self, outcome: Outcome) -> DetectionEvent:
        if outcome.reason:
            self.summary.interrupt(outcome.reason)
        number = self.summary.completions + 1 if outcome.is_under_way else None
        return interruption(outcome, number, self._checks, self._way_back, self._asymmetry(outcome))

    def _asymmetry(self, outcome: Outcome) -> dict[str, float | None] | None:
        if not self._both_move:
            return None
        return told_asymmetry(self._measures_of(None), outcome.least, outcome.most)

    def _measures_of(self, side: BodySide | None) -> Sequence[str]:
        """The names of the measures of the counter that counts this side."""
        return self._measures[side if side in self._measures else None]
