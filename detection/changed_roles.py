"""The check that parameters change numbers alone, and never what carries the movement."""

from collections.abc import Iterator

from detection.engine.carriers import find_travels
from detection.language.issues import Issue
from detection.language.parameters import PARAMETERS
from detection.language.validation import Validation
from detection.spec import Measure, MoveSpec, Parameter

# What carries, with the phases at its low end and at its high one.
_Carried = dict[Measure, tuple[frozenset[str], frozenset[str]]]


def changed_roles(validation: Validation) -> tuple[Issue, ...]:
    """An error for each parameter of a valid document whose ends change what carries, or one for
    all of them, where only their ends together do."""
    parameters = validation.parameters
    if validation.spec is None or not parameters:
        return ()
    usual = _carried(validation.spec)

    def change(**numbers: float) -> Measure | None:
        found = _carried(validation.spec_with(numbers))
        changed = usual.items() ^ found.items()
        return next((measure for measure in (*usual, *found) if measure in dict(changed)), None)

    errors = [
        _issue(validation, f"{PARAMETERS}.{one.name}", one.name, f"at {end:g}", measure)
        for one in parameters
        for end in _ends(one)
        if (measure := change(**{one.name: end})) is not None
    ]
    if not errors:
        for which, numbers in (
            ("least", {one.name: one.minimum for one in parameters}),
            ("greatest", {one.name: one.maximum for one in parameters}),
        ):
            if (measure := change(**numbers)) is not None:
                what = f"all at their {which}"
                errors.append(_issue(validation, PARAMETERS, "the parameters", what, measure))
    return tuple(errors)


def _ends(parameter: Parameter) -> Iterator[float]:
    yield from dict.fromkeys((parameter.minimum, parameter.maximum))


def _carried(spec: MoveSpec) -> _Carried:
    return {
        carrier.measure: (
            (travel.start, travel.end) if carrier.is_low_at_start else (travel.end, travel.start)
        )
        for travel in find_travels(spec)
        for carrier in travel.carriers
    }


def _issue(validation: Validation, path: str, name: str, at: str, measure: Measure) -> Issue:
    message = (
        f"With {name} {at} the {measure.replace('_', ' ')} does not carry the movement as it does"
        " by the defaults: narrow min and max."
    )
    mark = validation.marks[path]
    return Issue("roles_change", message, "error", path, mark.line, mark.column)
