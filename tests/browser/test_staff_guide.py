"""The staff guide's pictures: the script takes each one, and the guide shows each one."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from local_stack.environment import PROJECT
from tests.local_stack.stack_processes import bare_environment
from tests.plugin import installed
from tools.chromium import PROGRAMS
from tools.pictures import PICTURES, SHARED

GUIDE = PROJECT / "docs" / "staff-guide.md"


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_guide_shows_every_picture_and_describes_it() -> None:
    shown = re.findall(r"!\[([^\]]+)\]\(staff-guide/([^)]+)\)", GUIDE.read_text())
    assert sorted(name for _, name in shown) == names_in(PICTURES)
    assert all(len(description) > 10 for description, _ in shown)


@pytest.mark.long
def test_the_script_takes_every_picture_from_a_running_admin(tmp_path: Path) -> None:
    installed(*PROGRAMS)
    taken = tmp_path / "taken"
    command = [sys.executable, "-m", "tools.pictures", "--folder", str(taken)]
    done = subprocess.run(
        command,
        cwd=PROJECT,
        env=bare_environment(),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert names_in(taken) == sorted([*names_in(PICTURES), SHARED.name])
    for picture in taken.iterdir():
        assert picture.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
        assert picture.stat().st_size > 10_000
