"""The page's script and the landmarker's files, which `make web` builds."""

from dataclasses import dataclass
from pathlib import Path

from django.contrib.staticfiles import finders
from django.templatetags.static import static

BUILT = "tryout/built"


@dataclass(frozen=True, slots=True)
class File:
    """A file's address, in production with a hash of its content, and its size."""

    url: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Assets:
    script: str
    landmarker: dict[str, File]


def built_assets() -> Assets | None:
    """The files; None if the files were not built, or not collected since."""
    folder = finders.find(BUILT)
    if folder is None or not (script := Path(folder, "try.js")).is_file():
        return None
    paths = sorted(Path(folder, "pose").glob("*"))
    try:
        return Assets(
            static(f"{BUILT}/{script.name}"),
            {
                path.name: File(static(f"{BUILT}/pose/{path.name}"), path.stat().st_size)
                for path in paths
            },
        )
    except ValueError:  # of a file that the manifest does not have
        return None
