"""The swing of a movement between two ends: the end at which the body is, by its own range.

docs/engine.md gives each rule with its settings.
"""

from dataclasses import dataclass, field
from statistics import median
from typing import Final, NamedTuple

from detection.engine.arithmetic import SHARE_STEPS, has_lasted, rounded, since
from detection.engine.body import Body
from detection.engine.driving import END, START, BoundAngle, MovingSides, RangeOfMotion
from detection.engine.plan import Edges
from detection.engine.settings import EngineSettings
from detection.engine.turning_points import Way, last_place, note, turned, way_of
from detection.spec import Detail, Measure

# The edge of each end's band, as a share of the gap.
_EDGES: Final = {START: 0.0, END: 1.0}

# The place of a stay is the mean of about so many frames, and of so many at least.
STAY_FRAMES: Final = 16
MIN_STAY_FRAMES: Final = 3


class TurnedBack(NamedTuple):
    """A way to the other end that was not gone, since when, and the measure that lacked most of it,
    with the degrees that it lacked."""

    from_end: int
    since_ms: float
    measure: Measure
    by: float
    detail: Detail


@dataclass(slots=True, eq=False)
class SwingState:
    # Where the body was last, 0 while unknown.
    end: int = 0
    since_ms: float | None = None
    # The farthest point there, and the share of each angle in it.
    farthest: float = 0.0
    farthest_shares: list[float] = field(default_factory=list)
    # The farthest point of the stay at the other end, from where it came.
    origin: float = 0.0
    # The turning points, each more than min_swing from the last: `way` is the direction.
    way: int = 0
    turns: int = 0
    top: float | None = None
    bottom: float | None = None
    recent: list[float] = field(default_factory=list)
    # Since when the body is away from there, how far it has come, and each angle then.
    away_ms: float | None = None
    tried: float = 0.0
    tried_shares: list[float] = field(default_factory=list)
    # When the body arrived there, and whether a phase at this end was entered since.
    arrived_ms: float = 0.0
    is_met: bool = False
    # The path to here, from where it came and where it is thought to lead; and the path away.
    path_here: list[int] = field(default_factory=list)
    came_from: float = 0.0
    goal: float = 0.0
    path_away: list[int] = field(default_factory=list)
    # The farthest point when it last grew, and when that was.
    grown: float = 0.0
    grown_ms: float = 0.0
    # Where the body stays since, the mean of so many frames.
    stays_at: float = 0.0
    stays_frames: int = 0


class Swing(SwingState):
    """The swing between START and END. All its ways are shares of the gap.

    `away` is how far the body has come from its farthest point there. Of this frame: `has_arrived`
    at its end; `parted_ms` is since when it goes away from there, and as it arrives since when it
    went away from the other end; `unmet` is the end that it left without having entered a phase
    there, 0 if none, and `unmet_ms` when it had come to it; `turned_back` is a way that it gave up;
    `gone` is the way to the farthest point at the other end, as it arrives here.
    """

    def __init__(
        self, motion: RangeOfMotion, body: Body, strict: frozenset[str], settings: EngineSettings
    ) -> None:
        self.motion = motion
        self.angles = [BoundAngle(angle, body) for angle in motion.angles]
        self.sides = MovingSides(motion.moving_sides, body, settings.swing.min_side_share)
        self._settings = settings.swing
        self._weights = [angle.gap / motion.gap for angle in self.angles]
        self._min_swing = settings.swing.min_swing(motion.gap) / motion.gap
        self._near_share = settings.phase.back_share
        self._strict_ends = {START: motion.start <= strict, END: motion.end <= strict}
        self._enter_ms = settings.phase.enter_ms
        self._lag_ms = settings.smoothing.smoothing_ms
        self.gone: Way | None = None
        self.away = 0.0
        self.beyond = 0.0
        self.needed = 1.0
        self.is_known = False
        self.has_arrived = False
        self.unmet = 0
        self.unmet_ms = 0.0
        self.turned_back: TurnedBack | None = None
        self.parted_ms: float | None = None
        self.forget()

    def forget(self) -> None:
        SwingState.__init__(self)
        self.sides.forget()
        self.parted_ms = None

    def measure(self, now_ms: float) -> None:
        self.has_arrived = False
        self.parted_ms = self.away_ms
        self.unmet = 0
        self.turned_back = None
        shares = []
        position = 0.0
        for number, angle in enumerate(self.angles):
            share = angle.share()
            if share is None:
                self.is_known = False
                self.since_ms = None
                return
            share = rounded(share, SHARE_STEPS)
            shares.append(share)
            position += share * self._weights[number]
        position = rounded(position, SHARE_STEPS)
        self.is_known = True
        self.sides.measure()
        self._follow_turns(position)
        if self.end:
            self._follow_stay(position, shares, now_ms)
        else:
            self._find_end(position, shares, now_ms)
        if not self.has_arrived:
            self.parted_ms = self.away_ms
        self.away = rounded(abs(position - self.farthest), SHARE_STEPS) if self.end else 0.0
        self.beyond = position if self.end == START else 1.0 - position

    def resume(self) -> None:
        self.needed = self._needed(-self.end)

    def _follow_turns(self, position: float) -> None:
        top = position if self.top is None else self.top
        bottom = position if self.bottom is None else self.bottom
        way, new_top, new_bottom = turned(self.way, top, bottom, position, self._min_swing)
        if way != self.way:
            if self.way:
                swung = new_top - bottom if way < 0 else top - new_bottom
                swung = rounded(swung, SHARE_STEPS)
                self.recent = [*self.recent, swung][-self._settings.recent_swings :]
                self.needed = self._needed(-self.end)
            self.way = way
            self.turns += 1
        self.top, self.bottom = new_top, new_bottom

    def _find_end(self, position: float, shares: list[float], now_ms: float) -> None:
        """Find the end by the bands, or by a whole swing of a person who reaches no band."""
        end = START if position <= 0.0 else END if position >= 1.0 else 0
        if not end and self.turns >= 2 and self.top is not None and self.bottom is not None:
            self._arrive(-self.way, self.top if self.way < 0 else self.bottom, shares, now_ms)
            return
        is_there = end != 0 and self.sides.are_off(-end)
        self._arrive_once(is_there, end, position, shares, now_ms)

    def _follow_stay(self, position: float, shares: list[float], now_ms: float) -> None:
        end = self.end
        come = rounded((self.farthest - position) * end, SHARE_STEPS)
        if come <= 0.0:
            self.farthest = position
            self.farthest_shares = shares
            if self._strict_ends[end]:
                self.needed = self._needed(-end)
        self._note_place(position, come, now_ms)
        self._follow_try(come, shares, now_ms)
        self._arrive_once(self._has_come(come, shares), -end, position, shares, now_ms)

    def _arrive_once(
        self, is_there: bool, end: int, position: float, shares: list[float], now_ms: float
    ) -> None:
        """Arrive at an end once the body has been there for enter_ms, in two frames at least."""
        if is_there and has_lasted(self.since_ms, now_ms, self._enter_ms):
            self._arrive(end, position, shares, now_ms)
        else:
            self.since_ms = since(self.since_ms, now_ms, is_there)

    def _note_place(self, position: float, come: float, now_ms: float) -> None:
        """Note the place on the way to the farthest point, or on the way from there."""
        apart = self._settings.path_share * max(come, self._min_swing)
        if come >= apart:
            gone = (last_place(self.path_away, self.farthest) - position) * self.end
            if gone >= apart:
                note(self.path_away, now_ms, position)
            elif gone < 0.0:
                # An error was there before the body.
                self.path_away[-2] = (self.path_away[-2] + int(now_ms)) // 2
            return
        self.path_away.clear()
        here = position * self.end
        if self.path_here and here - last_place(self.path_here, position) * self.end >= apart:
            note(self.path_here, now_ms, position)
        whole = max(abs(position - self.came_from), self._min_swing)
        if here - self.grown * self.end >= self._settings.grown_share * whole:
            self.grown, self.grown_ms = position, now_ms
            self.stays_frames = 0
        elif now_ms - self.grown_ms >= self._settings.stay_ms:
            self.stays_frames = min(self.stays_frames + 1, STAY_FRAMES)
            change = (position - self.stays_at) / self.stays_frames
            self.stays_at = rounded(self.stays_at + change, SHARE_STEPS)

    def _turning_point(self) -> float:
        """The farthest point, without the errors that make it the farthest if the body stays."""
        return self.stays_at if self.stays_frames >= MIN_STAY_FRAMES else self.farthest

    def is_over(self, now_ms: float) -> bool:
        """Whether the way to this end is over: it goes no farther, or away again."""
        return self.away_ms is not None or now_ms - self.grown_ms >= self._settings.over_ms

    def way_here(self, *, is_over: bool) -> tuple[float | None, float | None]:
        """When the way to this end began, and when it was over if it is."""
        goal = self._turning_point()
        if not is_over and (self.goal - goal) * self.end > 0.0:
            goal = self.goal
        way = self._way(self.path_here, self.came_from, goal)
        if way is None:
            return None, None
        return way.began_ms, way.ended_ms if is_over else None

    def seems_over(self, now_ms: float) -> float | None:
        """When the way to this end was over by its places, if they say so for stay_ms already."""
        if any(angle.share() is None for angle in self.angles):
            return None
        _, ended_ms = self.way_here(is_over=True)
        is_late = ended_ms is not None and now_ms - ended_ms >= self._settings.stay_ms
        return ended_ms if is_late else None

    def _way(self, path: list[int], start: float, goal: float) -> Way | None:
        """The way of a path, which smoothed angles come late."""
        way = way_of(path, start, goal)
        return way and Way(way.began_ms - self._lag_ms, way.ended_ms - self._lag_ms)

    def _follow_try(self, come: float, shares: list[float], now_ms: float) -> None:
        """Follow how far the body goes before it is near its farthest point again."""
        if come > self._near_share * self.needed:
            if self.away_ms is None:
                self.away_ms = now_ms
            if come > self.tried:
                self.tried = come
                self.tried_shares = shares
                self.sides.tried = self.sides.shares
            return
        self.sides.stay(self.end)
        if self.away_ms is not None:
            has_tried = self._is_try(-self.end, self.farthest, self.tried)
            if has_tried and now_ms - self.away_ms >= self._settings.attempt_ms:
                self.turned_back = self._lack(self.away_ms)
            self._forget_try()

    def _forget_try(self) -> None:
        self.away_ms = None
        self.tried = 0.0
        self.tried_shares = []
        self.sides.tried = []

    def _is_try(self, end: int, origin: float, gone: float) -> bool:
        """Whether the body, gone so far from a point, has tried to come to an end. To a strict one
        the whole way counts, though its needed way is shorter."""
        if end == self.end and not self._strict_ends[end]:
            return True  # it has come
        asked = abs(_EDGES[end] - origin) if self._strict_ends[end] else self.needed
        return gone >= self._settings.attempt_share * asked

    def _lack(self, since_ms: float) -> TurnedBack:
        behind = self.sides.behind(self.end)
        if behind is not None:
            return TurnedBack(self.end, since_ms, *behind, "one_sided")
        end = -self.end
        most, number = 0.0, 0
        for index, angle in enumerate(self.angles):
            if self._strict_ends[end]:
                lack = (_EDGES[end] - self.tried_shares[index]) * end
            else:
                gone = (self.tried_shares[index] - self.farthest_shares[index]) * end
                lack = self.needed - gone
            if lack * angle.gap > most:
                most, number = lack * angle.gap, index
        measure = self.motion.angles[number].measure
        return TurnedBack(self.end, since_ms, measure, most, "too_low")

    def _needed(self, end: int) -> float:
        """The share of the gap that the body must come from one end to be at the other."""
        if end and self._strict_ends[end]:
            return self._min_swing
        needed = 1.0
        if len(self.recent) >= self._settings.range_swings:
            needed = self._settings.swing_share * median(self.recent)
        came = abs(self.farthest - self.origin)
        if end and self._strict_ends[-end] and came >= self._min_swing:
            # What came to a strict end counts, however far is usual, and so does the way back.
            needed = min(needed, self._settings.swing_share * came)
        return max(self._min_swing, needed)

    def _has_come(self, come: float, shares: list[float]) -> bool:
        """Whether the body has come to the other end, each angle by its least share."""
        end, least = self.end, self._settings.min_swing_share
        return (
            come >= self.needed
            and all(
                (before - share) * end >= least
                for before, share in zip(self.farthest_shares, shares, strict=True)
            )
            and self.sides.have_come(end)
        )

    def _arrive(self, end: int, position: float, shares: list[float], now_ms: float) -> None:
        came = abs(self.farthest - self.origin)
        if self.end and not self.is_met and self._is_try(self.end, self.origin, came):
            self.unmet, self.unmet_ms = self.end, self.arrived_ms
        turned_at = self._turning_point() if self.end else position
        self.gone = self._way(self.path_here, self.came_from, turned_at)
        self.path_here, self.path_away = self.path_away, []
        self.goal = self.came_from if self.end else position
        self.came_from = turned_at
        self.grown, self.grown_ms = position, now_ms
        self.stays_frames = 0
        self.arrived_ms = now_ms
        self.origin = self.farthest if self.end else position
        self.has_arrived = True
        self.is_met = False
        self.end = end
        self.since_ms = None
        self.farthest = position
        self.farthest_shares = shares
        self.sides.farthest = self.sides.shares
        self.needed = self._needed(-end)
        self.parted_ms = self.away_ms
        self._forget_try()

    def is_on_the_way(self) -> bool:
        """Whether the body is away from its end, or came to one where no phase was entered."""
        if self.away_ms is not None:
            return True
        came = abs(self.farthest - self.origin)
        return self.end != 0 and not self.is_met and came > self._near_share * self.needed

    def reach(self) -> float:
        """The nearness to the band of the end: 1 within it, 0 a gap and more away."""
        return 1.0 - min(max(self.beyond, 0.0), 1.0)

    def is_before(self, edges: Edges, end: int, margin: float) -> bool:
        """Whether the body, outside the band of an end, has come past none of these edges by the
        margin."""
        if self.beyond <= 0.0:
            return False
        for number, edge in edges:
            angle = self.angles[number]
            is_low = angle.is_low_at(end)
            low, high = angle.values()
            value = low if is_low else high
            if value is not None:
                past = edge - value if is_low else value - edge
                if past > margin:
                    return False
        return True
