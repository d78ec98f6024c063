"""What a batch of frames does to a session, in memory: which are taken, and what they cause."""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from detection import Engine
from realtime.messages import Frame, FrameBatch
from sessions_app.checkpoints import NewEvent


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far one session has come: the engine, and the counts that its row will hold.

    `first_ms` and `last_ms` are the timestamps of the first and the last accepted frame.
    """

    engine: Engine
    longest_ms: float
    first_ms: float | None
    last_ms: float | None
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
        }
        return msgspec.json.encode(state)


@dataclass(slots=True)
class Taken:
    """What became of a batch. `repeated_seqs` are frames that an earlier batch has brought."""

    accepted: int = 0
    rejected_indexes: list[int] = field(default_factory=list)
    repeated_seqs: list[int] = field(default_factory=list)
    events: list[NewEvent] = field(default_factory=list)


def take(progress: Progress, batch: FrameBatch) -> Taken:
    """Feed the frames of `batch` that are new and in order to the engine.

    Only they move the clock and `last_frame_seq`. Raises whatever the engine raises.
    """
    taken = Taken()
    seen = progress.last_frame_seq
    for index, frame in enumerate(batch.frames):
        if frame is not None and _follows(progress, frame):
            _feed(progress, frame, taken)
            continue
        taken.rejected_indexes.append(index)
        if frame is not None and frame.frame_seq <= seen:
            taken.repeated_seqs.append(frame.frame_seq)
    progress.last_batch_seq = max(progress.last_batch_seq, batch.batch_seq)
    return taken


def _follows(progress: Progress, frame: Frame) -> bool:
    if frame.frame_seq <= progress.last_frame_seq:
        return False
    if progress.last_ms is None or progress.first_ms is None:
        return True
    return (
        progress.last_ms < frame.timestamp_ms
        and frame.timestamp_ms - progress.first_ms <= progress.longest_ms
    )


def _feed(progress: Progress, frame: Frame, taken: Taken) -> None:
    for event in progress.engine.feed(frame):
        progress.events += 1
        taken.events.append(
            NewEvent(progress.events, frame.frame_seq, event.ts_ms, event.type, event.payload)
        )
    if progress.first_ms is None:
        progress.first_ms = frame.timestamp_ms
    progress.last_ms = frame.timestamp_ms
    progress.last_frame_seq = frame.frame_seq
    progress.accepted_frames += 1
    taken.accepted += 1
