"""The page's script and the landmarker's files, which `make web` builds."""

from dataclasses import dataclass
from pathlib import Path

from django.contrib.staticfiles import finders
from django.templatetags.static import static

BUILT = "tryout/built"


@dataclass(frozen=True, slots=True)
class Assets:
    """The addresses of the files, in production with a hash of their content."""

    script: str
    landmarker: dict[str, str]


def built_assets() -> Assets | None:
    """The addresses; None if the files were not built, or not collected since."""
    folder = finders.find(BUILT)
    if folder is None or not (script := Path(folder, "try.js")).is_file():
        return None
    names = sorted(path.name for path in Path(folder, "pose").glob("*"))
    try:
        return Assets(
            static(f"{BUILT}/{script.name}"),
            {name: static(f"{BUILT}/pose/{name}") for name in names},
        )
    except ValueError:  # of a file that the manifest does not have
        return None
