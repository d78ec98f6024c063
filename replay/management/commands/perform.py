from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from poses.figure import EXERCISES, perform
from poses.recordings import Recording, save

FPS = 30.0


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
            save(path, figure(exercise, repetitions))
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
        self.stdout.write(f"{path} is written: {repetitions} repetitions of {exercise}.")


def figure(exercise: str, repetitions: int) -> Recording:
    return Recording(
        exercise=exercise,
        count=repetitions,
        rep_frames=None,
        fps=FPS,
        source="a figure made by code",
        frames=[
            tuple(frame.landmarks) for frame in perform(exercise, repetitions=repetitions, fps=FPS)
        ],
    )
