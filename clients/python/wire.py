"""The messages of the stream, as docs/streaming.md describes them to a client."""

import struct
from collections import Counter
from collections.abc import Sequence
from math import floor
from typing import Any, Final, Literal, Protocol, TypeAlias

import msgspec

# 33 points in metres, in the order of MediaPipe's pose landmarker.
POSE_SCHEMA: Final = "mediapipe_pose_landmarker/v1"
LANDMARK_NAMES: Final = (
    "nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye",
    "right_eye_outer", "left_ear", "right_ear", "mouth_left", "mouth_right", "left_shoulder",
    "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_pinky",
    "right_pinky", "left_index", "right_index", "left_thumb", "right_thumb", "left_hip",
    "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle", "left_heel",
    "right_heel", "left_foot_index", "right_foot_index",
)  # fmt: skip
EventType = Literal["shape_enter", "shape_exit", "event_completed", "event_interrupted", "feedback"]
RejectReason = Literal[
    "session_ending",
    "malformed_frame",
    "unsupported_pose_schema",
    "invalid_landmarks",
    "image_landmarks",
    "frame_seq_not_increasing",
    "timestamp_not_increasing",
    "timestamp_beyond_session",
    "too_many_frames",
]
StatusName = Literal["streaming", "finalizing", "completed", "cancelled", "failed"]


# The subprotocols that a client offers. The server selects the first that it knows.
V2: Final = "kyna.v2"
SUBPROTOCOLS: Final = (V2, "kyna.v1")
# The steps of `kyna.v2`: of a coordinate, and of a visibility from 0 to 1.
STEPS_PER_METRE: Final = 1000
MAX_STEPS: Final = 0x7FFF
VISIBILITY_STEPS: Final = 250
UNKNOWN_VISIBILITY: Final = 255
PACKED_VERSION: Final = 1
HAS_CLOCK: Final = 1
# Version, flags, count of frames, zero, batch_seq, clock_ms.
_HEADER: Final = struct.Struct("<BBHIQd")
# frame_seq, timestamp_ms, x, y and z of each landmark, each visibility, confidence.
_FRAME: Final = struct.Struct("<Qd99h33BB")


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


class WireLandmark(msgspec.Struct, frozen=True):
    name: str
    x: float
    y: float
    z: float
    visibility: float | None


class WireFrame(msgspec.Struct, frozen=True):
    frame_seq: int
    timestamp_ms: float
    landmarks: list[WireLandmark]
    pose_schema: str = POSE_SCHEMA
    confidence: float = 1.0
    source: None = None


class FrameBatch(msgspec.Struct, frozen=True, tag="frame_batch", omit_defaults=True):
    batch_seq: int
    frames: list[WireFrame]
    clock_ms: float | None = None


class Finalize(msgspec.Struct, frozen=True, tag="finalize"):
    pass


class Cancel(msgspec.Struct, frozen=True, tag="cancel"):
    pass


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    """Sent by either side; the other answers with a pong."""


class Pong(msgspec.Struct, frozen=True, tag="pong"):
    pass


class Event(msgspec.Struct, frozen=True):
    """A detection event: the same on the stream and in GET …/events."""

    event_id: str
    session_id: str
    ts_ms: float
    type: EventType
    payload: dict[str, Any]


class Fault(msgspec.Struct, frozen=True):
    """An error in the one form of the platform."""

    code: str
    message: str
    retryable: bool
    details: dict[str, str | int | float | bool | None]


class Readiness(msgspec.Struct, frozen=True):
    """Whether anything counts yet: `no_person`, `positioning` or `ready`.

    `missing` names landmarks that are out of sight, `view` and `start`.
    """

    state: str
    missing: list[str]


class HoldProgress(msgspec.Struct, frozen=True):
    """The progress of a hold; 0 ms while nothing is held."""

    event_key: str
    held_ms: float
    side: str | None = None


class SessionUpdate(msgspec.Struct, frozen=True, tag="session_update"):
    """The session's progress. An older server sends no `readiness`."""

    session_id: str
    status: StatusName
    accepted_frames_total: int
    terminal_outcome: str | None
    last_batch_seq: int = 0
    last_frame_seq: int = 0
    readiness: Readiness | None = None
    warnings: tuple[str, ...] = ()


class EventBatch(msgspec.Struct, frozen=True, tag="event_batch"):
    batch_seq: int
    events: list[Event]


class RejectedFrame(msgspec.Struct, frozen=True):
    """A rejected frame. The first ones of an ack have a `detail`, except from older servers."""

    index: int
    reason: RejectReason
    detail: str | None = None


class FrameAck(msgspec.Struct, frozen=True, tag="frame_ack"):
    """The acknowledgement of a batch, with `hold` for movements that are held.

    An older server sends no `rejected_frames` and no `readiness`.
    """

    batch_seq: int
    accepted_frame_count: int
    accepted_frames_total: int
    rejected_frame_indexes: list[int]
    rejected_frames: list[RejectedFrame] = []
    readiness: Readiness | None = None
    hold: HoldProgress | None = None

    def rejections(self) -> Counter[str]:
        """The number of rejected frames by reason, without those accepted before."""
        reasons = Counter[str](frame.reason for frame in self.rejected_frames)
        del reasons["frame_seq_not_increasing"]  # sent again by a StreamClient
        return reasons

    def details(self) -> dict[str, str]:
        """The first detail of each reason."""
        details = reversed([(one.reason, one.detail) for one in self.rejected_frames])
        return {reason: detail for reason, detail in details if detail is not None}


class ErrorMessage(msgspec.Struct, frozen=True, tag="error"):
    error: Fault


class SessionDone(msgspec.Struct, frozen=True, tag="session_done"):
    """The end of a session. Counters are None from an older server or a refused attach, `summary`
    also if nothing is known."""

    session_id: str
    status: StatusName
    accepted_frames_total: int
    terminal_outcome: str | None
    error: Fault | None
    repetitions: dict[str, int] | None = None
    interrupted_total: int | None = None
    summary: dict[str, Any] | None = None
    ended_by: str | None = None


ServerMessage: TypeAlias = (
    SessionUpdate | EventBatch | FrameAck | ErrorMessage | Ping | Pong | SessionDone
)
ClientMessage: TypeAlias = FrameBatch | Finalize | Cancel | Ping | Pong

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[ServerMessage] = msgspec.json.Decoder(ServerMessage)


def encode(message: ClientMessage) -> str:
    return _encoder.encode(message).decode()


def decode(text: str | bytes) -> ServerMessage:
    """The server's message. Raises msgspec.DecodeError for one of another protocol."""
    return _decoder.decode(text)


def wire_frame(pose: Pose, frame_seq: int) -> WireFrame:
    """`pose` as it is sent. `frame_seq` starts at 1 and grows with each frame of the session.

    Its numbers are rounded to the steps of `kyna.v2`, so that either protocol causes the same
    events. Raises ValueError or OverflowError for one that is not finite.
    """
    landmarks = []
    for name, point in zip(LANDMARK_NAMES, pose.landmarks, strict=True):
        x, y, z = (
            _rounded(metres, STEPS_PER_METRE, -MAX_STEPS, MAX_STEPS)
            for metres in (point.x, point.y, point.z)
        )
        visibility = point.visibility
        if visibility is not None:
            visibility = _rounded(visibility, VISIBILITY_STEPS, 0, VISIBILITY_STEPS)
        landmarks.append(WireLandmark(name, x, y, z, visibility))
    return WireFrame(frame_seq, pose.timestamp_ms, landmarks)


def _rounded(number: float, steps: int, least: int, most: int) -> float:
    return max(least, min(most, floor(number * steps + 0.5))) / steps


def packed(batch: FrameBatch) -> bytes:
    """The binary message of a batch in `kyna.v2`."""
    clock_ms, flags = batch.clock_ms or 0.0, 0 if batch.clock_ms is None else HAS_CLOCK
    header = _HEADER.pack(PACKED_VERSION, flags, len(batch.frames), 0, batch.batch_seq, clock_ms)
    return b"".join([header, *map(_packed_frame, batch.frames)])


def _packed_frame(frame: WireFrame) -> bytes:
    landmarks = frame.landmarks
    return _FRAME.pack(
        frame.frame_seq,
        frame.timestamp_ms,
        *(round(metres * STEPS_PER_METRE) for one in landmarks for metres in (one.x, one.y, one.z)),
        *(_visibility_steps(one.visibility) for one in landmarks),
        _visibility_steps(frame.confidence),
    )


def _visibility_steps(share: float | None) -> int:
    return UNKNOWN_VISIBILITY if share is None else round(share * VISIBILITY_STEPS)
