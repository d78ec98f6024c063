"""The readiness: whether what the setup asks for is so. Until then nothing counts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from detection.engine.body import Body
from detection.engine.plausibility import is_seen
from detection.engine.settings import EngineSettings
from detection.landmarks import INDEX, LANDMARK_NAMES, LandmarkLike
from detection.spec import LACKS, Lack, Setup

ReadyState = Literal["no_person", "positioning", "ready"]

_ACROSS: Final = (
    (INDEX["right_shoulder"], INDEX["left_shoulder"]),
    (INDEX["right_hip"], INDEX["left_hip"]),
)


@dataclass(slots=True, eq=False)
class ReadinessState:
    is_ready: bool = False
    # Since when all holds before it is ready, or since when what is asked all the time is lost.
    since_ms: float | None = None
    # Since when each of LACKS is missing, and the bits of those that were told.
    lacking_ms: list[float | None] = field(default_factory=lambda: [None, None, None])
    told: int = 0


def _asked(setup: Setup) -> tuple[tuple[int, int], ...]:
    """The landmarks that must be in sight, each with one that will do in its place.

    Who does not face the camera hides the far side: there one of a left and a right that are both
    asked for will do.
    """
    asked = []
    for name in setup.visible:
        side, _, of = name.partition("_")
        other = f"{'right' if side == 'left' else 'left'}_{of}"
        is_pair = setup.view != "front" and other in setup.visible
        asked.append((INDEX[name], INDEX[other if is_pair else name]))
    return tuple(asked)


class Readiness(ReadinessState):
    """The readiness of a setup, by `visible`, `view` and `start`.

    All must hold for ready_ms before anything counts. The first two are asked all the time, and
    lost for ready_ms they end it.
    """

    __slots__ = ("_settings", "_sight", "_start", "_view", "_visible", "hidden", "lacks")

    def __init__(self, setup: Setup, body: Body, settings: EngineSettings) -> None:
        self._visible = _asked(setup)
        self._view = setup.view
        self._start = [body.hold(criterion) for criterion in setup.start]
        self._sight = settings.sight
        self._settings = settings.setup
        # What this frame lacks: numbers of LACKS, and the landmarks that are out of sight.
        self.lacks: list[int] = []
        self.hidden: list[int] = []
        ReadinessState.__init__(self)

    def forget(self) -> None:
        ReadinessState.__init__(self)
        self.lacks = []
        self.hidden = []

    def check(self) -> None:
        """Raise ValueError for a state that this setup can't have."""
        if len(self.lacking_ms) != len(LACKS):
            raise ValueError("Not the times of a setup.")

    def follow(self, landmarks: Sequence[LandmarkLike], now_ms: float) -> bool:
        """Follow a frame. Whether it ends the readiness."""
        self.hidden = [
            index
            for index, other in self._visible
            if not (
                is_seen(landmarks[index], self._sight) or is_seen(landmarks[other], self._sight)
            )
        ]
        has_view = self._has_view(landmarks)
        has_start = self.is_ready or all(one.shortfall() == 0.0 for one in self._start)
        self.lacks = [
            number
            for number, holds in enumerate((not self.hidden, has_view, has_start))
            if not holds
        ]
        for number in range(len(LACKS)):
            if number not in self.lacks:
                self.lacking_ms[number] = None
                self.told &= ~(1 << number)
            elif self.lacking_ms[number] is None:
                self.lacking_ms[number] = now_ms
        # Ready and nothing lacks, or not ready and something does: as it was.
        if self.is_ready != bool(self.lacks):
            self.since_ms = None
            return False
        if self.since_ms is None:
            self.since_ms = now_ms
        if now_ms - self.since_ms < self._settings.ready_ms:
            return False
        self.is_ready = not self.is_ready
        self.since_ms = None
        return not self.is_ready

    def _has_view(self, landmarks: Sequence[LandmarkLike]) -> bool:
        if self._view == "any":
            return True
        x = z = 0.0
        for right, left in _ACROSS:
            x += landmarks[left].x - landmarks[right].x
            z += landmarks[left].z - landmarks[right].z
        x, z = abs(x), abs(z)
        return (
            x <= self._settings.view_tangent * z
            if self._view == "side"
            else (z <= self._settings.view_tangent * x)
        )

    def news(self, now_ms: float) -> list[Lack]:
        """What has been missing for ready_ms and was not told yet."""
        found: list[Lack] = []
        if self.is_ready:
            return found
        for number, since_ms in enumerate(self.lacking_ms):
            bit = 1 << number
            if (
                since_ms is not None
                and not self.told & bit
                and now_ms - since_ms >= self._settings.ready_ms
            ):
                self.told |= bit
                found.append(LACKS[number])
        return found

    def missing(self) -> list[str]:
        """What this frame lacks: the landmarks that are out of sight by name, `view`, `start`."""
        names = [LANDMARK_NAMES[index] for index in self.hidden]
        return names + [LACKS[number] for number in self.lacks if LACKS[number] != "visible"]
