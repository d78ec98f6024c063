"""A pose frame as clients send it, and the reasons for rejecting it."""

from enum import StrEnum
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec

from detection import LANDMARK_NAMES
from detection.landmarks import INDEX
from kynaplatform.api.faults import faults_of
from sessions_app.admission import INPUT_SCHEMA_VERSION

MAX_FRAME_SEQ: Final = 2**53
# World landmarks have their origin between the hips, image landmarks in a corner of the image.
MAX_HIPS_METRES: Final = 0.3
MAX_DETAIL_CHARACTERS: Final = 120
# Longer JSON is not searched for its fault, which would block the event loop for up to a second.
MAX_SEARCHED: Final = 128 * 1024

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
LandmarkName = Literal[LANDMARK_NAMES]  # type: ignore[valid-type]
_CANONICAL: Final = list(LANDMARK_NAMES)
_LEFT_HIP, _RIGHT_HIP = INDEX["left_hip"], INDEX["right_hip"]


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


def read_frame(raw: bytes, *, in_detail: bool) -> Frame | Rejection:
    """The frame of this JSON, or its rejection, with a detail if `in_detail`."""
    try:
        return checked(_decode_frame(raw))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        reason = _fault(raw)
    return Rejection(reason, _detail(raw, reason) if in_detail else None)


def _fault(raw: bytes) -> RejectReason:
    """Why a frame can't be decoded. If its outline can, the pose is at fault."""
    try:
        outline = _decode_outline(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return RejectReason.MALFORMED_FRAME
    if outline.pose_schema != INPUT_SCHEMA_VERSION:
        return RejectReason.UNSUPPORTED_POSE_SCHEMA
    return RejectReason.INVALID_LANDMARKS


def _detail(raw: bytes, reason: RejectReason) -> str:
    """The first fault of this reason, as `landmarks[3].x (left_eye_outer) must be a number`."""
    if len(raw) > MAX_SEARCHED:
        return "the frame is over 128 KiB, too long to look for its fault"
    try:
        value = msgspec.json.decode(raw)
        if not isinstance(value, dict):
            return "the frame must be an object"
        for path, fault in faults_of(value, Frame):
            if (path.partition(".")[0] == "landmarks") is (reason is INVALID_LANDMARKS):
                return cut(f"{_shown(path, value)} {_in_short(fault, path, value)}")
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return "the frame has a number beyond a double, or is nested too deeply"
    return "the frame has a key twice"


def _shown(path: str, frame: dict[str, Any]) -> str:
    """The path as in JavaScript, with its landmark's name."""
    field, *steps = path.split(".")
    shown = field + "".join(f"[{step}]" if step.isdecimal() else f".{step}" for step in steps)
    landmark = _at(f"{field}.{steps[0]}", frame) if field == "landmarks" and steps else None
    name = landmark.get("name") if isinstance(landmark, dict) else None
    return f"{shown} ({name})" if name in LANDMARK_NAMES and steps[1:] else shown


def _in_short(fault: str, path: str, frame: dict[str, Any]) -> str:
    """The fault without the 33 names. messages.py puts `{}` for NaN and Infinity."""
    if path.endswith(".name") and fault.startswith("must be one of"):
        return f"must be one of the {len(_CANONICAL)} names, not {fault.rpartition(', not ')[2]}"
    if fault.startswith("must be a number") and _at(path, frame) == {}:
        return fault.replace("not an object", "not NaN or Infinity")
    return fault


def _at(path: str, frame: Any) -> Any:
    for step in path.split("."):
        frame = frame[int(step)] if isinstance(frame, list) else frame.get(step)
    return frame


def cut(detail: str) -> str:
    if len(detail) <= MAX_DETAIL_CHARACTERS:
        return detail
    return f"{detail[: MAX_DETAIL_CHARACTERS - 1]}…"


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
    x, y = left.x / 2 + right.x / 2, left.y / 2 + right.y / 2
    if abs(x) > MAX_HIPS_METRES or abs(y) > MAX_HIPS_METRES:
        detail = (
            f"the middle of the hips is at x {x:.3g}, y {y:.3g}, "
            f"over {MAX_HIPS_METRES} m from the origin"
        )
        return Rejection(RejectReason.IMAGE_LANDMARKS, detail)
    return frame
