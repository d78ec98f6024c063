"""The messages of the stream as typed structs: what clients send, and what they are told.

A batch is decoded whole into structs. Only one that does not fit is taken apart, frame by
frame, to tell the frames at fault from the rest; and only where it can't be read at all is what
is a fault of its frame alone made readable: NaN and Infinity, and halves of surrogate pairs.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, cast

import msgspec

from detection import LANDMARK_NAMES
from kynaplatform.api.errors import ApiError
from realtime.refusals import BatchTooLarge, MessageInvalid
from sessions_app.events import EventRecord
from sessions_app.models import DetectionSession
from sessions_app.runtime_tokens import INPUT_SCHEMA_VERSION

MOST_MESSAGE_BYTES: Final = 2 * 1024 * 1024
MOST_FRAMES: Final = 300
MOST_FRAME_SEQ: Final = 2**53
MOST_BATCH_SEQ: Final = 2**53
MOST_FAULT_CHARACTERS: Final = 200
# They may stand inside strings as well; no string that means something here has them.
_NOT_FINITE: Final = ("-Infinity", "Infinity", "-NaN", "NaN")

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
BatchSeq = Annotated[int, msgspec.Meta(ge=1, le=MOST_BATCH_SEQ)]
LandmarkName = Literal[LANDMARK_NAMES]  # type: ignore[valid-type]
_CANONICAL: Final = list(LANDMARK_NAMES)


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


class Frame(msgspec.Struct, gc=False):
    """A pose frame; the engine takes it as it is once its landmarks are in their order."""

    timestamp_ms: float
    pose_schema: Literal[INPUT_SCHEMA_VERSION]  # type: ignore[valid-type]
    landmarks: Annotated[
        list[Landmark], msgspec.Meta(min_length=len(_CANONICAL), max_length=len(_CANONICAL))
    ]
    confidence: Share
    frame_seq: Annotated[int, msgspec.Meta(ge=1, le=MOST_FRAME_SEQ)]
    source: Source | None = None


class FrameBatch(msgspec.Struct, tag="frame_batch", gc=False):
    """`frames` holds None where a frame was at fault."""

    batch_seq: BatchSeq
    frames: list[Frame | None]


class Finalize(msgspec.Struct, tag="finalize"):
    pass


class Cancel(msgspec.Struct, tag="cancel"):
    pass


class Ping(msgspec.Struct, tag="ping"):
    pass


class Pong(msgspec.Struct, tag="pong"):
    pass


ClientMessage = FrameBatch | Finalize | Cancel | Ping | Pong


class _WholeBatch(msgspec.Struct, tag="frame_batch", gc=False):
    batch_seq: BatchSeq
    frames: list[Frame]


class _LooseBatch(msgspec.Struct, tag="frame_batch"):
    batch_seq: BatchSeq
    frames: list[msgspec.Raw]


_decode_whole = msgspec.json.Decoder(_WholeBatch | Finalize | Cancel | Ping | Pong).decode
_decode_loose = msgspec.json.Decoder(_LooseBatch | Finalize | Cancel | Ping | Pong).decode
_decode_frame = msgspec.json.Decoder(Frame).decode


def decode(text: str) -> ClientMessage:
    """One message of a client. Raises MessageInvalid or BatchTooLarge.

    A fault inside a frame leaves None in the frame's place.
    """
    if len(text) > MOST_MESSAGE_BYTES or (
        not text.isascii() and len(text.encode(errors="surrogatepass")) > MOST_MESSAGE_BYTES
    ):
        raise BatchTooLarge
    try:
        message = _decode_whole(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _decode_apart(text)
    if not isinstance(message, _WholeBatch):
        return cast(ClientMessage, message)
    _refuse_too_many(message.frames)
    return FrameBatch(message.batch_seq, [_in_order(frame) for frame in message.frames])


def _decode_apart(text: str) -> ClientMessage:
    try:
        message = _decode_loose(text)
    except msgspec.ValidationError as error:
        raise _unreadable(error) from error
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        readable = _readable(text)
        if readable == text:
            raise MessageInvalid("The message is not JSON, or is nested too deeply.") from error
        return _decode_apart(readable)
    if not isinstance(message, _LooseBatch):
        return cast(ClientMessage, message)
    _refuse_too_many(message.frames)
    return FrameBatch(message.batch_seq, [_frame(bytes(raw)) for raw in message.frames])


def _readable(text: str) -> str:
    """With objects for what is no number, and other characters for surrogates, paired or not."""
    for name in _NOT_FINITE:
        text = text.replace(name, "{}")
    # Of the escapes \ud000 to \udfff the last half are surrogates; none is of a text of ours.
    return text.replace("\\ud", "\\uf").replace("\\uD", "\\uf")


def _unreadable(error: Exception) -> MessageInvalid:
    """Says what was wrong, but repeats little of what a client sent."""
    fault = str(error)
    if len(fault) > MOST_FAULT_CHARACTERS:
        fault = f"{fault[:MOST_FAULT_CHARACTERS]}…"
    return MessageInvalid(f"The message could not be read: {fault}")


def _refuse_too_many(frames: Sequence[object]) -> None:
    if len(frames) > MOST_FRAMES:
        raise BatchTooLarge


def _frame(raw: bytes) -> Frame | None:
    try:
        return _in_order(_decode_frame(raw))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _in_order(frame: Frame) -> Frame | None:
    """The frame with its landmarks in canonical order; None where a name is there twice."""
    if [landmark.name for landmark in frame.landmarks] == _CANONICAL:
        return frame
    by_name = {landmark.name: landmark for landmark in frame.landmarks}
    if len(by_name) != len(_CANONICAL):
        return None
    frame.landmarks = [by_name[name] for name in _CANONICAL]
    return frame


class ErrorBody(msgspec.Struct):
    code: str
    message: str
    retryable: bool
    details: dict[str, Any]


class SessionUpdate(msgspec.Struct, tag="session_update"):
    session_id: str
    status: str
    accepted_frames_total: int
    terminal_outcome: str | None
    last_batch_seq: int
    last_frame_seq: int


class FrameAck(msgspec.Struct, tag="frame_ack"):
    batch_seq: int
    accepted_frame_count: int
    accepted_frames_total: int
    rejected_frame_indexes: list[int]


class EventBatch(msgspec.Struct, tag="event_batch"):
    batch_seq: int
    events: list[EventRecord]


class Error(msgspec.Struct, tag="error"):
    error: ErrorBody


class SessionDone(msgspec.Struct, tag="session_done"):
    session_id: str
    status: str
    accepted_frames_total: int
    terminal_outcome: str | None
    error: ErrorBody | None


ServerMessage = SessionUpdate | FrameAck | EventBatch | Error | SessionDone | Ping | Pong

_encode = msgspec.json.Encoder().encode


def encode(message: ServerMessage) -> str:
    return _encode(message).decode()


def error_message(error: ApiError) -> Error:
    return Error(ErrorBody(error.code, str(error), error.retryable, dict(error.details)))


def session_update(session: DetectionSession) -> SessionUpdate:
    return SessionUpdate(
        session_id=str(session.id),
        status=session.status,
        accepted_frames_total=session.accepted_frames_total,
        terminal_outcome=session.terminal_outcome,
        last_batch_seq=session.last_batch_seq,
        last_frame_seq=session.last_frame_seq,
    )


def session_done(session: DetectionSession) -> SessionDone:
    error = None
    if session.error_code is not None:
        error = ErrorBody(session.error_code, session.error_message or "", False, {})
    return SessionDone(
        session_id=str(session.id),
        status=session.status,
        accepted_frames_total=session.accepted_frames_total,
        terminal_outcome=session.terminal_outcome,
        error=error,
    )
