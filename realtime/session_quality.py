"""The signs by which a session tells how much of it could be counted: `sessions_app.quality`."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from detection import CarriedPaths, Engine
from sessions_app.quality import QualityReason

# As long as the engine knows an angle that it does not measure.
LONGEST_STEP_MS: Final = 250.0
# Whoever is away for longer is not there, and nothing of his could be counted.
LONGEST_GAP_MS: Final = 2_000.0

Degrees = Sequence[tuple[float | None, float | None]]


class SessionQuality:
    """A part of a session's summary, bounded by what a MoveSpec can carry.

    `time_ms` is the time between frames, of which `unseen_ms` was not seen, by its reason. Until
    the last completion the angles have `moved` so far, in tenths of a degree, of which `uncounted`
    is what went beyond a repetition, and `counted` is what the `completions` took. `paths` are the
    `detection.CarriedPaths` since then.
    """

    def __init__(self) -> None:
        self.time_ms = 0.0
        self.unseen_ms: dict[str, float] = {}
        self.moved = 0
        self.uncounted = 0
        self.counted = 0
        self.completions = 0
        # What is stored of the paths, until a frame comes with its MoveSpec.
        self._stored: list[list[int]] = []
        self._paths: CarriedPaths | None = None

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> "SessionQuality":
        """The signs of a state. What other code has stored beside is passed over."""
        quality = cls()
        for name in vars(quality):
            if name in state:
                setattr(quality, name, state[name])
        quality._stored = state.get("paths", [])
        return quality

    def state(self) -> dict[str, Any]:
        """The signs as JSON values."""
        signs = {name: value for name, value in vars(self).items() if not name.startswith("_")}
        return {**signs, "paths": self._paths.state() if self._paths else self._stored}

    def accept(
        self, engine: Engine, since_ms: float | None, degrees: Degrees | None, *, completes: bool
    ) -> None:
        """Note a frame that the engine has taken, so long after the one before.

        `degrees` are its angles that carry the movement, None without a usable pose. `completes`
        says whether the frame completed a repetition.
        """
        if self._paths is None:
            self._paths = CarriedPaths(engine.spec, self._stored)
        is_seen = degrees is not None and self._paths.follow(degrees)
        if not degrees and engine.is_hidden:
            is_seen = False  # nothing carries, so what must hold is all there is to see
        if since_ms is not None:
            if since_ms > LONGEST_STEP_MS:
                self._miss(QualityReason.POSE_LOST, min(since_ms, LONGEST_GAP_MS))
            elif is_seen:
                self.time_ms += since_ms
            elif engine.is_lost:
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
