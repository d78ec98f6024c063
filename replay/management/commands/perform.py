from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from poses.figure import EXERCISES, recorded
from poses.recordings import save


class Command(BaseCommand):
    help = (
        "Write a recording of a figure made by code that does an exercise before a camera: for "
        "`replay` and `stream`, where no recording of a person is at hand. Offline: no server, no "
        "database."
    )
    # Neither settings nor a database are used.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "exercise", choices=EXERCISES, metavar="EXERCISE", help=", ".join(EXERCISES)
        )
        parser.add_argument("recording", type=Path, help="the file to write, NAME.json.gz")
        parser.add_argument("--repetitions", type=int, default=6, help="1 or more (default 6)")

    def handle(self, *args: Any, **options: Any) -> None:
        exercise, repetitions = options["exercise"], options["repetitions"]
        path: Path = options["recording"]
        if repetitions < 1:
            raise CommandError("--repetitions is at least 1.")
        try:
            save(path, recorded(exercise, repetitions))
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
        self.stdout.write(f"{path} is written: {repetitions} repetitions of {exercise}.")
