"""The signs of how much of a session could be counted, noted frame by frame."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from detection.engine.engine import Engine
from detection.engine.turning_points import DrivingPaths
from detection.spec import QualityReason

# How long the engine knows an angle that it does not measure.
MAX_STEP_MS: Final = 250.0
# Longer gaps count as this: the person has gone, and nothing could be counted.
MAX_GAP_MS: Final = 2_000.0

Degrees = Sequence[tuple[float | None, float | None]]


class SessionQuality:
    """The signs of a session's quality, a part of its summary.

    `time_ms` is the time between frames, and `unseen_ms` the part that was not seen, by its reason.
    `out_of_view_ms` is the time before the first completion in which the camera stood on the wrong
    side. Until the last completion the angles have `moved` that far, in tenths of a degree;
    `uncounted` went beyond a repetition, and the `completions` took `counted`. Their paths since
    then are stored as those of `DrivingPaths`.
    """

    def __init__(self, engine: Engine, state: Mapping[str, Any]) -> None:
        """`state` is what `state()` gave, or empty. What other code has stored too is ignored."""
        self._engine = engine
        self._paths = DrivingPaths(engine.spec, state.get("paths", []))
        self.time_ms: float = state.get("time_ms", 0.0)
        self.unseen_ms: dict[str, float] = dict(state.get("unseen_ms", {}))
        self.out_of_view_ms: float = state.get("out_of_view_ms", 0.0)
        self.moved: int = state.get("moved", 0)
        self.uncounted: int = state.get("uncounted", 0)
        self.counted: int = state.get("counted", 0)
        self.completions: int = state.get("completions", 0)

    def state(self) -> dict[str, Any]:
        """The signs as JSON values."""
        return {
            "time_ms": self.time_ms,
            "unseen_ms": self.unseen_ms,
            "out_of_view_ms": self.out_of_view_ms,
            "moved": self.moved,
            "uncounted": self.uncounted,
            "counted": self.counted,
            "completions": self.completions,
            "paths": self._paths.state(),
        }

    def accept(self, since_ms: float | None, degrees: Degrees | None, completes: bool) -> None:
        """Note a frame that the engine has followed, `since_ms` after the one before.

        `degrees` are its driving angles, None without a usable pose. `completes` says whether the
        frame completed a repetition.
        """
        is_seen = degrees is not None and self._paths.follow(degrees)
        if since_ms is not None:
            if since_ms > MAX_STEP_MS:
                self._miss(QualityReason.POSE_LOST, min(since_ms, MAX_GAP_MS))
            elif is_seen:
                self.time_ms += since_ms
                if not self.completions and self._engine.is_out_of_view:
                    self.out_of_view_ms += since_ms
            elif self._engine.is_lost:
                self._miss(QualityReason.POSE_JUMPING, since_ms)
            else:
                self._miss(QualityReason.SIDE_HIDDEN, since_ms)
        if completes:
            gone, beyond, of_repetition = self._paths.complete()
            self.moved += gone
            self.uncounted += beyond
            self.counted += of_repetition
            self.completions += 1

    def _miss(self, reason: QualityReason, missed_ms: float) -> None:
        self.time_ms += missed_ms
        self.unseen_ms[reason.value] = self.unseen_ms.get(reason.value, 0.0) + missed_ms
