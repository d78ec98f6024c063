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
    """A state's fields: what gets all their values at once, the name and start of each, and by its
    place the state that the items of a list are."""

    get: Callable[[Any], tuple[Any, ...]]
    starts: list[tuple[str, Any]]
    nested: dict[int, Callable[[], Any]]


_layouts: dict[type, Layout] = {}


def layout_of(state: type) -> Layout:
    if state not in _layouts:
        starts = [
            (field.name, [] if field.default is MISSING else field.default)
            for field in fields(state)
        ]
        names = [name for name, _ in starts]
        get = attrgetter(*names) if len(names) > 1 else lambda part: (getattr(part, names[0]),)
        nested = {
            number: field.metadata["of"]
            for number, field in enumerate(fields(state))
            if "of" in field.metadata
        }
        _layouts[state] = Layout(get, starts, nested)
    return _layouts[state]


def stored(part: object) -> Values:
    """The values of a part's state, in the order of its fields."""
    layout = layout_of(type(part))
    values = [list(value) if isinstance(value, list) else value for value in layout.get(part)]
    for number in layout.nested:
        values[number] = [stored(item) for item in values[number]]
    return values


def restore(part: object, values: object) -> None:
    """Give a part the values that `stored` gave. Raises ValueError for others."""
    _, starts, nested = layout_of(type(part))
    if not isinstance(values, list) or len(values) != len(starts):
        raise ValueError(f"Not the state of a {type(part).__name__}: {values!r}.")
    for number, ((name, start), value) in enumerate(zip(starts, values, strict=True)):
        if number in nested and isinstance(value, list):
            value = [_restored(nested[number](), item) for item in value]
        elif not _fits(value, start):
            raise ValueError(f"Not a value of {name}: {value!r}.")
        try:
            setattr(part, name, list(value) if isinstance(value, list) else value)
        except TypeError as error:  # of the compiled engine, which knows the field's type
            raise ValueError(f"Not a value of {name}: {value!r}.") from error


def _restored(part: Any, values: object) -> Any:
    restore(part, values)
    return part


def _fits(value: object, start: object) -> bool:
    """Whether a value is of the kind of a field that starts so.

    What is None at the start is a number later, and a list has such items.
    """
    if isinstance(start, list):
        return isinstance(value, list) and all(_fits(item, None) for item in value)
    if value is None or isinstance(value, bool | str):
        return type(value) is type(start)
    # JSON has one kind of numbers: a whole one may be a float's.
    if isinstance(value, int):
        return not isinstance(start, bool | str)
    return isinstance(value, float) and (start is None or isinstance(start, float))
