"""`manage.py validate`: as people run it, with nothing set."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local_stack.environment import PROJECT
from tests.conftest import VALID_YAML
from tests.long_runs import at_length

EXAMPLES = sorted((PROJECT / "examples" / "movespecs").glob("*.yaml"))
WARNED = VALID_YAML.replace("angle_max: 100", "angle_max: 170")


def validate(
    *files: object, folder: Path, stdin: str | None = None
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, PROJECT / "manage.py", "validate", *map(str, files)],
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.long
def test_the_examples_are_valid(tmp_path: Path) -> None:
    done = validate(*EXAMPLES, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "".join(f"{path}: valid\n" for path in EXAMPLES)


def test_each_error_has_its_line_and_column(tmp_path: Path) -> None:
    (tmp_path / "squat.yaml").write_text("name: squat\nversion: 1.0\ndetektion:\n  type: x\n")
    done = validate("squat.yaml", folder=tmp_path)
    assert (done.returncode, done.stderr) == (1, "CommandError: Not valid: squat.yaml\n")
    assert done.stdout.splitlines() == [
        "squat.yaml:1:1: error: The key detection is missing here. [missing_key]",
        'squat.yaml:3:1: error: Unknown key "detektion"; the nearest known key is detection. '
        "[unknown_key]",
    ]


@pytest.mark.long
def test_warnings_are_told_and_are_no_failure(tmp_path: Path) -> None:
    (tmp_path / "squat.yaml").write_text(WARNED)
    done = validate("squat.yaml", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    warning, valid = done.stdout.splitlines()
    assert warning.startswith("squat.yaml:")
    assert ": warning: " in warning
    assert warning.endswith(" [overlapping_phases]")
    assert valid == "squat.yaml: valid"


def test_every_file_is_looked_at_though_one_is_at_fault(tmp_path: Path) -> None:
    (tmp_path / "bytes.yaml").write_bytes(b"\xff")
    (tmp_path / "good.yaml").write_text(VALID_YAML)
    done = validate("gone.yaml", "bytes.yaml", "good.yaml", folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr == "CommandError: Not valid: gone.yaml, bytes.yaml\n"
    assert done.stdout.splitlines() == [
        "gone.yaml: error: it cannot be read: No such file or directory",
        "bytes.yaml: error: it is not UTF-8",
        "good.yaml: valid",
    ]


@at_length(
    "text, status, told",
    ("", 1, "-:1:1: error: The text has no content. [document_empty]\n"),
    (VALID_YAML, 0, "-: valid\n"),
)
def test_standard_input_is_a_file_too(tmp_path: Path, text: str, status: int, told: str) -> None:
    done = validate("-", folder=tmp_path, stdin=text)
    assert (done.returncode, done.stdout) == (status, told)
