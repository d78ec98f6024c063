"""The base of operators' commands: `--json` prints one object, otherwise lines for people."""

import json
from argparse import ArgumentTypeError
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

MAX_DAYS = 36_500


class OperatorCommand(BaseCommand):
    """A command that answers with one object."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def print_result(self, result: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(result, default=str))
            return
        width = max(len(name) for name in result)
        for name, value in result.items():
            if isinstance(value, Mapping):
                value = ", ".join(f"{key} {item}" for key, item in value.items())
            elif isinstance(value, list):
                value = " ".join(value)
            self.stdout.write(f"{name:<{width}}  {value}")


def number_of_days(text: str) -> int:
    """The type of an argument: a number of days from 1 to MAX_DAYS."""
    if not (text.isdecimal() and 1 <= int(text) <= MAX_DAYS):
        raise ArgumentTypeError(f"is a number from 1 to {MAX_DAYS}.")
    return int(text)
