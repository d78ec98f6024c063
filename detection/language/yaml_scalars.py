"""Plain scalars by the YAML 1.2 core schema (YAML 1.2.2, section 10.3.2)."""

import math
import re
from typing import Literal

ScalarType = Literal["null", "boolean", "number", "text"]

_NULL = re.compile(r"null|Null|NULL|~|")
_BOOLEAN = re.compile(r"true|True|TRUE|false|False|FALSE")
_DECIMAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_INFINITY = re.compile(r"[-+]?\.(?:inf|Inf|INF)")
_NOT_A_NUMBER = re.compile(r"\.(?:nan|NaN|NAN)")


def parse_number(text: str) -> float | None:
    """The number that a plain scalar denotes, or None. A number that is too large is infinite."""
    if _DECIMAL.fullmatch(text):
        return float(text)
    if _OCTAL.fullmatch(text):
        return _finite_or_infinite(int(text[2:], 8))
    if _HEXADECIMAL.fullmatch(text):
        return _finite_or_infinite(int(text[2:], 16))
    if _INFINITY.fullmatch(text):
        return -math.inf if text.startswith("-") else math.inf
    if _NOT_A_NUMBER.fullmatch(text):
        return math.nan
    return None


def parse_boolean(text: str) -> bool | None:
    return text.lower() == "true" if _BOOLEAN.fullmatch(text) else None


def plain_scalar_type(text: str) -> ScalarType:
    if _NULL.fullmatch(text):
        return "null"
    if _BOOLEAN.fullmatch(text):
        return "boolean"
    return "text" if parse_number(text) is None else "number"


def _finite_or_infinite(number: int) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf
