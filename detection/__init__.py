"""The MoveSpec language and the engine that follows a MoveSpec over pose frames.

Pure Python, no input or output. `validate(yaml_source)` gives a `Validation` with `Issue`s and a
`MoveSpec`, `compile(yaml_source)` the `MoveSpec` or an exception; `json_schema()` describes the
language to editors; `ISSUE_CODES` explains every code. `Engine(spec).feed(frame)` gives events.
"""

from detection.engine import SNAPSHOT_FORM, DetectionEvent, Engine
from detection.issues import ISSUE_CODES, Issue, Severity
from detection.json_schema import json_schema
from detection.landmarks import LANDMARK_NAMES, Landmark, PoseFrame
from detection.spec import (
    JOINT_LANDMARKS,
    Criterion,
    Cue,
    Joint,
    Level,
    MoveSpec,
    Phase,
    Side,
)
from detection.validation import MoveSpecInvalid, Validation, compile, validate  # noqa: A004 - as re.compile

__all__ = [
    "ISSUE_CODES",
    "JOINT_LANDMARKS",
    "LANDMARK_NAMES",
    "SNAPSHOT_FORM",
    "Criterion",
    "Cue",
    "DetectionEvent",
    "Engine",
    "Issue",
    "Joint",
    "Landmark",
    "Level",
    "MoveSpec",
    "MoveSpecInvalid",
    "Phase",
    "PoseFrame",
    "Severity",
    "Side",
    "Validation",
    "compile",
    "json_schema",
    "validate",
]
