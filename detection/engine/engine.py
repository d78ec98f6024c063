"""The engine of one session: it follows a MoveSpec over pose frames and gives detection events."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, Final, Self

from detection.engine import form_3
from detection.engine.body import Body, Curve
from detection.engine.counter import Counter
from detection.engine.events import DetectionEvent, feedback, in_order
from detection.engine.hold import Hold
from detection.engine.plan import Plan, plan_of
from detection.engine.points import PoseFrameLike
from detection.engine.readiness import BEGUN, LACKING, LOST, READY, Readiness, ReadyState, Sight
from detection.engine.settings import EngineSettings
from detection.engine.states import SNAPSHOT_FORM, Snapshot, restore, stored
from detection.engine.tally import Tally
from detection.engine.tracking import seen_from
from detection.landmarks import LANDMARK_NAMES
from detection.spec import NOT_READY, BodySide, Measure, MoveSpec, Reason

READABLE_FORMS: Final = (form_3.FORM, SNAPSHOT_FORM)
DEFAULT_SETTINGS: Final = EngineSettings()


class Engine:
    """An engine that follows one MoveSpec. docs/engine.md has every rule with its formula.

    The same frames give the same events on any machine, however they are batched, and wherever the
    engine is stored and restored between them.
    """

    def __init__(self, spec: MoveSpec, settings: EngineSettings = DEFAULT_SETTINGS) -> None:
        plan = plan_of(spec)
        self._spec = spec
        self._smoothing_ms = settings.smoothing.smoothing_ms
        self._pose_lost_ms = settings.sight.pose_lost_ms
        self._longest_step_ms = settings.sight.max_step_ms
        self._body = Body(plan.deciding, plan.advising, settings)
        self._tally = Tally(spec, plan)
        self._sight = Sight(plan.required, self._body)
        self._views = {
            seen_from(angle.measure, spec.plane)
            for counter in plan.counters
            for motion in counter.motions
            for angle in motion.angles
        }
        is_of_one_view = bool(self._views) and "any" not in self._views
        self._facing = self._body.watch_facing() if is_of_one_view else None
        self._readiness: Readiness | None = None
        if spec.setup is not None:
            self._readiness = Readiness(spec.setup, self._body, settings)
        self._counters = self._counters_of(plan, settings)
        self._angles = [
            angle
            for counter in self._counters
            for swing in counter.swings
            for angle in swing.angles
        ]
        self._last_ms: float | None = None
        self._usable_ms: float | None = None

    def _counters_of(self, plan: Plan, settings: EngineSettings) -> Sequence[Counter | Hold]:
        shared = self._body, self._tally, settings
        if self._spec.type == "hold":
            return [Hold(counter, *shared) for counter in plan.counters]
        counters = [Counter(counter, *shared) for counter in plan.counters]
        if len(counters) > 1:
            left, right = counters
            left.stand_beside(right)
            right.stand_beside(left)
        return counters

    def feed(self, frame: PoseFrameLike) -> list[DetectionEvent]:
        """The events that one frame causes: phases left, phases entered, a repetition completed or
        interrupted, feedback.

        A frame has 33 landmarks in canonical order, of any finite numbers, and a timestamp in
        milliseconds above that of the frame before. Such a frame raises nothing.
        """
        return in_order(self._follow_frame(frame))

    def _follow_frame(self, frame: PoseFrameLike) -> list[DetectionEvent]:
        now = frame.timestamp_ms
        keep = since = 0.0
        if self._last_ms is not None:
            since = now - self._last_ms
            keep = self._smoothing_ms / (self._smoothing_ms + since)
        self._last_ms = now
        events: list[DetectionEvent] = []
        if self._usable_ms is not None and now - self._usable_ms >= self._pose_lost_ms:
            events = self._lose_pose(now)
            keep = 0.0
        if self._body.measure(frame.landmarks, now, since, keep):
            self._usable_ms = now
        self._sight.look(frame.landmarks)
        # After a longer gap the body has been anywhere.
        step = min(since, self._longest_step_ms) if keep else 0.0
        if self._readiness is None:
            return events + self._follow(now, step)
        change = self._readiness.follow(frame.landmarks, now, since)
        if change == LOST:
            events += self._lose("not_ready", now)
        for lack, is_first in self._readiness.news(now):
            throttle = self._tally.throttle
            cues = throttle.reserved(NOT_READY, lack, now, only_named=not is_first)
            events += [feedback(cue, now, None) for cue in cues]
        if change in (LACKING, LOST):
            return events
        told = self._follow(now, step)
        if change == READY:
            return events + told
        if change == BEGUN:
            # The phases that hold are entered, and the withheld outcomes are sent.
            events += [entry for counter in self._counters for entry in counter.enter(now)]
            events += self._tally.begin(now)
        return events

    def _follow(self, now: float, step: float) -> list[DetectionEvent]:
        is_seen = self._usable_ms == now
        return [
            event
            for counter in self._counters
            for event in counter.follow(now, step, is_seen=is_seen)
        ]

    def advance(self, clock_ms: float) -> list[DetectionEvent]:
        """The events of time that passes without a frame, up to `clock_ms`, a finite number: the
        pose is lost pose_lost_ms after the last usable frame, and that is their time.

        A clock that loses no pose changes nothing. Later frames must not be before the events of a
        clock. They may be before the clock itself.
        """
        if self._usable_ms is None or clock_ms - self._usable_ms < self._pose_lost_ms:
            return []
        self._last_ms = None  # the next frame is smoothed with none before it
        self._body.tracking.forget()  # the next person is not where the last one was
        return in_order(self._lose_pose(self._usable_ms + self._pose_lost_ms))

    def finish(self) -> list[DetectionEvent]:
        """The events at the end of the session, at the time of the last frame: a repetition that
        is midway is interrupted. A second call gives none."""
        if self._last_ms is None or not self._tally.counts:
            return []
        last = self._last_ms
        return in_order([event for counter in self._counters for event in counter.finish(last)])

    def _lose_pose(self, now: float) -> list[DetectionEvent]:
        events = self._lose("pose_lost", now)
        self._body.forget()
        for counter in self._counters:
            counter.begin_still()
        if self._readiness is not None:
            self._readiness.forget()
        self._usable_ms = None
        return events

    def _lose(self, reason: Reason, now: float) -> list[DetectionEvent]:
        events = [event for counter in self._counters for event in counter.lose(reason, now)]
        is_told = self._tally.counts
        self._tally.begin_anew()
        return events if is_told else []

    @property
    def spec(self) -> MoveSpec:
        """The MoveSpec that it follows."""
        return self._spec

    @property
    def is_lost(self) -> bool:
        """Whether the landmarks jump so much that the person is lost."""
        return self._body.tracking.is_lost

    @property
    def is_usable(self) -> bool:
        """Whether the pose of the last frame was usable."""
        return self._usable_ms is not None and self._usable_ms == self._last_ms

    @property
    def steps_reached(self) -> int:
        """How many steps of the sequence the repetition under way has reached; 0 without one."""
        if not self._tally.counts:
            return 0
        return max(counter.steps_reached for counter in self._counters)

    @property
    def readiness(self) -> ReadyState:
        """Whether what the setup asks for is so, and what must hold can be seen.

        A pose is that of a person if it is usable, or if some of it is in sight and `missing` names
        landmarks that are not.
        """
        if self._last_ms is None or self.is_lost:
            return "no_person"
        if self._usable_ms is None and not self._hidden:
            return "no_person"
        return "ready" if self._tally.counts and not self._sight.hidden else "positioning"

    @property
    def _hidden(self) -> int:
        """The bits of the landmarks out of sight: those of the setup, or else of what must hold."""
        return (self._readiness.hidden if self._readiness else 0) or self._sight.hidden

    @property
    def missing(self) -> list[str]:
        """What the last frame lacks: landmarks that are out of sight by name, and of the setup
        `view` and `start`. Nothing of nobody."""
        if self.readiness == "no_person":
            return []
        names = [name for index, name in enumerate(LANDMARK_NAMES) if self._hidden >> index & 1]
        return names + (self._readiness.lacks() if self._readiness else [])

    @property
    def is_out_of_view(self) -> bool:
        """Whether the last frame was filmed from where the movement is not seen: a landmark or the
        setup's view is missing, or the body faces the camera in a movement that shows from the
        side, or the other way round."""
        if any(lack != "start" for lack in self.missing):
            return True
        facing = self._facing
        return facing is not None and facing.view != "any" and facing.view not in self._views

    @property
    def held_ms(self) -> float | None:
        """How long the hold that goes on has lasted, without its breaks; None for repetitions. Of
        two sides the longer one."""
        return max((held_ms for held_ms, _ in self._held()), default=None)

    @property
    def held_side(self) -> BodySide | None:
        """The side of the hold that goes on; None where sides are not counted apart."""
        held_ms, side = max(self._held(), key=itemgetter(0), default=(0.0, None))
        return side if held_ms else None

    @property
    def longest_ms(self) -> int | None:
        """The longest hold so far, as `summary` says it; None for repetitions."""
        held = [held_ms for held_ms, _ in self._held()]
        return round(max(self._tally.summary.longest_ms, *held)) if held else None

    def _held(self) -> list[tuple[float, BodySide | None]]:
        """How long each hold has lasted, and its side. None of repetitions."""
        return [
            (counter.held_ms if self._tally.counts else 0.0, counter.side)
            for counter in self._counters
            if isinstance(counter, Hold)
        ]

    def summary(self) -> dict[str, Any]:
        """What was counted so far, as JSON values: {event_key: {completed, attempts {reason: n},
        by_side, measures {name: {best, mean}}, times {mean, last}, longest_ms, total_ms}}."""
        held = [held_ms for held_ms, _ in self._held()]
        return {self._spec.movement_name: self._tally.summary.payload(held)}

    def driving_degrees(self) -> list[tuple[float | None, float | None]]:
        """The angles of `driving_angles(spec)` as of the last frame, in degrees; None if unknown.

        For each the angle that its low end judges, and the one that its high end does. They differ
        where an end has several sides.
        """
        return [angle.values() for angle in self._angles]

    def angles(self) -> dict[tuple[Measure, Curve], float]:
        """The measured angles as of the last frame, in degrees: of each joint and lean that the
        MoveSpec names, by ("knee", "left"), ("knee", "right") and, where both sides are measured,
        ("knee", "pair"). The trunk has only a "pair". Unknown angles are left out."""
        return {} if self._last_ms is None else self._body.angles()

    def snapshot(self) -> Snapshot:
        """The state of the engine as JSON values: `form`, `last_ms` and `usable_ms`, the times of
        the last frame and of the last usable pose, and `parts`, the values of each part's state."""
        return {
            "form": SNAPSHOT_FORM,
            "last_ms": self._last_ms,
            "usable_ms": self._usable_ms,
            "parts": [stored(part) for part in self.parts()],
        }

    @classmethod
    def restore(
        cls,
        spec: MoveSpec,
        snapshot: Snapshot,
        settings: EngineSettings = DEFAULT_SETTINGS,
        *,
        completed: int = 0,
    ) -> Self:
        """The engine of a snapshot, which must be of the same MoveSpec. `completed` is how many
        were completed before it, which those before form 5 do not know.

        Raises ValueError when the snapshot has a form that is not read, or another MoveSpec's
        shape.
        """
        engine = cls(spec, settings)
        if snapshot.get("form") == form_3.FORM:
            snapshot = form_3.converted(snapshot, engine._body, plan_of(spec), completed)
        if snapshot.get("form") != SNAPSHOT_FORM:
            raise ValueError(f"Not a form of a snapshot that is read: {snapshot.get('form')!r}.")
        engine._last_ms = snapshot["last_ms"]
        engine._usable_ms = snapshot["usable_ms"]
        parts, values = engine.parts(), snapshot["parts"]
        if len(values) != len(parts):
            raise ValueError(f"Not a snapshot of {len(parts)} parts.")
        for part, of_part in zip(parts, values, strict=True):
            restore(part, of_part)
        if engine._readiness is not None:
            engine._tally.counts = engine._readiness.is_ready
        engine._body.resume()
        for part in parts:
            if hasattr(part, "resume"):
                part.resume()
        return engine

    def parts(self) -> list[Any]:
        """The parts that remember something, in the order in which they are stored."""
        parts: list[Any] = [
            *self._body.parts(),
            self._tally.summary,
            self._tally.throttle,
            self._sight,
        ]
        if self._readiness is not None:
            parts += [self._readiness, self._tally]
        for counter in self._counters:
            parts += counter.parts()
        return parts
