"""The phase in time: its entry and its exit.

docs/engine.md gives each rule with its settings.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from detection.engine.arithmetic import has_lasted, rounded_share, since
from detection.engine.body import Body
from detection.engine.criteria import NOWHERE, BoundCriterion, Stretch, tolerance_of
from detection.engine.plan import Edges
from detection.engine.settings import EngineSettings
from detection.engine.swing import Swing
from detection.spec import Phase

# What a frame does to a phase that did not hold. One that is passed is entered and left between
# two frames.
UNCHANGED: Final = 0
ENTERED: Final = 1
PASSED: Final = 2


@dataclass(slots=True, eq=False)
class PhaseState:
    holds: bool = False
    # When it was entered last, and which side led then: 1 left, -1 right, 0 neither.
    entered_ms: float = 0.0
    led: int = 0
    # Since when its constraints hold before it is entered, and since when it is away before it is
    # left.
    since_ms: float | None = None
    # How fully its ends were reached in this stay, 0 to 1.
    reach: float = 1.0
    # Whether its entry is no step yet: the body had not moved, or it has not lasted.
    awaits_step: bool = False
    # By how much the worst constraint was missed, at the best, while the body is at the phase's end
    # and the phase is not entered; and the number of that criterion, -1 where all held.
    missed_by: float | None = None
    missed_criterion: int = -1


# A criterion of a phase on an angle that drives nothing: its number there, and by how many degrees
# it may be missed before the phase is left.
_Constraint = tuple[int, BoundCriterion, float]


class PhaseTracker(PhaseState):
    """The tracker of one phase.

    `exclusive` are the phases that can never hold together with it. `shortfall` is the degrees by
    which its worst known constraint misses its band; 0 when all hold. `until_ms` is until when a
    phase that this frame ends has held.
    """

    def __init__(
        self,
        number: int,
        phase: Phase,
        body: Body,
        swings: Sequence[Swing],
        postures: Sequence[dict[str, tuple[Edges, ...]]],
        settings: EngineSettings,
    ) -> None:
        self.number = number
        self.name = phase.name
        self.exclusive: list[PhaseTracker] = []
        self._settings = settings.phase
        # Of each swing that it is at an end of: that end, and the edges of the postures before it.
        self._ends = [
            (swing, swing.motion.end_of(phase.name), of_swing[phase.name])
            for swing, of_swing in zip(swings, postures, strict=True)
            if phase.name in of_swing
        ]
        self._criteria = [body.bind(criterion) for criterion in phase.criteria]
        hysteresis = 0.0 if phase.strict else settings.phase.hysteresis_degrees
        self._constraints: list[_Constraint] = [
            (number, bound, tolerance_of(criterion, hysteresis))
            for number, (bound, criterion) in enumerate(
                zip(self._criteria, phase.criteria, strict=True)
            )
            if phase.strict
            or not any(swing.motion.is_driven_by(phase, criterion.measure) for swing in swings)
        ]
        self.until_ms = 0.0
        self.shortfall = 0.0
        self.worst = -1
        self._is_missed = False
        self.is_known = False
        self.forget()

    def forget(self) -> None:
        PhaseState.__init__(self)

    def measure(self) -> None:
        """Measure the constraints by the angles of this frame."""
        worst = 0.0
        number = -1
        is_known = True
        is_missed = False
        for constraint_number, criterion, tolerance in self._constraints:
            short = criterion.shortfall()
            if short is None:
                is_known = False
            elif short > 0.0:
                if short > tolerance:
                    is_missed = True
                if short > worst:
                    worst, number = short, constraint_number
        self.shortfall = worst
        self.worst = number
        self._is_missed = is_missed
        self.is_known = is_known

    def lasted_ms(self, now_ms: float) -> float:
        """How long its stay has lasted, or the stay that this frame ends."""
        return (now_ms if self.holds else self.until_ms) - self.entered_ms

    def leave(self) -> None:
        self.holds = False
        self.since_ms = None

    def parted_ms(self, now_ms: float) -> float:
        """When the body began to go away from the phase that this frame leaves."""
        times = [swing.parted_ms for swing, _, _ in self._ends]
        return min((ms for ms in times if ms is not None), default=now_ms)

    def follow_stay(self, now_ms: float, step_ms: float) -> bool:
        """Follow a phase that holds by this frame, `step_ms` after the last one. Whether it is
        left. Measure all phases before it."""
        self.until_ms = now_ms - step_ms if self.since_ms is None else self.since_ms
        is_left = any(swing.end != end for swing, end, _ in self._ends)
        if not is_left:
            self.since_ms = since(self.since_ms, now_ms, self._is_away())
            if self.since_ms is None:
                self._note_reach()
            is_left = has_lasted(self.since_ms, now_ms, self._settings.exit_ms)
        if is_left:
            self.leave()
        return is_left

    def _is_away(self) -> bool:
        """Whether a constraint fails, or the body is halfway to another end."""
        for swing, _, _ in self._ends:
            if swing.is_known and swing.away > self._settings.left_share * swing.needed:
                return True
        return self._is_missed

    def follow_approach(self, now_ms: float, step_ms: float) -> int:
        """What this frame, `step_ms` after the last one, does to a phase that does not hold. Follow
        all phases that hold before it."""
        change = self._approach(now_ms, step_ms)
        if self._ends and change != ENTERED:
            self._note_miss()
        return change

    def _note_miss(self) -> None:
        for swing, end, _ in self._ends:
            if swing.end != end or not swing.is_known:
                return
            if swing.has_arrived:
                self.missed_by = None
        if self.is_known and (self.missed_by is None or self.shortfall < self.missed_by):
            self.missed_by, self.missed_criterion = self.shortfall, self.worst

    def _approach(self, now_ms: float, step_ms: float) -> int:
        first, last = self._stretch()
        since_ms = self.since_ms
        if since_ms is None or first > 0.0:
            since_ms = now_ms - (1.0 - first) * step_ms
        if last < 1.0:
            # Its bands are behind the body, or it never was in them.
            self.since_ms = None
            until_ms = now_ms - (1.0 - last) * step_ms
            has_lasted = first <= last and until_ms - since_ms >= self._settings.enter_ms
            if self._ends or not has_lasted or self._is_kept_out():
                return UNCHANGED
            self.entered_ms, self.until_ms = since_ms, until_ms
            return PASSED
        self.since_ms = since_ms
        if not all(
            swing.is_known
            and swing.end == end
            and swing.away <= self._settings.back_share * swing.needed
            and not any(
                swing.is_before(edges, end, self._settings.hysteresis_degrees) for edges in postures
            )
            for swing, end, postures in self._ends
        ):
            return UNCHANGED
        if self._constraints and now_ms - since_ms < self._settings.enter_ms:
            return UNCHANGED
        if self._is_kept_out():
            return UNCHANGED
        self.holds = True
        self.entered_ms = now_ms
        self.since_ms = None
        self.missed_by = None
        for swing, _, _ in self._ends:
            swing.is_met = True
        self.reach = 0.0 if self._ends else 1.0
        self._note_reach()
        return ENTERED

    def _is_kept_out(self) -> bool:
        """Whether the body is still in an exclusive phase, or near it.

        Nothing keeps it out of an end whose bands it is in.
        """
        if self._ends and not self.is_missed_by(0.0):
            return False
        margin = self._settings.hysteresis_degrees
        return any(other.holds and not other.is_missed_by(margin) for other in self.exclusive)

    def is_missed_by(self, margin: float) -> bool:
        """Whether one of its bands is missed by more than so many degrees."""
        return any((criterion.shortfall() or 0.0) > margin for criterion in self._criteria)

    def _stretch(self) -> Stretch:
        """The stretch of the way since the last frame on which all constraints have held."""
        if not self.is_known:
            return NOWHERE
        if self._ends and self.shortfall > 0.0:
            return NOWHERE
        first, last = 0.0, 1.0
        for _, criterion, _ in self._constraints:
            one, other = criterion.stretch()
            if one > first:
                first = one
            if other < last:
                last = other
        return first, last

    def _note_reach(self) -> None:
        for swing, _, _ in self._ends:
            if swing.is_known:
                self.reach = max(self.reach, swing.reach())

    def confidence(self) -> float:
        """The confidence, 0 to 1: the visibility of the deciding angles, times how fully the
        driving angles reached their bands in this stay."""
        seen = min(criterion.visibility() for criterion in self._criteria)
        return rounded_share(seen * self.reach)


def first_of_each(entered: Sequence[PhaseTracker]) -> list[PhaseTracker]:
    """Of exclusive phases entered at once the first in the document."""
    kept: list[PhaseTracker] = []
    for phase in entered:
        if any(other in phase.exclusive for other in kept):
            phase.leave()
        else:
            kept.append(phase)
    return kept


def ended_by(begun: Sequence[PhaseTracker]) -> list[PhaseTracker]:
    """End the phases that can't hold together with those that have begun."""
    ended = []
    for phase in begun:
        for other in phase.exclusive:
            if other.holds and other not in begun:
                other.leave()
                ended.append(other)
    return ended
