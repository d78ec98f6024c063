"""The progress of one session: what becomes of its batches, and which events are kept."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from detection import (
    FRAMES_PER_SECOND,
    DetectionEvent,
    Engine,
    Intake,
    MoveSpec,
    NumberedFrame,
    Refusal,
)
from realtime.frames import Rejection, RejectReason, cut, read_frame
from realtime.messages import MAX_DETAILS, Batch, HoldProgress, Readiness, RejectedFrame
from sessions_app.checkpoints import NewEvent
from sessions_app.context import Target
from sessions_app.events import NO_FRAME
from sessions_app.models import DetectionSession
from sessions_app.schemas import target_of
from sessions_app.session_ends import max_events, max_session
from sessions_app.stream_state import pack, stored_state, stored_summary
from sessions_app.summary import COUNTED

# The token bucket of a session's events: its size, and its refill per second of the frames' time,
# so that batching changes nothing.
BUCKET_EVENTS: Final = 200
EVENTS_PER_SECOND: Final = 20
OUTCOMES: Final = ("event_completed", "event_interrupted")


@dataclass(slots=True)
class EventBucket:
    """A token bucket: an entered shape or a cue takes one token, or is left out.

    A shape's exit is left out with its entry, and otherwise always kept, even without a token.
    Outcomes take no token and are never left out. After `max_events` only outcomes are kept.
    `hidden` are shapes whose entry was left out: `bottom`, or `bottom:left` for one side. `thinned`
    counts the events left out.
    """

    max_events: int
    left: float = BUCKET_EVENTS
    at_ms: float | None = None
    hidden: set[str] = field(default_factory=set)
    thinned: int = 0

    def __post_init__(self) -> None:
        self.hidden = set(self.hidden)  # a list where it was stored

    def state(self) -> dict[str, Any]:
        """The arguments after `max_events` that make it again, as JSON values."""
        left, at_ms = self.left, self.at_ms
        hidden = sorted(self.hidden)
        return {"left": left, "at_ms": at_ms, "hidden": hidden, "thinned": self.thinned}

    def takes(self, event: DetectionEvent, stored: int) -> bool:
        """Whether to keep `event`, in a session with `stored` events."""
        if event.type in OUTCOMES:
            return True
        if self.at_ms is not None and event.ts_ms > self.at_ms:
            refill = (event.ts_ms - self.at_ms) * EVENTS_PER_SECOND / 1000
            self.left = min(BUCKET_EVENTS, self.left + refill)
        self.at_ms = max(event.ts_ms, self.at_ms or event.ts_ms)
        shape, side = event.payload.get("shape_key"), event.payload.get("side")
        if shape is not None and side is not None:
            shape = f"{shape}:{side}"
        has_room = self.left >= 1
        if event.type == "shape_exit":
            has_room = shape not in self.hidden
            self.hidden.discard(str(shape))
        elif shape is not None and not has_room:
            self.hidden.add(shape)
        is_kept = has_room and stored < self.max_events
        if is_kept:
            self.left -= 1
        else:
            self.thinned += 1
        return is_kept


@dataclass(slots=True, kw_only=True)
class Progress:
    """The progress of one session: its intake of frames, and the counts that its row will have."""

    intake: Intake
    event_bucket: EventBucket
    last_batch_seq: int = 0
    events: int = 0
    checkpoint_number: int = 0
    target: Target | None = None
    is_target_reached: bool = False

    @property
    def engine(self) -> Engine:
        return self.intake.engine

    def readiness(self) -> Readiness:
        return Readiness(self.engine.readiness, self.engine.missing)

    def hold(self) -> HoldProgress | None:
        held_ms = self.engine.held_ms
        if held_ms is None:
            return None
        name, side = self.engine.spec.movement_name, self.engine.held_side
        return HoldProgress(name, round(held_ms), side)

    def note_target(self, target: Target, events: Sequence[DetectionEvent]) -> None:
        """Note whether a frame with these events has reached the target."""
        if target.hold_ms is not None:
            self.is_target_reached = (self.engine.longest_ms or 0) >= target.hold_ms
        elif events:
            counted = self.engine.summary().values()
            completed = sum(movement["completed"] for movement in counted)
            self.is_target_reached = completed >= (target.repetitions or 0)

    def packed_state(self) -> bytes:
        """The state from which a later attach continues."""
        return pack(
            {
                "engine": self.engine.snapshot(),
                **self.intake.state(),
                "event_bucket": self.event_bucket.state(),
                "summary": {**self.intake.summary.state(), COUNTED: self.engine.summary()},
            }
        )


def progress_of(session: DetectionSession, spec: MoveSpec) -> Progress:
    """The progress stored in the session's row, with its engine restored."""
    state = stored_state(session)
    completed = sum(session.repetitions.values())
    return Progress(
        intake=Intake(
            Engine.restore(spec, state["engine"], completed=completed) if state else Engine(spec),
            max_session(session.project).total_seconds() * 1000,
            state,
            stored_summary(session, state),
            last_frame_seq=session.last_frame_seq,
            accepted_frames=session.accepted_frames_total,
        ),
        event_bucket=EventBucket(max_events(session.project), **state.get("event_bucket", {})),
        target=target_of(session),
        last_batch_seq=session.last_batch_seq,
        events=session.events_total,
        checkpoint_number=session.checkpoint_number,
    )


class BatchResult:
    """What becomes of a batch's frames and clock as `feed` gives them to the engine.

    `repeated_seqs` and `repeated_clock_ms` are frames and a clock that an earlier batch brought.
    `rejected_frames` counts those rejected, but not these and those after the session's target.
    `is_clock_new` says that the batch's clock is the highest so far.
    """

    def __init__(self, progress: Progress, batch: Batch) -> None:
        self._progress = progress
        self._batch = batch
        self.accepted = self.rejected_frames = 0
        self.rejected: list[RejectedFrame] = []
        self.repeated_seqs: list[int] = []
        # An earlier clock may have caused the same events.
        intake, clock_ms = progress.intake, batch.clock_ms
        is_repeated = clock_ms is not None and not intake.is_ahead(clock_ms)
        self.repeated_clock_ms = clock_ms if is_repeated and intake.lost_ms is not None else None
        self.is_clock_new = False
        self.events: list[NewEvent] = []

    def feed(self) -> Iterator[None]:
        """Feed the engine the frames that are accepted, and then the clock.

        Yields between frames. Raises whatever the engine raises.
        """
        progress, batch, intake = self._progress, self._batch, self._progress.intake
        seen = intake.last_frame_seq
        for index, frame in enumerate(batch.frames):
            if index:
                yield
            if isinstance(frame, msgspec.Raw):
                frame = read_frame(bytes(frame))
            if isinstance(frame, Rejection):
                self._reject(index, frame)
            elif progress.is_target_reached and frame.frame_seq > intake.last_frame_seq:
                detail = f"frame_seq {frame.frame_seq} is after the one that reached the target"
                self._reject(index, Rejection(RejectReason.SESSION_ENDING, detail))
            elif isinstance(taken := intake.take(frame), str):
                rejection = Rejection(RejectReason(taken), _fault(intake, frame, taken))
                self._reject(index, rejection, is_repeated=frame.frame_seq <= seen)
                if frame.frame_seq <= seen:
                    self.repeated_seqs.append(frame.frame_seq)
            else:
                self.accepted += 1
                if taken:
                    self._keep(taken, frame.frame_seq)
                if progress.target is not None:
                    progress.note_target(progress.target, taken)
        if batch.clock_ms is not None and not progress.is_target_reached:
            events = intake.advance(batch.clock_ms)
            self.is_clock_new = events is not None
            self._keep(events or (), NO_FRAME)
        progress.last_batch_seq = max(progress.last_batch_seq, batch.batch_seq)

    def _reject(self, index: int, rejection: Rejection, is_repeated: bool = False) -> None:
        reason, summary = rejection.reason, self._progress.intake.summary
        detail = rejection.detail if len(self.rejected) < MAX_DETAILS else None
        self.rejected.append(RejectedFrame(index, reason, detail))
        if is_repeated:
            summary.repeated += 1
        elif reason is not RejectReason.SESSION_ENDING:
            summary.rejected[reason.value] += 1
            self.rejected_frames += 1

    def _keep(self, events: Iterable[DetectionEvent], frame_seq: int) -> None:
        progress = self._progress
        for event in events:
            if progress.event_bucket.takes(event, progress.events):
                progress.events += 1
                self.events.append(
                    NewEvent(progress.events, frame_seq, event.ts_ms, event.type, event.payload)
                )


def feed_batch(progress: Progress, batch: Batch) -> BatchResult:
    """Feed the engine a whole batch."""
    result = BatchResult(progress, batch)
    for _ in result.feed():
        pass
    return result


def _fault(intake: Intake, frame: NumberedFrame, reason: Refusal) -> str:
    """Why a frame does not fit the frames before it, in words."""
    seq, time_ms = frame.frame_seq, frame.timestamp_ms
    match reason:
        case "frame_seq_not_increasing":
            return f"frame_seq {seq} is not above the last one, {intake.last_frame_seq}"
        case "timestamp_not_increasing":
            if intake.last_ms is not None and time_ms <= intake.last_ms:
                why = f"is not after the last one, {intake.last_ms:.15g}"
            else:
                why = f"is before {intake.lost_ms:.15g}, where a clock lost the pose"
        case "timestamp_beyond_session":
            why = f"is over {intake.max_ms:.15g} ms after the first one, {intake.first_ms:.15g}"
        case "too_many_frames":
            why = f"is too soon: {FRAMES_PER_SECOND} frames a second of timestamp_ms are taken"
    return cut(f"timestamp_ms {time_ms:.15g} {why}")
