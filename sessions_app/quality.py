"""The quality of a session: how much of it was seen and completed, and what kept the rest from it.

docs/engine.md has the formula, docs/accuracy.md on how many people left out it was right.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec

from detection import CarriedPaths, Engine

# A reason that took less than this share of a session is not named.
MIN_NAMED: Final = 0.05
# Below this a count is off by more than one about as often as not.
DOUBTED_BELOW: Final = 0.87
# As long as the engine knows an angle that it does not measure.
MAX_STEP_MS: Final = 250.0
# Whoever is away for longer is not there, and nothing of his could be counted.
MAX_GAP_MS: Final = 2_000.0

Degrees = Sequence[tuple[float | None, float | None]]


class QualityReason(StrEnum):
    """Why a part of a session could not be counted."""

    POSE_LOST = "pose_lost"
    POSE_JUMPING = "pose_jumping"
    SIDE_HIDDEN = "side_hidden"
    OUT_OF_VIEW = "out_of_view"
    INCOMPLETE_MOVEMENTS = "incomplete_movements"


class Quality(msgspec.Struct):
    """How much of a session could be counted. Below 0.87, doubt the count."""

    seen_share: Annotated[
        float,
        msgspec.Meta(
            ge=0,
            le=1,
            description="The share of the time in which the movement was seen; two decimals.",
        ),
    ]
    completed_share: Annotated[
        float,
        msgspec.Meta(
            ge=0,
            le=1,
            description="The share of the movement that completed repetitions account for; two"
            " decimals. 1 of holds, in which nothing moves.",
        ),
    ]
    countable_share: Annotated[
        float,
        msgspec.Meta(
            ge=0,
            le=1,
            description="The one times the other; rounded to two decimals.",
        ),
    ]
    reasons: Annotated[
        list[QualityReason],
        msgspec.Meta(
            description=f"What took at least {MIN_NAMED} of it: the greatest share first."
        ),
    ]


def quality_of(summary: Mapping[str, Any] | None) -> Quality | None:
    """The quality that a session's stored summary tells. None where it has none, as of a session
    without two frames, or one that older code ran."""
    shares = shares_of((summary or {}).get("quality", {}))
    if shares is None:
        return None
    incomplete = shares[QualityReason.INCOMPLETE_MOVEMENTS]
    unseen = sum(shares.values()) - incomplete
    named = [reason for reason in QualityReason if shares[reason] >= MIN_NAMED]
    named.sort(key=lambda reason: -shares[reason])
    seen, completed = 1.0 - unseen, 1.0 - incomplete
    return Quality(round(seen, 2), round(completed, 2), round(seen * completed, 2), named)


def shares_of(state: Mapping[str, Any]) -> dict[QualityReason, float] | None:
    """The share that each reason took, of the time or of the movement, by the state of a
    `SessionQuality`. None where no time has passed."""
    time_ms = state.get("time_ms", 0.0)
    if not time_ms:
        return None
    shares = {reason: state["unseen_ms"].get(reason, 0.0) / time_ms for reason in QualityReason}
    if not state["completions"]:
        shares[QualityReason.OUT_OF_VIEW] = state.get("out_of_view_ms", 0.0) / time_ms
    moved, uncounted = state["moved"], state["uncounted"]
    for _, _, _, gone, least, most in state["paths"]:
        moved += gone
        # Behind the last completion, one way.
        uncounted += max(0, gone - max(0, most - least))
    if state["completions"]:
        # A count may be off by one: a whole repetition may be missing.
        uncounted -= state["counted"] / state["completions"]
    shares[QualityReason.INCOMPLETE_MOVEMENTS] = max(0.0, uncounted) / moved if moved else 0.0
    return shares


class SessionQuality:
    """The signs of a session's quality, a part of its summary, bounded by what a MoveSpec can
    carry.

    `time_ms` is the time between frames, of which `unseen_ms` was not seen, by its reason, and
    `out_of_view_ms` is what the camera saw from the wrong side until something was completed. Until
    the last completion the angles have `moved` so far, in tenths of a degree, of which `uncounted`
    is what went beyond a repetition, and `counted` is what the `completions` took. `paths` are the
    `detection.CarriedPaths` since then.
    """

    def __init__(self) -> None:
        self.time_ms = 0.0
        self.unseen_ms: dict[str, float] = {}
        self.out_of_view_ms = 0.0
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
        self,
        engine: Engine,
        since_ms: float | None,
        degrees: Degrees | None,
        *,
        completes: bool,
    ) -> None:
        """Note a frame that the engine has taken, so long after the one before.

        `degrees` are its angles that carry the movement, None without a usable pose. `completes`
        says whether the frame completed a repetition.
        """
        if self._paths is None:
            self._paths = CarriedPaths(engine.spec, self._stored)
        is_seen = degrees is not None and self._paths.follow(degrees)
        if since_ms is not None:
            if since_ms > MAX_STEP_MS:
                self._miss(QualityReason.POSE_LOST, min(since_ms, MAX_GAP_MS))
            elif is_seen:
                self.time_ms += since_ms
                if not self.completions and engine.is_out_of_view:
                    self.out_of_view_ms += since_ms
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
