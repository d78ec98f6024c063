"""A pose frame as clients send it, and the reasons for rejecting it.

In `kyna.v1` a frame is JSON, in `kyna.v2` 248 bytes, of which all numbers are little-endian.
"""

import math
import struct
from enum import StrEnum
from typing import Annotated, Final, Literal, NamedTuple

import msgspec

from detection import LANDMARK_NAMES, PackedPose
from detection.engine.points import (
    COORDINATES,
    POSE_BYTES,
    STEPS_PER_METRE,
    UNKNOWN_VISIBILITY,
    VISIBILITY_STEPS,
)
from detection.landmarks import INDEX
from sessions_app.runtime_tokens import INPUT_SCHEMA_VERSION

MAX_FRAME_SEQ: Final = 2**53
# World landmarks have their origin between the hips, image landmarks in a corner of the image.
MAX_HIPS_METRES: Final = 0.3
MAX_DETAIL_CHARACTERS: Final = 120

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
LandmarkName = Literal[LANDMARK_NAMES]  # type: ignore[valid-type]
_CANONICAL: Final = list(LANDMARK_NAMES)
_LEFT_HIP, _RIGHT_HIP = INDEX["left_hip"], INDEX["right_hip"]

# frame_seq, timestamp_ms, the pose, confidence.
FRAME: Final = struct.Struct(f"<Qd{POSE_BYTES}xB")
_POSE_AT: Final = struct.calcsize("<Qd")
# From the x of one hip to the y of the other.
_HIPS: Final = struct.Struct("<hhxxhh")
_HIPS_AT: Final = 6 * INDEX["left_hip"]
# Their middle is within MAX_HIPS_METRES if each of the hips is.
MAX_HIPS_STEPS: Final = round(MAX_HIPS_METRES * STEPS_PER_METRE)
_NO_NUMBER: Final = struct.pack("<h", -0x8000)
_VISIBILITIES: Final = bytes([*range(VISIBILITY_STEPS + 1), UNKNOWN_VISIBILITY])


class RejectReason(StrEnum):
    """Why a frame is rejected. The first reason that applies is sent."""

    SESSION_ENDING = "session_ending"
    MALFORMED_FRAME = "malformed_frame"
    UNSUPPORTED_POSE_SCHEMA = "unsupported_pose_schema"
    INVALID_LANDMARKS = "invalid_landmarks"
    IMAGE_LANDMARKS = "image_landmarks"
    FRAME_SEQ_NOT_INCREASING = "frame_seq_not_increasing"
    TIMESTAMP_NOT_INCREASING = "timestamp_not_increasing"
    TIMESTAMP_BEYOND_SESSION = "timestamp_beyond_session"
    TOO_MANY_FRAMES = "too_many_frames"


# What the decoders raise for JSON that they can't take.
UNDECODABLE: Final = (msgspec.MsgspecError, ValueError, RecursionError)
INVALID_LANDMARKS: Final = RejectReason.INVALID_LANDMARKS


class Rejection(NamedTuple):
    """A rejected frame. `detail` names the field at fault, and its fault."""

    reason: RejectReason
    detail: str | None = None


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
    frame_seq: Annotated[int, msgspec.Meta(ge=1, le=MAX_FRAME_SEQ)]
    source: Source | None = None


class Frame(_Outline, gc=False, kw_only=True):
    """A pose frame. The engine reads it as it is once its landmarks are in canonical order."""

    pose_schema: Literal[INPUT_SCHEMA_VERSION]  # type: ignore[valid-type]
    landmarks: Annotated[
        list[Landmark], msgspec.Meta(min_length=len(_CANONICAL), max_length=len(_CANONICAL))
    ]


_decode_frame = msgspec.json.Decoder(Frame).decode
_decode_outline = msgspec.json.Decoder(_Outline).decode


def read_frame(raw: bytes) -> Frame | Rejection:
    """The frame of this JSON, or its rejection."""
    try:
        return checked(_decode_frame(raw))
    except UNDECODABLE as error:
        fault = error
    try:
        outline = _decode_outline(raw)
    except UNDECODABLE as error:
        return Rejection(RejectReason.MALFORMED_FRAME, _detail(error))
    if outline.pose_schema != INPUT_SCHEMA_VERSION:
        return Rejection(RejectReason.UNSUPPORTED_POSE_SCHEMA, _detail(fault))
    return Rejection(INVALID_LANDMARKS, _detail(fault))


def _detail(error: Exception) -> str:
    """Such as: Expected `float`, got `str` - at `$.landmarks[3].x`."""
    # messages.py puts `{}` for NaN and Infinity.
    return cut(str(error).replace("got `object`", "got an object, NaN or Infinity"))


def cut(text: str, characters: int = MAX_DETAIL_CHARACTERS) -> str:
    return text if len(text) <= characters else f"{text[: characters - 1]}…"


def checked(frame: Frame) -> Frame | Rejection:
    """The frame with its landmarks in canonical order, or its rejection if they are no pose."""
    landmarks = frame.landmarks
    if [landmark.name for landmark in landmarks] != _CANONICAL:
        by_name = {landmark.name: landmark for landmark in landmarks}
        if len(by_name) != len(_CANONICAL):
            missing = next(name for name in _CANONICAL if name not in by_name)
            return Rejection(INVALID_LANDMARKS, f"landmarks lacks {missing} and has another twice")
        landmarks = frame.landmarks = [by_name[name] for name in _CANONICAL]
    left, right = landmarks[_LEFT_HIP], landmarks[_RIGHT_HIP]
    return hips_rejection(left.x, left.y, right.x, right.y) or frame


def hips_rejection(
    left_x: float, left_y: float, right_x: float, right_y: float
) -> Rejection | None:
    """The rejection of landmarks of the image, by their hips in metres."""
    x, y = left_x / 2 + right_x / 2, left_y / 2 + right_y / 2
    if abs(x) <= MAX_HIPS_METRES and abs(y) <= MAX_HIPS_METRES:
        return None
    detail = (
        f"the middle of the hips is at x {x:.3g}, y {y:.3g}, "
        f"over {MAX_HIPS_METRES} m from the origin"
    )
    return Rejection(RejectReason.IMAGE_LANDMARKS, detail)


class PackedFrame(msgspec.Struct, gc=False):
    """A frame whose pose lies in its message."""

    frame_seq: int
    timestamp_ms: float
    landmarks: PackedPose


def read_packed(
    data: bytes, at: int, frame_seq: int, timestamp_ms: float, confidence: int
) -> PackedFrame | Rejection:
    """The frame of these numbers with the pose in `data`, whose frame begins at `at`."""
    malformed = RejectReason.MALFORMED_FRAME
    if not 1 <= frame_seq <= MAX_FRAME_SEQ:
        return Rejection(malformed, "frame_seq is from 1 to 2^53")
    if not math.isfinite(timestamp_ms):
        return Rejection(malformed, "timestamp_ms is not finite")
    if confidence > VISIBILITY_STEPS:
        return Rejection(malformed, f"confidence is over {VISIBILITY_STEPS} steps")
    at += _POSE_AT
    visibilities_at = at + 2 * COORDINATES
    number = data.find(_NO_NUMBER, at, visibilities_at)
    while number != -1:
        if (number - at) % 2 == 0:
            name = LANDMARK_NAMES[(number - at) // 6]
            return Rejection(INVALID_LANDMARKS, f"{name} has no number")
        number = data.find(_NO_NUMBER, number + 1, visibilities_at)
    if data[visibilities_at : at + POSE_BYTES].translate(None, _VISIBILITIES):
        return Rejection(INVALID_LANDMARKS, f"a visibility is over {VISIBILITY_STEPS} steps")
    hips = _HIPS.unpack_from(data, at + _HIPS_AT)
    if max(map(abs, hips)) > MAX_HIPS_STEPS:
        rejection = hips_rejection(*(steps / STEPS_PER_METRE for steps in hips))
        if rejection is not None:
            return rejection
    return PackedFrame(frame_seq, timestamp_ms, PackedPose(data, at))
