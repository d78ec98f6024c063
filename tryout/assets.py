"""The landmarker's files, which a camera needs and `make web` brings."""

from dataclasses import dataclass
from pathlib import Path

from django.contrib.staticfiles import finders
from django.templatetags.static import static

LANDMARKER = "tryout/built/pose"


@dataclass(frozen=True, slots=True)
class File:
    """A file's address, in production with a hash of its content, and its size."""

    url: str
    bytes: int


def landmarker_files() -> dict[str, File]:
    """The files by their names; none if they were not brought, or not collected since."""
    folder = finders.find(LANDMARKER)
    if folder is None:
        return {}
    try:
        return {
            path.name: File(static(f"{LANDMARKER}/{path.name}"), path.stat().st_size)
            for path in sorted(Path(folder).iterdir())
        }
    except ValueError:  # of a file that the manifest does not have
        return {}
