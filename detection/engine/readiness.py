"""The readiness: whether what the setup asks for is so. Until then nothing counts."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from detection.engine.arithmetic import has_lasted, since
from detection.engine.body import Body
from detection.engine.criteria import tolerance_of
from detection.engine.points import Point, Points, Pose
from detection.engine.settings import EngineSettings
from detection.engine.signals import Angle
from detection.engine.states import FIXED
from detection.landmarks import INDEX
from detection.spec import LACKS, Criterion, Lack, Setup

ReadyState = Literal["no_person", "positioning", "ready"]

# What a frame does to the readiness: nothing, while something lacks; all holds, but not for long
# enough; it has, as of this frame; it goes on; what had held is lost.
LACKING: Final = 0
SETTLING: Final = 1
BEGUN: Final = 2
READY: Final = 3
LOST: Final = 4

# The bit, beside those of LACKS, that says that something was told since it was ready.
_ANY_LACK: Final = 1 << len(LACKS)


@dataclass(slots=True, eq=False)
class SightState:
    # The bits of the landmarks that are out of sight, of somebody who is in sight.
    hidden: int = 0


class Sight(SightState):
    """The sight of criteria that must hold: of each one side at least must be known."""

    def __init__(self, criteria: Iterable[Criterion], body: Body) -> None:
        self._points = body.points
        self._watched: list[tuple[list[Angle], list[Point]]] = [
            (body.signals_of([criterion]), body.points_of(criterion))
            for criterion in {(one.measure, one.side): one for one in criteria}.values()
        ]
        SightState.__init__(self)

    def look(self, pose: Pose) -> None:
        hidden = 0
        for signals, points in self._watched:
            if all(signal.value is None for signal in signals):
                for point in points:
                    if not point.is_seen:
                        hidden |= 1 << point.index
        self.hidden = _of_somebody(hidden, pose, self._points)


def _of_somebody(hidden: int, pose: Pose, points: Points) -> int:
    """The hidden landmarks, or none where nobody is there who hides them."""
    return hidden if hidden and points.show_somebody(pose) else 0


@dataclass(slots=True, eq=False)
class ReadinessState:
    is_ready: bool = False
    # Whether the start was met since the setup was last lost.
    has_started: bool = False
    # Since when all holds before it is ready, less what was bridged, or since when what is asked
    # all the time is lost.
    since_ms: float | None = None
    # Since when something lacks that may be bridged.
    broken_ms: float | None = None
    # Since when each of LACKS is missing, and the bits of those that were told.
    lacking_ms: list[float | None] = field(
        default_factory=lambda: [None, None, None], metadata=FIXED
    )
    told: int = 0
    # The landmarks that it lacks, as those of a Sight.
    hidden: int = 0


def _asked(setup: Setup) -> tuple[tuple[int, int], ...]:
    """The landmarks that must be in sight, each with one that will do in its place.

    Who is not to face the camera may hide the far side. So of a left and a right that are both
    asked for one will do: always from the side, and from anywhere of a part of the body.
    """
    will_do = setup.view == "side" or (setup.is_body_part and setup.view == "any")
    asked = []
    for name in setup.visible:
        side, _, of = name.partition("_")
        other = f"{'right' if side == 'left' else 'left'}_{of}"
        is_pair = will_do and other in setup.visible
        asked.append((INDEX[name], INDEX[other if is_pair else name]))
    return tuple(asked)


class Readiness(ReadinessState):
    """The readiness of a setup, by `visible`, `view` and `start`."""

    def __init__(self, setup: Setup, body: Body, settings: EngineSettings) -> None:
        self._points = body.points
        of = body.points.of
        self._visible = [(of(one), of(other)) for one, other in _asked(setup)]
        self._view = setup.view
        self._facing = None if setup.view == "any" else body.watch_facing()
        self._start = [(body.bind(one), tolerance_of(one, 0.0)) for one in setup.start]
        self._start_sight = Sight(setup.start, body)
        self._settings = settings.setup
        self._enter_ms = settings.phase.enter_ms
        ReadinessState.__init__(self)

    def forget(self) -> None:
        """Begin anew with nobody; who was not ready before is told no more."""
        told = 0 if self.is_ready else self.told & _ANY_LACK
        ReadinessState.__init__(self)
        self.told = told

    def follow(self, pose: Pose, now_ms: float, since_ms: float) -> int:
        """Follow a frame, whose points are read, `since_ms` after the last one: what it does."""
        is_lacking = self._look(pose, now_ms)
        if self.is_ready:
            self.since_ms = since(self.since_ms, now_ms, is_lacking)
            is_over = has_lasted(self.since_ms, now_ms, self._settings.ready_ms)
            return self._lose() if is_over else READY
        return self._settle(is_lacking, now_ms, since_ms)

    def _look(self, pose: Pose, now_ms: float) -> bool:
        """Note what this frame lacks. Whether it lacks anything."""
        hidden = 0
        for point, other in self._visible:
            if not (point.is_seen or other.is_seen):
                hidden |= 1 << point.index
        has_view = self._facing is None or self._facing.view == self._view
        # Where it can't be seen well, nothing is said of the start.
        is_start_asked = not self.has_started and not hidden and has_view
        has_start = not is_start_asked or all(
            (short := criterion.shortfall()) is not None and short <= tolerance
            for criterion, tolerance in self._start
        )
        holds = (not hidden, has_view, has_start)
        for number in range(len(LACKS)):
            self.lacking_ms[number] = since(self.lacking_ms[number], now_ms, not holds[number])
            if holds[number]:
                self.told &= ~(1 << number)
        self.hidden = _of_somebody(hidden, pose, self._points)
        if is_start_asked:
            self._start_sight.look(pose)
            self.hidden = self._start_sight.hidden
        return not all(holds)

    def _settle(self, is_lacking: bool, now_ms: float, since_ms: float) -> int:
        bridge_ms = self._settings.bridge_ms
        if self.since_ms is not None and self.broken_ms is None and since_ms > bridge_ms:
            self.since_ms += since_ms - bridge_ms
        if self.since_ms is None:
            if is_lacking:
                return LACKING
            self.since_ms = now_ms
        elif is_lacking:
            if self.broken_ms is None:
                self.broken_ms = now_ms
            if now_ms - self.broken_ms <= bridge_ms:
                return SETTLING
            return self._lose()
        elif self.broken_ms is not None:
            self.since_ms += now_ms - self.broken_ms
            self.broken_ms = None
        held_ms = now_ms - self.since_ms
        self.has_started = self.has_started or held_ms >= self._enter_ms
        if held_ms < self._settings.ready_ms:
            return SETTLING
        self.is_ready = True
        self.since_ms = None
        self.told = 0
        return BEGUN

    def _lose(self) -> int:
        self.is_ready = self.has_started = False
        self.since_ms = self.broken_ms = None
        return LOST

    def news(self, now_ms: float) -> list[tuple[Lack, bool]]:
        """What has been missing for ready_ms and was not told yet, and whether nothing else was
        since it was ready."""
        found: list[tuple[Lack, bool]] = []
        if self.is_ready:
            return found
        for number, since_ms in enumerate(self.lacking_ms):
            bit = 1 << number
            if not self.told & bit and has_lasted(since_ms, now_ms, self._settings.ready_ms):
                found.append((LACKS[number], not self.told & _ANY_LACK))
                self.told |= bit | _ANY_LACK
        return found

    def lacks(self) -> list[str]:
        """What the last frame lacks besides landmarks: `view`, `start`."""
        return [
            lack
            for lack, since_ms in zip(LACKS, self.lacking_ms, strict=True)
            if since_ms is not None and lack != "visible"
        ]
