"""The place at which a text stops being JSON, and what was expected there.

Strangers send the texts. So finding a place takes time that grows with the length alone, and no
more of a text is quoted than one character.
"""

import json
import re
from collections.abc import Callable
from itertools import islice
from typing import Any

_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?'
_BRACKET = re.compile(rf"{_STRING}|[\[\]{{}}]", re.DOTALL)
_UP_TO_CONSTANT = re.compile(rf'(?:[^"NI]++|{_STRING})*+', re.DOTALL)
# Readers give up somewhat deeper than this.
DEEP = 500
# Of a text that is nested too deeply; whose depth comes later is told without its place.
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
# These begin at the place, and are whole sentences.
_BEGINS_HERE = {
    "Unterminated string starting at": "the string that begins here is never closed",
    "Invalid \\escape": 'one of "\\/bfnrtu was expected after this backslash',
    "Invalid \\uXXXX escape": "four hexadecimal digits were expected after this \\u",
}


class NotJson(ValueError):
    """A text that is not JSON: its sentence ends one such as `The body could not be read as JSON`.

    `line` and `column` count from 1, in characters, and `place` has both by their names. It is
    empty where the place is not known.
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


def read_json(sent: str | bytes, *, takes_constants: bool = False) -> Any:
    """The value of a JSON text. Raises NotJson.

    NaN, Infinity and -Infinity are JSON only where `takes_constants`.
    """
    text = sent if isinstance(sent, str) else _decoded(sent)
    try:
        return _loaded(text, None if takes_constants else _refuse_constant)
    except json.JSONDecodeError as error:
        raise _not_json(text, error) from None
    except _Constant:
        index = _UP_TO_CONSTANT.match(text).end()  # type: ignore[union-attr]
        if text[index - 1 : index] == "-":
            index -= 1
        raise NotJson("a number, a string or null was expected", text, index) from None
    except RecursionError:
        raise _too_deep(text) from None


def _loaded(text: str, constant: Callable[[str], None] | None) -> Any:
    try:
        return json.loads(text, parse_constant=constant)
    except json.JSONDecodeError:
        raise
    except ValueError:  # an integer of over 4,300 digits
        return json.loads(text, parse_constant=constant, parse_int=_read_int)


def _decoded(sent: bytes) -> str:
    try:
        return sent.decode()
    except UnicodeDecodeError as error:
        before = sent[: error.start].decode()
        expected = f"UTF-8 was expected, not the byte 0x{sent[error.start]:02x}"
        raise NotJson(expected, before, len(before)) from None


def _not_json(text: str, error: json.JSONDecodeError) -> NotJson:
    index = error.pos
    if (begun := _BEGINS_HERE.get(error.msg.removesuffix(": "))) is not None:
        return NotJson(begun, text, index)
    expected = error.msg
    if expected.startswith(_TRAILING_COMMA):
        # Python 3.13 tells the comma; an older one what follows it, and so does this.
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
