"""The MoveSpec of a valid document, as an engine takes it."""

from dataclasses import dataclass
from typing import Literal, get_args

Joint = Literal["elbow", "shoulder", "hip", "knee", "ankle", "wrist"]
Segment = Literal["trunk", "thigh", "shank", "upper_arm", "forearm"]
Measure = Joint | Segment
Side = Literal["left", "right", "both", "either", "front", "back"]
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
LEVELS: tuple[Level, ...] = get_args(Level)

# The path of the movement in a document.
MOVEMENT = "detection.movement"

# A cue's `when` besides the names of phases.
COMPLETED = "completed"
INTERRUPTED = "interrupted"
RESERVED_WHEN = (COMPLETED, INTERRUPTED)


@dataclass(frozen=True, slots=True)
class Criterion:
    """An angle, in degrees, within [angle_min, angle_max]. `side` None: one angle of the pair.

    `measure` is a joint, whose own angle it is, or a segment, whose lean it is: from its lower end
    up, against the vertical of the frame, 0 upright and 180 upside down.
    """

    measure: Measure
    side: Side | None
    angle_min: float
    angle_max: float


@dataclass(frozen=True, slots=True)
class Phase:
    """A posture: it holds while every criterion holds. `name` is the shape_key of its events. A
    strict phase is entered by its bands alone, and not by coming near them."""

    name: str
    description: str | None
    criteria: tuple[Criterion, ...]
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Cue:
    """A message for the person. `when` is a phase's name, "completed" or "interrupted"."""

    when: str
    criterion: Criterion | None
    level: Level
    message: str


@dataclass(frozen=True, slots=True)
class MoveSpec:
    """One repetition to count. `movement_name` is the event_key of its completions."""

    name: str
    version: str
    description: str | None
    movement_name: str
    phases: tuple[Phase, ...]
    sequence: tuple[str, ...]
    feedback: tuple[Cue, ...]
