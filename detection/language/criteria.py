"""The keys of all that asks for an angle: criteria, conditions, checks and cues."""

from dataclasses import replace

from detection.language.kinds import Alternatives, Choice, Entries, Flag, Number, Text
from detection.language.records import (
    Field,
    Record,
    Rule,
    excludes,
    narrows,
    needs,
    not_both,
    one_of,
    only_with,
)
from detection.spec import (
    COMPLETED,
    DETAILS,
    GRACE_MS,
    INTERRUPTED,
    JOINT_LANDMARKS,
    LACKS,
    LEVELS,
    NOT_READY,
    REASONS,
    RESERVED_WHEN,
    SEGMENT_LANDMARKS,
    SIDES,
    STEP_REASONS,
    TEMPO_PARTS,
)

NAME = Text(
    pattern="^[A-Za-z0-9 _-]{1,64}$",
    invalid_code="invalid_name",
    expected="a name: 1 to 64 of A-Z, a-z, 0-9, space, _ and -",
)
CHECK_NAME = Text(
    pattern=rf"^([A-Za-z0-9 _-]{{1,64}}|tempo\.({'|'.join(TEMPO_PARTS)}))$",
    invalid_code="invalid_name",
    expected=f"the name of a check, such as tempo.{TEMPO_PARTS[0]}",
)
PHASE_NAME = replace(NAME, reserved=(*RESERVED_WHEN, NOT_READY))
CUE_KEY = Text(
    pattern="^[A-Za-z0-9_-]{1,64}$",
    invalid_code="invalid_name",
    expected="a key: 1 to 64 of A-Z, a-z, 0-9, _ and -",
)
LANGUAGE = Text(
    pattern="^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,7}$",
    invalid_code="invalid_name",
    expected="the tag of a language, such as en or pt-BR",
)
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


def milliseconds(least: float, most: float) -> Number:
    return Number(least, most, takes_parameter=True)


_LANDMARKS = "; ".join(
    f"{joint} = {'-'.join(landmarks)}" for joint, landmarks in JOINT_LANDMARKS.items()
)
_SEGMENTS = "; ".join(
    f"{segment} = {'-'.join(landmarks)}" for segment, landmarks in SEGMENT_LANDMARKS.items()
)
ANGLE = (
    Field(
        "joint",
        Choice(tuple(JOINT_LANDMARKS)),
        f"The angle at the middle one of three landmarks: {_LANDMARKS}. This or a lean.",
    ),
    Field(
        "lean",
        Choice(tuple(SEGMENT_LANDMARKS)),
        "The angle of a segment, from its lower end up, against the vertical of the frame: 0"
        f" upright, 90 level, 180 upside down. {_SEGMENTS}; the trunk's ends are in the middle of"
        " both sides. This or a joint.",
    ),
    Field(
        "side",
        Choice(SIDES),
        "Whose angle: left; right; both (each must hold); either; front or back (the leg or arm"
        " farther along or against the way the toes point). Absent: one angle for the pair, made"
        " of both sides. The trunk has no sides.",
    ),
)
_DEGREES = Number(0, 180, takes_parameter=True)
_MIN = Field(
    "min",
    _DEGREES,
    "The least angle, in degrees, inclusive. Give it, max or both.",
    default=0,
    is_implied=True,
)
_MAX = Field(
    "max",
    _DEGREES,
    "The greatest angle, in degrees, inclusive. Give it, min or both.",
    default=180,
    is_implied=True,
)
_BOUNDS = (
    _MIN,
    _MAX,
    replace(_MIN, key="angle_min", description="The older name of min."),
    replace(_MAX, key="angle_max", description="The older name of max."),
)
_BOUND_KEYS = tuple(field.key for field in _BOUNDS)
_EXTREMES = ("least", "most")

_NEEDS_BOUND = one_of(_BOUND_KEYS, "missing_bound", "The angle needs min, max or both.")
_NEEDS_MEASURE = one_of(
    ("joint", "lean"), "missing_joint", "The criterion needs a joint or a lean."
)
_ONE_MEASURE = not_both(
    ("joint",),
    ("lean",),
    "joint_and_lean",
    "A criterion is of a joint or of a lean, not of both: make two of it.",
)
_NO_SIDE_OF_TRUNK = excludes(
    "lean", ("trunk",), ("side",), "side_not_allowed", "The trunk has no sides: leave side out."
)
_ONE_SPELLING = not_both(
    ("min", "max"),
    ("angle_min", "angle_max"),
    "bounds_twice",
    "Write min and max, or angle_min and angle_max, but not one of each.",
)
_ONE_EXTREME = not_both(
    ("least",), ("most",), "least_and_most", "Give least or most, not both: make two of it."
)
_TOLERANCE = Field(
    "tolerance",
    Number(0, 45, takes_parameter=True),
    "By how many degrees the bounds may be missed before it is over; to begin, they must be"
    " met. Absent: 5 for a gate, 0 in a strict phase.",
)

CRITERION = Record(
    (*ANGLE, *_BOUNDS, _TOLERANCE),
    (_NEEDS_MEASURE, _ONE_MEASURE, _NO_SIDE_OF_TRUNK, _NEEDS_BOUND, _ONE_SPELLING),
)

CONDITION = Record(
    (
        *ANGLE,
        *_BOUNDS,
        replace(
            _TOLERANCE,
            default=0,
            description="By how many degrees the bounds may be missed before it is broken.",
        ),
        Field(
            "grace_ms",
            milliseconds(0, 60_000),
            "For how many milliseconds it may be broken.",
            default=GRACE_MS,
        ),
    ),
    CRITERION.rules,
)

_EXTREME_BOUNDS = Record(
    (_MIN, _MAX), (one_of(("min", "max"), "missing_bound", _NEEDS_BOUND.message),)
)
_LEAST_AND_MOST = (
    Field("least", _EXTREME_BOUNDS, "Bounds of the least angle that was reached. This or most."),
    Field("most", _EXTREME_BOUNDS, "Bounds of the greatest angle that was reached. This or least."),
)
_IN_EXTREME = "The bounds of a check are those of least or of most: write least: {{{}: …}}."

REQUIRED = Field(
    "required", Flag(), "Whether a repetition that misses it does not count.", default=False
)
CHECK = Record(
    (
        Field("name", NAME, "Unique among the checks.", required=True),
        Field("when", NAME, "The phase whose stay is looked at. Absent: the whole repetition."),
        *ANGLE,
        *_LEAST_AND_MOST,
        REQUIRED,
    ),
    (
        replace(_NEEDS_MEASURE, message="The check needs a joint or a lean."),
        _ONE_MEASURE,
        _NO_SIDE_OF_TRUNK,
        one_of(
            _EXTREMES, "missing_extreme", "The check needs least or most, with the bounds of it."
        ),
        _ONE_EXTREME,
    ),
    misplaced={key: _IN_EXTREME.format(key.removeprefix("angle_")) for key in _BOUND_KEYS},
)

_SHARE = Number(0, 1)
_FORM = Record(
    (
        Field("min", _SHARE, "The least form, such as 1 for all checks."),
        Field("max", _SHARE, "The greatest form."),
    ),
    (one_of(("min", "max"), "missing_bound", "Form needs min, max or both."),),
)
_STEP_REASONS = ", ".join(STEP_REASONS)
_LACKS = ", ".join(LACKS)
_ON_CHECK = Record(
    (
        Field(
            "check",
            CHECK_NAME,
            "The name of the check; of tempo, such as tempo.out.",
            required=True,
        ),
        Field(
            "met", Flag(), "The outcome that the cue is for: false missed, true met.", default=False
        ),
    )
)
# What only a cue on a phase has.
_OF_CRITERION = ("joint", "lean", "side", *_BOUND_KEYS, *_EXTREMES)


def _only_with_reason(key: str, reasons: tuple[str, ...], message: str) -> tuple[Rule, Rule]:
    """The rules of a key that narrows these reasons."""
    code = "detail_not_allowed"
    return (
        needs((key,), ("reason",), code, message),
        only_with("reason", reasons, (key,), code, message),
    )


CUE = Record(
    (
        Field(
            "when",
            Alternatives((NAME, _ON_CHECK)),
            "The phase in which the cue may fire, once per stay: on entry; with a joint or a"
            " lean once the angle is in the band; with least or most as the stay ends. Or"
            f" {COMPLETED}, {INTERRUPTED} or {NOT_READY}. Or a check: once per stay in its"
            " phase, as soon as its outcome is certain; without a phase, with the completion or"
            " attempt; on tempo.back, once the way back is over. None but a phase takes a"
            " criterion.",
            required=True,
        ),
        *ANGLE,
        *_BOUNDS,
        *_LEAST_AND_MOST,
        Field(
            "reason",
            Choice(tuple(dict.fromkeys((*REASONS, *LACKS)))),
            f"Why it was {INTERRUPTED}, or what is {NOT_READY}: {_LACKS}.",
        ),
        Field(
            "detail",
            Choice(DETAILS),
            "How not_reached was missed: too_low, the movement fell short; too_short, the"
            " posture was not kept long enough; one_sided, one side stayed behind where both"
            " must move.",
        ),
        Field(
            "step",
            NAME,
            f"The phase of the step that was to come next, of the reasons {_STEP_REASONS}.",
        ),
        Field(
            "form",
            _FORM,
            f"Bounds of the form of what was {COMPLETED}: the share of the checks that were"
            " met, of those that could be seen. Without one that was seen it is not sent.",
        ),
        Field(
            "level", Choice(LEVELS), "How the client should show the message.", default="coaching"
        ),
        Field(
            "key", CUE_KEY, "What a client knows the cue by, whatever the language of its message."
        ),
        Field(
            "every",
            Number(1, 100, is_whole=True),
            "Sent the first time, and then each so many times that it could be.",
            default=1,
        ),
        Field(
            "min_gap_ms",
            milliseconds(0, 600_000),
            "Not sent again for so many milliseconds. In a hold, a cue on its phase that still"
            " holds then is sent again.",
            default=0,
        ),
        Field(
            "message",
            Alternatives((MESSAGE, Entries(LANGUAGE, MESSAGE, 1, 16))),
            "What the person is told: a text, or a text for each language by its tag, such as"
            " en or pt-BR. The session's locale chooses; else en, else the first.",
            required=True,
        ),
    ),
    (
        excludes(
            "when",
            (*RESERVED_WHEN, NOT_READY),
            _OF_CRITERION,
            "criterion_not_allowed",
            f"A cue on {COMPLETED}, {INTERRUPTED} or {NOT_READY} takes no joint, lean, side or"
            " bounds.",
        ),
        excludes(
            "when",
            (),
            _OF_CRITERION,
            "criterion_not_allowed",
            "A cue on a check takes no joint, lean, side or bounds: it has the check's.",
        ),
        needs(
            ("side", *_BOUND_KEYS, *_EXTREMES),
            ("joint", "lean"),
            "missing_joint",
            "A side or a bound needs a joint or a lean.",
        ),
        _ONE_MEASURE,
        _NO_SIDE_OF_TRUNK,
        one_of(
            (*_BOUND_KEYS, *_EXTREMES),
            "missing_bound",
            "The angle needs min, max or both, or least or most with them.",
            when_given=("joint", "lean"),
        ),
        _ONE_SPELLING,
        _ONE_EXTREME,
        not_both(
            _BOUND_KEYS,
            _EXTREMES,
            "bounds_twice",
            "Write the bounds in least or most, or on the cue itself, but not both.",
        ),
        only_with(
            "when",
            (INTERRUPTED, NOT_READY),
            ("reason",),
            "reason_not_allowed",
            f"A reason is for a cue on {INTERRUPTED} or {NOT_READY}: leave it out.",
        ),
        *_only_with_reason("detail", ("not_reached",), "A detail is for the reason not_reached."),
        *_only_with_reason("step", STEP_REASONS, f"A step is for the reasons {_STEP_REASONS}."),
        only_with(
            "when",
            (COMPLETED,),
            ("form",),
            "form_not_allowed",
            f"A form is for a cue on {COMPLETED}: leave it out.",
        ),
        *(
            narrows(
                "when",
                word,
                "reason",
                reasons,
                "invalid_value",
                f"The reason of {word} must be one of {', '.join(reasons)}.",
            )
            for word, reasons in ((INTERRUPTED, REASONS), (NOT_READY, LACKS))
        ),
    ),
)
