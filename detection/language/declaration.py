"""The MoveSpec language: every key, its type, bounds, default and description."""

from dataclasses import replace
from typing import get_args

from detection.landmarks import BODY_PARTS, LANDMARK_NAMES
from detection.language.criteria import (
    CHECK,
    CONDITION,
    CRITERION,
    CUE,
    LABEL,
    NAME,
    PHASE_NAME,
    PROSE,
    REQUIRED,
    milliseconds,
)
from detection.language.kinds import (
    PARAMETER_NAME,
    Alternatives,
    Choice,
    Entries,
    Flag,
    Items,
    Number,
    Schema,
)
from detection.language.records import Field, Record, Variants, one_of
from detection.spec import HOLD_GRACE_MS, TEMPO_PARTS, Plane, Type, View

_DESCRIPTION = Field("description", PROSE, "For people; not sent to clients.")
_NUMBER = Number(0, 600_000)
PARAMETER = Record(
    (
        Field(
            "default",
            _NUMBER,
            "The number of a session that gives none; from min to max.",
            required=True,
        ),
        Field("min", _NUMBER, "The least that may be given.", required=True),
        Field("max", _NUMBER, "The most that may be given.", required=True),
        _DESCRIPTION,
    )
)

_PARTS = "; ".join(
    f"{word} = {', '.join(dict.fromkeys(name.split('_', 1)[-1] for name in names))}"
    for word, names in BODY_PARTS.items()
)
SETUP = Record(
    (
        Field(
            "visible",
            Alternatives(
                (
                    Choice(tuple(BODY_PARTS)),
                    Items(Choice(LANDMARK_NAMES, "a landmark"), 1, len(LANDMARK_NAMES)),
                )
            ),
            "What must be in sight, all the time: a list of landmarks, or a word for it, of"
            f" both sides: {_PARTS}.",
        ),
        Field(
            "view",
            Choice(get_args(View)),
            "How the person stands to the camera, all the time: side; front, which is from"
            " behind too; or any.",
            default="any",
        ),
        Field(
            "start",
            Items(CRITERION, 0, 8),
            "The posture to begin in: what must be met once before anything counts.",
            default=(),
        ),
    )
)

PHASE = Record(
    (
        Field(
            "name",
            PHASE_NAME,
            "Unique among the phases; the shape_key of shape_enter and shape_exit.",
            required=True,
        ),
        _DESCRIPTION,
        Field(
            "strict",
            Flag(),
            "Whether each angle must be in its band, whatever the person usually does.",
            default=False,
        ),
        Field(
            "criteria",
            Items(CRITERION, 1, 8),
            "The phase holds while all of them hold.",
            required=True,
        ),
    )
)

STEP = Record(
    (
        Field("phase", NAME, "The phase to enter.", required=True),
        Field(
            "hold_ms",
            milliseconds(0, 600_000),
            "For how many milliseconds the phase must last before the step is done.",
            default=0,
        ),
        Field(
            "within_ms",
            milliseconds(100, 600_000),
            "In how many milliseconds it must be done since the step before was left. Absent:"
            " any time. The first step has none before it.",
        ),
        Field(
            "optional",
            Flag(),
            "Whether a repetition may pass it over; not the first or the last step.",
            default=False,
        ),
    )
)

_TIME = milliseconds(100, 600_000)
_TEMPO_BOUNDS = Record(
    (
        Field("min", _TIME, "The least time, in milliseconds. Give it, max or both."),
        Field("max", _TIME, "The greatest time, in milliseconds. Give it, min or both."),
        REQUIRED,
    ),
    (one_of(("min", "max"), "missing_bound", "The time needs min, max or both."),),
)
TEMPO = Record(
    (
        Field(
            "out",
            _TEMPO_BOUNDS,
            "The time of the way out: from where a repetition rests to its far end.",
        ),
        Field("stay", _TEMPO_BOUNDS, "The time at the far end."),
        Field(
            "back",
            _TEMPO_BOUNDS,
            "The time of the way back. It is judged once that is over, after the repetition"
            " was counted; where it is required, the repetition is counted then, at most 1 s"
            " later.",
        ),
    ),
    (one_of(TEMPO_PARTS, "missing_bound", "Tempo needs out, stay or back."),),
)

# The keys of both types of movement.
_NAME = Field("name", NAME, "The event_key of event_completed.", required=True)
_PLANE = Field(
    "plane",
    Choice(get_args(Plane)),
    "The plane in which the body moves: sagittal, forward and back, as a squat; or frontal,"
    " to the sides, as a jumping jack. It says from where its angles are seen.",
)
_PHASES = Field("phases", Items(PHASE, 2, 16), "The postures that are told apart.", required=True)
_COUNT = Field(
    "count",
    Choice(("together", "each_side")),
    "What is counted: together, the repetitions of both sides; each_side, those of the left"
    " and of the right apart. Then no side but front and back is named.",
    default="together",
)
_THROUGHOUT = Field(
    "throughout",
    Items(CONDITION, 0, 8),
    "What must hold from when the first step is left to the last step. Absent: what every"
    " phase asks for alike.",
)
_CHECKS = Field(
    "checks", Items(CHECK, 0, 16), "What a repetition is judged by once it is done.", default=()
)
_FEEDBACK = Field("feedback", Items(CUE, 0, 32), "What the person is told, and when.", default=())

REPETITION = Record(
    (
        _NAME,
        Field(
            "judge",
            Choice(("own_range", "bands")),
            "What a phase is judged by: own_range, the person's own range of what carries the"
            " movement; bands, as if each phase were strict.",
            default="own_range",
        ),
        _COUNT,
        Field(
            "both_move",
            Flag(),
            "Whether both sides must move, as in a squat: done with one, a repetition is an"
            " attempt. Of a hidden side nothing is asked. Then a phase names no side but both.",
            default=False,
        ),
        _PLANE,
        _THROUGHOUT,
        _PHASES,
        Field(
            "sequence",
            Items(Alternatives((NAME, STEP)), 2, 32),
            "The steps of one repetition, in order: names of phases, or mappings that say more"
            " of a step. Neighbours differ, also where optional steps are passed over.",
            required=True,
        ),
        _CHECKS,
        Field(
            "tempo",
            TEMPO,
            "How long the way out, the stay there and the way back may take: the checks"
            " tempo.out, tempo.stay and tempo.back.",
        ),
        _FEEDBACK,
    ),
    misplaced={
        "target_ms": "A repetition has no target_ms: it is for type: hold.",
        "grace_ms": "A repetition has no grace_ms: it is for type: hold, and for throughout.",
    },
)

_NO_STEPS = "A hold has one phase and no {0}: leave {0} out, or write type: repetition."
HOLD = Record(
    (
        _NAME,
        Field(
            "target_ms",
            milliseconds(500, 600_000),
            "For how many milliseconds the phase must last to be completed.",
            required=True,
        ),
        Field(
            "grace_ms",
            milliseconds(0, 60_000),
            "A break of up to so many milliseconds is bridged, and not counted.",
            default=HOLD_GRACE_MS,
        ),
        _PLANE,
        replace(
            _COUNT,
            description=(
                "Whose posture is held: together, that of the whole body; each_side, the left or"
                " the right, each with its own time. Then no side but front and back is named."
            ),
        ),
        replace(_THROUGHOUT, description="What must hold all the time besides the phase."),
        replace(_PHASES, kind=Items(PHASE, 1, 1), description="The posture to hold: one."),
        _CHECKS,
        _FEEDBACK,
    ),
    misplaced={
        **{key: _NO_STEPS.format(key) for key in ("sequence", "judge")},
        "both_move": "A hold has no both_move: it is for type: repetition.",
        "tempo": "A hold has no way out or back: tempo is for type: repetition.",
    },
)

DETECTION = Record(
    (
        Field(
            "type",
            Choice(get_args(Type)),
            "What is detected: repetitions of one movement, or a posture that is held.",
            required=True,
        ),
        Field(
            "parameters",
            Entries(PARAMETER_NAME, PARAMETER, 0, 16),
            "Numbers that a session may give. $name stands for one as a bound, a tolerance or"
            " a time.",
        ),
        Field("setup", SETUP, "What must be so before anything counts."),
        Field(
            "movement",
            Variants("type", {"repetition": REPETITION, "hold": HOLD}),
            "The movement.",
            required=True,
        ),
    )
)

MOVESPEC = Record(
    (
        Field("name", NAME, "The name of the MoveSpec.", required=True),
        Field(
            "version",
            LABEL,
            "The author's own label; the platform numbers versions by itself.",
            required=True,
        ),
        _DESCRIPTION,
        Field("detection", DETECTION, "What to detect.", required=True),
    )
)


def json_schema() -> Schema:
    """The JSON Schema (draft 2020-12) of the MoveSpec language, as a new dictionary.

    It reads a document's values by the YAML 1.2 core schema, and accepts every document that
    `validate` accepts. It refuses a document that breaks a rule about one key or one mapping. It
    can't state the rules between places (names that refer to phases or parameters, unique names, a
    least bound above the greatest, sides that clash), YAML itself (anchors, tags, duplicate keys,
    .nan), and the text of a number, boolean or null that stands for a string.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:kynasmith:schema:movespec",
        "title": "MoveSpec",
        "description": "A movement to count, as phases of joint angles and of leans.",
        "$comment": (
            "Where a string is wanted, a plain scalar's own text is taken: version: 1.0 is the"
            " label 1.0. Hence number, boolean and null beside string."
        ),
        **MOVESPEC.schema(),
    }
