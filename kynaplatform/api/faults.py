"""Faults of JSON, in words for its sender: why a value doesn't fit a struct, or a text isn't JSON.

Strangers send the values, so a fault quotes little of one, and a long list is only partly read.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any, get_args, get_origin

import msgspec
from django.db.models import TextChoices
from msgspec import inspect

# Items examined of a list at fault; if all of these are right, the fault names the whole list.
MAX_ITEMS_SCANNED = 1_000
MAX_QUOTED_CHARACTERS = 40
Fault = tuple[str, str]


def faults_of(value: Mapping[str, Any], struct: type[msgspec.Struct]) -> Iterator[Fault]:
    """Each field's dotted path and its fault, such as `must be true or false, not 1`."""
    for field in _fields(struct):
        if field.encode_name in value:
            for path, fault in _faults(value[field.encode_name], field.type):
                yield f"{field.encode_name}{path}", fault
        elif field.required:
            yield field.encode_name, "is required"


def _faults(value: Any, type_: Any) -> Iterator[Fault]:
    """The faults of the value's items or fields, or else its own, each with its path below."""
    try:
        msgspec.convert(value, type_)
        return
    except msgspec.ValidationError:
        wanted = _wanted(type_)
    if (item_type := _item_type(type_, type(value))) is not None:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        of_parts = (
            (f".{shown_name(str(name))}{path}", fault)
            for name, item in islice(items, MAX_ITEMS_SCANNED)
            for path, fault in _faults(item, item_type)
        )
    else:
        of_parts = (
            (f".{path}", fault)
            for one in wanted
            if isinstance(one, inspect.StructType) and isinstance(value, dict)
            for path, fault in faults_of(value, one.cls)
        )
    words = " or ".join(map(_words, wanted))
    given = _given(value, wanted)
    yield next(of_parts, ("", f"must be {words}{given and f', not {given}'}"))
    yield from of_parts


# Called for our own types alone.
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
    """The types that a value may have, null last; UNSET, for an absent field, is left out."""
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
    """The value as sent; nothing where it may be a secret in the wrong field."""

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
    """A stranger's name as part of a path."""
    return _cut(ascii(name[: MAX_QUOTED_CHARACTERS + 1])[1:-1])


def _cut(text: str) -> str:
    if len(text) <= MAX_QUOTED_CHARACTERS:
        return text
    return f"{text[:MAX_QUOTED_CHARACTERS]}…"


_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?'
_BRACKET = re.compile(rf"{_STRING}|[\[\]{{}}]", re.DOTALL)
_UP_TO_CONSTANT = re.compile(rf'(?:[^"NI]++|{_STRING})*+', re.DOTALL)
# Readers give up somewhat deeper than this.
DEEP = 500
# Beyond these, a text that is nested too deeply is refused without the place.
MAX_BRACKETS_SCANNED = 20_000
_TRAILING_COMMA = "Illegal trailing comma before end of "
_A_VALUE = "Expecting value"
_A_KEY = "Expecting property name enclosed in double quotes"
_EXPECTED = {
    _A_VALUE: "a value was expected",
    _A_KEY: "a key in double quotes was expected",
    "Expecting ':' delimiter": "a colon was expected",
    "Expecting ',' delimiter": "a comma or a closing bracket was expected",
    "Extra data": "the end of the text was expected",
    "Invalid control character at": "an escape such as \\n was expected",
    "Unexpected UTF-8 BOM (decode using utf-8-sig)": "a value was expected",
}
# Whole sentences about what begins at the place.
_BEGINS_HERE = {
    "Unterminated string starting at": "the string that begins here is never closed",
    "Invalid \\escape": 'one of "\\/bfnrtu was expected after this backslash',
    "Invalid \\uXXXX escape": "four hexadecimal digits were expected after this \\u",
}


class NotJson(ValueError):
    """Its text continues a sentence such as `The body could not be read as JSON`.

    `place` has `line` and `column`, from 1, in characters; empty if the place is unknown.
    """

    def __init__(self, expected: str, text: str = "", index: int | None = None) -> None:
        self.place: dict[str, int] = {}
        where = ""
        if index is not None:
            line = text.count("\n", 0, index) + 1
            column = index - text.rfind("\n", 0, index)
            self.place = {"line": line, "column": column}
            where = f" at line {line}, column {column}"
        super().__init__(f"{where}: {expected}.")


class _Constant(Exception):
    """NaN or Infinity, which Python takes for JSON."""


def read_json(sent: bytes) -> Any:
    """The value of a JSON text. Raises NotJson."""
    try:
        text = sent.decode()
    except UnicodeDecodeError as error:
        before = sent[: error.start].decode()
        expected = f"UTF-8 was expected, not the byte 0x{sent[error.start]:02x}"
        raise NotJson(expected, before, len(before)) from None
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_int=_read_int)
    except json.JSONDecodeError as error:
        raise _not_json(text, error) from None
    except _Constant:
        index = _UP_TO_CONSTANT.match(text).end()  # type: ignore[union-attr]
        if text[index - 1 : index] == "-":
            index -= 1
        raise NotJson("a number, a string or null was expected", text, index) from None
    except RecursionError:
        raise _too_deep(text) from None


def _not_json(text: str, error: json.JSONDecodeError) -> NotJson:
    index = error.pos
    if (begun := _BEGINS_HERE.get(error.msg.removesuffix(": "))) is not None:
        return NotJson(begun, text, index)
    expected = error.msg
    if expected.startswith(_TRAILING_COMMA):
        # Python 3.13 points at the comma; older ones at what follows it, as this does.
        index = len(text) - len(text[index + 1 :].lstrip())
        expected = _A_KEY if expected.endswith("object") else _A_VALUE
    expected = _EXPECTED.get(expected, "something else was expected")
    found = f"not {text[index]!a}" if index < len(text) else "but the text ends here"
    return NotJson(f"{expected}, {found}", text, index)


def _too_deep(text: str) -> NotJson:
    depth = 0
    for found in islice(_BRACKET.finditer(text), MAX_BRACKETS_SCANNED):
        match found[0]:
            case "[" | "{":
                depth += 1
                if depth > DEEP:
                    expected = f"it is nested too deeply, with over {DEEP} open brackets here"
                    return NotJson(expected, text, found.start())
            case "]" | "}":
                depth -= 1
    return NotJson("it is nested too deeply")


def _refuse_constant(name: str) -> None:
    raise _Constant


def _read_int(digits: str) -> int | float:
    """Python refuses to read an integer of over 4,300 digits; none of our fields holds one."""
    return int(digits) if len(digits) <= 4_000 else float(digits)
