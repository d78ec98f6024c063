from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from detection.language.issues import nearest
from dev.poses.figure import (
    EXERCISES,
    MAX_SECONDS,
    MOVEMENTS,
    Movement,
    MovementInvalid,
    read_movement,
    recorded,
)
from dev.poses.recordings import save

SUFFIXES = (".yaml", ".yml")


class Command(BaseCommand):
    help = (
        "Write a recording of a figure made by code that does a movement before a camera: for "
        "`replay` and `stream`, where no recording of a person is at hand. Offline: no server, no "
        "database."
    )
    # Neither settings nor a database are used.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "movement",
            metavar="MOVEMENT",
            help=f"a file of keyframes, NAME.yaml, or one of {', '.join(EXERCISES)}",
        )
        parser.add_argument(
            "recording",
            type=Path,
            nargs="?",
            help="the file to write, NAME.json.gz (default: named after the movement, in this "
            "folder; an earlier one is replaced)",
        )
        parser.add_argument(
            "--repetitions", type=int, help="1 or more (default: as the movement says, mostly 6)"
        )
        parser.add_argument(
            "--variant",
            metavar="NAME",
            help="do it otherwise: shallow, fast, double-speed, paused, one-sided, other-side, "
            "wrong-view, out-of-picture, or one of the movement's own",
        )
        parser.add_argument(
            "--fps", type=float, default=30.0, help="frames a second, 1 to 60 (default: 30)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        movement = movement_of(options["movement"])
        variants = movement.variants()
        if (name := options["variant"]) is not None and name not in variants:
            raise CommandError(f"--variant: {name} is not one of {', '.join(variants)}.")
        variant = None if name is None else variants[name]
        given = options["repetitions"]
        repetitions = movement.repetitions if given is None else given
        if repetitions < 1:
            raise CommandError("--repetitions is at least 1.")
        fps = options["fps"]
        if not 1 <= fps <= 60:
            raise CommandError("--fps is 1 to 60.")
        done = movement if variant is None else movement.varied(variant)
        if (seconds := done.seconds_in_all(repetitions)) > MAX_SECONDS:
            raise CommandError(
                f"--repetitions {repetitions} takes {seconds:g} s; at most {MAX_SECONDS:g} s are "
                "recorded."
            )
        path: Path = options["recording"] or Path(f"{Path(options['movement']).stem}.json.gz")
        try:
            save(path, recorded(movement, repetitions=repetitions, variant=variant, fps=fps))
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
        how = "" if variant is None else f", {variant.name}"
        times = "1 repetition" if repetitions == 1 else f"{repetitions} repetitions"
        self.stdout.write(f"{path} is written: {times} of {movement.name}{how}.")


def movement_of(name_or_file: str) -> Movement:
    if name_or_file in MOVEMENTS:
        return MOVEMENTS[name_or_file]
    if not name_or_file.endswith(SUFFIXES):
        near = nearest(name_or_file, MOVEMENTS)
        known = f"the nearest is {near}" if near else f"there are {', '.join(MOVEMENTS)}"
        raise CommandError(
            f"No movement has the name {name_or_file}; {known}. A file's name ends in .yaml."
        )
    path = Path(name_or_file)
    try:
        return read_movement(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} is not UTF-8.") from error
    except MovementInvalid as error:
        lines = [
            f"{path}:{issue.line}:{issue.column}: error: {issue.message}"
            if issue.line
            else f"{path}: error: {issue.message}"
            for issue in error.issues
        ]
        raise CommandError("\n".join([f"{path} is not a movement.", *lines])) from error
