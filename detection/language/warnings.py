"""Warnings about a valid MoveSpec that probably does not do what its author wants."""

from collections.abc import Iterator
from itertools import combinations

from detection.language.issues import Report, quote
from detection.overlap import can_hold_at_once
from detection.pace import ENTER_MS, FASTEST_DEGREES_PER_MS
from detection.spec import MOVEMENT, NOT_READY, Criterion, MoveSpec, Phase, Setup

# The degrees that the fastest repetitions go in the time that a phase needs to be entered.
_LEAST = FASTEST_DEGREES_PER_MS * ENTER_MS


def warn(spec: MoveSpec, report: Report) -> None:
    if spec.type == "repetition":
        _warn_of_phases(spec, report)
        _warn_of_open_sequence(spec, report)
    _warn_of_cues(spec, report)


def _warn_of_phases(spec: MoveSpec, report: Report) -> None:
    for index, phase in enumerate(spec.phases):
        if phase.name not in spec.sequence:
            message = f"The sequence never uses the phase {quote(phase.name)}."
            report.warning("unused_phase", message, f"{MOVEMENT}.phases[{index}]")
    for (_, one), (index, other) in combinations(enumerate(spec.phases), 2):
        if can_hold_at_once(one, other):
            message = (
                f"The phases {quote(one.name)} and {quote(other.name)} can hold at once: no angle"
                " sets them apart."
            )
            report.warning("overlapping_phases", message, f"{MOVEMENT}.phases[{index}]")
    for path, phase, criterion in _narrow(spec):
        message = (
            f"The phase {quote(phase.name)} is {_width(criterion):g} degrees wide between two"
            f" others: a fast repetition passes it before it is entered. Make it {_LEAST:g} wide or"
            " more."
        )
        report.warning("narrow_phase", message, path)


def _warn_of_open_sequence(spec: MoveSpec, report: Report) -> None:
    # Two steps count each return, also of somebody who is at the first as the session begins.
    is_return = len([step for step in spec.steps if not step.is_optional]) == 2
    if spec.sequence[0] != spec.sequence[-1] and not is_return:
        message = (
            f"The sequence begins with {quote(spec.sequence[0])} and ends with"
            f" {quote(spec.sequence[-1])}; a repetition usually ends where it began."
        )
        report.warning(
            "sequence_not_closed", message, f"{MOVEMENT}.sequence[{len(spec.sequence) - 1}]"
        )


def _warn_of_cues(spec: MoveSpec, report: Report) -> None:
    """Warn of cues on what can't be missing, or be judged; a phase of a stored version may be named
    not_ready."""
    setup = spec.setup or Setup()
    lacking = {
        "visible": bool(setup.visible),
        "view": setup.view != "any",
        "start": bool(setup.start),
    }
    is_judged = bool(spec.checks) or any(
        one.part != "back" or one.is_required for one in spec.tempo
    )
    for index, cue in enumerate(spec.feedback):
        if cue.form is not None and not is_judged:
            message = "This cue is never sent: form is that of checks, and there are none."
            report.warning("cue_never_sent", message, f"{MOVEMENT}.feedback[{index}]")
        if cue.when != NOT_READY or any(phase.name == NOT_READY for phase in spec.phases):
            continue
        if not any(is_asked for lack, is_asked in lacking.items() if cue.reason in (None, lack)):
            asked = f"{cue.reason} of the setup" if cue.reason else "a setup"
            message = f"This cue is never sent: {NOT_READY} needs {asked} to ask for something."
            report.warning("cue_never_sent", message, f"{MOVEMENT}.feedback[{index}]")


def _narrow(spec: MoveSpec) -> Iterator[tuple[str, Phase, Criterion]]:
    """The criteria too narrow for a movement that goes from a band below to one above."""
    used = [phase for phase in spec.phases if phase.name in spec.sequence]
    for index, phase in enumerate(spec.phases):
        for number, criterion in enumerate(phase.criteria):
            others = [
                (other, one)
                for other in used
                if other is not phase
                for one in other.criteria
                if one.measure == criterion.measure
            ]
            below = {other.name for other, one in others if one.maximum < criterion.minimum}
            above = {other.name for other, one in others if one.minimum > criterion.maximum}
            if phase in used and _width(criterion) < _LEAST and below - above and above - below:
                yield f"{MOVEMENT}.phases[{index}].criteria[{number}]", phase, criterion


def _width(criterion: Criterion) -> float:
    return criterion.maximum - criterion.minimum
