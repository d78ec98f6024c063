"""The releases that docs/upgrades.md lists, and the code of the last one from the repository."""

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from dev.local_stack.environment import PROJECT

ROW = re.compile(r"^\| ([\d.-]+) \| `([0-9a-f]{7,40})` \| (\d+) \| (.+?) \|$", re.MULTILINE)


class NoReleaseError(Exception):
    """The repository does not have the commit of the last release."""


class Release(NamedTuple):
    name: str
    commit: str
    form: str
    streams: str


def releases() -> list[Release]:
    """The newest first."""
    found = ROW.findall((PROJECT / "docs" / "upgrades.md").read_text())
    return [Release(*one) for one in found]


def check_out_last_release(folder: Path) -> Path:
    """Write the files of the last release into `folder`. Raises NoReleaseError."""
    last = releases()[0]
    archive = subprocess.run(
        ["git", "archive", last.commit], cwd=PROJECT, capture_output=True, check=False
    )
    if archive.returncode != 0:
        raise NoReleaseError(f"commit {last.commit} is not in this repository")
    subprocess.run(["tar", "--extract"], cwd=folder, input=archive.stdout, check=True)
    return folder
