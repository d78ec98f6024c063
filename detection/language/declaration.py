"""The MoveSpec language: every key, its type, bounds, default and description."""

from dataclasses import replace

from detection.language.grammar import (
    Choice,
    Excludes,
    Field,
    Flag,
    Items,
    Needs,
    NotBoth,
    Number,
    OneOf,
    Record,
    Text,
)
from detection.spec import (
    COMPLETED,
    INTERRUPTED,
    JOINT_LANDMARKS,
    LEVELS,
    RESERVED_WHEN,
    SEGMENT_LANDMARKS,
    SIDES,
)

NAME = Text(
    pattern="^[A-Za-z0-9 _-]{1,64}$",
    invalid_code="invalid_name",
    expected="a name: 1 to 64 of A-Z, a-z, 0-9, space, _ and -",
)
PHASE_NAME = replace(NAME, reserved=RESERVED_WHEN)
LABEL = Text(
    pattern="^[^\\u0000-\\u001f\\u007f-\\u009f]*$",
    invalid_code="invalid_text",
    expected="a text of one line without control characters",
    min_length=1,
)
PROSE = Text(
    pattern="^[^\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]*$",
    invalid_code="invalid_text",
    expected="a text without control characters",
)
MESSAGE = replace(PROSE, min_length=1, max_length=200)
DEGREES = Number(0, 180)

_LANDMARKS = "; ".join(
    f"{joint} = {'-'.join(landmarks)}" for joint, landmarks in JOINT_LANDMARKS.items()
)
_JOINT = Field(
    key="joint",
    kind=Choice(tuple(JOINT_LANDMARKS)),
    description=f"The angle at the middle one of three landmarks: {_LANDMARKS}. This or a lean.",
)
_SEGMENTS = "; ".join(
    f"{segment} = {'-'.join(landmarks)}" for segment, landmarks in SEGMENT_LANDMARKS.items()
)
_LEAN = Field(
    key="lean",
    kind=Choice(tuple(SEGMENT_LANDMARKS)),
    description=(
        "The angle of a segment, from its lower end up, against the vertical of the frame: 0"
        f" upright, 90 level, 180 upside down. {_SEGMENTS}; the trunk's ends are in the middle of"
        " both sides. This or a joint."
    ),
)
_SIDE = Field(
    key="side",
    kind=Choice(SIDES),
    description=(
        "Whose angle: left; right; both (each must hold); either; front or back (the leg or arm"
        " farther along or against the way the toes point). Absent: one angle for the pair, made"
        " of both sides. The trunk has no sides."
    ),
)
_ANGLE_MIN = Field(
    key="angle_min",
    kind=DEGREES,
    default=0,
    description="The least angle, in degrees, inclusive. Give it, angle_max or both.",
)
_ANGLE_MAX = Field(
    key="angle_max",
    kind=DEGREES,
    default=180,
    description="The greatest angle, in degrees, inclusive. Give it, angle_min or both.",
)
_BOUNDS = ("angle_min", "angle_max")
_MISSING_BOUND = OneOf(
    keys=_BOUNDS,
    code="missing_bound",
    message="The angle needs angle_min, angle_max or both.",
)

_NOT_BOTH = NotBoth(
    keys=("joint", "lean"),
    code="joint_and_lean",
    message="A criterion is of a joint or of a lean, not of both: make two of it.",
)
_NO_SIDE_OF_TRUNK = Excludes(
    key="lean",
    values=("trunk",),
    keys=("side",),
    code="side_not_allowed",
    message="The trunk has no sides: leave side out.",
)

CRITERION = Record(
    fields=(_JOINT, _LEAN, _SIDE, _ANGLE_MIN, _ANGLE_MAX),
    rules=(
        OneOf(
            keys=("joint", "lean"),
            code="missing_joint",
            message="The criterion needs a joint or a lean.",
        ),
        _NOT_BOTH,
        _NO_SIDE_OF_TRUNK,
        _MISSING_BOUND,
    ),
)

PHASE = Record(
    fields=(
        Field(
            key="name",
            kind=PHASE_NAME,
            required=True,
            description="Unique among the phases; the shape_key of shape_enter and shape_exit.",
        ),
        Field(key="description", kind=PROSE, description="For people; not sent to clients."),
        Field(
            key="strict",
            kind=Flag(),
            default=False,
            description="Whether the bands are held to, however near somebody comes to them.",
        ),
        Field(
            key="criteria",
            kind=Items(item=CRITERION, min_items=1, max_items=8),
            required=True,
            description="The phase holds while all of them hold.",
        ),
    )
)

CUE = Record(
    fields=(
        Field(
            key="when",
            kind=NAME,
            required=True,
            description=(
                f"The phase in which the cue may fire, once per stay; or {COMPLETED} or"
                f" {INTERRUPTED}, which take no criterion."
            ),
        ),
        replace(
            _JOINT, description=f"{_JOINT.description} Without either, the cue fires on entry."
        ),
        _LEAN,
        _SIDE,
        _ANGLE_MIN,
        _ANGLE_MAX,
        Field(
            key="level",
            kind=Choice(LEVELS),
            default="coaching",
            description="How the client should show the message.",
        ),
        Field(key="message", kind=MESSAGE, required=True, description="What the person is told."),
    ),
    rules=(
        Excludes(
            key="when",
            values=RESERVED_WHEN,
            keys=("joint", "lean", "side", *_BOUNDS),
            code="criterion_not_allowed",
            message=f"A cue on {COMPLETED} or {INTERRUPTED} takes no joint, lean, side or angle.",
        ),
        Needs(
            keys=("side", *_BOUNDS),
            needed=("joint", "lean"),
            code="missing_joint",
            message="A side or an angle needs a joint or a lean.",
        ),
        _NOT_BOTH,
        _NO_SIDE_OF_TRUNK,
        replace(_MISSING_BOUND, when_given=("joint", "lean")),
    ),
)

MOVEMENT = Record(
    fields=(
        Field(
            key="name",
            kind=NAME,
            required=True,
            description="The event_key of event_completed.",
        ),
        Field(
            key="phases",
            kind=Items(item=PHASE, min_items=2, max_items=16),
            required=True,
            description="The postures that are told apart.",
        ),
        Field(
            key="sequence",
            kind=Items(item=NAME, min_items=2, max_items=32),
            required=True,
            description="The phases of one repetition, in order; neighbours differ.",
        ),
        Field(
            key="feedback",
            kind=Items(item=CUE, min_items=0, max_items=32),
            default=(),
            description="What the person is told, and when.",
        ),
    )
)

DETECTION = Record(
    fields=(
        Field(
            key="type",
            kind=Choice(("repetition",)),
            required=True,
            description="What is detected: repetitions of one movement.",
        ),
        Field(key="movement", kind=MOVEMENT, required=True, description="The movement."),
    )
)

MOVESPEC = Record(
    fields=(
        Field(key="name", kind=NAME, required=True, description="The name of the MoveSpec."),
        Field(
            key="version",
            kind=LABEL,
            required=True,
            description="The author's own label; the platform numbers versions by itself.",
        ),
        Field(key="description", kind=PROSE, description="For people; not sent to clients."),
        Field(key="detection", kind=DETECTION, required=True, description="What to detect."),
    )
)
