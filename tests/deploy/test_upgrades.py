"""docs/upgrades.md with compose: a step that fails is the last, and its status is that of all"""

import os
import subprocess
from pathlib import Path

import pytest

from tests.documented import commands

PROGRAMS = ("git", "docker")
# What asks for the revision changes nothing.
PROGRAM = """#!/bin/sh
[ "$1" = rev-parse ] && exit
echo "$(basename $0) $*" >> steps
[ "$(basename $0) $*" != "$FAILS" ]
"""


def steps(script: str, folder: Path, fails: str = "") -> tuple[int, list[str]]:
    """The script's status, and what it asks of each program, where one step fails."""
    (folder / "steps").unlink(missing_ok=True)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env={"PATH": f"{folder}:{os.environ['PATH']}", "FAILS": fails},
        check=False,
    )
    return done.returncode, (folder / "steps").read_text().splitlines()


@pytest.mark.parametrize("mark", ["docker compose build", "--no-build"])
def test_a_step_that_fails_is_the_last(tmp_path: Path, mark: str) -> None:
    for name in PROGRAMS:
        (tmp_path / name).write_text(PROGRAM)
        (tmp_path / name).chmod(0o755)
    script = commands("upgrades.md", mark)
    status, told = steps(script, tmp_path)
    assert status == 0
    assert len({*told}) == len(told) > 9
    for number, step in enumerate(told, start=1):
        assert steps(script, tmp_path, fails=step) == (1, told[:number])
