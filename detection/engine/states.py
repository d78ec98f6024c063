"""The stored form of what the engine's parts remember.

A part inherits a dataclass, its state: the fields are all that the part remembers from frame to
frame, each with the value that it has at the start. Here they become JSON values and are read back.
"""

from collections.abc import Callable
from dataclasses import fields
from operator import attrgetter
from typing import Any, NamedTuple, get_args

Values = list[Any]


class Layout(NamedTuple):
    """A state's fields: what gets all their values at once, and the name and type of each."""

    get: Callable[[Any], tuple[Any, ...]]
    kinds: list[tuple[str, Any]]


_layouts: dict[type, Layout] = {}


def layout_of(state: type) -> Layout:
    if state not in _layouts:
        kinds = [(field.name, field.type) for field in fields(state)]
        names = [name for name, _ in kinds]
        get = attrgetter(*names) if len(names) > 1 else lambda part: (getattr(part, names[0]),)
        _layouts[state] = Layout(get, kinds)
    return _layouts[state]


def stored(part: object) -> Values:
    """The values of a part's state, in the order of its fields."""
    values = layout_of(type(part)).get(part)
    return [list(value) if isinstance(value, list) else value for value in values]


def restore(part: object, values: object) -> None:
    """Give a part the values that `stored` gave. Raises ValueError for others."""
    kinds = layout_of(type(part)).kinds
    if not isinstance(values, list) or len(values) != len(kinds):
        raise ValueError(f"Not the state of a {type(part).__name__}: {values!r}.")
    for (name, kind), value in zip(kinds, values, strict=True):
        if not _fits(value, kind):
            raise ValueError(f"Not a value of {name}: {value!r}.")
        setattr(part, name, list(value) if isinstance(value, list) else value)


def _fits(value: object, kind: Any) -> bool:
    if isinstance(value, list):
        items = get_args(kind)
        return bool(items) and all(_fits(item, items[0]) for item in value)
    kinds = get_args(kind) or (kind,)
    if value is None or isinstance(value, bool):
        return type(value) in kinds
    # JSON has one kind of numbers: a whole one may be a float's.
    if isinstance(value, int):
        return int in kinds or float in kinds
    return isinstance(value, float) and float in kinds
