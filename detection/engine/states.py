"""The stored form of what the engine's parts remember.

A part inherits a dataclass, its state: the fields are all that the part remembers from frame to
frame, each with the value that it has at the start. Here they become JSON values and are read back.
"""

from collections.abc import Callable
from dataclasses import MISSING, fields
from operator import attrgetter
from typing import Any, NamedTuple

Values = list[Any]


class Layout(NamedTuple):
    """A state's fields: what gets all their values at once, and the name and start of each."""

    get: Callable[[Any], tuple[Any, ...]]
    starts: list[tuple[str, Any]]


_layouts: dict[type, Layout] = {}


def layout_of(state: type) -> Layout:
    if state not in _layouts:
        starts = [
            (field.name, [] if field.default is MISSING else field.default)
            for field in fields(state)
        ]
        names = [name for name, _ in starts]
        get = attrgetter(*names) if len(names) > 1 else lambda part: (getattr(part, names[0]),)
        _layouts[state] = Layout(get, starts)
    return _layouts[state]


def stored(part: object) -> Values:
    """The values of a part's state, in the order of its fields."""
    values = layout_of(type(part)).get(part)
    return [list(value) if isinstance(value, list) else value for value in values]


def restore(part: object, values: object) -> None:
    """Give a part the values that `stored` gave. Raises ValueError for others."""
    starts = layout_of(type(part)).starts
    if not isinstance(values, list) or len(values) != len(starts):
        raise ValueError(f"Not the state of a {type(part).__name__}: {values!r}.")
    for (name, start), value in zip(starts, values, strict=True):
        if not _fits(value, start):
            raise ValueError(f"Not a value of {name}: {value!r}.")
        try:
            setattr(part, name, list(value) if isinstance(value, list) else value)
        except TypeError as error:  # of the compiled engine, which knows the field's type
            raise ValueError(f"Not a value of {name}: {value!r}.") from error


def _fits(value: object, start: object) -> bool:
    """Whether a value is of the kind of a field that starts so.

    What is None at the start is a number later, and a list has such items.
    """
    if isinstance(start, list):
        return isinstance(value, list) and all(_fits(item, None) for item in value)
    if value is None or isinstance(value, bool):
        return type(value) is type(start)
    # JSON has one kind of numbers: a whole one may be a float's.
    if isinstance(value, int):
        return not isinstance(start, bool)
    return isinstance(value, float) and (start is None or isinstance(start, float))
