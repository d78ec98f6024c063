"""The MoveSpec language and the engine that follows a MoveSpec over pose frames.

Pure Python, no input or output. `validate(yaml_source)` gives a `Validation` with `Issue`s and a
`MoveSpec`, `compile(yaml_source)` the `MoveSpec` or an exception; `json_schema()` describes the
language to editors; `ISSUE_CODES` explains every code. `roles(spec)` says what each criterion does,
and `camera(spec)` from where to film.
`validate` and `compile` take a session's numbers for the MoveSpec's parameters, and its locale;
`check_parameters(validation, numbers)` tells whether it can give them.
`Engine(spec).feed(frame)` gives events. `DrivingPaths(spec)` follows how far the angles went.

`language` and `engine` do not import each other. They share the modules of this package.
"""

from detection.engine import ENGINE_BUILD
from detection.engine.driving import DrivingAngle
from detection.engine.engine import READABLE_FORMS, Engine
from detection.engine.events import DetectionEvent
from detection.engine.intake import (
    FRAMES_PER_SECOND,
    Intake,
    NumberedFrame,
    Refusal,
    SessionSummary,
)
from detection.engine.plan import driving_angles
from detection.engine.points import PackedPose
from detection.engine.settings import EngineSettings
from detection.engine.states import SNAPSHOT_FORM
from detection.engine.turning_points import DrivingPaths
from detection.landmarks import LANDMARK_NAMES, Landmark, PoseFrame
from detection.language.declaration import json_schema
from detection.language.issues import ISSUE_CODES, Issue
from detection.roles import (
    CAMERAS,
    VIEWS,
    Camera,
    CameraView,
    Role,
    RoleName,
    camera,
    roles,
)
from detection.spec import (
    JOINT_LANDMARKS,
    SEGMENT_LANDMARKS,
    Criterion,
    Cue,
    Joint,
    Measure,
    MoveSpec,
    Parameter,
    Phase,
    QualityReason,
    Segment,
    Side,
    Step,
    View,
)
from detection.validation import (
    MoveSpecInvalid,
    ParameterInvalid,
    Validation,
    check_parameters,
    compile,  # noqa: A004 - as re.compile
    placed_roles,
    validate,
)
