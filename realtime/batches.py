"""What a batch of frames does to a session, in memory: which are taken, and what they cause."""

from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from detection import Engine
from realtime.frames import Frame, RejectReason
from realtime.messages import FrameBatch, RejectedFrame
from sessions_app.checkpoints import NewEvent

# A client may send so many frames at once, and so many more for each second of its own time: twice
# what the fastest cameras for people give.
MOST_FRAMES_AT_ONCE: Final = 240
FRAMES_A_SECOND: Final = 240


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far one session has come: the engine, and the counts that its row will hold.

    `first_ms` and `last_ms` are the timestamps of the first and the last accepted frame;
    `frames_left` is what its bucket of frames held after the last one.
    """

    engine: Engine
    longest_ms: float
    first_ms: float | None
    last_ms: float | None
    frames_left: float
    last_frame_seq: int
    last_batch_seq: int
    accepted_frames: int
    events: int
    checkpoint_number: int

    def engine_state(self) -> bytes:
        """What a later attach goes on from, as JSON."""
        state: dict[str, Any] = {
            "engine": self.engine.snapshot(),
            "first_ms": self.first_ms,
            "last_ms": self.last_ms,
            "frames_left": self.frames_left,
        }
        return msgspec.json.encode(state)


@dataclass(slots=True)
class Taken:
    """What became of a batch. `repeated_seqs` are frames that an earlier batch has brought."""

    accepted: int = 0
    rejected: list[RejectedFrame] = field(default_factory=list)
    repeated_seqs: list[int] = field(default_factory=list)
    events: list[NewEvent] = field(default_factory=list)


def take(progress: Progress, batch: FrameBatch) -> Taken:
    """Feed the frames of `batch` that are new, in order and not too many to the engine.

    Only they move the clock, the bucket and `last_frame_seq`. Raises whatever the engine raises.
    """
    taken = Taken()
    seen = progress.last_frame_seq
    for index, frame in enumerate(batch.frames):
        if isinstance(frame, RejectReason):
            taken.rejected.append(RejectedFrame(index, frame))
        elif (reason := _fault(progress, frame)) is not None:
            taken.rejected.append(RejectedFrame(index, reason))
            if frame.frame_seq <= seen:
                taken.repeated_seqs.append(frame.frame_seq)
        else:
            _feed(progress, frame, taken)
    progress.last_batch_seq = max(progress.last_batch_seq, batch.batch_seq)
    return taken


def _fault(progress: Progress, frame: Frame) -> RejectReason | None:
    if frame.frame_seq <= progress.last_frame_seq:
        return RejectReason.FRAME_SEQ_NOT_INCREASING
    if progress.last_ms is None or progress.first_ms is None:
        return None
    if frame.timestamp_ms <= progress.last_ms:
        return RejectReason.TIMESTAMP_NOT_INCREASING
    if frame.timestamp_ms - progress.first_ms > progress.longest_ms:
        return RejectReason.TIMESTAMP_BEYOND_SESSION
    if _frames_left(progress, frame) < 1:
        return RejectReason.TOO_MANY_FRAMES
    return None


def _frames_left(progress: Progress, frame: Frame) -> float:
    """What the bucket holds when `frame` comes, by the frame's own time."""
    if progress.last_ms is None:
        return progress.frames_left
    refilled = (frame.timestamp_ms - progress.last_ms) * FRAMES_A_SECOND / 1000
    return min(MOST_FRAMES_AT_ONCE, progress.frames_left + refilled)


def _feed(progress: Progress, frame: Frame, taken: Taken) -> None:
    for event in progress.engine.feed(frame):
        progress.events += 1
        taken.events.append(
            NewEvent(progress.events, frame.frame_seq, event.ts_ms, event.type, event.payload)
        )
    progress.frames_left = _frames_left(progress, frame) - 1
    if progress.first_ms is None:
        progress.first_ms = frame.timestamp_ms
    progress.last_ms = frame.timestamp_ms
    progress.last_frame_seq = frame.frame_seq
    progress.accepted_frames += 1
    taken.accepted += 1
