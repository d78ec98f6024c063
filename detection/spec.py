"""What a valid MoveSpec document means, as an engine takes it."""

from dataclasses import dataclass
from typing import Literal, get_args

Joint = Literal["elbow", "shoulder", "hip", "knee", "ankle", "wrist"]
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
SIDES: tuple[Side, ...] = get_args(Side)
LEVELS: tuple[Level, ...] = get_args(Level)

# A cue's `when` besides the names of phases.
COMPLETED = "completed"
INTERRUPTED = "interrupted"
RESERVED_WHEN = (COMPLETED, INTERRUPTED)


@dataclass(frozen=True, slots=True)
class Criterion:
    """An angle, in degrees, within [angle_min, angle_max]. `side` None: one angle of the pair."""

    joint: Joint
    side: Side | None
    angle_min: float
    angle_max: float


@dataclass(frozen=True, slots=True)
class Phase:
    """A posture: it holds while every criterion holds. `name` is the shape_key of its events."""

    name: str
    description: str | None
    criteria: tuple[Criterion, ...]


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
