"""The bounds of a measure, in whichever spelling they are written."""

from typing import Any, NamedTuple

from detection.language.issues import Report
from detection.language.parameters import Declared, ends
from detection.language.scalar_checks import Reference

Values = dict[str, Any]


class Bound(NamedTuple):
    """A bound, and the key that it has in the document: the default has the newer one."""

    key: str
    value: float | Reference

    def __str__(self) -> str:
        value = self.value
        return f"${value.name}" if isinstance(value, Reference) else f"{value:g}"


def low_bound(values: Values) -> Bound:
    return _bound(values, ("min", "angle_min"), 0.0)


def high_bound(values: Values) -> Bound:
    return _bound(values, ("max", "angle_max"), 180.0)


def _bound(values: Values, keys: tuple[str, ...], default: float) -> Bound:
    for key in keys:
        if key in values:
            return Bound(key, values[key])
    return Bound(keys[0], default)


def check_bounds(values: Values, path: str, declared: Declared, report: Report) -> None:
    """Report a least bound that is above the greatest, or can be."""
    low, high = low_bound(values), high_bound(values)
    low_ends, high_ends = ends(low.value, declared), ends(high.value, declared)
    if low_ends is None or high_ends is None or low_ends[1] <= high_ends[0]:
        return
    low_parameter, high_parameter = _parameter(low), _parameter(high)
    if not low_parameter and not high_parameter:
        message = f"{low.key} {low} is above {high.key} {high}."
    elif low_parameter == high_parameter:
        return  # the same number
    else:
        message = (
            f"{low.key} {low}{_up_to(low, low_ends[1])} can be above {high.key}"
            f" {high}{_down_to(high, high_ends[0])}: narrow the parameter's min and max."
        )
    report.error("bounds_reversed", message, f"{path}.{low.key}")


def _parameter(bound: Bound) -> str | None:
    return bound.value.name if isinstance(bound.value, Reference) else None


def _up_to(bound: Bound, end: float) -> str:
    return f", which may be up to {end:g}," if _parameter(bound) else ""


def _down_to(bound: Bound, end: float) -> str:
    return f", which may be down to {end:g}" if _parameter(bound) else ""
