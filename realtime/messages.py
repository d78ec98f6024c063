"""The messages of the stream, of clients and of the server, as typed structs.

A batch is decoded whole. If that fails, or if it is long, its frames stay as they were sent, and
each is decoded when it is served, so that only the frames at fault are rejected. Text that is not
even JSON is repaired first: NaN, Infinity and lone surrogates are faults of their frame alone.

In the subprotocol `kyna.v2` a batch is one binary message. The others are as in `kyna.v1`.
"""

import math
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any, Final, Generic, Literal, TypeVar, cast

import msgspec

from detection import NumberedFrame
from detection.spec import BodySide
from kynaplatform.api.errors import ErrorDetail
from realtime.frames import (
    FRAME,
    UNDECODABLE,
    Frame,
    Rejection,
    RejectReason,
    checked,
    cut,
    read_packed,
)
from realtime.refusals import BatchTooLarge, MessageInvalid
from sessions_app.events import EventRecord
from sessions_app.models import DetectionSession
from sessions_app.schemas import ended_by
from sessions_app.summary import MovementSummary, Quality, counted_of, quality_of

MAX_MESSAGE_BYTES: Final = 2 * 1024 * 1024
MAX_FRAMES: Final = 300
MAX_BATCH_SEQ: Final = 2**53
# The first rejected frames of an ack have a detail.
MAX_DETAILS: Final = 10
UNREADABLE: Final = MessageInvalid.sentence[:-1]
MAX_ERROR_CHARACTERS: Final = 250
# Replaced inside strings as well: no string of the protocol has them.
_NOT_FINITE: Final = ("-Infinity", "Infinity", "-NaN", "NaN")

# Twice a usual batch of 15 frames, which takes half a millisecond.
MAX_DECODED_AT_ONCE: Final = 128 * 1024

V2: Final = "kyna.v2"
VERSION: Final = 1
HAS_CLOCK: Final = 1
# Version, flags, count of frames, zero, batch_seq, clock_ms.
HEADER: Final = struct.Struct("<BBHIQd")

BatchSeq = Annotated[int, msgspec.Meta(ge=1, le=MAX_BATCH_SEQ)]


FrameLike = TypeVar("FrameLike", covariant=True)


class FrameBatch(msgspec.Struct, Generic[FrameLike], tag="frame_batch", gc=False):
    """`clock_ms` is how far the client's time has come after the frames, if the client sends it."""

    batch_seq: BatchSeq
    frames: list[FrameLike]
    clock_ms: float | None = None


class Finalize(msgspec.Struct, tag="finalize"):
    pass


class Cancel(msgspec.Struct, tag="cancel"):
    pass


class Ping(msgspec.Struct, tag="ping"):
    pass


class Pong(msgspec.Struct, tag="pong"):
    pass


# A Raw frame is decoded when it is served.
Batch = FrameBatch[NumberedFrame | Rejection | msgspec.Raw]
_Control = Finalize | Cancel | Ping | Pong
ClientMessage = Batch | _Control
_decode_whole = msgspec.json.Decoder(FrameBatch[Frame] | _Control).decode
_decode_loose: Callable[[str], ClientMessage] = msgspec.json.Decoder(
    FrameBatch[msgspec.Raw] | _Control
).decode


def decode(text: str) -> ClientMessage:
    """A client's message. Raises MessageInvalid or BatchTooLarge.

    A fault inside a frame is found when the frame is served. The frames of a message over 128 KiB
    are decoded only then, so that it does not block the event loop.
    """
    if len(text) > MAX_MESSAGE_BYTES or (
        not text.isascii() and len(text.encode(errors="surrogatepass")) > MAX_MESSAGE_BYTES
    ):
        raise BatchTooLarge
    message = _decoded(text)
    if isinstance(message, FrameBatch) and len(message.frames) > MAX_FRAMES:
        raise BatchTooLarge
    return message


def _decoded(text: str) -> ClientMessage:
    if len(text) <= MAX_DECODED_AT_ONCE:
        with suppress(*UNDECODABLE):
            message: Any = _decode_whole(text)
            if isinstance(message, FrameBatch):
                message.frames = [checked(frame) for frame in message.frames]
            return cast(ClientMessage, message)
    try:
        return _decode_loose(text)
    except UNDECODABLE as error:
        repaired = _repaired(text)
        if isinstance(error, msgspec.ValidationError) or repaired == text:
            raise MessageInvalid(cut(f"{UNREADABLE}: {error}.", MAX_ERROR_CHARACTERS)) from error
    return _decoded(repaired)


def _repaired(text: str) -> str:
    """The text with `{}` for NaN and Infinity, and other characters for all surrogates."""
    for name in _NOT_FINITE:
        text = text.replace(name, "{}")
    # Surrogates are the escapes \ud800 to \udfff. No text of the protocol has an escape \ud….
    return text.replace("\\ud", "\\uf").replace("\\uD", "\\uf")


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
        read_packed(data, HEADER.size + number * FRAME.size, *fields)
        for number, fields in enumerate(FRAME.iter_unpack(memoryview(data)[HEADER.size :]))
    ]
    return FrameBatch(batch_seq, frames, clock_ms if has_clock else None)


def _invalid(why: str) -> MessageInvalid:
    return MessageInvalid(f"{UNREADABLE}: {why}.")


class Readiness(msgspec.Struct):
    """Whether anything counts yet. `missing` are landmarks out of sight by name, view and start."""

    state: Literal["no_person", "positioning", "ready"]
    missing: list[str]


class HoldProgress(msgspec.Struct):
    event_key: str
    held_ms: int
    side: BodySide | None


class SessionUpdate(msgspec.Struct, tag="session_update", omit_defaults=True):
    session_id: str
    status: str
    accepted_frames_total: int
    terminal_outcome: str | None
    last_batch_seq: int
    last_frame_seq: int
    readiness: Readiness
    events_thinned: int = 0
    warnings: list[str] = []


class RejectedFrame(msgspec.Struct, omit_defaults=True):
    index: int
    reason: RejectReason
    detail: str | None = None


class FrameAck(msgspec.Struct, tag="frame_ack", omit_defaults=True):
    batch_seq: int
    accepted_frame_count: int
    accepted_frames_total: int
    rejected_frame_indexes: list[int]
    rejected_frames: list[RejectedFrame]
    readiness: Readiness
    hold: HoldProgress | None = None
    events_thinned: int = 0


class EventBatch(msgspec.Struct, tag="event_batch"):
    batch_seq: int
    events: list[EventRecord]


class Error(msgspec.Struct, tag="error"):
    error: ErrorDetail


class SessionDone(msgspec.Struct, tag="session_done"):
    session_id: str
    status: str
    accepted_frames_total: int
    terminal_outcome: str | None
    error: ErrorDetail | None
    repetitions: dict[str, int]
    interrupted_total: int
    summary: dict[str, MovementSummary] | None
    quality: Quality | None
    ended_by: str | None


ServerMessage = SessionUpdate | FrameAck | EventBatch | Error | SessionDone | Ping | Pong

_encode = msgspec.json.Encoder().encode


def encode(message: ServerMessage) -> str:
    return _encode(message).decode()


def session_done(session: DetectionSession) -> SessionDone:
    error = None
    if session.error_code is not None:
        error = ErrorDetail(session.error_code, session.error_message or "", False, {})
    return SessionDone(
        session_id=str(session.id),
        status=session.status,
        accepted_frames_total=session.accepted_frames_total,
        terminal_outcome=session.terminal_outcome,
        error=error,
        repetitions=session.repetitions,
        interrupted_total=session.interrupted_total,
        summary=counted_of(session.summary),
        quality=quality_of(session.summary),
        ended_by=ended_by(session),
    )
