"""The pose frame of the engine: 33 landmarks in canonical order, in metres.

The order and the axes are those of MediaPipe's pose landmarker: origin between the hips, x to the
right of the image, y down, z away from the camera.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

# fmt: off
LANDMARK_NAMES: tuple[str, ...] = (
    "nose",
    "left_eye_inner", "left_eye", "left_eye_outer",
    "right_eye_inner", "right_eye", "right_eye_outer",
    "left_ear", "right_ear", "mouth_left", "mouth_right",
    "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
    "left_pinky", "right_pinky", "left_index", "right_index", "left_thumb", "right_thumb",
    "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
    "left_heel", "right_heel", "left_foot_index", "right_foot_index",
)
# fmt: on
INDEX = {name: index for index, name in enumerate(LANDMARK_NAMES)}


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Each landmark once, in the canonical order."""
    return tuple(sorted(set(names), key=INDEX.__getitem__))


def _of_both_sides(*parts: str) -> tuple[str, ...]:
    return in_order(f"{side}_{part}" for part in parts for side in ("left", "right"))


# The landmarks that the measures of a part of the body need. The nose keeps the head in the image.
BODY_PARTS: dict[str, tuple[str, ...]] = {
    "full_body": (
        "nose",
        *_of_both_sides("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "foot_index"),
    ),
    "upper_body": ("nose", *_of_both_sides("shoulder", "elbow", "wrist", "hip")),
    "lower_body": _of_both_sides("hip", "knee", "ankle", "foot_index"),
}


class LandmarkLike(Protocol):
    """A landmark, as far as the engine reads it."""

    @property
    def x(self) -> float: ...
    @property
    def y(self) -> float: ...
    @property
    def z(self) -> float: ...
    @property
    def visibility(self) -> float | None: ...


class Landmark(NamedTuple):
    """A point in metres. `visibility` is 0 to 1, None where the sender does not know it."""

    x: float
    y: float
    z: float
    visibility: float | None = None


class PoseFrame(NamedTuple):
    """33 landmarks in the order of LANDMARK_NAMES, seen at `timestamp_ms` of the session."""

    timestamp_ms: float
    landmarks: Sequence[Landmark]
