"""The engine of one session: it follows a MoveSpec over pose frames and gives detection events."""

from typing import Any, Final, Self

from detection.engine import form_3
from detection.engine.body import Body, Curve
from detection.engine.conditions import Conditions
from detection.engine.criteria import HeldCriterion
from detection.engine.events import DetectionEvent, feedback, shape
from detection.engine.phases import (
    ENTERED,
    LEFT,
    PASSED,
    UNCHANGED,
    PhaseTracker,
    ended_by,
    exclusive,
    trackers_of,
)
from detection.engine.plan import plan_of
from detection.engine.repetition import Completed, Interrupted, Repetition
from detection.engine.settings import EngineSettings
from detection.engine.states import restore, stored
from detection.engine.stillness import Stillness
from detection.engine.swing import Swing
from detection.landmarks import PoseFrameLike
from detection.spec import COMPLETED, INTERRUPTED, Cue, Measure, MoveSpec

# The form of the snapshots that are written, and those that are read.
SNAPSHOT_FORM = 4
READABLE_FORMS: Final = (form_3.FORM, SNAPSHOT_FORM)
DEFAULT_SETTINGS: Final = EngineSettings()

Snapshot = dict[str, Any]


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
        self._longest_step_ms = settings.sight.longest_step_ms
        self._body = Body(
            (criterion for phase in spec.phases for criterion in phase.criteria),
            (cue.criterion for cue in spec.feedback if cue.criterion is not None),
            settings,
        )
        strict = frozenset(phase.name for phase in spec.phases if phase.strict)
        self._swings = [Swing(travel, self._body, strict, settings) for travel in plan.travels]
        self._carriers = [carrier for swing in self._swings for carrier in swing.carriers]
        self._conditions = Conditions(plan.conditions, self._body, settings.phase)
        self._stillness = Stillness(self._body.deciding_angles(), settings.swing)
        self._phases = trackers_of(spec, plan, self._body, self._swings, settings)
        # The phases that cues wait for, each with its cues and the bits that mark them as sent.
        self._advised = [
            (phase, cues) for phase in self._phases if (cues := self._cues_of(phase.name))
        ]
        self._repetition = Repetition(spec.sequence)
        self._last_ms: float | None = None
        self._usable_ms: float | None = None

    def _cues_of(self, when: str) -> list[tuple[int, Cue, HeldCriterion | None]]:
        return [
            (1 << number, cue, self._body.hold(cue.criterion) if cue.criterion else None)
            for number, cue in enumerate(self._spec.feedback)
            if cue.when == when
        ]

    def feed(self, frame: PoseFrameLike) -> list[DetectionEvent]:
        """The events that one frame causes: phases left, phases entered, a repetition completed or
        interrupted, feedback.

        A frame has 33 landmarks in canonical order, of any finite numbers, and a timestamp in
        milliseconds above that of the frame before. Such a frame raises nothing.
        """
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
        self._stillness.watch()
        broken_off = None
        if self._conditions.are_broken(now):
            broken_off = self._break_off()
        else:
            for swing in self._swings:
                swing.measure(now)
        for phase in self._phases:
            phase.measure()
        # After a longer gap the body has been anywhere.
        step = min(since, self._longest_step_ms) if keep else 0.0
        events += self._follow(broken_off, now, step)
        for phase, cues in self._advised:
            if phase.holds:
                events += self._advice(phase, cues, now)
        return events

    def advance(self, clock_ms: float) -> list[DetectionEvent]:
        """The events of time that passes without a frame, up to `clock_ms`, a finite number: the
        pose is lost pose_lost_ms after the last usable frame, and that is their time.

        A clock that loses no pose changes nothing. Later frames must not be before the events of a
        clock. They may be before the clock itself.
        """
        if self._usable_ms is None or clock_ms - self._usable_ms < self._pose_lost_ms:
            return []
        self._last_ms = None  # the next frame is smoothed with none before it
        self._body.forget_gone()
        return self._lose_pose(self._usable_ms + self._pose_lost_ms)

    def finish(self) -> list[DetectionEvent]:
        """The events at the end of the session, at the time of the last frame: a repetition that
        is midway is interrupted. A second call gives none."""
        interrupted = self._repetition.abandon("session_ended")
        if interrupted is None or self._last_ms is None:
            return []
        return self._outcomes([interrupted], self._last_ms)

    def _lose_pose(self, now: float) -> list[DetectionEvent]:
        events = [
            shape("shape_exit", phase.name, 0.0, now) for phase in self._phases if phase.holds
        ]
        self._body.forget()
        for swing in self._swings:
            swing.forget()
        for phase in self._phases:
            phase.forget()
        self._conditions.forget()
        self._stillness.forget()
        self._usable_ms = None
        interrupted = self._repetition.abandon("pose_lost")
        if interrupted is not None:
            events += self._outcomes([interrupted], now)
        return events

    def _break_off(self) -> Interrupted | None:
        for swing in self._swings:
            swing.forget()
        return self._repetition.abandon("condition")

    def _follow(
        self, broken_off: Interrupted | None, now: float, step: float
    ) -> list[DetectionEvent]:
        """The events of the phases that this frame changes, and of the repetition."""
        held = [phase.holds for phase in self._phases]
        changes = [
            phase.follow_stay(now) if holds else UNCHANGED
            for phase, holds in zip(self._phases, held, strict=True)
        ]
        for number, phase in enumerate(self._phases):
            if not held[number]:
                changes[number] = phase.follow_approach(now, step)
        outcomes: list[Completed | Interrupted] = [broken_off] if broken_off else []
        events: list[DetectionEvent] = []
        if any(changes):
            left, passed, entered = (
                [
                    phase
                    for phase, change in zip(self._phases, changes, strict=True)
                    if change == wanted
                ]
                for wanted in (LEFT, PASSED, ENTERED)
            )
            passed.sort(key=lambda phase: phase.passed_ms)
            entered = exclusive(entered)
            left += ended_by([*passed, *entered])
            for phase in left:
                confidence = phase.confidence()
                events.append(shape("shape_exit", phase.name, confidence, now))
                self._repetition.leave(phase.name, confidence)
            for phase in (*passed, *entered):
                confidence = phase.confidence()
                events.append(shape("shape_enter", phase.name, confidence, now))
                phase.awaits_movement = True
                self._take_step(phase, outcomes)
                if not phase.holds:
                    events.append(shape("shape_exit", phase.name, confidence, now))
                    self._repetition.leave(phase.name, confidence)
                    phase.leave()
        for phase in self._phases:
            if phase.awaits_movement:
                self._take_step(phase, outcomes)
        return events + self._outcomes(outcomes, now)

    def _take_step(self, phase: PhaseTracker, outcomes: list[Completed | Interrupted]) -> None:
        """Take the entry of a phase as a step, unless a repetition is under way in which the body
        has not moved: then it waits until the body has."""
        if self._repetition.step is not None and not self._stillness.has_ended():
            return
        phase.awaits_movement = False
        was_under_way = self._repetition.step is not None
        outcome = self._repetition.enter(phase.name, phase.confidence())
        if outcome is not None or (not was_under_way and self._repetition.step is not None):
            self._stillness.forget()
        if outcome is not None:
            outcomes.append(outcome)

    def _outcomes(
        self, outcomes: list[Completed | Interrupted], now: float
    ) -> list[DetectionEvent]:
        events = []
        advice = []
        for outcome in outcomes:
            if isinstance(outcome, Completed):
                when = COMPLETED
                payload = {"event_key": self._spec.movement_name, "score": outcome.score}
                events.append(DetectionEvent("event_completed", now, payload))
            else:
                when = INTERRUPTED
                events.append(DetectionEvent("event_interrupted", now, {"reason": outcome.reason}))
            advice += [feedback(cue, now) for cue in self._spec.feedback if cue.when == when]
        return events + advice

    def _advice(
        self, phase: PhaseTracker, cues: list[tuple[int, Cue, HeldCriterion | None]], now: float
    ) -> list[DetectionEvent]:
        events = []
        for bit, cue, criterion in cues:
            if phase.cues_sent & bit:
                continue
            if criterion is None or criterion.shortfall() == 0.0:
                phase.cues_sent |= bit
                events.append(feedback(cue, now))
        return events

    @property
    def spec(self) -> MoveSpec:
        """The MoveSpec that it follows."""
        return self._spec

    @property
    def is_lost(self) -> bool:
        """Whether the landmarks jump so much that the person is lost."""
        return self._body.is_lost

    @property
    def is_usable(self) -> bool:
        """Whether the pose of the last frame was usable."""
        return self._usable_ms is not None and self._usable_ms == self._last_ms

    @property
    def steps_reached(self) -> int:
        """How many steps of the sequence the repetition under way has reached; 0 without one."""
        return 0 if self._repetition.step is None else self._repetition.step + 1

    def carried_degrees(self) -> list[tuple[float | None, float | None]]:
        """The angles of `carried_angles(spec)` as of the last frame, in degrees; None if unknown.

        Of each the angle that its low end judges, and the one that its high end does. They differ
        where an end has several sides.
        """
        return [carrier.degrees() for carrier in self._carriers]

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
        cls, spec: MoveSpec, snapshot: Snapshot, settings: EngineSettings = DEFAULT_SETTINGS
    ) -> Self:
        """The engine of a snapshot, which must be of the same MoveSpec.

        Raises ValueError when the snapshot has a form that is not read, or another MoveSpec's
        shape.
        """
        engine = cls(spec, settings)
        if snapshot.get("form") == form_3.FORM:
            angles = len(engine._body.deciding_angles())
            snapshot = form_3.converted(snapshot, engine._body.names(), angles)
        if snapshot.get("form") != SNAPSHOT_FORM:
            raise ValueError(f"Not an engine's snapshot of the forms {READABLE_FORMS}.")
        if snapshot.keys() != {"form", "last_ms", "usable_ms", "parts"}:
            raise ValueError("Not the names of a snapshot.")
        for name in ("last_ms", "usable_ms"):
            if not isinstance(snapshot[name], int | float | None):
                raise ValueError(f"Not a time of {name}: {snapshot[name]!r}.")
        engine._last_ms = snapshot["last_ms"]
        engine._usable_ms = snapshot["usable_ms"]
        parts, values = engine.parts(), snapshot["parts"]
        if not isinstance(values, list) or len(values) != len(parts):
            raise ValueError(f"Not a snapshot of {len(parts)} parts.")
        for part, of_part in zip(parts, values, strict=True):
            restore(part, of_part)
        engine._body.check()
        engine._stillness.check()
        for swing in engine._swings:
            swing.check()
        engine._repetition.check()
        return engine

    def parts(self) -> list[Any]:
        """The parts that remember something, in the order in which they are stored."""
        return [
            *self._body.parts(),
            self._conditions,
            self._stillness,
            *self._swings,
            *self._phases,
            self._repetition,
        ]
