"""The MoveSpec of a valid document, as an engine takes it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, get_args

Joint = Literal["elbow", "shoulder", "hip", "knee", "ankle", "wrist"]
Segment = Literal["trunk", "thigh", "shank", "upper_arm", "forearm"]
Measure = Joint | Segment
Side = Literal["left", "right", "both", "either", "front", "back"]
BodySide = Literal["left", "right"]
Level = Literal["info", "coaching", "success"]

JOINT_LANDMARKS: dict[Joint, tuple[str, str, str]] = {
    "elbow": ("shoulder", "elbow", "wrist"),
    "shoulder": ("hip", "shoulder", "elbow"),
    "hip": ("shoulder", "hip", "knee"),
    "knee": ("hip", "knee", "ankle"),
    "ankle": ("knee", "ankle", "foot_index"),
    "wrist": ("elbow", "wrist", "index"),
}
# The lower and the upper end of each; the trunk's are in the middle of both sides.
SEGMENT_LANDMARKS: dict[Segment, tuple[str, str]] = {
    "trunk": ("hip", "shoulder"),
    "thigh": ("knee", "hip"),
    "shank": ("ankle", "knee"),
    "upper_arm": ("elbow", "shoulder"),
    "forearm": ("wrist", "elbow"),
}
ARM_MEASURES: tuple[Measure, ...] = ("shoulder", "elbow", "wrist", "upper_arm", "forearm")
LEG_MEASURES: tuple[Measure, ...] = ("hip", "knee", "ankle", "thigh", "shank")
SIDES: tuple[Side, ...] = get_args(Side)
BODY_SIDES: tuple[BodySide, ...] = get_args(BodySide)
LEVELS: tuple[Level, ...] = get_args(Level)

# The path of the movement in a document.
MOVEMENT = "detection.movement"


def criterion_path(phase: int, criterion: int) -> str:
    return f"{MOVEMENT}.phases[{phase}].criteria[{criterion}]"


# A cue's `when` besides the names of phases.
COMPLETED = "completed"
INTERRUPTED = "interrupted"
NOT_READY = "not_ready"
RESERVED_WHEN = (COMPLETED, INTERRUPTED)

Reason = Literal[
    "out_of_order",
    "session_ended",
    "pose_lost",
    "condition",
    "not_reached",
    "too_slow",
    "poor_form",
    "not_ready",
]
REASONS: tuple[Reason, ...] = get_args(Reason)
"""Why a repetition was interrupted, or an attempt at one did not count."""

Detail = Literal["too_low", "too_short", "one_sided"]
DETAILS: tuple[Detail, ...] = get_args(Detail)
"""How not_reached was missed: the movement fell short, the posture wasn't kept long enough, or one
side stayed behind."""


class QualityReason(StrEnum):
    """Why a part of a session could not be counted."""

    POSE_LOST = "pose_lost"
    POSE_JUMPING = "pose_jumping"
    SIDE_HIDDEN = "side_hidden"
    OUT_OF_VIEW = "out_of_view"
    INCOMPLETE_MOVEMENTS = "incomplete_movements"


# The reasons of an interruption on the way to a step.
STEP_REASONS: tuple[Reason, ...] = ("not_reached", "too_slow", "out_of_order")

Lack = Literal["visible", "view", "start"]
LACKS: tuple[Lack, ...] = get_args(Lack)
"""What of a setup can be missing."""

Plane = Literal["sagittal", "frontal"]
View = Literal["side", "front", "any"]
Extreme = Literal["least", "most"]
Type = Literal["repetition", "hold"]
TempoPart = Literal["out", "stay", "back"]
TEMPO_PARTS: tuple[TempoPart, ...] = get_args(TempoPart)

# The fastest repetitions of people in recordings turn a joint by 400 degrees a second.
FASTEST_DEGREES_PER_MS = 0.4
# How long the criteria of a phase must hold before it is entered.
ENTER_MS = 30.0
# The defaults of `grace_ms`: of a condition in `throughout`, and of a hold. Inferred conditions use
# the engine's setting `condition_ms`.
GRACE_MS = 150.0
HOLD_GRACE_MS = 500.0


@dataclass(frozen=True, slots=True)
class Criterion:
    """A measure within [minimum, maximum], in degrees. `side` None: one angle of the pair.

    `measure` is a joint, whose own angle it is, or a segment, whose lean it is: from its lower end
    up, against the vertical of the frame, 0 upright and 180 upside down. `tolerance` is how far a
    value may leave the band before the phase or condition ends; None is the default of each.
    """

    measure: Measure
    side: Side | None
    minimum: float
    maximum: float
    tolerance: float | None = None


@dataclass(frozen=True, slots=True)
class Phase:
    """A posture: it holds while every criterion holds. `name` is the shape_key of its events. A
    strict phase is entered by its bands alone, and not by coming near them."""

    name: str
    description: str | None
    criteria: tuple[Criterion, ...]
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a repetition: the phase to enter.

    hold_ms: how long the phase must last before the step is done.
    within_ms: how soon after the step before ended it must be done; None is any time.
    is_optional: whether the repetition may leave it out.
    """

    phase: str
    hold_ms: float = 0.0
    within_ms: float | None = None
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """A criterion that must hold throughout a repetition. Missed for longer than `grace_ms`, by
    more than its tolerance, it breaks the repetition off."""

    criterion: Criterion
    grace_ms: float = GRACE_MS


@dataclass(frozen=True, slots=True)
class Check:
    """A check of form: the least or the most of a measure in the stay in `when`, or in the whole
    repetition without it, must lie within the criterion's bounds. A repetition that misses a
    required check does not count."""

    name: str
    when: str | None
    criterion: Criterion
    extreme: Extreme
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class TempoCheck:
    """A check of how long a part of a repetition takes, in milliseconds: the way out, the stay
    there or the way back. Its name in events has a dot, unlike that of any other check."""

    part: TempoPart
    minimum_ms: float
    maximum_ms: float
    is_required: bool = False

    @property
    def name(self) -> str:
        return f"{_TEMPO}{self.part}"

    def missed_by(self, ms: float) -> float:
        """By how many milliseconds a time is outside of the bounds; 0 within them."""
        return max(self.minimum_ms - ms, ms - self.maximum_ms, 0.0)


_TEMPO = "tempo."


def is_of_tempo(check: str) -> bool:
    """Whether the check of this name is one of times."""
    return check.startswith(_TEMPO)


@dataclass(frozen=True, slots=True)
class Cue:
    """A message for the person.

    when: a phase, `completed`, `interrupted`, `not_ready`; empty for a check of a whole repetition.
    criterion, extreme: the cue is for a stay whose least or most of a measure meets the criterion,
        and is judged as the stay ends; without an extreme, for a frame that meets it.
    reason: narrows `interrupted` and `not_ready`. `detail`, and `step`, the phase that was to come
        next, narrow the reason.
    form: the least and the greatest form; narrows `completed`.
    check, is_met: the cue is for that outcome of the check, whose criterion and extreme it has.
    every, min_gap_ms: it is sent the first time and then each `every`th time, but at most once
        within `min_gap_ms`.
    """

    when: str
    criterion: Criterion | None
    level: Level
    message: str
    extreme: Extreme | None = None
    reason: Reason | Lack | None = None
    key: str | None = None
    every: int = 1
    min_gap_ms: float = 0.0
    form: tuple[float, float] | None = None
    detail: Detail | None = None
    step: str | None = None
    check: str | None = None
    is_met: bool = True

    @property
    def is_early(self) -> bool:
        """Whether a frame can make the outcome of its check certain before the stay ends.

        A least only falls and a most only rises. Past the bound on that side the check is missed
        for certain; with no bound there, it is met for certain once inside the other bound.
        """
        if self.check is None or self.criterion is None:
            return False
        if self.extreme == "least":
            is_bounded = self.criterion.minimum > 0.0
        else:
            is_bounded = self.criterion.maximum < 180.0
        return is_bounded != self.is_met


@dataclass(frozen=True, slots=True)
class Setup:
    """What must hold before anything counts: landmarks in sight, a view of the body, and the
    criteria of its first posture. `visible` are the canonical names of landmarks: those of a part
    of the body, or each named by the author."""

    visible: tuple[str, ...] = ()
    view: View = "any"
    start: tuple[Criterion, ...] = ()
    is_body_part: bool = False


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number that a session may give: from `minimum` to `maximum`, and `default` without it."""

    name: str
    default: float
    minimum: float
    maximum: float
    description: str | None = None


@dataclass(frozen=True, slots=True)
class MoveSpec:
    """A movement to count. `movement_name` is the event_key of its completions.

    A repetition goes through `steps`. A hold has one phase and no steps: it is completed once it
    has lasted `target_ms`, with breaks of up to `grace_ms`. `throughout` None: the conditions are
    inferred from the phases. With `counts_each_side` the left and the right are counted apart.
    `plane` is the one in which the body moves; None if the author names none. With `both_move` both
    sides must move.
    """

    name: str
    version: str
    description: str | None
    movement_name: str
    phases: tuple[Phase, ...]
    steps: tuple[Step, ...]
    feedback: tuple[Cue, ...]
    type: Type = "repetition"
    setup: Setup | None = None
    throughout: tuple[Condition, ...] | None = None
    counts_each_side: bool = False
    checks: tuple[Check, ...] = ()
    tempo: tuple[TempoCheck, ...] = ()
    target_ms: float = 0.0
    grace_ms: float = HOLD_GRACE_MS
    plane: Plane | None = None
    both_move: bool = False

    def repeats(self, cue: Cue) -> bool:
        """Whether a cue can be sent again in the same stay: in a hold, each time its min_gap_ms is
        over while it holds."""
        is_of_stay = any(phase.name == cue.when for phase in self.phases)
        is_in_stay = is_of_stay and (cue.extreme is None or cue.is_early)
        return self.type == "hold" and is_in_stay and cue.min_gap_ms > 0.0

    @property
    def check_paths(self) -> dict[str, str]:
        """The path of each check by its name: those of angles, and then those of tempo."""
        of_angles = {one.name: f"{MOVEMENT}.checks[{n}]" for n, one in enumerate(self.checks)}
        return of_angles | {one.name: f"{MOVEMENT}.{one.name}" for one in self.tempo}

    def phase_criteria(self) -> Iterator[tuple[str, Phase, Criterion]]:
        """The criteria of the phases, each with its path and its phase."""
        for index, phase in enumerate(self.phases):
            for number, criterion in enumerate(phase.criteria):
                yield criterion_path(index, number), phase, criterion

    @property
    def criteria_by_path(self) -> dict[str, Criterion]:
        """The criteria of the phases and of throughout, by their paths."""
        found = {path: criterion for path, _, criterion in self.phase_criteria()}
        for number, condition in enumerate(self.throughout or ()):
            found[f"{MOVEMENT}.throughout[{number}]"] = condition.criterion
        return found

    @property
    def way_back(self) -> TempoCheck | None:
        return next((one for one in self.tempo if one.part == "back"), None)

    @property
    def sequence(self) -> tuple[str, ...]:
        """The phases of the steps."""
        return tuple(step.phase for step in self.steps)
