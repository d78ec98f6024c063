"""The cues on the phases: what the person is told in a stay, or as it ends."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from detection.engine.body import Body
from detection.engine.criteria import BoundCriterion, BoundExtreme
from detection.engine.phases import PhaseTracker
from detection.engine.states import FIXED
from detection.engine.tally import Tally
from detection.spec import Cue


@dataclass(slots=True, eq=False)
class CuesState:
    # The bits of those that had their chance in the stay in their phase, and the extreme of each
    # that is about one.
    sent: int = 0
    extremes: list[float | None] = field(default_factory=list, metadata=FIXED)


class Cues(CuesState):
    """The cues on the phases of one counter. `counts` of the tally says whether any is sent."""

    def __init__(
        self, cues: Sequence[Cue], phases: Sequence[PhaseTracker], body: Body, tally: Tally
    ) -> None:
        self._cues = tuple(cues)
        self._is_early = [cue.is_early for cue in cues]
        self._tally = tally
        # By phase: the cues that a frame may send, and those that the end of a stay does, each with
        # the place of its extreme.
        self._during: list[tuple[PhaseTracker, list[tuple[int, BoundCriterion | None]]]] = []
        self._at_end: dict[str, list[tuple[int, int, BoundExtreme]]] = {}
        self._count = 0
        for phase in phases:
            during: list[tuple[int, BoundCriterion | None]] = []
            at_end: list[tuple[int, int, BoundExtreme]] = []
            for number, cue in enumerate(self._cues):
                if cue.when == phase.name and cue.criterion and cue.extreme:
                    extreme = body.bind_extreme(cue.criterion, cue.extreme)
                    at_end.append((number, self._count, extreme))
                    self._count += 1
                elif cue.when == phase.name:
                    during.append((number, body.bind(cue.criterion) if cue.criterion else None))
            if during or at_end:
                self._during.append((phase, during))
            if at_end:
                self._at_end[phase.name] = at_end
        self.forget()

    def forget(self) -> None:
        """Forget the stays. How often each cue was sent is not forgotten."""
        self.sent = 0
        self.extremes = [None] * self._count

    def follow(self, now_ms: float) -> list[Cue]:
        """The cues without an extreme that this frame sends, of the phases that hold."""
        fired: list[Cue] = []
        if not self._tally.counts:
            return fired
        for phase, during in self._during:
            if not phase.holds:
                continue
            for number, criterion in during:
                if self._has_chance(number) and (criterion is None or criterion.shortfall() == 0.0):
                    self._fire(number, now_ms, fired)
        return fired

    def _has_chance(self, number: int) -> bool:
        return not self.sent >> number & 1 or self._tally.throttle.repeats[number]

    def _fire(self, number: int, now_ms: float, fired: list[Cue]) -> None:
        self.sent |= 1 << number
        if self._tally.may_send(number, now_ms):
            fired.append(self._cues[number])

    def watch(self, now_ms: float) -> list[Cue]:
        """Take in the extremes of this frame, of the phases that hold. The cues that are sent since
        the frame decides what becomes of a check."""
        fired: list[Cue] = []
        if not self._at_end:
            return fired
        for phase, _ in self._during:
            if not phase.holds:
                continue
            for number, place, extreme in self._at_end.get(phase.name, ()):
                value = extreme.value()
                if value is None:
                    continue
                self.extremes[place] = extreme.of(self.extremes[place], value)
                if (
                    self._is_early[number]
                    and self._tally.counts
                    and self._has_chance(number)
                    and extreme.decides(value, self._cues[number].is_met)
                ):
                    self._fire(number, now_ms, fired)
        return fired

    def watch_passed(self, phase: str) -> None:
        """Take in this frame for a phase that was entered and left since the last one."""
        for _, place, extreme in self._at_end.get(phase, ()):
            self.extremes[place] = extreme.follow(self.extremes[place])

    def leave(self, phase: str, now_ms: float) -> list[Cue]:
        """The cues that the end of a stay sends. The next stay may send all again."""
        fired: list[Cue] = []
        for number, place, extreme in self._at_end.get(phase, ()):
            value = self.extremes[place]
            self.extremes[place] = None
            if value is None or self.sent >> number & 1:
                continue
            is_met = extreme.missed_by(value) == 0.0
            if is_met == self._cues[number].is_met and self._tally.may_send(number, now_ms):
                fired.append(self._cues[number])
        for number, cue in enumerate(self._cues):
            if cue.when == phase:
                self.sent &= ~(1 << number)
        return fired
