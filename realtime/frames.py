"""A pose frame as clients send it, and why one is rejected."""

from enum import StrEnum
from typing import Annotated, Final, Literal

import msgspec

from detection import LANDMARK_NAMES
from detection.landmarks import INDEX
from sessions_app.runtime_tokens import INPUT_SCHEMA_VERSION

MOST_FRAME_SEQ: Final = 2**53
# World landmarks have their origin between the hips, image landmarks in a corner of the image.
MOST_HIPS_METRES: Final = 0.3

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
LandmarkName = Literal[LANDMARK_NAMES]  # type: ignore[valid-type]
_CANONICAL: Final = list(LANDMARK_NAMES)
_LEFT_HIP, _RIGHT_HIP = INDEX["left_hip"], INDEX["right_hip"]


class RejectReason(StrEnum):
    """The reason why a frame is rejected. If several apply, the first of this list is told."""

    SESSION_ENDING = "session_ending"
    MALFORMED_FRAME = "malformed_frame"
    UNSUPPORTED_POSE_SCHEMA = "unsupported_pose_schema"
    INVALID_LANDMARKS = "invalid_landmarks"
    IMAGE_LANDMARKS = "image_landmarks"
    FRAME_SEQ_NOT_INCREASING = "frame_seq_not_increasing"
    TIMESTAMP_NOT_INCREASING = "timestamp_not_increasing"
    TIMESTAMP_BEYOND_SESSION = "timestamp_beyond_session"
    TOO_MANY_FRAMES = "too_many_frames"


class Landmark(msgspec.Struct, gc=False):
    """A point of the pose, in metres; see detection.Landmark."""

    name: LandmarkName
    x: float
    y: float
    z: float
    visibility: Share | None = None
    presence: Share | None = None


class Source(msgspec.Struct, gc=False):
    kind: Literal["camera", "stream", "upload"]
    frame_width: Annotated[int, msgspec.Meta(ge=1)]
    frame_height: Annotated[int, msgspec.Meta(ge=1)]


class _Outline(msgspec.Struct, gc=False, kw_only=True):
    """The fields of a frame of any schema, without its pose."""

    timestamp_ms: float
    pose_schema: str
    confidence: Share
    frame_seq: Annotated[int, msgspec.Meta(ge=1, le=MOST_FRAME_SEQ)]
    source: Source | None = None


class Frame(_Outline, gc=False, kw_only=True):
    """A pose frame. The engine takes it as it is once its landmarks are in canonical order."""

    pose_schema: Literal[INPUT_SCHEMA_VERSION]  # type: ignore[valid-type]
    landmarks: Annotated[
        list[Landmark], msgspec.Meta(min_length=len(_CANONICAL), max_length=len(_CANONICAL))
    ]


_decode_frame = msgspec.json.Decoder(Frame).decode
_decode_outline = msgspec.json.Decoder(_Outline).decode


def read_frame(raw: bytes) -> Frame | RejectReason:
    """The frame of this JSON, or the reason why it is rejected."""
    try:
        return checked(_decode_frame(raw))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _fault(raw)


def _fault(raw: bytes) -> RejectReason:
    """Why a frame could not be decoded: the pose is at fault if the outline can be decoded."""
    try:
        outline = _decode_outline(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return RejectReason.MALFORMED_FRAME
    if outline.pose_schema != INPUT_SCHEMA_VERSION:
        return RejectReason.UNSUPPORTED_POSE_SCHEMA
    return RejectReason.INVALID_LANDMARKS


def checked(frame: Frame) -> Frame | RejectReason:
    """The frame with its landmarks in canonical order, or the reason why they are no pose."""
    landmarks = frame.landmarks
    if [landmark.name for landmark in landmarks] != _CANONICAL:
        by_name = {landmark.name: landmark for landmark in landmarks}
        if len(by_name) != len(_CANONICAL):
            return RejectReason.INVALID_LANDMARKS
        landmarks = frame.landmarks = [by_name[name] for name in _CANONICAL]
    left, right = landmarks[_LEFT_HIP], landmarks[_RIGHT_HIP]
    if (
        abs(left.x / 2 + right.x / 2) > MOST_HIPS_METRES
        or abs(left.y / 2 + right.y / 2) > MOST_HIPS_METRES
    ):
        return RejectReason.IMAGE_LANDMARKS
    return frame
