"""The stored form of what the engine's parts remember.

A part inherits a dataclass, its state: the fields are all that the part remembers from frame to
frame, each with the value that it has at the start. Here they become JSON values and are read back.
A part with a method `resume` works out there what it derives from its fields, as it is restored.
"""

from collections.abc import Callable
from dataclasses import MISSING, fields
from operator import attrgetter
from typing import Any, Final, NamedTuple

# The form of the snapshots that are written.
SNAPSHOT_FORM = 5

Snapshot = dict[str, Any]
Values = list[Any]

# The metadata of a list that always has the length and the kinds of items that it starts with.
FIXED: Final = {"fixed": True}


class Layout(NamedTuple):
    """A state's fields: a getter of all their values at once, the name and start of each, the
    numbers of the FIXED ones, and by its number the state that the items of a list are."""

    get: Callable[[Any], tuple[Any, ...]]
    starts: list[tuple[str, Any]]
    fixed: set[int]
    nested: dict[int, Callable[[], Any]]


_layouts: dict[type, Layout] = {}


def layout_of(state: type) -> Layout:
    if state not in _layouts:
        found = fields(state)
        names = [one.name for one in found]
        _layouts[state] = Layout(
            attrgetter(*names) if len(names) > 1 else lambda part: (getattr(part, names[0]),),
            [(one.name, [] if one.default is MISSING else one.default) for one in found],
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


def restore(part: object, values: object) -> None:
    """Give a new part the values that `stored` gave. Raises ValueError for others."""
    _, starts, fixed, nested = layout_of(type(part))
    if not isinstance(values, list) or len(values) != len(starts):
        raise ValueError(f"Not the state of a {type(part).__name__}: {values!r}.")
    for number, ((name, start), value) in enumerate(zip(starts, values, strict=True)):
        if number in nested and isinstance(value, list):
            value = [_restored(nested[number](), item) for item in value]
        elif number in fixed and not _fits_each(value, getattr(part, name)):
            raise ValueError(f"Not the values of {name}: {value!r}.")
        elif number not in fixed and not _fits(value, start):
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


def _fits_each(values: object, starts: list[Any]) -> bool:
    return (
        isinstance(values, list) and len(values) == len(starts) and all(map(_fits, values, starts))
    )


def check_form(snapshot: Snapshot) -> None:
    """Raise ValueError for a snapshot of another form, whatever its parts hold."""
    if snapshot.get("form") != SNAPSHOT_FORM:
        raise ValueError(f"Not a form of a snapshot that is read: {snapshot.get('form')!r}.")
    if snapshot.keys() != {"form", "last_ms", "usable_ms", "parts"}:
        raise ValueError("Not the names of a snapshot.")
    for name in ("last_ms", "usable_ms"):
        if not isinstance(snapshot[name], int | float | None):
            raise ValueError(f"Not a time of {name}: {snapshot[name]!r}.")
