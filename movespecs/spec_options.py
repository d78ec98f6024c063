"""The options of commands that take the text of a MoveSpec: the numbers of its parameters, and the
language of its messages."""

import re
from argparse import ArgumentTypeError
from collections.abc import Mapping
from math import isfinite
from typing import Any, TypedDict

from django.core.management.base import CommandParser

_LOCALE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


class SpecOptions(TypedDict):
    """What `detection.compile` and `detection.validate` take beside the text."""

    parameters: Mapping[str, float]
    locale: str | None


def add_spec_options(parser: CommandParser) -> None:
    parser.add_argument(
        "--parameter",
        action="append",
        type=_number,
        default=[],
        metavar="NAME=NUMBER",
        help="the number of a parameter of the MoveSpec, in place of its default; may be repeated",
    )
    parser.add_argument(
        "--locale",
        type=_locale,
        metavar="TAG",
        help="the language of the messages, such as de (default: English, else the first)",
    )


def spec_options(options: Mapping[str, Any]) -> SpecOptions:
    return {"parameters": dict(options["parameter"]), "locale": options["locale"]}


def _number(text: str) -> tuple[str, float]:
    name, _, number = text.partition("=")
    try:
        value = float(number)
    except ValueError:
        value = float("nan")
    if not name or not isfinite(value):
        raise ArgumentTypeError(f"{text} is not a name and a number, such as depth=90.")
    return name, value


def _locale(text: str) -> str:
    if not _LOCALE.fullmatch(text):
        raise ArgumentTypeError(f"{text} is not the tag of a language, such as de or pt-BR.")
    return text
