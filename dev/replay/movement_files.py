"""The movement of a command: one that ships, by its name, or a file.

What is neither ends the command with the reason, and the faults of a file with their places.
"""

from pathlib import Path

from django.core.management.base import CommandError

from detection.language.issues import nearest
from dev.poses.figure import MOVEMENTS, Movement, MovementInvalid, read_movement

SUFFIXES = (".yaml", ".yml")


def movement_of(name_or_file: str) -> Movement:
    if name_or_file in MOVEMENTS:
        return MOVEMENTS[name_or_file]
    if not name_or_file.endswith(SUFFIXES):
        near = nearest(name_or_file, MOVEMENTS)
        known = f"the nearest is {near}" if near else f"there are {', '.join(MOVEMENTS)}"
        raise CommandError(
            f"No movement has the name {name_or_file}; {known}. A file's name ends in .yaml."
        )
    return read_movement_file(Path(name_or_file))


def read_movement_file(path: Path) -> Movement:
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
