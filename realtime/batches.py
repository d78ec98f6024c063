"""What a batch does to a session, in memory: which frames are taken, what they and the clock cause.

Frames know better than clocks: one that comes after a clock may be before it, so that a clock that
is ahead costs no frame. It may not be before what the clock has caused, so that the times of events
never go back.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from detection import DetectionEvent, Engine
from realtime.frames import Frame, RejectReason
from realtime.messages import FrameBatch, RejectedFrame
from sessions_app.checkpoints import NewEvent
from sessions_app.events import NO_FRAME

# A client may send so many frames at once, and so many more for each second of its own time: twice
# what the fastest cameras for people give.
MOST_FRAMES_AT_ONCE: Final = 240
FRAMES_A_SECOND: Final = 240


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far one session has come: the engine, and the counts that its row will hold.

    `first_ms` and `last_ms` are the timestamps of the first and the last accepted frame;
    `frames_left` is what its bucket of frames held after the last one. `clock_ms` is the highest
    clock that was told, `lost_ms` the time of the last events that one caused.
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
    clock_ms: float | None = None
    lost_ms: float | None = None

    def engine_state(self) -> bytes:
        """What a later attach goes on from, as JSON."""
        state: dict[str, Any] = {
            "engine": self.engine.snapshot(),
            "first_ms": self.first_ms,
            "last_ms": self.last_ms,
            "frames_left": self.frames_left,
            "clock_ms": self.clock_ms,
            "lost_ms": self.lost_ms,
        }
        return msgspec.json.encode(state)


@dataclass(slots=True)
class Taken:
    """What became of a batch. `repeated_seqs` are frames that an earlier batch has brought, as it
    has `repeated_clock_ms`; `is_clock_new` where the clock has moved on the highest one told."""

    accepted: int = 0
    rejected: list[RejectedFrame] = field(default_factory=list)
    repeated_seqs: list[int] = field(default_factory=list)
    repeated_clock_ms: float | None = None
    is_clock_new: bool = False
    events: list[NewEvent] = field(default_factory=list)


def take(progress: Progress, batch: FrameBatch) -> Taken:
    """Feed the frames of `batch` that are new, in order and not too many to the engine, and then
    tell it the clock.

    Only those frames move the bucket and `last_frame_seq`. Raises whatever the engine raises.
    """
    taken = Taken(repeated_clock_ms=repeated_clock(progress, batch))
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
    if batch.clock_ms is not None:
        _advance(progress, batch.clock_ms, taken)
    progress.last_batch_seq = max(progress.last_batch_seq, batch.batch_seq)
    return taken


def repeated_clock(progress: Progress, batch: FrameBatch) -> float | None:
    """The batch's clock, where one told before may have caused the same events."""
    if batch.clock_ms is None or progress.lost_ms is None or _is_ahead(progress, batch.clock_ms):
        return None
    return batch.clock_ms


def _is_ahead(progress: Progress, clock_ms: float) -> bool:
    return progress.clock_ms is None or clock_ms > progress.clock_ms


def _fault(progress: Progress, frame: Frame) -> RejectReason | None:
    if frame.frame_seq <= progress.last_frame_seq:
        return RejectReason.FRAME_SEQ_NOT_INCREASING
    if progress.last_ms is None or progress.first_ms is None:
        return None
    if frame.timestamp_ms <= progress.last_ms:
        return RejectReason.TIMESTAMP_NOT_INCREASING
    if progress.lost_ms is not None and frame.timestamp_ms < progress.lost_ms:
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
    _keep(progress, progress.engine.feed(frame), frame.frame_seq, taken)
    progress.frames_left = _frames_left(progress, frame) - 1
    if progress.first_ms is None:
        progress.first_ms = frame.timestamp_ms
    progress.last_ms = frame.timestamp_ms
    progress.last_frame_seq = frame.frame_seq
    progress.accepted_frames += 1
    taken.accepted += 1


def _advance(progress: Progress, clock_ms: float, taken: Taken) -> None:
    """Without a frame nobody knows what a clock counts from, and one beyond the session is none."""
    if progress.first_ms is None or clock_ms - progress.first_ms > progress.longest_ms:
        return
    if not _is_ahead(progress, clock_ms):
        return  # sent again: those who came after it are not lost by it
    progress.clock_ms = clock_ms
    taken.is_clock_new = True
    events = progress.engine.advance(clock_ms)
    if events:
        progress.lost_ms = events[-1].ts_ms
    _keep(progress, events, NO_FRAME, taken)


def _keep(
    progress: Progress, events: Iterable[DetectionEvent], frame_seq: int, taken: Taken
) -> None:
    for event in events:
        progress.events += 1
        taken.events.append(
            NewEvent(progress.events, frame_seq, event.ts_ms, event.type, event.payload)
        )
