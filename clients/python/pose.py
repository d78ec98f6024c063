"""The pose of a client: 33 points in metres, in the order of MediaPipe's pose landmarker."""

from collections.abc import Sequence
from typing import Final, Protocol

POSE_SCHEMA: Final = "mediapipe_pose_landmarker/v1"
LANDMARK_NAMES: Final = (
    "nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye",
    "right_eye_outer", "left_ear", "right_ear", "mouth_left", "mouth_right", "left_shoulder",
    "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_pinky",
    "right_pinky", "left_index", "right_index", "left_thumb", "right_thumb", "left_hip",
    "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle", "left_heel",
    "right_heel", "left_foot_index", "right_foot_index",
)  # fmt: skip


class Landmark(Protocol):
    @property
    def x(self) -> float: ...
    @property
    def y(self) -> float: ...
    @property
    def z(self) -> float: ...
    @property
    def visibility(self) -> float | None: ...


class Pose(Protocol):
    @property
    def timestamp_ms(self) -> float: ...
    @property
    def landmarks(self) -> Sequence[Landmark]: ...
