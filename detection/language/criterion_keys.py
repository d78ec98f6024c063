"""What asks for a measure: criteria, conditions and checks, and the keys that they share."""

from dataclasses import replace

from detection.language.grammar import (
    Choice,
    Excludes,
    Field,
    Flag,
    NotBoth,
    OneOf,
    Record,
)
from detection.language.texts import DEGREES, NAME, TOLERANCE, milliseconds
from detection.spec import GRACE_MS, JOINT_LANDMARKS, SEGMENT_LANDMARKS, SIDES

_LANDMARKS = "; ".join(
    f"{joint} = {'-'.join(landmarks)}" for joint, landmarks in JOINT_LANDMARKS.items()
)
JOINT = Field(
    key="joint",
    kind=Choice(tuple(JOINT_LANDMARKS)),
    description=f"The angle at the middle one of three landmarks: {_LANDMARKS}. This or a lean.",
)
_SEGMENTS = "; ".join(
    f"{segment} = {'-'.join(landmarks)}" for segment, landmarks in SEGMENT_LANDMARKS.items()
)
LEAN = Field(
    key="lean",
    kind=Choice(tuple(SEGMENT_LANDMARKS)),
    description=(
        "The angle of a segment, from its lower end up, against the vertical of the frame: 0"
        f" upright, 90 level, 180 upside down. {_SEGMENTS}; the trunk's ends are in the middle of"
        " both sides. This or a joint."
    ),
)
SIDE = Field(
    key="side",
    kind=Choice(SIDES),
    description=(
        "Whose angle: left; right; both (each must hold); either; front or back (the leg or arm"
        " farther along or against the way the toes point). Absent: one angle for the pair, made"
        " of both sides. The trunk has no sides."
    ),
)
MIN = Field(
    key="min",
    kind=DEGREES,
    default=0,
    is_implied=True,
    description="The least angle, in degrees, inclusive. Give it, max or both.",
)
MAX = Field(
    key="max",
    kind=DEGREES,
    default=180,
    is_implied=True,
    description="The greatest angle, in degrees, inclusive. Give it, min or both.",
)
_OLDER = "The older name of {}."
BOUNDS = (
    MIN,
    MAX,
    replace(MIN, key="angle_min", description=_OLDER.format("min")),
    replace(MAX, key="angle_max", description=_OLDER.format("max")),
)
BOUND_KEYS = tuple(field.key for field in BOUNDS)

NEEDS_BOUND = OneOf(
    keys=BOUND_KEYS,
    code="missing_bound",
    message="The angle needs min, max or both.",
)
NEEDS_MEASURE = OneOf(
    keys=("joint", "lean"),
    code="missing_joint",
    message="The criterion needs a joint or a lean.",
)
ONE_MEASURE = NotBoth(
    keys=("joint",),
    others=("lean",),
    code="joint_and_lean",
    message="A criterion is of a joint or of a lean, not of both: make two of it.",
)
NO_SIDE_OF_TRUNK = Excludes(
    key="lean",
    values=("trunk",),
    keys=("side",),
    code="side_not_allowed",
    message="The trunk has no sides: leave side out.",
)
ONE_SPELLING = NotBoth(
    keys=("min", "max"),
    others=("angle_min", "angle_max"),
    code="bounds_twice",
    message="Write min and max, or angle_min and angle_max, but not one of each.",
)
_TOLERANCE = Field(
    key="tolerance",
    kind=TOLERANCE,
    description=(
        "By how many degrees the bounds may be missed before it is over; to begin, they must be"
        " met. Absent: 5 for a gate, 0 in a strict phase."
    ),
)

CRITERION = Record(
    fields=(JOINT, LEAN, SIDE, *BOUNDS, _TOLERANCE),
    rules=(NEEDS_MEASURE, ONE_MEASURE, NO_SIDE_OF_TRUNK, NEEDS_BOUND, ONE_SPELLING),
)

CONDITION = Record(
    fields=(
        JOINT,
        LEAN,
        SIDE,
        *BOUNDS,
        replace(
            _TOLERANCE,
            default=0,
            description="By how many degrees the bounds may be missed before it is broken.",
        ),
        Field(
            key="grace_ms",
            kind=milliseconds(0, 60_000),
            default=GRACE_MS,
            description="For how many milliseconds it may be broken.",
        ),
    ),
    rules=CRITERION.rules,
)

_EXTREME_BOUNDS = Record(fields=(MIN, MAX), rules=(replace(NEEDS_BOUND, keys=("min", "max")),))
LEAST = Field(
    key="least",
    kind=_EXTREME_BOUNDS,
    description="Bounds of the least angle that was reached. This or most.",
)
MOST = Field(
    key="most",
    kind=_EXTREME_BOUNDS,
    description="Bounds of the greatest angle that was reached. This or least.",
)
ONE_EXTREME = NotBoth(
    keys=("least",),
    others=("most",),
    code="least_and_most",
    message="Give least or most, not both: make two of it.",
)
_IN_EXTREME = "The bounds of a check are those of least or of most: write least: {{{}: …}}."

REQUIRED = Field(
    key="required",
    kind=Flag(),
    default=False,
    description="Whether a repetition that misses it does not count.",
)
CHECK = Record(
    fields=(
        Field(key="name", kind=NAME, required=True, description="Unique among the checks."),
        Field(
            key="when",
            kind=NAME,
            description="The phase whose stay is looked at. Absent: the whole repetition.",
        ),
        JOINT,
        LEAN,
        SIDE,
        LEAST,
        MOST,
        REQUIRED,
    ),
    rules=(
        replace(NEEDS_MEASURE, message="The check needs a joint or a lean."),
        ONE_MEASURE,
        NO_SIDE_OF_TRUNK,
        OneOf(
            keys=("least", "most"),
            code="missing_extreme",
            message="The check needs least or most, with the bounds of it.",
        ),
        ONE_EXTREME,
    ),
    misplaced={key: _IN_EXTREME.format(key.removeprefix("angle_")) for key in BOUND_KEYS},
)
