"""Faults of JSON values: why each does not fit its field of a struct, in words for its sender.

Strangers send the values. So a fault quotes little of one, and a long list is read only in part.
"""

import math
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any, get_args, get_origin

import msgspec
from django.db.models import TextChoices
from msgspec import inspect

# Of a list at fault; one that is longer and right in all of these is told as a whole.
MAX_ITEMS_SCANNED = 1_000
MAX_QUOTED_CHARACTERS = 40
Fault = tuple[str, str]


def faults_of(value: Mapping[str, Any], struct: type[msgspec.Struct]) -> Iterator[Fault]:
    """The dotted path of each field at fault and how, such as `must be true or false, not 1`."""
    for field in _fields(struct):
        if field.encode_name in value:
            for path, fault in _faults(value[field.encode_name], field.type):
                yield f"{field.encode_name}{path}", fault
        elif field.required:
            yield field.encode_name, "is required"


def _faults(value: Any, type_: Any) -> Iterator[Fault]:
    """The path below the value and each fault: those of its items or fields, if they have any."""
    try:
        msgspec.convert(value, type_)
        return
    except msgspec.ValidationError:
        wanted = _wanted(type_)
    of_parts: Iterator[Fault] = iter(())
    if (item_type := _item_type(type_, list)) is not None and isinstance(value, list):
        of_parts = (
            (f".{index}{path}", fault)
            for index, item in enumerate(value[:MAX_ITEMS_SCANNED])
            for path, fault in _faults(item, item_type)
        )
    elif (item_type := _item_type(type_, dict)) is not None and isinstance(value, dict):
        of_parts = (
            (f".{shown_name(name)}{path}", fault)
            for name, item in islice(value.items(), MAX_ITEMS_SCANNED)
            for path, fault in _faults(item, item_type)
        )
    elif isinstance(value, dict):
        of_parts = (
            (f".{path}", fault)
            for one in wanted
            if isinstance(one, inspect.StructType)
            for path, fault in faults_of(value, one.cls)
        )
    words = " or ".join(map(_words, wanted))
    given = _given(value, wanted)
    yield next(of_parts, ("", f"must be {words}{given and f', not {given}'}"))
    yield from of_parts


# They are asked for our own types alone.
_fields = cache(msgspec.structs.fields)


@cache
def _wanted(type_: Any) -> list[inspect.Type]:
    return _alternatives(inspect.type_info(type_))


def _item_type(type_: Any, of: type) -> Any:
    """The item type of a list or dict type, seen through Annotated and `| None`."""
    if get_origin(type_) is of:
        return get_args(type_)[-1]
    for argument in get_args(type_):
        if (item := _item_type(argument, of)) is not None:
            return item
    return None


def _alternatives(type_: inspect.Type) -> list[inspect.Type]:
    """The types that a value may have, null last; that a field may be absent is not one."""
    match type_:
        case inspect.Metadata():
            return _alternatives(type_.type)
        case inspect.UnionType():
            found = [one for each in type_.types for one in _alternatives(each)]
            return sorted(found, key=lambda one: isinstance(one, inspect.NoneType))
        case inspect.CustomType(cls=msgspec.UnsetType):
            return []
    return [type_]


def _words(wanted: inspect.Type) -> str:
    match wanted:
        case inspect.LiteralType(values=values):
            return f"{'one of ' if len(values) > 1 else ''}{', '.join(map(str, values))}"
        case inspect.CustomType(cls=choices) if issubclass(choices, TextChoices):
            return f"one of {', '.join(sorted(choices.values))}"
        case inspect.IntType(ge=least, le=most):
            return f"a whole number{_bounds('from', least, most)}"
        case inspect.StrType(min_length=least, max_length=most):
            return f"a string{_bounds('of', least, most, ' characters')}"
        case inspect.ListType(min_length=least, max_length=most):
            return f"an array{_bounds('of', least, most, ' items')}"
        case inspect.FloatType(ge=least, le=most):
            return f"a number{_bounds('from', least, most)}"
        case inspect.BoolType():
            return "true or false"
        case inspect.UUIDType():
            return "a UUID"
        case inspect.DateTimeType():
            return "a moment with its offset or Z, such as 2026-01-31T12:00:00Z"
        case inspect.DateType():
            return "a day, such as 2026-01-31"
        case inspect.NoneType():
            return "null"
    return "an object"


def _bounds(word: str, least: float | None, most: float | None, unit: str = "") -> str:
    match least, most:
        case None, None:
            return ""
        case None, _:
            return f" {word} at most {most}{unit}"
        case _, None:
            return f" {word} at least {least}{unit}"
        case _ if least == most:
            return f" {word} {most}{unit}"
    return f" {word} {least} to {most}{unit}"


def _given(value: Any, wanted: list[inspect.Type]) -> str:
    """The value that was sent; nothing where it may be a secret that was put in the wrong field."""

    def may_be(*kinds: type[inspect.Type]) -> bool:
        return any(isinstance(one, kinds) for one in wanted)

    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float() if math.isinf(value):
            return "a number beyond a double"
        case int() | float():
            return _cut(repr(value))
        case dict():
            return "an object"
        case list():
            return f"one of {len(value)}" if may_be(inspect.ListType) else "an array"
    if may_be(inspect.StrType):
        return f"one of {len(value)}"
    if may_be(inspect.UUIDType, inspect.DateTimeType, inspect.DateType):
        return ""
    quoted = f'"{_cut(value)}"'
    return quoted if may_be(inspect.LiteralType, inspect.CustomType) else f"the string {quoted}"


def shown_name(name: str) -> str:
    """A name that a stranger chose, as a part of a path."""
    return _cut(ascii(name[: MAX_QUOTED_CHARACTERS + 1])[1:-1])


def _cut(text: str) -> str:
    if len(text) <= MAX_QUOTED_CHARACTERS:
        return text
    return f"{text[:MAX_QUOTED_CHARACTERS]}…"
