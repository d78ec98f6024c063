"""The parameters of a document: numbers that a session may give, and where they stand."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from detection.language.issues import Report, nearest, quote
from detection.language.scalar_checks import Reference
from detection.spec import Parameter

PARAMETERS = "detection.parameters"

Values = dict[str, Any]
# None is one that is not valid: its name is known, and its numbers are not.
Declared = Mapping[str, Parameter | None]


class ParameterInvalid(ValueError):
    """A number that a session can't give: for a parameter that there is not, or out of its bounds.

    `name` is that of the parameter, `message` a sentence for whoever gave it.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name
        self.message = message


def check_values(parameters: Sequence[Parameter], values: Mapping[str, float]) -> dict[str, float]:
    """The values as floats, so that 100 and 100.0 are the same. Raises ParameterInvalid for the
    first that a session can't give."""
    by_name = {parameter.name: parameter for parameter in parameters}
    checked = {}
    for name, value in values.items():
        parameter = by_name.get(name)
        if parameter is None:
            raise ParameterInvalid(name, _unknown(name, by_name))
        if not parameter.minimum <= value <= parameter.maximum:
            bounds = f"from {parameter.minimum:g} to {parameter.maximum:g}"
            raise ParameterInvalid(name, f"{name} must be {bounds}, not {value:g}.")
        checked[name] = value + 0.0
    return checked


def _unknown(name: str, known: Mapping[str, object]) -> str:
    sentence = f"No parameter has the name {quote(name)}"
    if near := nearest(name, known):
        return f"{sentence}; the nearest is {near}."
    if known:
        return f"{sentence}; there are {textwrap.shorten(', '.join(known), 100, placeholder=' …')}."
    return f"{sentence}: there are none."


def declared_parameters(document: Values) -> Declared:
    return {
        name: _parameter(name, values)
        for name, values in document.get("detection", {}).get("parameters", {}).items()
    }


def _parameter(name: str, values: Values | None) -> Parameter | None:
    if values is None or not {"default", "min", "max"} <= values.keys():
        return None
    return Parameter(
        name, values["default"], values["min"], values["max"], values.get("description")
    )


def ends(value: float | Reference, declared: Declared) -> tuple[float, float] | None:
    """The least and the greatest number that a value may be; None where it is not known."""
    if not isinstance(value, Reference):
        return value, value
    parameter = declared.get(value.name)
    return None if parameter is None else (parameter.minimum, parameter.maximum)


def references_in(value: object) -> Iterator[Reference]:
    """The parameters that stand anywhere in a document, or in a part of it."""
    match value:
        case Reference():
            yield value
        case dict():
            for part in value.values():
                yield from references_in(part)
        case list():
            for part in value:
                yield from references_in(part)


def filled(value: Any, numbers: Mapping[str, float]) -> Any:
    """The value with the numbers in place of the names."""
    match value:
        case Reference():
            return numbers[value.name]
        case dict():
            return {key: filled(part, numbers) for key, part in value.items()}
        case list():
            return [filled(part, numbers) for part in value]
    return value


def check_parameters(document: Values, declared: Declared, report: Report) -> None:
    """Report what no value of a session could make valid, and what not all of them would."""
    for name, parameter in declared.items():
        if parameter is not None:
            _check_bounds(parameter, f"{PARAMETERS}.{name}", report)
    for reference in references_in(document):
        if reference.name not in declared:
            message = _unknown(reference.name, declared)
            report.error("unknown_parameter", message, reference.path)
        elif (least_and_most := ends(reference, declared)) is not None:
            _check_range(reference, *least_and_most, report)


def _check_bounds(parameter: Parameter, path: str, report: Report) -> None:
    low, high = parameter.minimum, parameter.maximum
    if low > high:
        report.error("bounds_reversed", f"min {low:g} is above max {high:g}.", f"{path}.min")
    elif not low <= parameter.default <= high:
        message = f"default must be from {low:g} to {high:g}, not {parameter.default:g}."
        report.error("default_out_of_bounds", message, f"{path}.default")


def _check_range(reference: Reference, low: float, high: float, report: Report) -> None:
    number = reference.number
    if number.minimum <= low and high <= number.maximum:
        return
    message = (
        f"${reference.name} may be {low:g} to {high:g}, and {reference.path.rpartition('.')[2]}"
        f" must be from {number.minimum} to {number.maximum}: narrow the parameter's min and max."
    )
    report.error("parameter_out_of_range", message, reference.path)


def warn_of_unused(document: Values, declared: Declared, report: Report) -> None:
    used = {reference.name for reference in references_in(document)}
    for name in declared:
        if name not in used:
            message = f"Nothing uses the parameter {name}: write ${name} where it is to stand."
            report.warning("unused_parameter", message, f"{PARAMETERS}.{name}")
