"""The check that parameters change numbers alone, and never what carries the movement."""

from collections.abc import Iterator, Mapping

from detection.engine.carriers import find_travels
from detection.language.issues import Issue
from detection.language.parameters import PARAMETERS
from detection.language.validation import Validation
from detection.spec import Measure, MoveSpec

# What carries, with the phases at its low end and at its high one.
_Carried = dict[Measure, tuple[frozenset[str], frozenset[str]]]


def changed_roles(validation: Validation) -> tuple[Issue, ...]:
    """An error for each end of a parameter of a valid document that changes what carries, or one
    for several of them, where no single one does."""
    if validation.spec is None or not validation.parameters:
        return ()
    usual = _carried(validation.spec)

    def change(numbers: Mapping[str, float]) -> Measure | None:
        found = _carried(validation.spec_with(numbers))
        return next((one for one in (*usual, *found) if usual.get(one) != found.get(one)), None)

    errors = [
        _issue(validation, f"{PARAMETERS}.{one.name}", f"{one.name} at {end:g}", measure)
        for one in validation.parameters
        for end in dict.fromkeys((one.minimum, one.maximum))
        if (measure := change({one.name: end})) is not None
    ]
    if errors or len(validation.parameters) < 2:
        return tuple(errors)
    for where, numbers in _corners(validation):
        if (measure := change(numbers)) is not None:
            return (_issue(validation, PARAMETERS, where, measure),)
    return ()


def _corners(validation: Validation) -> Iterator[tuple[str, dict[str, float]]]:
    """All parameters at an end, and where that is. The widest bands are those that overlap first,
    the narrowest those that are nested first."""
    least = {one.name: one.minimum for one in validation.parameters}
    greatest = {one.name: one.maximum for one in validation.parameters}
    lower = validation.lower_bounds()
    yield "all parameters at their min", least
    yield "all parameters at their max", greatest
    yield "the widest bands", {n: (least if n in lower else greatest)[n] for n in least}
    yield "the narrowest bands", {n: (greatest if n in lower else least)[n] for n in least}


def _carried(spec: MoveSpec) -> _Carried:
    return {
        carrier.measure: (
            (travel.start, travel.end) if carrier.is_low_at_start else (travel.end, travel.start)
        )
        for travel in find_travels(spec)
        for carrier in travel.carriers
    }


def _issue(validation: Validation, path: str, where: str, measure: Measure) -> Issue:
    message = (
        f"With {where} the {measure.replace('_', ' ')} does not carry the movement as it does by"
        " the defaults: narrow min and max."
    )
    mark = validation.marks[path]
    return Issue("roles_change", message, "error", path, mark.line, mark.column)
