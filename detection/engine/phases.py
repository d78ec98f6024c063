"""A phase in time: when it is entered and when it is left.

docs/engine.md gives the reason for each rule and the figures by which its settings were chosen.
"""

from detection.engine.body import Body
from detection.engine.memory import Remembering
from detection.engine.settings import EngineSettings
from detection.spec import Phase

_NOWHERE = -1.0


class PhaseTracker(Remembering):
    """`shortfall` is by how many degrees the criterion farthest from holding misses its band, of
    those whose angles are known; 0 when all of them hold."""

    MEMORY = {
        "holds": False,
        "cues_sent": 0,
        "since_ms": None,
        # The shortfalls between which the approach under way has come nearer. While the phase
        # holds, `nearest` is the one that entered it.
        "farthest": _NOWHERE,
        "nearest": _NOWHERE,
        "is_nearest_to_rival": False,
        "short_turns": 0,
    }
    __slots__ = (
        *MEMORY,
        "_criteria",
        "_is_strict",
        "_settings",
        "is_known",
        "name",
        "rivals",
        "shortfall",
    )
    holds: bool
    cues_sent: int
    since_ms: float | None
    farthest: float
    nearest: float
    is_nearest_to_rival: bool
    short_turns: int

    def __init__(self, phase: Phase, body: Body, settings: EngineSettings) -> None:
        self.name = phase.name
        self._settings = settings
        self._is_strict = phase.strict
        self._criteria = [body.hold(criterion) for criterion in phase.criteria]
        # The phases that can never hold together with this one.
        self.rivals: list[PhaseTracker] = []
        self.shortfall = 0.0
        self.is_known = False
        self.forget()

    def measure(self, now_ms: float) -> None:
        """Hold the criteria against the angles of this frame."""
        worst = 0.0
        is_known = True
        for criterion in self._criteria:
            short = criterion.shortfall(now_ms)
            if short > worst:
                worst = short
            elif short < 0.0:
                is_known = False
        self.shortfall = worst
        self.is_known = is_known

    def follow(self, now_ms: float) -> bool:
        """Whether the phase is entered or left in this frame. All phases are measured by now."""
        if self.holds:
            return self._follow_stay(now_ms)
        if not self.is_known:
            self.since_ms = None
            return False
        return self._follow_approach(now_ms)

    def leave(self) -> None:
        self.holds = False
        self.cues_sent = 0
        self.since_ms = None
        self.farthest = self.nearest = self.shortfall

    def _follow_stay(self, now_ms: float) -> bool:
        if self.shortfall <= self.nearest + self._settings.hysteresis_degrees:
            self.since_ms = None
            return False
        if self.since_ms is None:
            self.since_ms = now_ms
        if now_ms - self.since_ms < self._settings.exit_ms:
            return False
        self.leave()
        return True

    def _follow_approach(self, now_ms: float) -> bool:
        short = self.shortfall
        if short > 0.0:
            self.since_ms = None
        elif self.since_ms is None:
            self.since_ms = now_ms
        elif now_ms - self.since_ms >= self._settings.enter_ms:
            self.short_turns = 0
            self._enter(0.0)
            return True
        if self._is_strict:
            return False
        if short > self.nearest + self._settings.turn_degrees:
            if self._counts_as_reached():
                self._enter(self.nearest)
                return True
            self.farthest = self.nearest = short
        elif short > self.farthest:
            self.farthest = self.nearest = short
        elif short < self.nearest:
            self.nearest = short
            self.is_nearest_to_rival = any(
                rival.is_known and rival.shortfall == 0.0 for rival in self.rivals
            )
        return False

    def _counts_as_reached(self) -> bool:
        """The angles have turned away after coming as near as `nearest`."""
        settings = self._settings
        nearest = self.nearest
        approach = self.farthest - nearest
        if nearest == 0.0 and approach >= settings.turn_degrees:
            self.short_turns = 0
            return True
        if approach < settings.approach_degrees or self.is_nearest_to_rival:
            return False
        if nearest <= settings.short_degrees:
            self.short_turns = min(self.short_turns + 1, settings.short_turns)
        if self.short_turns == settings.short_turns:
            return nearest <= settings.short_degrees
        return nearest <= settings.near_degrees

    def _enter(self, nearest: float) -> None:
        self.holds = True
        self.since_ms = None
        self.farthest = _NOWHERE
        self.nearest = nearest
        self.is_nearest_to_rival = False

    def confidence(self) -> float:
        """0 to 1: how well what the phase rests on is seen, and while the phase holds, times how
        fully its bands were reached: 1 when they were, 0.5 at short_degrees from them."""
        seen = min(criterion.visibility() for criterion in self._criteria)
        if self.holds:
            seen *= 1.0 - self.nearest / (2 * self._settings.short_degrees)
        return round(seen, 3)
