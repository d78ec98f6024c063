"""Warnings about a valid MoveSpec that probably does not do what its author wants."""

from collections.abc import Iterator
from itertools import combinations

from detection.language.issues import Report, quote
from detection.overlap import can_hold_at_once
from detection.pace import ENTER_MS, FASTEST_DEGREES_PER_MS
from detection.spec import MOVEMENT, Criterion, MoveSpec, Phase

# The degrees that the fastest repetitions go in the time that a phase needs to be entered.
_LEAST = FASTEST_DEGREES_PER_MS * ENTER_MS


def warn(spec: MoveSpec, report: Report) -> None:
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
    # Two steps count each return, also of somebody who is at the first as the session begins.
    is_return = len(spec.sequence) == 2
    if spec.sequence[0] != spec.sequence[-1] and not is_return:
        message = (
            f"The sequence begins with {quote(spec.sequence[0])} and ends with"
            f" {quote(spec.sequence[-1])}; a repetition usually ends where it began."
        )
        report.warning(
            "sequence_not_closed", message, f"{MOVEMENT}.sequence[{len(spec.sequence) - 1}]"
        )


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
