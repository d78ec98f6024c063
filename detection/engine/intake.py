"""The intake of one session: which of its frames and clocks the engine follows, and their summary.

A frame may be earlier than a clock before it, so that a clock that runs ahead costs no frame. It
may not be earlier than the events which that clock caused, so that event times never go back.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Protocol

from detection.engine.engine import Engine
from detection.engine.events import COMPLETION, DetectionEvent
from detection.engine.points import PoseFrameLike
from detection.engine.turning_points import DrivingPaths
from detection.spec import QualityReason

# The token bucket of a client's frames: its size, and its refill per second of the frames' time.
# The fastest cameras for people give half as many.
BUCKET_FRAMES: Final = 240
FRAMES_PER_SECOND: Final = 240
# A longer gap between two frames is no active time, and counts as this much unseen: the person has
# gone.
MAX_GAP_MS: Final = 2_000.0
# How long the engine knows an angle that it does not measure.
MAX_STEP_MS: Final = 250.0
# What of an intake, of its summary and of its quality is stored unchanged.
_STORED: Final = ("first_ms", "last_ms", "frames_left", "clock_ms", "lost_ms")
_OF_SUMMARY: Final = (
    *("frames", "usable", "intervals", "active_ms", "ranges", "steps", "repeated", "rejected"),
)
_OF_QUALITY: Final = (
    *("time_ms", "unseen_ms", "out_of_view_ms", "moved", "uncounted", "counted", "completions"),
)

Degrees = Sequence[tuple[float | None, float | None]]
Refusal = Literal[
    "frame_seq_not_increasing",
    "timestamp_not_increasing",
    "timestamp_beyond_session",
    "too_many_frames",
]


class NumberedFrame(PoseFrameLike, Protocol):
    """A pose frame with its number in the session, from 1."""

    @property
    def frame_seq(self) -> int: ...


class SessionQuality:
    """The signs of a session's quality, a part of its summary.

    `time_ms` is the time between frames, and `unseen_ms` the part that was not seen, by its reason.
    `out_of_view_ms` is the time before the first completion in which the camera stood on the wrong
    side. Until the last completion the angles have `moved` that far, in tenths of a degree;
    `uncounted` went beyond a repetition, and the `completions` took `counted`. Their paths since
    then are stored as those of `DrivingPaths`.
    """

    def __init__(self, engine: Engine, state: Mapping[str, Any]) -> None:
        """`state` is what `state()` gave, or empty. What other code has stored too is ignored."""
        self._engine = engine
        self._paths = DrivingPaths(engine.spec, state.get("paths", []))
        self.time_ms: float = state.get("time_ms", 0.0)
        self.unseen_ms: dict[str, float] = dict(state.get("unseen_ms", {}))
        self.out_of_view_ms: float = state.get("out_of_view_ms", 0.0)
        self.moved: int = state.get("moved", 0)
        self.uncounted: int = state.get("uncounted", 0)
        self.counted: int = state.get("counted", 0)
        self.completions: int = state.get("completions", 0)

    def state(self) -> dict[str, Any]:
        """The signs as JSON values."""
        signs = {name: getattr(self, name) for name in _OF_QUALITY}
        return {**signs, "paths": self._paths.state()}

    def accept(self, since_ms: float | None, degrees: Degrees | None, completes: bool) -> None:
        """Note a frame that the engine has followed, `since_ms` after the one before.

        `degrees` are its driving angles, None without a usable pose. `completes` says whether the
        frame completed a repetition.
        """
        is_seen = degrees is not None and self._paths.follow(degrees)
        if since_ms is not None:
            if since_ms > MAX_STEP_MS:
                self._miss(QualityReason.POSE_LOST, min(since_ms, MAX_GAP_MS))
            elif is_seen:
                self.time_ms += since_ms
                if not self.completions and self._engine.is_out_of_view:
                    self.out_of_view_ms += since_ms
            elif self._engine.is_lost:
                self._miss(QualityReason.POSE_JUMPING, since_ms)
            else:
                self._miss(QualityReason.SIDE_HIDDEN, since_ms)
        if completes:
            gone, beyond, of_repetition = self._paths.complete()
            self.moved += gone
            self.uncounted += beyond
            self.counted += of_repetition
            self.completions += 1

    def _miss(self, reason: QualityReason, missed_ms: float) -> None:
        self.time_ms += missed_ms
        self.unseen_ms[reason.value] = self.unseen_ms.get(reason.value, 0.0) + missed_ms


class SessionSummary:
    """A part of the stored state, whose size the MoveSpec and the reasons bound.

    `frames` were accepted, of which `usable` had a usable pose. `intervals` counts the gaps between
    them that are not long, and `active_ms` adds them up. `ranges` has the least and the most of
    each of `detection.driving_angles`, in degrees. `steps` is the farthest that a repetition got.
    `rejected` counts frames by reason, except those accepted before, which are `repeated`.
    `quality` says how much could be counted.
    """

    def __init__(self, engine: Engine, state: Mapping[str, Any] | None = None) -> None:
        """`state` is what `state()` gave. What other code has stored too is ignored."""
        state = state or {}
        self._engine = engine
        self.frames: int = state.get("frames", 0)
        self.usable: int = state.get("usable", 0)
        self.intervals: int = state.get("intervals", 0)
        self.active_ms: float = state.get("active_ms", 0.0)
        self.ranges: list[list[float | None]] = state.get("ranges", [])
        self.steps: int = state.get("steps", 0)
        self.repeated: int = state.get("repeated", 0)
        self.rejected: dict[str, int] = Counter(state.get("rejected", {}))
        self.quality = SessionQuality(engine, state.get("quality", {}))

    def state(self) -> dict[str, Any]:
        """The summary as JSON values."""
        known = {name: getattr(self, name) for name in _OF_SUMMARY}
        return {**known, "quality": self.quality.state()}

    def accept(self, since_ms: float | None, events: Sequence[DetectionEvent]) -> None:
        """Note a frame that was fed `since_ms` after the last one, and its events."""
        engine = self._engine
        self.frames += 1
        if since_ms is not None and since_ms <= MAX_GAP_MS:
            self.intervals += 1
            self.active_ms = round(self.active_ms + since_ms, 1)
        degrees = engine.driving_degrees() if engine.is_usable else None
        completes = any(event.type == COMPLETION for event in events)
        self.quality.accept(since_ms, degrees, completes)
        if degrees is None:
            return
        self.usable += 1
        if engine.steps_reached > self.steps:
            self.steps = engine.steps_reached
        if len(self.ranges) != len(degrees):
            self.ranges = [[None, None] for _ in degrees]
        for number, (low, high) in enumerate(degrees):
            least, most = self.ranges[number]
            # A tenth of a degree is enough, and short to store.
            if low is not None and (least is None or low < least):
                self.ranges[number][0] = round(low, 1)
            if high is not None and (most is None or high > most):
                self.ranges[number][1] = round(high, 1)


class Intake:
    """`first_ms` and `last_ms` are the timestamps of the first and the last accepted frame, and
    `last_frame_seq` is the last one's number. `frames_left` is the level of the bucket of frames
    after it. `clock_ms` is the highest clock of the client, `lost_ms` the time of the last events
    that a clock caused. `max_ms` is how long after the first frame another may be.
    """

    def __init__(
        self,
        engine: Engine,
        max_ms: float,
        state: Mapping[str, Any] | None = None,
        summary: Mapping[str, Any] | None = None,
        last_frame_seq: int = 0,
        accepted_frames: int = 0,
    ) -> None:
        """`state` and `summary` are what `state()` and the summary's gave."""
        state = state or {}
        self.engine = engine
        self.max_ms = max_ms
        self.last_frame_seq = last_frame_seq
        self.accepted_frames = accepted_frames
        self.first_ms: float | None = state.get("first_ms")
        self.last_ms: float | None = state.get("last_ms")
        self.frames_left: float = state.get("frames_left", BUCKET_FRAMES)
        self.clock_ms: float | None = state.get("clock_ms")
        self.lost_ms: float | None = state.get("lost_ms")
        self.summary = SessionSummary(engine, summary)

    def state(self) -> dict[str, Any]:
        """What it needs besides the engine and the summary, as JSON values."""
        return {name: getattr(self, name) for name in _STORED}

    def take(self, frame: NumberedFrame) -> list[DetectionEvent] | Refusal:
        """Feed the engine a frame. Returns its events, or why the frame is rejected.

        A frame is accepted if it is new, in order, and within the bucket. Only accepted frames move
        the bucket and `last_frame_seq`. Raises whatever the engine raises.
        """
        seq, now = frame.frame_seq, frame.timestamp_ms
        if seq <= self.last_frame_seq:
            return "frame_seq_not_increasing"
        since_ms: float | None = None
        frames_left = self.frames_left
        if self.last_ms is not None:
            since_ms = now - self.last_ms
            if since_ms <= 0 or (self.lost_ms is not None and now < self.lost_ms):
                return "timestamp_not_increasing"
            if self.first_ms is not None and now - self.first_ms > self.max_ms:
                return "timestamp_beyond_session"
            frames_left = min(BUCKET_FRAMES, frames_left + since_ms * FRAMES_PER_SECOND / 1000)
            if frames_left < 1:
                return "too_many_frames"
        events = self.engine.feed(frame)
        self.summary.accept(since_ms, events)
        self.frames_left = frames_left - 1
        if self.first_ms is None:
            self.first_ms = now
        self.last_ms = now
        self.last_frame_seq = seq
        self.accepted_frames += 1
        return events

    def is_ahead(self, clock_ms: float) -> bool:
        """Whether a clock is later than those before it."""
        return self.clock_ms is None or clock_ms > self.clock_ms

    def advance(self, clock_ms: float) -> list[DetectionEvent] | None:
        """Advance the engine to a clock between the first frame and the end of the session.

        Returns its events, or None for a clock that changes nothing: one that was sent before must
        not lose a person who has come since.
        """
        if self.first_ms is None or clock_ms - self.first_ms > self.max_ms:
            return None
        if not self.is_ahead(clock_ms):
            return None
        self.clock_ms = clock_ms
        events = self.engine.advance(clock_ms)
        if events:
            self.lost_ms = events[-1].ts_ms
        return events
