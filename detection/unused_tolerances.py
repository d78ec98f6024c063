"""The warning of a tolerance that does nothing."""

from dataclasses import replace

from detection.engine.carriers import find_travels
from detection.engine.plan import criterion_path
from detection.language.issues import Issue
from detection.language.validation import Validation


def with_unused_tolerances(validation: Validation) -> Validation:
    """The validation, with a warning for each tolerance of what carries outside a strict phase:
    there the person's own range says what is far enough."""
    if validation.spec is None:
        return validation
    travels = find_travels(validation.spec)
    found = list(validation.warnings)
    for index, phase in enumerate(validation.spec.phases):
        for number, criterion in enumerate(phase.criteria):
            if (
                criterion.tolerance is not None
                and not phase.strict
                and any(travel.carries(phase, criterion.measure) for travel in travels)
            ):
                path = criterion_path(index, number)
                mark = validation.marks[path]
                message = (
                    f"The tolerance does nothing: the {criterion.measure.replace('_', ' ')} carries"
                    " the movement, by the person's own range. With judge: bands it is asked for."
                )
                found.append(
                    Issue("unused_tolerance", message, "warning", path, mark.line, mark.column)
                )
    found.sort(key=lambda issue: (issue.line, issue.column))
    return replace(validation, warnings=tuple(found))
