"""The summary of what a session's frames showed, to explain what was not counted."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from detection import DetectionEvent, Engine
from sessions_app.summary import SessionQuality

# A longer gap between two frames does not count as active time.
MAX_GAP_MS: Final = 2_000.0
LEAST, MOST = 0, 1


class SessionSummary:
    """A part of the stored state, whose size the MoveSpec and the reasons bound.

    `frames` were accepted, of which `usable` had a usable pose. `intervals` counts the gaps between
    them that are not long, and `active_ms` adds them up. `ranges` has the least and the most of
    each of `detection.carried_angles`, in degrees. `steps` is the farthest that a repetition got.
    `rejected` counts frames by reason, except those accepted before, which are `repeated`.
    `quality` says how much could be counted.
    """

    def __init__(self) -> None:
        self.frames = 0
        self.usable = 0
        self.intervals = 0
        self.active_ms = 0.0
        self.ranges: list[list[float | None]] = []
        self.steps = 0
        self.repeated = 0
        self.rejected: Counter[str] = Counter()
        self.quality = SessionQuality()

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> "SessionSummary":
        """The summary of a state. Values that other code has stored are ignored."""
        summary = cls()
        for name in vars(summary):
            if name in state:
                setattr(summary, name, state[name])
        summary.rejected = Counter(summary.rejected)
        summary.quality = SessionQuality.of(state.get("quality", {}))
        return summary

    def state(self) -> dict[str, Any]:
        """The summary as JSON values."""
        return {**vars(self), "quality": self.quality.state()}

    def accept(
        self, engine: Engine, since_ms: float | None, events: Sequence[DetectionEvent]
    ) -> None:
        """Note a frame that the engine has fed, `since_ms` after the last one, and its events."""
        self.frames += 1
        if since_ms is not None and since_ms <= MAX_GAP_MS:
            self.intervals += 1
            self.active_ms = round(self.active_ms + since_ms, 1)
        degrees = engine.carried_degrees() if engine.is_usable else None
        completes = bool(events) and any(event.type == "event_completed" for event in events)
        self.quality.accept(engine, since_ms, degrees, completes=completes)
        if degrees is None:
            return
        self.usable += 1
        if engine.steps_reached > self.steps:
            self.steps = engine.steps_reached
        self._widen(degrees)

    def _widen(self, angles: Sequence[tuple[float | None, float | None]]) -> None:
        if len(self.ranges) != len(angles):
            self.ranges = [[None, None] for _ in angles]
        for range_, (low, high) in zip(self.ranges, angles, strict=True):
            least, most = range_
            # A tenth of a degree is enough, and short to store.
            if low is not None and (least is None or low < least):
                range_[LEAST] = round(low, 1)
            if high is not None and (most is None or high > most):
                range_[MOST] = round(high, 1)
