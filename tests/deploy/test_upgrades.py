"""docs/upgrades.md: after a step that fails nothing follows, and no further server is restarted"""

import os
import subprocess
from pathlib import Path

import pytest

from tests.documented import commands

PROGRAMS = ("git", "make", "cp", "systemctl", "docker", ".venv/bin/pip", ".venv/bin/python")
# What asks for the revision changes nothing.
PROGRAM = """#!/bin/sh
[ "$1" = rev-parse ] && exit
echo "$(basename $0) $*" >> steps
[ "$(basename $0) $*" != "$FAILS" ]
"""


def steps(script: str, folder: Path, fails: str = "") -> list[str]:
    """What the script asks of each program, where one step fails."""
    (folder / "steps").unlink(missing_ok=True)
    subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env={"PATH": f"{folder}:{os.environ['PATH']}", "FAILS": fails},
        check=False,
    )
    return (folder / "steps").read_text().splitlines()


@pytest.mark.parametrize(
    "mark",
    ["git pull &&\necho", "docker compose build", "git checkout before &&\necho", "--no-build"],
)
def test_a_step_that_fails_is_the_last(tmp_path: Path, mark: str) -> None:
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    for name in PROGRAMS:
        (tmp_path / name).write_text(PROGRAM)
        (tmp_path / name).chmod(0o755)
    script = commands("upgrades.md", mark).replace("cd /opt/kynaplatform", "true")
    script = script.replace("/etc/kynaplatform", str(tmp_path))
    told = steps(script, tmp_path)
    assert len({*told}) == len(told) > 9
    for number, step in enumerate(told, start=1):
        assert steps(script, tmp_path, fails=step) == told[:number]
