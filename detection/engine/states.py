"""The stored form of what the engine's parts remember.

A part inherits a dataclass, its state: the fields are all that the part remembers from frame to
frame, each with the value that it has at the start. Here they become JSON values and are read back.
A part with a method `resume` works out there what it derives from its fields, as it is restored.
"""

from collections.abc import Callable
from dataclasses import fields
from operator import attrgetter
from typing import Any, Final, NamedTuple

# The form of the snapshots that are written.
SNAPSHOT_FORM = 5

Snapshot = dict[str, Any]
Values = list[Any]

# The metadata of a list that always has the length that it starts with.
FIXED: Final = {"fixed": True}


class Layout(NamedTuple):
    """A state's fields: a getter of all their values at once, their names, the numbers of the FIXED
    ones, and by its number the state that the items of a list are."""

    get: Callable[[Any], tuple[Any, ...]]
    names: list[str]
    fixed: set[int]
    nested: dict[int, Callable[[], Any]]


_layouts: dict[type, Layout] = {}


def layout_of(state: type) -> Layout:
    if state not in _layouts:
        found = fields(state)
        names = [one.name for one in found]
        _layouts[state] = Layout(
            attrgetter(*names) if len(names) > 1 else lambda part: (getattr(part, names[0]),),
            names,
            {number for number, one in enumerate(found) if "fixed" in one.metadata},
            {n: one.metadata["of"] for n, one in enumerate(found) if "of" in one.metadata},
        )
    return _layouts[state]


def stored(part: object) -> Values:
    """The values of a part's state, in the order of its fields."""
    layout = layout_of(type(part))
    values = [list(value) if isinstance(value, list) else value for value in layout.get(part)]
    for number in layout.nested:
        values[number] = [stored(item) for item in values[number]]
    return values


def restore(part: object, values: Values) -> None:
    """Give a new part the values that `stored` gave. Raises ValueError for those of other
    fields, and where a FIXED list has another length."""
    _, names, fixed, nested = layout_of(type(part))
    if len(values) != len(names):
        raise ValueError(f"Not the state of a {type(part).__name__}: {values!r}.")
    for number, (name, value) in enumerate(zip(names, values, strict=True)):
        if number in fixed and len(value) != len(getattr(part, name)):
            raise ValueError(f"Not the values of {name}: {value!r}.")
        if number in nested:
            items = [nested[number]() for _ in value]
            for item, of_item in zip(items, value, strict=True):
                restore(item, of_item)
            value = items
        setattr(part, name, list(value) if isinstance(value, list) else value)
