"""The MoveSpec language: validation, the compiled form of a document, and its JSON Schema.

Pure Python, no input or output: `validate(yaml_source)` gives a `Validation` with `Issue`s and a
`MoveSpec`; `json_schema()` describes the language to editors; `ISSUE_CODES` explains every code.
"""

from detection.issues import ISSUE_CODES, Issue, Severity
from detection.json_schema import json_schema
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
from detection.validation import Validation, validate

__all__ = [
    "ISSUE_CODES",
    "JOINT_LANDMARKS",
    "Criterion",
    "Cue",
    "Issue",
    "Joint",
    "Level",
    "MoveSpec",
    "Phase",
    "Severity",
    "Side",
    "Validation",
    "json_schema",
    "validate",
]
