"""The subprotocol `kyna.v2`: a batch of frames is one binary message, of 248 bytes a frame.

All numbers are little-endian. Everything but the frames is the JSON text of `kyna.v1`.
"""

import math
import struct
from typing import Final

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
from realtime.frames import (
    INVALID_LANDMARKS,
    MAX_FRAME_SEQ,
    MAX_HIPS_METRES,
    Rejection,
    RejectReason,
    hips_rejection,
)
from realtime.messages import MAX_BATCH_SEQ, MAX_FRAMES, UNREADABLE, Batch, FrameBatch
from realtime.refusals import BatchTooLarge, MessageInvalid

SUBPROTOCOL: Final = "kyna.v2"
VERSION: Final = 1
HAS_CLOCK: Final = 1
# Version, flags, count of frames, zero, batch_seq, clock_ms.
HEADER: Final = struct.Struct("<BBHIQd")
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


class PackedFrame(msgspec.Struct, gc=False):
    """A frame whose pose lies in its message."""

    frame_seq: int
    timestamp_ms: float
    landmarks: PackedPose


def decode_packed(data: bytes) -> Batch:
    """The batch of a binary message. Raises MessageInvalid or BatchTooLarge.

    A fault inside a frame rejects that frame alone.
    """
    if len(data) < HEADER.size:
        raise _invalid(f"a batch begins with {HEADER.size} bytes")
    version, flags, count, zero, batch_seq, clock_ms = HEADER.unpack_from(data)
    has_clock = flags == HAS_CLOCK
    if version != VERSION or flags > HAS_CLOCK or zero:
        raise _invalid("its first 8 bytes are 1, flags of 0 or 1, the count of frames, and zeros")
    if count > MAX_FRAMES:
        raise BatchTooLarge
    if len(data) != HEADER.size + count * FRAME.size:
        raise _invalid(f"{count} frames are {HEADER.size + count * FRAME.size} bytes")
    if not 1 <= batch_seq <= MAX_BATCH_SEQ:
        raise _invalid("batch_seq is from 1 to 2^53")
    if not math.isfinite(clock_ms) or (clock_ms and not has_clock):
        raise _invalid("clock_ms is finite, and 0 without its flag")
    frames = [
        _read(data, HEADER.size + number * FRAME.size, *fields)
        for number, fields in enumerate(FRAME.iter_unpack(memoryview(data)[HEADER.size :]))
    ]
    return FrameBatch(batch_seq, frames, clock_ms if has_clock else None)


def _invalid(why: str) -> MessageInvalid:
    return MessageInvalid(f"{UNREADABLE}: {why}.")


def _read(
    data: bytes, at: int, frame_seq: int, timestamp_ms: float, confidence: int
) -> PackedFrame | Rejection:
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
