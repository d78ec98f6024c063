"""The summary of what a session's frames showed, for whoever asks why something was not counted."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from detection import Engine
from realtime.frames import RejectReason

# A longer gap between two frames is no time in which somebody moved.
LONGEST_GAP_MS: Final = 2_000.0
LEAST, MOST = 0, 1


class SessionSummary:
    """A part of the stored state, bounded by what a MoveSpec can carry and by the reasons."""

    def __init__(
        self,
        usable: int = 0,
        active_ms: float = 0.0,
        ranges: Iterable[Sequence[float | None]] = (),
        steps: int = 0,
        rejected: Mapping[str, int] | None = None,
    ) -> None:
        """`usable` frames had a usable pose. Frames came for `active_ms` of their own time.

        `ranges` are of `detection.carried_angles`, in their order: the least of each at its low end
        and the most at its high end, in degrees. A repetition has reached so many `steps` at most.
        """
        self._usable = usable
        self._active_ms = active_ms
        self._ranges = [list(range_) for range_ in ranges]
        self._steps = steps
        self._rejected = Counter(rejected or {})

    def state(self) -> dict[str, Any]:
        """The arguments that make it again, as JSON values."""
        return {
            "usable": self._usable,
            "active_ms": self._active_ms,
            "ranges": self._ranges,
            "steps": self._steps,
            "rejected": self._rejected,
        }

    def accept(self, engine: Engine, since_ms: float | None) -> None:
        """Note a frame that the engine has taken, so long after the one before."""
        if since_ms is not None and since_ms <= LONGEST_GAP_MS:
            self._active_ms = round(self._active_ms + since_ms, 1)
        if not engine.is_usable:
            return
        self._usable += 1
        if engine.steps_reached > self._steps:
            self._steps = engine.steps_reached
        angles = engine.carried_degrees()
        if len(self._ranges) != len(angles):
            self._ranges = [[None, None] for _ in angles]
        for range_, (low, high) in zip(self._ranges, angles, strict=True):
            least, most = range_
            # A tenth of a degree will do, and is short to store.
            if low is not None and (least is None or low < least):
                range_[LEAST] = round(low, 1)
            if high is not None and (most is None or high > most):
                range_[MOST] = round(high, 1)

    def reject(self, reason: RejectReason) -> None:
        self._rejected[reason.value] += 1
