"""The cues on the phases: what the person is told in a stay, or as it ends."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from detection.engine.body import Body
from detection.engine.criteria import HeldCriterion
from detection.engine.extremes import HeldExtreme
from detection.engine.phases import PhaseTracker
from detection.engine.tally import Tally
from detection.spec import Cue


@dataclass(slots=True, eq=False)
class CuesState:
    # The bits of those that had their chance in the stay in their phase, and the extreme of each
    # that is about one.
    sent: int = 0
    extremes: list[float | None] = field(default_factory=list)


class Cues(CuesState):
    """The cues on the phases of one counter."""

    __slots__ = ("_at_end", "_count", "_cues", "_during", "_is_early", "_tally")

    def __init__(
        self, cues: Sequence[Cue], phases: Sequence[PhaseTracker], body: Body, tally: Tally
    ) -> None:
        self._cues = tuple(cues)
        self._is_early = [cue.is_early for cue in cues]
        self._tally = tally
        # By phase: those that a frame may send, and those that the end of a stay does, each with
        # the place of its extreme.
        self._during: list[tuple[PhaseTracker, list[tuple[int, HeldCriterion | None]]]] = []
        self._at_end: dict[str, list[tuple[int, int, HeldExtreme]]] = {}
        self._count = 0
        for phase in phases:
            during: list[tuple[int, HeldCriterion | None]] = []
            at_end: list[tuple[int, int, HeldExtreme]] = []
            for number, cue in enumerate(self._cues):
                if cue.when != phase.name:
                    continue
                if cue.extreme is not None and cue.criterion is not None:
                    extreme = HeldExtreme(cue.criterion, cue.extreme, body)
                    at_end.append((number, self._count, extreme))
                    self._count += 1
                else:
                    during.append((number, body.hold(cue.criterion) if cue.criterion else None))
            if during or at_end:
                self._during.append((phase, during))
            if at_end:
                self._at_end[phase.name] = at_end
        self.forget()

    def forget(self) -> None:
        """Forget the stays; what was sent goes on to be rationed."""
        self.sent = 0
        self.extremes = [None] * self._count

    def check(self) -> None:
        """Raise ValueError for a state that is not of so many cues."""
        if len(self.extremes) != self._count:
            raise ValueError("Not the extremes of so many cues.")

    def follow(self, now_ms: float) -> list[Cue]:
        """Those without an extreme that this frame sends, of the phases that hold."""
        fired: list[Cue] = []
        if not self._tally.counts:
            return fired
        for phase, during in self._during:
            if not phase.holds:
                continue
            for number, criterion in during:
                if not self._has_chance(number):
                    continue
                if criterion is None or criterion.shortfall() == 0.0:
                    self.sent |= 1 << number
                    if self._tally.may_send(number, now_ms):
                        fired.append(self._cues[number])
        return fired

    def _has_chance(self, number: int) -> bool:
        return not self.sent >> number & 1 or self._tally.rations.repeats[number]

    def watch(self, now_ms: float) -> list[Cue]:
        """Take in the extremes of this frame, of the phases that hold. Those that are sent, since
        it decides what becomes of a check."""
        fired: list[Cue] = []
        if not self._at_end:
            return fired
        for phase, _ in self._during:
            if phase.holds:
                self._watch(phase.name, now_ms, fired)
        return fired

    def watch_passed(self, phase: str) -> None:
        """Take in this frame for a phase that was entered and left since the last one."""
        for _, place, extreme in self._at_end.get(phase, ()):
            self.extremes[place] = extreme.follow(self.extremes[place])

    def _watch(self, phase: str, now_ms: float, fired: list[Cue]) -> None:
        for number, place, extreme in self._at_end.get(phase, ()):
            value = extreme.value()
            if value is None:
                continue
            self.extremes[place] = extreme.of(self.extremes[place], value)
            cue = self._cues[number]
            if not self._is_early[number] or not self._tally.counts:
                continue
            if self._has_chance(number) and extreme.decides(value, cue.is_met):
                self.sent |= 1 << number
                if self._tally.may_send(number, now_ms):
                    fired.append(cue)

    def leave(self, phase: str, now_ms: float) -> list[Cue]:
        """Those that the end of a stay sends. The next stay may send all again."""
        fired: list[Cue] = []
        for number, place, extreme in self._at_end.get(phase, ()):
            value = self.extremes[place]
            self.extremes[place] = None
            if value is None or self.sent >> number & 1:
                continue
            cue = self._cues[number]
            if (extreme.missed_by(value) == 0.0) == cue.is_met and self._tally.may_send(
                number, now_ms
            ):
                fired.append(cue)
        for number, cue in enumerate(self._cues):
            if cue.when == phase:
                self.sent &= ~(1 << number)
        return fired
