"""The progress of one session: which frames are accepted, and what the engine makes of them.

A frame may be earlier than a clock before it, so that a clock that runs ahead costs no frame. It
may not be earlier than the events which that clock caused, so that event times never go back.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from detection import DetectionEvent, Engine, MoveSpec
from realtime.frames import Frame, Rejection, RejectReason, cut, read_frame
from realtime.messages import (
    MAX_DETAILS,
    Batch,
    HoldProgress,
    Readiness,
    RejectedFrame,
)
from sessions_app.checkpoints import NewEvent
from sessions_app.events import NO_FRAME
from sessions_app.models import DetectionSession
from sessions_app.session_ends import max_events, max_session
from sessions_app.stream_state import pack, stored_state, stored_summary
from sessions_app.summary import COUNTED, SessionQuality
from sessions_app.target import Target, target_of

# The token bucket of a client's frames: its size, and its refill per second of the frames' time.
# The fastest cameras for people give half as many.
BUCKET_FRAMES: Final = 240
FRAMES_PER_SECOND: Final = 240
# The bucket of a session's events, by the frames' time too, so that batching changes nothing.
BUCKET_EVENTS: Final = 200
EVENTS_PER_SECOND: Final = 20
# The fields of Progress that its state stores unchanged.
STORED: Final = ("first_ms", "last_ms", "frames_left", "clock_ms", "lost_ms")
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
        is_kept = self._has_room(event) and stored < self.max_events
        if is_kept:
            self.left -= 1
        else:
            self.thinned += 1
        return is_kept

    def _has_room(self, event: DetectionEvent) -> bool:
        if self.at_ms is not None and event.ts_ms > self.at_ms:
            refill = (event.ts_ms - self.at_ms) * EVENTS_PER_SECOND / 1000
            self.left = min(BUCKET_EVENTS, self.left + refill)
        self.at_ms = max(event.ts_ms, self.at_ms or event.ts_ms)
        shape = _shape_of(event)
        has_room = self.left >= 1
        if event.type == "shape_exit":
            has_room = shape not in self.hidden
            self.hidden.discard(str(shape))
        elif shape is not None and not has_room:
            self.hidden.add(shape)
        return has_room


def _shape_of(event: DetectionEvent) -> str | None:
    """The shape that an event enters or exits. One shape counts for each side separately."""
    shape: str | None = event.payload.get("shape_key")
    side: str | None = event.payload.get("side")
    return shape if shape is None or side is None else f"{shape}:{side}"


# A longer gap between two frames does not count as active time.
MAX_GAP_MS: Final = 2_000.0
LEAST, MOST = 0, 1


class SessionSummary:
    """A part of the stored state, whose size the MoveSpec and the reasons bound.

    `frames` were accepted, of which `usable` had a usable pose. `intervals` counts the gaps between
    them that are not long, and `active_ms` adds them up. `ranges` has the least and the most of
    each of `detection.driving_angles`, in degrees. `steps` is the farthest that a repetition got.
    `rejected` counts frames by reason, except those accepted before, which are `repeated`.
    `quality` says how much could be counted.
    """

    def __init__(self) -> None:
        self.frames = 0
        self.usable = 0
        self.intervals = 0
        self.active_ms = 0.0
        self.ranges: list[list[float | None]] = []
        self.steps = 0
        self.repeated = 0
        self.rejected: Counter[str] = Counter()
        self.quality = SessionQuality()

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> "SessionSummary":
        """The summary of a state. Values that other code has stored are ignored."""
        summary = cls()
        for name in vars(summary):
            if name in state:
                setattr(summary, name, state[name])
        summary.rejected = Counter(summary.rejected)
        summary.quality = SessionQuality.of(state.get("quality", {}))
        return summary

    def state(self) -> dict[str, Any]:
        """The summary as JSON values."""
        return {**vars(self), "quality": self.quality.state()}

    def accept(
        self, engine: Engine, since_ms: float | None, events: Sequence[DetectionEvent]
    ) -> None:
        """Note a frame that was fed `since_ms` after the last one, and its events."""
        self.frames += 1
        if since_ms is not None and since_ms <= MAX_GAP_MS:
            self.intervals += 1
            self.active_ms = round(self.active_ms + since_ms, 1)
        degrees = engine.driving_degrees() if engine.is_usable else None
        completes = bool(events) and any(event.type == "event_completed" for event in events)
        self.quality.accept(engine, since_ms, degrees, completes=completes)
        if degrees is None:
            return
        self.usable += 1
        if engine.steps_reached > self.steps:
            self.steps = engine.steps_reached
        self._widen(degrees)

    def _widen(self, angles: Sequence[tuple[float | None, float | None]]) -> None:
        if len(self.ranges) != len(angles):
            self.ranges = [[None, None] for _ in angles]
        for range_, (low, high) in zip(self.ranges, angles, strict=True):
            least, most = range_
            # A tenth of a degree is enough, and short to store.
            if low is not None and (least is None or low < least):
                range_[LEAST] = round(low, 1)
            if high is not None and (most is None or high > most):
                range_[MOST] = round(high, 1)


@dataclass(slots=True, kw_only=True)
class Progress:
    """The progress of one session: the engine, and the counts that its row will have.

    `first_ms` and `last_ms` are the timestamps of the first and the last accepted frame.
    `frames_left` is the level of the bucket of frames after the last one. `clock_ms` is the highest
    clock of the client, `lost_ms` the time of the last events that a clock caused.
    """

    engine: Engine
    longest_ms: float
    event_bucket: EventBucket
    last_frame_seq: int = 0
    last_batch_seq: int = 0
    accepted_frames: int = 0
    events: int = 0
    checkpoint_number: int = 0
    first_ms: float | None = None
    last_ms: float | None = None
    frames_left: float = BUCKET_FRAMES
    clock_ms: float | None = None
    lost_ms: float | None = None
    summary: SessionSummary = field(default_factory=SessionSummary)
    target: Target | None = None
    is_target_reached: bool = False

    def readiness(self) -> Readiness:
        return Readiness(self.engine.readiness, self.engine.missing)

    def hold(self) -> HoldProgress | None:
        held_ms = self.engine.held_ms
        if held_ms is None:
            return None
        name, side = self.engine.spec.movement_name, self.engine.held_side
        return HoldProgress(name, round(held_ms), side)

    def note_target(self, events: Sequence[DetectionEvent]) -> None:
        """Note whether a frame with these events has reached the target."""
        if self.target is None:
            return
        if self.target.hold_ms is not None:
            self.is_target_reached = (self.engine.longest_ms or 0) >= self.target.hold_ms
        elif events:
            counted = self.engine.summary().values()
            completed = sum(movement["completed"] for movement in counted)
            self.is_target_reached = completed >= (self.target.repetitions or 0)

    def summary_state(self) -> dict[str, Any]:
        return {**self.summary.state(), COUNTED: self.engine.summary()}

    def packed_state(self) -> bytes:
        """The state from which a later attach continues."""
        return pack(
            {
                "engine": self.engine.snapshot(),
                **{name: getattr(self, name) for name in STORED},
                "event_bucket": self.event_bucket.state(),
                "summary": self.summary_state(),
            }
        )


def progress_of(session: DetectionSession, spec: MoveSpec) -> Progress:
    """The progress stored in the session's row, with its engine restored."""
    state = stored_state(session)
    completed = sum(session.repetitions.values())
    return Progress(
        engine=(
            Engine.restore(spec, state["engine"], completed=completed) if state else Engine(spec)
        ),
        longest_ms=max_session(session.project).total_seconds() * 1000,
        event_bucket=EventBucket(max_events(session.project), **state.get("event_bucket", {})),
        summary=SessionSummary.of(stored_summary(session, state)),
        target=target_of(session),
        last_frame_seq=session.last_frame_seq,
        last_batch_seq=session.last_batch_seq,
        accepted_frames=session.accepted_frames_total,
        events=session.events_total,
        checkpoint_number=session.checkpoint_number,
        **{name: state[name] for name in STORED if name in state},
    )


@dataclass(slots=True)
class BatchResult:
    """What became of a batch's frames and clock.

    `repeated_seqs` and `repeated_clock_ms` are frames and a clock that an earlier batch brought.
    `rejected_frames` counts those rejected, but not these and those after the session's target.
    `is_clock_new` says that the batch's clock is the highest so far.
    """

    accepted: int = 0
    rejected: list[RejectedFrame] = field(default_factory=list)
    rejected_frames: int = 0
    repeated_seqs: list[int] = field(default_factory=list)
    repeated_clock_ms: float | None = None
    is_clock_new: bool = False
    events: list[NewEvent] = field(default_factory=list)


def feed_batch(progress: Progress, batch: Batch) -> BatchResult:
    """Feed the engine the frames of `batch` that are accepted, and then its clock.

    A frame is accepted if it is new, in order, and within the bucket. Only accepted frames move the
    bucket and `last_frame_seq`. Raises whatever the engine raises.
    """
    result = BatchResult()
    for _ in feed_by_frame(progress, batch, result):
        pass
    return result


def feed_by_frame(progress: Progress, batch: Batch, result: BatchResult) -> Iterator[None]:
    """Do as `feed_batch` does, and yield between frames. `result` is complete at the end."""
    result.repeated_clock_ms = repeated_clock(progress, batch)
    seen = progress.last_frame_seq
    for index, frame in enumerate(batch.frames):
        if index:
            yield
        in_detail = len(result.rejected) < MAX_DETAILS
        if isinstance(frame, msgspec.Raw):
            frame = read_frame(bytes(frame))
        if isinstance(frame, Frame):
            rejection = _rejection(progress, frame)
            if rejection is None:
                _feed(progress, frame, result)
                continue
            repeated = [frame.frame_seq] if frame.frame_seq <= seen else []
        else:
            rejection, repeated = frame, []
        detail = rejection.detail if in_detail else None
        result.rejected.append(RejectedFrame(index, rejection.reason, detail))
        if repeated:
            result.repeated_seqs += repeated
            progress.summary.repeated += 1
        elif rejection.reason is not RejectReason.SESSION_ENDING:
            progress.summary.rejected[rejection.reason.value] += 1
            result.rejected_frames += 1
    if batch.clock_ms is not None:
        _advance(progress, batch.clock_ms, result)
    progress.last_batch_seq = max(progress.last_batch_seq, batch.batch_seq)


def repeated_clock(progress: Progress, batch: Batch) -> float | None:
    """The batch's clock, if an earlier one may have caused the same events; else None."""
    if batch.clock_ms is None or progress.lost_ms is None or _is_ahead(progress, batch.clock_ms):
        return None
    return batch.clock_ms


def _is_ahead(progress: Progress, clock_ms: float) -> bool:
    return progress.clock_ms is None or clock_ms > progress.clock_ms


def _rejection(progress: Progress, frame: Frame) -> Rejection | None:
    """Why a frame does not fit the frames before it; None if it does."""
    seq, time_ms = frame.frame_seq, frame.timestamp_ms
    if seq <= progress.last_frame_seq:
        return Rejection(
            RejectReason.FRAME_SEQ_NOT_INCREASING,
            f"frame_seq {seq} is not above the last one, {progress.last_frame_seq}",
        )
    if progress.is_target_reached:
        return Rejection(RejectReason.SESSION_ENDING, "is after the one that reached the target")
    if progress.last_ms is None or progress.first_ms is None:
        return None
    if time_ms <= progress.last_ms:
        reason = RejectReason.TIMESTAMP_NOT_INCREASING
        why = f"is not after the last one, {progress.last_ms:.15g}"
    elif progress.lost_ms is not None and time_ms < progress.lost_ms:
        reason = RejectReason.TIMESTAMP_NOT_INCREASING
        why = f"is before {progress.lost_ms:.15g}, where a clock lost the pose"
    elif time_ms - progress.first_ms > progress.longest_ms:
        reason = RejectReason.TIMESTAMP_BEYOND_SESSION
        first_ms = f"{progress.first_ms:.15g}"
        why = f"is over {progress.longest_ms:.15g} ms after the first one, {first_ms}"
    elif _frames_left(progress, frame) < 1:
        reason = RejectReason.TOO_MANY_FRAMES
        why = f"is too soon: {FRAMES_PER_SECOND} frames a second of timestamp_ms are taken"
    else:
        return None
    return Rejection(reason, cut(f"timestamp_ms {time_ms:.15g} {why}"))


def _frames_left(progress: Progress, frame: Frame) -> float:
    """The bucket's level at the timestamp of `frame`."""
    if progress.last_ms is None:
        return progress.frames_left
    refilled = (frame.timestamp_ms - progress.last_ms) * FRAMES_PER_SECOND / 1000
    return min(BUCKET_FRAMES, progress.frames_left + refilled)


def _feed(progress: Progress, frame: Frame, result: BatchResult) -> None:
    events = progress.engine.feed(frame)
    _keep(progress, events, frame.frame_seq, result)
    since_ms = None if progress.last_ms is None else frame.timestamp_ms - progress.last_ms
    progress.summary.accept(progress.engine, since_ms, events)
    progress.frames_left = _frames_left(progress, frame) - 1
    if progress.first_ms is None:
        progress.first_ms = frame.timestamp_ms
    progress.last_ms = frame.timestamp_ms
    progress.last_frame_seq = frame.frame_seq
    progress.accepted_frames += 1
    result.accepted += 1
    progress.note_target(events)


def _advance(progress: Progress, clock_ms: float, result: BatchResult) -> None:
    """Advance the engine to a clock between the first frame and the end of the session."""
    if progress.first_ms is None or clock_ms - progress.first_ms > progress.longest_ms:
        return
    if progress.is_target_reached or not _is_ahead(progress, clock_ms):
        return  # sent again, it must not lose a person who has come since
    progress.clock_ms = clock_ms
    result.is_clock_new = True
    events = progress.engine.advance(clock_ms)
    if events:
        progress.lost_ms = events[-1].ts_ms
    _keep(progress, events, NO_FRAME, result)


def _keep(
    progress: Progress, events: Iterable[DetectionEvent], frame_seq: int, result: BatchResult
) -> None:
    for event in events:
        if not progress.event_bucket.takes(event, progress.events):
            continue
        progress.events += 1
        result.events.append(
            NewEvent(progress.events, frame_seq, event.ts_ms, event.type, event.payload)
        )
