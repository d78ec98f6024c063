"""The MoveSpec language: every key, its type, bounds, default and description."""

from dataclasses import replace
from typing import get_args

from detection.landmarks import LANDMARK_NAMES
from detection.language.criterion_keys import CHECK, CONDITION, CRITERION, REQUIRED
from detection.language.cue_keys import CUE
from detection.language.grammar import (
    Alternatives,
    Choice,
    Entries,
    Field,
    Flag,
    Items,
    Number,
    OneOf,
    Record,
    Variants,
)
from detection.language.texts import LABEL, NAME, PARAMETER_NAME, PHASE_NAME, PROSE, milliseconds
from detection.language.visible_landmarks import BODY_PARTS
from detection.spec import HOLD_GRACE_MS, TEMPO_PARTS, Plane, Type, View

_NUMBER = Number(0, 600_000)
PARAMETER = Record(
    fields=(
        Field(
            key="default",
            kind=_NUMBER,
            required=True,
            description="The number of a session that gives none; from min to max.",
        ),
        Field(key="min", kind=_NUMBER, required=True, description="The least that may be given."),
        Field(key="max", kind=_NUMBER, required=True, description="The most that may be given."),
        Field(key="description", kind=PROSE, description="For people; not sent to clients."),
    )
)

_PARTS = "; ".join(
    f"{word} = {', '.join(dict.fromkeys(name.split('_', 1)[-1] for name in names))}"
    for word, names in BODY_PARTS.items()
)
SETUP = Record(
    fields=(
        Field(
            key="visible",
            kind=Alternatives(
                (
                    Choice(tuple(BODY_PARTS)),
                    Items(
                        item=Choice(LANDMARK_NAMES, "a landmark"),
                        min_items=1,
                        max_items=len(LANDMARK_NAMES),
                    ),
                )
            ),
            description=(
                "What must be in sight, all the time: a list of landmarks, or a word for it, of"
                f" both sides: {_PARTS}."
            ),
        ),
        Field(
            key="view",
            kind=Choice(get_args(View)),
            default="any",
            description=(
                "How the person stands to the camera, all the time: side; front, which is from"
                " behind too; or any."
            ),
        ),
        Field(
            key="start",
            kind=Items(item=CRITERION, min_items=0, max_items=8),
            default=(),
            description="The posture to begin in: what must be met once before anything counts.",
        ),
    )
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
            description="Whether each angle must be in its band, whatever the person usually does.",
        ),
        Field(
            key="criteria",
            kind=Items(item=CRITERION, min_items=1, max_items=8),
            required=True,
            description="The phase holds while all of them hold.",
        ),
    )
)

STEP = Record(
    fields=(
        Field(key="phase", kind=NAME, required=True, description="The phase to enter."),
        Field(
            key="hold_ms",
            kind=milliseconds(0, 600_000),
            default=0,
            description="For how many milliseconds the phase must last before the step is done.",
        ),
        Field(
            key="within_ms",
            kind=milliseconds(100, 600_000),
            description=(
                "In how many milliseconds it must be done since the step before was left. Absent:"
                " any time. The first step has none before it."
            ),
        ),
        Field(
            key="optional",
            kind=Flag(),
            default=False,
            description="Whether a repetition may pass it over; not the first or the last step.",
        ),
    )
)

_NAME = Field(key="name", kind=NAME, required=True, description="The event_key of event_completed.")
_PLANE = Field(
    key="plane",
    kind=Choice(get_args(Plane)),
    description=(
        "The plane in which the body moves: sagittal, forward and back, as a squat; or frontal,"
        " to the sides, as a jumping jack. It says from where its angles are seen."
    ),
)
_PHASES = Field(
    key="phases",
    kind=Items(item=PHASE, min_items=2, max_items=16),
    required=True,
    description="The postures that are told apart.",
)
_COUNT = Field(
    key="count",
    kind=Choice(("together", "each_side")),
    default="together",
    description=(
        "What is counted: together, the repetitions of both sides; each_side, those of the left"
        " and of the right apart. Then no side but front and back is named."
    ),
)
_THROUGHOUT = Field(
    key="throughout",
    kind=Items(item=CONDITION, min_items=0, max_items=8),
    description=(
        "What must hold from when the first step is left to the last step. Absent: what every"
        " phase asks for alike."
    ),
)
_CHECKS = Field(
    key="checks",
    kind=Items(item=CHECK, min_items=0, max_items=16),
    default=(),
    description="What a repetition is judged by once it is done.",
)
_TEMPO_BOUNDS = Record(
    fields=(
        Field(
            key="min",
            kind=milliseconds(100, 600_000),
            description="The least time, in milliseconds. Give it, max or both.",
        ),
        Field(
            key="max",
            kind=milliseconds(100, 600_000),
            description="The greatest time, in milliseconds. Give it, min or both.",
        ),
        REQUIRED,
    ),
    rules=(
        OneOf(
            keys=("min", "max"),
            code="missing_bound",
            message="The time needs min, max or both.",
        ),
    ),
)
TEMPO = Record(
    fields=(
        Field(
            key="out",
            kind=_TEMPO_BOUNDS,
            description="The time of the way out: from where a repetition rests to its far end.",
        ),
        Field(
            key="stay",
            kind=_TEMPO_BOUNDS,
            description="The time at the far end.",
        ),
        Field(
            key="back",
            kind=_TEMPO_BOUNDS,
            description=(
                "The time of the way back. It is judged once that is over, after the repetition"
                " was counted; where it is required, the repetition is counted then, at most 1 s"
                " later."
            ),
        ),
    ),
    rules=(
        OneOf(
            keys=TEMPO_PARTS,
            code="missing_bound",
            message="Tempo needs out, stay or back.",
        ),
    ),
)
_FEEDBACK = Field(
    key="feedback",
    kind=Items(item=CUE, min_items=0, max_items=32),
    default=(),
    description="What the person is told, and when.",
)

REPETITION = Record(
    fields=(
        _NAME,
        Field(
            key="judge",
            kind=Choice(("own_range", "bands")),
            default="own_range",
            description=(
                "What a phase is judged by: own_range, the person's own range of what carries the"
                " movement; bands, as if each phase were strict."
            ),
        ),
        _COUNT,
        Field(
            key="both_move",
            kind=Flag(),
            default=False,
            description=(
                "Whether both sides must move, as in a squat: done with one, a repetition is an"
                " attempt. Of a hidden side nothing is asked. Then a phase names no side but both."
            ),
        ),
        _PLANE,
        _THROUGHOUT,
        _PHASES,
        Field(
            key="sequence",
            kind=Items(item=Alternatives((NAME, STEP)), min_items=2, max_items=32),
            required=True,
            description=(
                "The steps of one repetition, in order: names of phases, or mappings that say more"
                " of a step. Neighbours differ, also where optional steps are passed over."
            ),
        ),
        _CHECKS,
        Field(
            key="tempo",
            kind=TEMPO,
            description=(
                "How long the way out, the stay there and the way back may take: the checks"
                " tempo.out, tempo.stay and tempo.back."
            ),
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
    fields=(
        _NAME,
        Field(
            key="target_ms",
            kind=milliseconds(500, 600_000),
            required=True,
            description="For how many milliseconds the phase must last to be completed.",
        ),
        Field(
            key="grace_ms",
            kind=milliseconds(0, 60_000),
            default=HOLD_GRACE_MS,
            description="A break of up to so many milliseconds is bridged, and not counted.",
        ),
        _PLANE,
        replace(
            _COUNT,
            description=(
                "Whose posture is held: together, that of the whole body; each_side, the left or"
                " the right, each with its own time. Then no side but front and back is named."
            ),
        ),
        replace(
            _THROUGHOUT,
            description="What must hold all the time besides the phase.",
        ),
        replace(
            _PHASES,
            kind=Items(item=PHASE, min_items=1, max_items=1),
            description="The posture to hold: one.",
        ),
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
    fields=(
        Field(
            key="type",
            kind=Choice(get_args(Type)),
            required=True,
            description=(
                "What is detected: repetitions of one movement, or a posture that is held."
            ),
        ),
        Field(
            key="parameters",
            kind=Entries(key=PARAMETER_NAME, value=PARAMETER, min_items=0, max_items=16),
            description=(
                "Numbers that a session may give. $name stands for one as a bound, a tolerance or"
                " a time."
            ),
        ),
        Field(key="setup", kind=SETUP, description="What must be so before anything counts."),
        Field(
            key="movement",
            kind=Variants("type", {"repetition": REPETITION, "hold": HOLD}),
            required=True,
            description="The movement.",
        ),
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
