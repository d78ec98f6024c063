"""The cues: what the person is told, and how often."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from detection.engine.body import Body
from detection.engine.criteria import HeldCriterion
from detection.engine.extremes import HeldExtreme
from detection.engine.phases import PhaseTracker
from detection.spec import Cue


@dataclass(slots=True, eq=False)
class CuesState:
    # The bits of those that were sent in the stay in their phase.
    sent: int = 0
    # How often each could have been sent, and when it was last; the extreme that it is about.
    chances: list[int] = field(default_factory=list)
    last_ms: list[float | None] = field(default_factory=list)
    extremes: list[float | None] = field(default_factory=list)


class Cues(CuesState):
    """The cues of one counter, or of the readiness."""

    __slots__ = ("_at_end", "_count", "_cues", "_during", "_reserved")

    def __init__(self, cues: Sequence[Cue], phases: Sequence[PhaseTracker], body: Body) -> None:
        self._cues = tuple(cues)
        self._count = len(self._cues)
        # By phase: those that a frame may send, and those that the end of a stay does.
        self._during: list[tuple[PhaseTracker, list[tuple[int, HeldCriterion | None]]]] = []
        self._at_end: dict[str, list[tuple[int, HeldExtreme]]] = {}
        names = {phase.name for phase in phases}
        self._reserved: list[tuple[int, str]] = [
            (number, cue.when) for number, cue in enumerate(self._cues) if cue.when not in names
        ]
        for phase in phases:
            during: list[tuple[int, HeldCriterion | None]] = []
            at_end: list[tuple[int, HeldExtreme]] = []
            for number, cue in enumerate(self._cues):
                if cue.when != phase.name:
                    continue
                if cue.extreme is not None and cue.criterion is not None:
                    at_end.append((number, HeldExtreme(cue.criterion, cue.extreme, body)))
                else:
                    during.append((number, body.hold(cue.criterion) if cue.criterion else None))
            if during or at_end:
                self._during.append((phase, during))
            if at_end:
                self._at_end[phase.name] = at_end
        CuesState.__init__(self)
        self._reset()

    def _reset(self) -> None:
        self.sent = 0
        self.chances = [0] * self._count
        self.last_ms = [None] * self._count
        self.extremes = [None] * self._count

    def forget(self) -> None:
        """Forget the stays; what was sent goes on to be rationed."""
        self.sent = 0
        self.extremes = [None] * self._count

    def check(self) -> None:
        """Raise ValueError for a state that is not of so many cues."""
        if {len(self.chances), len(self.last_ms), len(self.extremes)} != {self._count}:
            raise ValueError("Not the times of so many cues.")
        if None in self.chances:
            raise ValueError("Not how often a cue could have been sent.")

    def follow(self, now_ms: float) -> list[Cue]:
        """Those that this frame sends, of the phases that hold."""
        fired: list[Cue] = []
        for phase, during in self._during:
            if not phase.holds:
                continue
            for number, criterion in during:
                bit = 1 << number
                if not self.sent & bit and (criterion is None or criterion.shortfall() == 0.0):
                    self.sent |= bit
                    if self._may_send(number, now_ms):
                        fired.append(self._cues[number])
            if self._at_end:
                for number, extreme in self._at_end.get(phase.name, ()):
                    self.extremes[number] = extreme.follow(self.extremes[number])
        return fired

    def leave(self, phase: str, now_ms: float) -> list[Cue]:
        """Those that the end of a stay sends. The next stay may send all again."""
        fired: list[Cue] = []
        for number, cue in enumerate(self._cues):
            if cue.when == phase:
                self.sent &= ~(1 << number)
        for number, extreme in self._at_end.get(phase, ()):
            value = self.extremes[number]
            self.extremes[number] = None
            is_met = value is not None and extreme.missed_by(value) == 0.0
            if is_met and self._may_send(number, now_ms):
                fired.append(self._cues[number])
        return fired

    def tell(
        self, when: str, reason: str | None, now_ms: float, *, only_named: bool = False
    ) -> list[Cue]:
        """Those of `completed`, `interrupted` and `not_ready`.

        One without a reason is for all of them, but for an attempt beside which the repetition goes
        on, or none was under way: that has only cues that name it.
        """
        fired: list[Cue] = []
        for number, of_when in self._reserved:
            cue = self._cues[number]
            is_meant = cue.reason == reason if cue.reason else not only_named
            if of_when == when and is_meant and self._may_send(number, now_ms):
                fired.append(cue)
        return fired

    def _may_send(self, number: int, now_ms: float) -> bool:
        cue = self._cues[number]
        chance = self.chances[number]
        if cue.every > 1:
            self.chances[number] = (chance + 1) % cue.every
        if chance:
            return False
        last_ms = self.last_ms[number]
        if cue.min_gap_ms > 0.0:
            if last_ms is not None and now_ms - last_ms < cue.min_gap_ms:
                return False
            self.last_ms[number] = now_ms
        return True
