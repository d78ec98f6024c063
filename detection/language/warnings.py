"""Warnings about a valid MoveSpec that probably does not do what its author wants."""

from itertools import combinations

from detection.language.issues import Report, quote
from detection.language.rules import MOVEMENT
from detection.overlap import can_hold_at_once
from detection.spec import MoveSpec


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
