import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from detection import Issue, validate

STDIN = "-"


class Command(BaseCommand):
    help = (
        "Check the YAML of MoveSpecs, offline: no server, no database. Prints a line for each "
        "finding, `FILE:LINE:COLUMN: error: message [code]`, or warning, with lines and columns "
        "from 1, and what is valid. Exits 1 if a file has an error or cannot be read; warnings "
        "alone exit 0."
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

    def handle(self, *args: Any, files: list[str], **options: Any) -> None:
        faulty = [file for file in files if not self.is_valid(file)]
        if faulty:
            raise CommandError(f"Not valid: {', '.join(faulty)}")

    def is_valid(self, file: str) -> bool:
        """Whether the file has no error; all that was found in it is told."""
        try:
            text = read_text(file)
        except OSError as error:
            self.stdout.write(f"{file}: error: it cannot be read: {error.strerror}")
            return False
        except UnicodeDecodeError:
            self.stdout.write(f"{file}: error: it is not UTF-8")
            return False
        validation = validate(text)
        for issue in (*validation.errors, *validation.warnings):
            self.stdout.write(line(file, issue))
        if validation.errors:
            return False
        self.stdout.write(f"{file}: valid")
        return True


def read_text(file: str) -> str:
    data = sys.stdin.buffer.read() if file == STDIN else Path(file).read_bytes()
    return data.decode("utf-8")


def line(file: str, issue: Issue) -> str:
    """The line as compilers tell it, which editors follow to the place."""
    place = "" if issue.line is None else f":{issue.line}:{issue.column}"
    return f"{file}{place}: {issue.severity}: {issue.message} [{issue.code}]"
