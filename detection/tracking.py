"""A phase in time: when it is entered and when it is left.

docs/engine.md gives the reason for each rule and the figures by which its constants were chosen.
"""

from typing import Any

from detection.body import Body
from detection.spec import Phase

# How long the criteria must hold before the phase is entered, and fail before it is left.
ENTER_MS = 60.0
EXIT_MS = 60.0
# While the phase holds, its bands are this much wider.
HYSTERESIS_DEGREES = 5.0

# A turn: having come APPROACH_DEGREES nearer, the angles go TURN_DEGREES away again.
APPROACH_DEGREES = 20.0
TURN_DEGREES = 8.0
# A turn this near to the bands enters the phase.
NEAR_DEGREES = 10.0
# So does one this near, once SHORT_TURNS in a row have come no nearer than short of the bands.
SHORT_DEGREES = 25.0
SHORT_TURNS = 2

_NOWHERE = -1.0

State = list[Any]


class PhaseTracker:
    """`shortfall` is by how many degrees the criterion farthest from holding misses its band, of
    those whose angles are known; 0 when all of them hold."""

    __slots__ = (
        "_criteria",
        "_farthest",
        "_is_nearest_to_rival",
        "_nearest",
        "_reach",
        "_short_turns",
        "_since_ms",
        "_tolerance",
        "cues_sent",
        "holds",
        "is_known",
        "name",
        "rivals",
        "shortfall",
    )

    def __init__(self, phase: Phase, body: Body) -> None:
        self.name = phase.name
        self._criteria = [body.hold(criterion) for criterion in phase.criteria]
        # The phases that can never hold together with this one.
        self.rivals: list[PhaseTracker] = []
        self.shortfall = 0.0
        self.is_known = False
        self.forget()

    def forget(self) -> None:
        self.holds = False
        self.cues_sent = 0
        self._since_ms: float | None = None
        self._tolerance = 0.0
        self._reach = 1.0
        # The shortfalls between which the approach under way has come nearer.
        self._farthest = self._nearest = _NOWHERE
        self._is_nearest_to_rival = False
        self._short_turns = 0

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
            self._since_ms = None
            return False
        return self._follow_approach(now_ms)

    def leave(self) -> None:
        self.holds = False
        self._since_ms = None
        self._farthest = self._nearest = self.shortfall

    def _follow_stay(self, now_ms: float) -> bool:
        if self.shortfall <= self._tolerance:
            self._since_ms = None
            return False
        if self._since_ms is None:
            self._since_ms = now_ms
        if now_ms - self._since_ms < EXIT_MS:
            return False
        self.leave()
        return True

    def _follow_approach(self, now_ms: float) -> bool:
        short = self.shortfall
        if short > 0.0:
            self._since_ms = None
        elif self._since_ms is None:
            self._since_ms = now_ms
        elif now_ms - self._since_ms >= ENTER_MS:
            self._short_turns = 0
            self._enter(0.0)
            return True
        if short > self._nearest + TURN_DEGREES:
            if self._counts_as_reached():
                self._enter(self._nearest)
                return True
            self._farthest = self._nearest = short
        elif short > self._farthest:
            self._farthest = self._nearest = short
        elif short < self._nearest:
            self._nearest = short
            self._is_nearest_to_rival = any(
                rival.is_known and rival.shortfall == 0.0 for rival in self.rivals
            )
        return False

    def _counts_as_reached(self) -> bool:
        """The angles have turned away after coming as near as `_nearest`."""
        nearest = self._nearest
        approach = self._farthest - nearest
        if nearest == 0.0 and approach >= TURN_DEGREES:
            self._short_turns = 0
            return True
        if approach < APPROACH_DEGREES or self._is_nearest_to_rival:
            return False
        if nearest <= SHORT_DEGREES:
            self._short_turns = min(self._short_turns + 1, SHORT_TURNS)
        near = SHORT_DEGREES if self._short_turns == SHORT_TURNS else NEAR_DEGREES
        return nearest <= near

    def _enter(self, nearest: float) -> None:
        self.holds = True
        self.cues_sent = 0
        self._since_ms = None
        self._tolerance = nearest + HYSTERESIS_DEGREES
        self._reach = 1.0 - nearest / (2 * SHORT_DEGREES)

    def confidence(self) -> float:
        """0 to 1: how well what the phase rests on is seen, and while the phase holds, times how
        fully its bands were reached: 1 when they were, 0.5 at SHORT_DEGREES from them."""
        seen = min(criterion.visibility() for criterion in self._criteria)
        return round(seen * self._reach if self.holds else seen, 3)

    def snapshot(self) -> State:
        return [
            int(self.holds),
            self.cues_sent,
            self._since_ms,
            self._tolerance,
            self._reach,
            self._farthest,
            self._nearest,
            int(self._is_nearest_to_rival),
            self._short_turns,
        ]

    def restore(self, state: State) -> None:
        (
            holds,
            self.cues_sent,
            self._since_ms,
            self._tolerance,
            self._reach,
            self._farthest,
            self._nearest,
            is_nearest_to_rival,
            self._short_turns,
        ) = state
        self.holds = bool(holds)
        self._is_nearest_to_rival = bool(is_nearest_to_rival)
