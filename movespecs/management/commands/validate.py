import json
import re
import sys
from argparse import ArgumentTypeError
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from detection import VIEWS, Issue, ParameterInvalid, Validation, camera, placed_roles, validate

STDIN = "-"
_LOCALE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


class Command(BaseCommand):
    help = (
        "Check the YAML of MoveSpecs, offline: no server, no database. Prints a line for each "
        "finding, `FILE:LINE:COLUMN: error: message [code]`, or warning, with lines and columns "
        "from 1. Of a valid file a line for each criterion follows, `FILE:LINE:COLUMN: role: what "
        "it does`, with the numbers of --parameter in place of the defaults. Exits 1 if a file has "
        "an error, cannot be read or does not take such a number; warnings alone exit 0."
    )
    # Neither settings nor a database are used.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "files",
            nargs="+",
            metavar="FILE",
            help=f"the YAML of a MoveSpec; {STDIN}: standard input",
        )
        parser.add_argument(
            "--json", action="store_true", help="print a JSON object for each file, one a line"
        )
        add_spec_options(parser)

    def handle(self, *args: Any, files: list[str], **options: Any) -> None:
        faulty = []
        for file in files:
            validation = validate_file(file, options)
            if options["json"]:
                self.stdout.write(json.dumps(as_json(file, validation)))
            else:
                self.stdout.write("\n".join(as_lines(file, validation)))
            if not validation.ok:
                faulty.append(file)
        if faulty:
            raise CommandError(f"Not valid: {', '.join(faulty)}")


def validate_file(file: str, options: Mapping[str, Any]) -> Validation:
    """Validate a file's text with the options of `add_spec_options`."""
    parameters, locale = dict(options["parameter"]), options["locale"]
    try:
        data = sys.stdin.buffer.read() if file == STDIN else Path(file).read_bytes()
        return validate(data.decode("utf-8"), parameters=parameters, locale=locale)
    except ParameterInvalid as error:
        code, message = "parameter_invalid", error.message
    except OSError as error:
        code, message = "unreadable", f"It cannot be read: {error.strerror}."
    except UnicodeDecodeError:
        code, message = "unreadable", "It is not UTF-8."
    return Validation((Issue(code, message, "error", None, None, None),), (), None)


def as_json(file: str, validation: Validation) -> dict[str, Any]:
    return {
        "file": file,
        "ok": validation.ok,
        "errors": [asdict(issue) for issue in validation.errors],
        "warnings": [asdict(issue) for issue in validation.warnings],
        "roles": [{**asdict(role), **mark._asdict()} for role, mark in placed_roles(validation)],
        "camera": asdict(camera(validation.spec)) if validation.spec else None,
    }


def as_lines(file: str, validation: Validation) -> Iterator[str]:
    yield from issue_lines(file, (*validation.errors, *validation.warnings))
    for role, (line, column) in placed_roles(validation):
        yield f"{file}:{line}:{column}: {role.role}: {role.sentence} {VIEWS[role.view]}"
    if validation.spec is not None:
        yield f"{file}: camera: {camera(validation.spec).sentence}"
        yield f"{file}: valid"


def issue_lines(file: str | Path, issues: Iterable[Issue]) -> Iterator[str]:
    """The lines as compilers print them, which editors follow to the place."""
    for issue in issues:
        place = "" if issue.line is None else f":{issue.line}:{issue.column}"
        yield f"{file}{place}: {issue.severity}: {issue.message} [{issue.code}]"


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
