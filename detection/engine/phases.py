"""The phase in time: its entry and its exit.

docs/engine.md gives the reason for each rule and the figures by which its settings were chosen.
"""

from collections.abc import Sequence

from detection.engine.body import Body
from detection.engine.memory import Remembering
from detection.engine.settings import EngineSettings
from detection.engine.swing import END, START, Swing
from detection.spec import Phase


class PhaseTracker(Remembering):
    """The tracker of one phase.

    `shortfall` is the degrees by which its worst known gate misses its band; 0 when all hold.
    """

    MEMORY = {
        "holds": False,
        "cues_sent": 0,
        "since_ms": None,
        "reach": 1.0,
        # Ended by a phase that it can't hold together with, and not yet out of its bands.
        "is_ousted": False,
    }
    __slots__ = (
        *MEMORY,
        "_criteria",
        "_ends",
        "_gates",
        "_settings",
        "_tolerance",
        "is_known",
        "name",
        "rivals",
        "shortfall",
    )
    holds: bool
    cues_sent: int
    since_ms: float | None
    reach: float
    is_ousted: bool

    def __init__(
        self, phase: Phase, body: Body, swings: Sequence[Swing], settings: EngineSettings
    ) -> None:
        self.name = phase.name
        self._settings = settings
        self._tolerance = 0.0 if phase.strict else settings.hysteresis_degrees
        self._ends = [
            (swing, START if phase.name in swing.travel.start else END)
            for swing in swings
            if phase.name in swing.travel.start | swing.travel.end
        ]
        self._criteria = [body.hold(criterion) for criterion in phase.criteria]
        self._gates = [
            held
            for held, criterion in zip(self._criteria, phase.criteria, strict=True)
            if phase.strict
            or not any(swing.travel.carries(phase, criterion.measure) for swing in swings)
        ]
        # The phases that can never hold together with this one.
        self.rivals: list[PhaseTracker] = []
        self.shortfall = 0.0
        self.is_known = False
        self.forget()

    @property
    def is_carried(self) -> bool:
        """Whether the phase is an end of a movement, and not only a posture."""
        return bool(self._ends)

    @property
    def is_met(self) -> bool:
        """Whether its gates hold in this frame. A posture has only gates."""
        return self.is_known and self.shortfall == 0.0

    def measure(self) -> None:
        """Measure the gates by the angles of this frame."""
        worst = 0.0
        is_known = True
        for gate in self._gates:
            short = gate.shortfall()
            if short > worst:
                worst = short
            elif short < 0.0:
                is_known = False
        self.shortfall = worst
        self.is_known = is_known

    def follow(self, now_ms: float) -> bool:
        """Whether the phase is entered or left in this frame. Measure all phases before it."""
        if self.holds:
            return self._follow_stay(now_ms)
        return self._follow_approach(now_ms)

    def leave(self) -> None:
        self.holds = False
        self.cues_sent = 0
        self.since_ms = None

    def oust(self) -> None:
        self.leave()
        self.is_ousted = True

    def _follow_stay(self, now_ms: float) -> bool:
        for swing, end in self._ends:
            if swing.end != end:
                self.leave()
                return True
        if not self._is_away():
            self.since_ms = None
            self._note_reach()
            return False
        if self.since_ms is None:
            self.since_ms = now_ms
        if now_ms - self.since_ms < self._settings.exit_ms:
            return False
        self.leave()
        return True

    def _is_away(self) -> bool:
        """Whether a gate fails, or the body is halfway to another end, or there."""
        for swing, end in self._ends:
            if swing.end != end or (
                swing.is_known and swing.away > self._settings.left_share * swing.needed
            ):
                return True
        return self.shortfall > self._tolerance

    def _follow_approach(self, now_ms: float) -> bool:
        if self.is_ousted:
            self.is_ousted = not self._is_away()
        if not self.is_known or self.shortfall > 0.0 or self.is_ousted:
            self.since_ms = None
            return False
        if self.since_ms is None:
            self.since_ms = now_ms
        for swing, end in self._ends:
            if (
                not swing.is_known
                or swing.end != end
                or swing.away > self._settings.back_share * swing.needed
            ):
                return False
        # Who is in the bands of a posture on the way has turned back there, and not at this end.
        if self._ends and any(rival.is_met for rival in self.rivals if not rival.is_carried):
            return False
        if self._gates and now_ms - self.since_ms < self._settings.enter_ms:
            return False
        self.holds = True
        self.since_ms = None
        self.reach = 0.0 if self._ends else 1.0
        self._note_reach()
        return True

    def _note_reach(self) -> None:
        for swing, _ in self._ends:
            if swing.is_known:
                self.reach = max(self.reach, swing.reach())

    def confidence(self) -> float:
        """The confidence, 0 to 1: the visibility of the deciding angles, times how fully the
        carriers reached their bands in this stay."""
        seen = min(criterion.visibility() for criterion in self._criteria)
        return round(seen * self.reach, 3)
