"""Cues: what the person is told, and when."""

from dataclasses import replace

from detection.language.criterion_keys import (
    BOUND_KEYS,
    BOUNDS,
    JOINT,
    LEAN,
    LEAST,
    MOST,
    NEEDS_BOUND,
    NO_SIDE_OF_TRUNK,
    ONE_EXTREME,
    ONE_MEASURE,
    ONE_SPELLING,
    SIDE,
)
from detection.language.grammar import (
    Alternatives,
    Choice,
    Entries,
    Excludes,
    Field,
    Flag,
    Narrows,
    Needs,
    NotBoth,
    Number,
    OneOf,
    OnlyWith,
    Record,
)
from detection.language.texts import CHECK_NAME, CUE_KEY, LANGUAGE, MESSAGE, NAME, milliseconds
from detection.spec import (
    COMPLETED,
    DETAILS,
    INTERRUPTED,
    LACKS,
    LEVELS,
    NOT_READY,
    REASONS,
    RESERVED_WHEN,
    STEP_REASONS,
)

_EXTREMES = ("least", "most")
_SHARE = Number(0, 1)
_FORM = Record(
    fields=(
        Field(key="min", kind=_SHARE, description="The least form, such as 1 for all checks."),
        Field(key="max", kind=_SHARE, description="The greatest form."),
    ),
    rules=(
        OneOf(keys=("min", "max"), code="missing_bound", message="Form needs min, max or both."),
    ),
)

_STEP_REASONS = ", ".join(STEP_REASONS)


def _only_with_reason(key: str, reasons: tuple[str, ...], message: str) -> tuple[Needs, OnlyWith]:
    """A key that narrows these reasons has one of them beside it."""
    code = "detail_not_allowed"
    return (
        Needs(keys=(key,), needed=("reason",), code=code, message=message),
        OnlyWith(key="reason", values=reasons, keys=(key,), code=code, message=message),
    )


_ON_CHECK = Record(
    fields=(
        Field(
            key="check",
            kind=CHECK_NAME,
            required=True,
            description="The name of the check; of tempo, such as tempo.out.",
        ),
        Field(
            key="met",
            kind=Flag(),
            default=False,
            description="Which outcome is told: false that it was missed, true that it was met.",
        ),
    )
)
CUE = Record(
    fields=(
        Field(
            key="when",
            kind=Alternatives((NAME, _ON_CHECK)),
            required=True,
            description=(
                "The phase in which the cue may fire, once per stay: on entry; with a joint or a"
                " lean once the angle is in the band; with least or most as the stay ends. Or"
                f" {COMPLETED}, {INTERRUPTED} or {NOT_READY}. Or a check: once per stay in its"
                " phase, as soon as its outcome is certain; without a phase, with the completion or"
                " attempt; on tempo.back, once the way back is over. None but a phase takes a"
                " criterion."
            ),
        ),
        JOINT,
        LEAN,
        SIDE,
        *BOUNDS,
        LEAST,
        MOST,
        Field(
            key="reason",
            kind=Choice(tuple(dict.fromkeys((*REASONS, *LACKS)))),
            description=(f"Why it was {INTERRUPTED}, or what is {NOT_READY}: {', '.join(LACKS)}."),
        ),
        Field(
            key="detail",
            kind=Choice(DETAILS),
            description=(
                "How not_reached was missed: too_low, the movement fell short; too_short, the"
                " posture was not kept long enough; one_sided, one side stayed behind where both"
                " must move."
            ),
        ),
        Field(
            key="step",
            kind=NAME,
            description=(
                f"The phase of the step that was to come next, of the reasons {_STEP_REASONS}."
            ),
        ),
        Field(
            key="form",
            kind=_FORM,
            description=(
                f"Bounds of the form of what was {COMPLETED}: the share of the checks that were"
                " met, of those that could be seen. Without one that was seen it is not sent."
            ),
        ),
        Field(
            key="level",
            kind=Choice(LEVELS),
            default="coaching",
            description="How the client should show the message.",
        ),
        Field(
            key="key",
            kind=CUE_KEY,
            description="What a client knows the cue by, whatever the language of its message.",
        ),
        Field(
            key="every",
            kind=Number(1, 100, is_whole=True),
            default=1,
            description="Sent the first time, and then each so many times that it could be.",
        ),
        Field(
            key="min_gap_ms",
            kind=milliseconds(0, 600_000),
            default=0,
            description=(
                "Not sent again for so many milliseconds. In a hold, a cue on its phase that still"
                " holds then is sent again."
            ),
        ),
        Field(
            key="message",
            kind=Alternatives(
                (MESSAGE, Entries(key=LANGUAGE, value=MESSAGE, min_items=1, max_items=16))
            ),
            required=True,
            description=(
                "What the person is told: a text, or a text for each language by its tag, such as"
                " en or pt-BR. The session's locale chooses; else en, else the first."
            ),
        ),
    ),
    rules=(
        Excludes(
            key="when",
            values=(*RESERVED_WHEN, NOT_READY),
            keys=("joint", "lean", "side", *BOUND_KEYS, *_EXTREMES),
            code="criterion_not_allowed",
            message=(
                f"A cue on {COMPLETED}, {INTERRUPTED} or {NOT_READY} takes no joint, lean, side or"
                " bounds."
            ),
        ),
        Excludes(
            key="when",
            keys=("joint", "lean", "side", *BOUND_KEYS, *_EXTREMES),
            code="criterion_not_allowed",
            message="A cue on a check takes no joint, lean, side or bounds: it has the check's.",
        ),
        Needs(
            keys=("side", *BOUND_KEYS, *_EXTREMES),
            needed=("joint", "lean"),
            code="missing_joint",
            message="A side or a bound needs a joint or a lean.",
        ),
        ONE_MEASURE,
        NO_SIDE_OF_TRUNK,
        replace(
            NEEDS_BOUND,
            keys=(*BOUND_KEYS, *_EXTREMES),
            when_given=("joint", "lean"),
            message="The angle needs min, max or both, or least or most with them.",
        ),
        ONE_SPELLING,
        ONE_EXTREME,
        NotBoth(
            keys=BOUND_KEYS,
            others=_EXTREMES,
            code="bounds_twice",
            message="Write the bounds in least or most, or on the cue itself, but not both.",
        ),
        OnlyWith(
            key="when",
            values=(INTERRUPTED, NOT_READY),
            keys=("reason",),
            code="reason_not_allowed",
            message=f"A reason is for a cue on {INTERRUPTED} or {NOT_READY}: leave it out.",
        ),
        *_only_with_reason("detail", ("not_reached",), "A detail is for the reason not_reached."),
        *_only_with_reason("step", STEP_REASONS, f"A step is for the reasons {_STEP_REASONS}."),
        OnlyWith(
            key="when",
            values=(COMPLETED,),
            keys=("form",),
            code="form_not_allowed",
            message=f"A form is for a cue on {COMPLETED}: leave it out.",
        ),
        Narrows(
            key="when",
            value=INTERRUPTED,
            narrowed="reason",
            words=REASONS,
            code="invalid_value",
            message=f"The reason of {INTERRUPTED} must be one of {', '.join(REASONS)}.",
        ),
        Narrows(
            key="when",
            value=NOT_READY,
            narrowed="reason",
            words=LACKS,
            code="invalid_value",
            message=f"The reason of {NOT_READY} must be one of {', '.join(LACKS)}.",
        ),
    ),
)
