"""The progress of one session: which frames are accepted, and what the engine makes of them.

A frame may be earlier than a clock that came before it, so that a clock that is ahead costs no
frame. It may not be earlier than the events that the clock caused, so that the times of events
never go back.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from detection import DetectionEvent, Engine, MoveSpec
from realtime.frames import Frame, Rejection, RejectReason, cut, read_frame
from realtime.messages import (
    MAX_DETAILS,
    FrameBatch,
    HoldProgress,
    Readiness,
    RejectedFrame,
)
from realtime.session_summary import SessionSummary
from sessions_app.checkpoints import NewEvent
from sessions_app.events import NO_FRAME
from sessions_app.models import DetectionSession
from sessions_app.session_ends import longest_session, max_events
from sessions_app.stream_state import pack, stored_state, stored_summary
from sessions_app.summary import COUNTED

# The token bucket of a client's frames: its size, and its refill for each second of the frames' own
# time. The fastest cameras for people give half as many.
BUCKET_FRAMES: Final = 240
FRAMES_A_SECOND: Final = 240
# The bucket of a session's events, in the frames' time too: batching changes nothing in it.
BUCKET_EVENTS: Final = 200
EVENTS_A_SECOND: Final = 20
OUTCOMES: Final = ("event_completed", "event_interrupted")


class EventBucket:
    """A token bucket: an entered shape or a cue takes one token, or is left out.

    The exit of a shape is left out with its entry, and else takes a token, also where there is
    none. Outcomes take no token and are never left out.
    """

    def __init__(
        self,
        most_events: int,
        left: float = BUCKET_EVENTS,
        at_ms: float | None = None,
        hidden: Iterable[str] = (),
        thinned: int = 0,
    ) -> None:
        """After `most_events` that are stored only outcomes are.

        `hidden` are the shapes whose entry was left out: `bottom`, or `bottom:left` of a side.
        `thinned` counts what was.
        """
        self._most_events = most_events
        self._left = left
        self._at_ms = at_ms
        self._hidden = set(hidden)
        self.thinned = thinned

    def state(self) -> dict[str, Any]:
        """The other arguments that make it again, as JSON values."""
        return {
            "left": self._left,
            "at_ms": self._at_ms,
            "hidden": sorted(self._hidden),
            "thinned": self.thinned,
        }

    def takes(self, event: DetectionEvent, stored: int) -> bool:
        """Whether `event` is kept, of a session with so many `stored` events."""
        if event.type in OUTCOMES:
            return True
        is_kept = self._has_room(event) and stored < self._most_events
        if is_kept:
            self._left -= 1
        else:
            self.thinned += 1
        return is_kept

    def _has_room(self, event: DetectionEvent) -> bool:
        if self._at_ms is not None and event.ts_ms > self._at_ms:
            refill = (event.ts_ms - self._at_ms) * EVENTS_A_SECOND / 1000
            self._left = min(BUCKET_EVENTS, self._left + refill)
        self._at_ms = max(event.ts_ms, self._at_ms or event.ts_ms)
        shape = _shape_of(event)
        if event.type == "shape_exit":
            was_hidden = shape in self._hidden
            self._hidden.discard(shape)
            return not was_hidden
        has_room = self._left >= 1
        if shape is not None and not has_room:
            self._hidden.add(shape)
        return has_room


def _shape_of(event: DetectionEvent) -> str | None:
    """The shape that an event enters or leaves; one is another on each side that it is told of."""
    shape: str | None = event.payload.get("shape_key")
    side: str | None = event.payload.get("side")
    return shape if shape is None or side is None else f"{shape}:{side}"


@dataclass(slots=True, kw_only=True)
class Progress:
    """The progress of one session: the engine, and the counts that its row will have.

    `first_ms` and `last_ms` are the timestamps of the first and the last accepted frame.
    `frames_left` is the level of the bucket of frames after the last one. `clock_ms` is the highest
    clock of the client, `lost_ms` the time of the last events that a clock caused.
    """

    engine: Engine
    longest_ms: float
    first_ms: float | None
    last_ms: float | None
    frames_left: float
    event_bucket: EventBucket
    last_frame_seq: int
    last_batch_seq: int
    accepted_frames: int
    events: int
    checkpoint_number: int
    clock_ms: float | None = None
    lost_ms: float | None = None
    summary: SessionSummary = field(default_factory=SessionSummary)

    def readiness(self) -> Readiness:
        return Readiness(self.engine.readiness, self.engine.missing)

    def hold(self) -> HoldProgress | None:
        held_ms = self.engine.held_ms
        if held_ms is None:
            return None
        name, side = self.engine.spec.movement_name, self.engine.held_side
        return HoldProgress(name, round(held_ms), side)

    def summary_state(self) -> dict[str, Any]:
        """What the frames so far showed, and what was counted."""
        return {**self.summary.state(), COUNTED: self.engine.summary()}

    def packed_state(self) -> bytes:
        """The state that a later attach goes on from."""
        return pack(
            {
                "engine": self.engine.snapshot(),
                "first_ms": self.first_ms,
                "last_ms": self.last_ms,
                "frames_left": self.frames_left,
                "clock_ms": self.clock_ms,
                "lost_ms": self.lost_ms,
                "event_bucket": self.event_bucket.state(),
                "summary": self.summary_state(),
            }
        )


def progress_of(session: DetectionSession, spec: MoveSpec) -> Progress:
    """The progress that the session's row stores, with its engine restored."""
    state = stored_state(session)
    completed = sum(session.repetitions.values())
    return Progress(
        engine=(
            Engine.restore(spec, state["engine"], completed=completed) if state else Engine(spec)
        ),
        longest_ms=longest_session(session.project).total_seconds() * 1000,
        first_ms=state.get("first_ms"),
        last_ms=state.get("last_ms"),
        clock_ms=state.get("clock_ms"),
        lost_ms=state.get("lost_ms"),
        # Earlier runtimes stored none.
        frames_left=state.get("frames_left", BUCKET_FRAMES),
        event_bucket=EventBucket(max_events(session.project), **state.get("event_bucket", {})),
        summary=SessionSummary.of(stored_summary(session, state)),
        last_frame_seq=session.last_frame_seq,
        last_batch_seq=session.last_batch_seq,
        accepted_frames=session.accepted_frames_total,
        events=session.events_total,
        checkpoint_number=session.checkpoint_number,
    )


@dataclass(slots=True)
class Taken:
    """The outcome of a batch.

    `repeated_seqs` and `repeated_clock_ms` are frames and a clock that an earlier batch brought.
    `is_clock_new` says that the batch's clock is the highest so far.
    """

    accepted: int = 0
    rejected: list[RejectedFrame] = field(default_factory=list)
    repeated_seqs: list[int] = field(default_factory=list)
    repeated_clock_ms: float | None = None
    is_clock_new: bool = False
    events: list[NewEvent] = field(default_factory=list)

    def reject(self, index: int, reason: RejectReason, detail: str | None) -> None:
        """Reject a frame. Only the first MAX_DETAILS of a batch have their detail told."""
        told = detail if len(self.rejected) < MAX_DETAILS else None
        self.rejected.append(RejectedFrame(index, reason, told))


def take(progress: Progress, batch: FrameBatch) -> Taken:
    """Feed the engine the frames of `batch` that are accepted, and then its clock.

    A frame is accepted if it is new, in order, and within the bucket. Only accepted frames move the
    bucket and `last_frame_seq`. Raises whatever the engine raises.
    """
    taken = Taken()
    for _ in take_by_frame(progress, batch, taken):
        pass
    return taken


def take_by_frame(progress: Progress, batch: FrameBatch, taken: Taken) -> Iterator[None]:
    """`take`, which yields between two frames, and has the outcome in `taken` at its end."""
    taken.repeated_clock_ms = repeated_clock(progress, batch)
    seen = progress.last_frame_seq
    for index, frame in enumerate(batch.frames):
        if index:
            yield
        if isinstance(frame, msgspec.Raw):
            frame = read_frame(bytes(frame), in_detail=len(taken.rejected) < MAX_DETAILS)
        if isinstance(frame, Rejection):
            taken.reject(index, frame.reason, frame.detail)
            progress.summary.reject(frame.reason)
        elif (reason := _fault(progress, frame)) is not None:
            taken.reject(index, reason, _detail(progress, frame, reason))
            if frame.frame_seq <= seen:
                taken.repeated_seqs.append(frame.frame_seq)
                progress.summary.repeated += 1
            else:
                progress.summary.reject(reason)
        else:
            _feed(progress, frame, taken)
    if batch.clock_ms is not None:
        _advance(progress, batch.clock_ms, taken)
    progress.last_batch_seq = max(progress.last_batch_seq, batch.batch_seq)


def repeated_clock(progress: Progress, batch: FrameBatch) -> float | None:
    """The batch's clock, if an earlier one may have caused the same events; else None."""
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


def _detail(progress: Progress, frame: Frame, reason: RejectReason) -> str:
    """What of a frame did not fit the frames before it."""
    time_ms = f"timestamp_ms {frame.timestamp_ms:.15g}"
    match reason:
        case RejectReason.FRAME_SEQ_NOT_INCREASING:
            return (
                f"frame_seq {frame.frame_seq} is not above the last one, {progress.last_frame_seq}"
            )
        case RejectReason.TIMESTAMP_NOT_INCREASING:
            if progress.last_ms is not None and frame.timestamp_ms > progress.last_ms:
                return cut(
                    f"{time_ms} is before {progress.lost_ms:.15g}, where a clock lost the pose"
                )
            return cut(f"{time_ms} is not after the last one, {progress.last_ms:.15g}")
        case RejectReason.TIMESTAMP_BEYOND_SESSION:
            return cut(
                f"{time_ms} is over {progress.longest_ms:.15g} ms after the first one, "
                f"{progress.first_ms:.15g}"
            )
    return f"{time_ms} is too soon: {FRAMES_A_SECOND} frames a second of timestamp_ms are taken"


def _frames_left(progress: Progress, frame: Frame) -> float:
    """The level of the bucket at the timestamp of `frame`."""
    if progress.last_ms is None:
        return progress.frames_left
    refilled = (frame.timestamp_ms - progress.last_ms) * FRAMES_A_SECOND / 1000
    return min(BUCKET_FRAMES, progress.frames_left + refilled)


def _feed(progress: Progress, frame: Frame, taken: Taken) -> None:
    events = progress.engine.feed(frame)
    _keep(progress, events, frame.frame_seq, taken)
    since_ms = None if progress.last_ms is None else frame.timestamp_ms - progress.last_ms
    progress.summary.accept(progress.engine, since_ms, events)
    progress.frames_left = _frames_left(progress, frame) - 1
    if progress.first_ms is None:
        progress.first_ms = frame.timestamp_ms
    progress.last_ms = frame.timestamp_ms
    progress.last_frame_seq = frame.frame_seq
    progress.accepted_frames += 1
    taken.accepted += 1


def _advance(progress: Progress, clock_ms: float, taken: Taken) -> None:
    """Advance the engine to the clock.

    A clock before the first frame counts from nothing known, and one beyond the longest session is
    not believed: both are passed over.
    """
    if progress.first_ms is None or clock_ms - progress.first_ms > progress.longest_ms:
        return
    if not _is_ahead(progress, clock_ms):
        return  # sent again: it does not lose a person who has come since
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
        if not progress.event_bucket.takes(event, progress.events):
            continue
        progress.events += 1
        taken.events.append(
            NewEvent(progress.events, frame_seq, event.ts_ms, event.type, event.payload)
        )
