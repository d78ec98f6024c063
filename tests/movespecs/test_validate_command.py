"""`manage.py validate`: as people run it, with nothing set."""

import json
import os
import subprocess
import sys
from pathlib import Path

from dev.local_stack.environment import PROJECT
from tests.conftest import VALID_YAML
from tests.movespecs.writing import CAMERA, ROLES

CRITERIA = "".join(
    f"{{file}}:{role['line']}:{role['column']}: carries: {role['sentence']} Seen from the side.\n"
    for role in ROLES
)


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


def test_each_error_has_its_line_and_column(tmp_path: Path) -> None:
    (tmp_path / "squat.yaml").write_text("name: squat\nversion: 1.0\ndetektion:\n  type: x\n")
    done = validate("squat.yaml", folder=tmp_path)
    assert (done.returncode, done.stderr) == (1, "CommandError: Not valid: squat.yaml\n")
    assert done.stdout.splitlines() == [
        "squat.yaml:1:1: error: The key detection is missing here. [missing_key]",
        'squat.yaml:3:1: error: Unknown key "detektion"; the nearest known key is detection. '
        "[unknown_key]",
    ]


def test_of_what_is_valid_each_criterion_has_a_line_on_what_it_does(tmp_path: Path) -> None:
    (tmp_path / "squat.yaml").write_text(
        VALID_YAML + "    feedback: [{when: bottom, joint: elbow, side: both, angle_max: 9,"
        " message: x}, {when: completed, message: y}]\n"
    )
    done = validate("squat.yaml", folder=tmp_path)
    assert done.stdout == (
        CRITERIA.format(file="squat.yaml")
        + 'squat.yaml:15:16: cue: The message is sent once in each stay in "bottom", as soon as'
        " each elbow is at 9° or less. Seen from the side.\n"
        f"squat.yaml: camera: {CAMERA['sentence']}\nsquat.yaml: valid\n"
    )


def test_as_json_it_is_what_the_api_answers_one_file_a_line(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(VALID_YAML)
    (tmp_path / "bad.yaml").write_text("")
    done = validate("--json", "good.yaml", "bad.yaml", "gone.yaml", folder=tmp_path)
    assert (done.returncode, done.stderr) == (1, "CommandError: Not valid: bad.yaml, gone.yaml\n")
    nothing = {"warnings": [], "roles": [], "camera": None}
    empty = {"code": "document_empty", "message": "The text has no content.", "path": None}
    empty |= {"severity": "error", "line": 1, "column": 1}
    message = "It cannot be read: No such file or directory."
    unreadable = empty | {"code": "unreadable", "message": message, "line": None, "column": None}
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {
            "file": "good.yaml",
            "ok": True,
            "errors": [],
            **nothing,
            "roles": ROLES,
            "camera": CAMERA,
        },
        {"file": "bad.yaml", "ok": False, "errors": [empty], **nothing},
        {"file": "gone.yaml", "ok": False, "errors": [unreadable], **nothing},
    ]


DEEP = VALID_YAML.replace("angle_max: 100", "angle_max: $depth").replace(
    "detection:", "detection:\n  parameters: {depth: {default: 100, min: 60, max: 110}}"
)


def test_the_lines_have_the_number_that_is_given_for_a_parameter(tmp_path: Path) -> None:
    (tmp_path / "deep.yaml").write_text(DEEP)
    done = validate("deep.yaml", "--parameter", "depth=75", "--locale", "de", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "The knee at 75° or less is the low end of the movement" in done.stdout
    assert "deep.yaml: valid" in done.stdout


def test_a_number_that_a_file_does_not_take_is_an_error_of_that_file(tmp_path: Path) -> None:
    (tmp_path / "deep.yaml").write_text(DEEP)
    (tmp_path / "squat.yaml").write_text(VALID_YAML)
    files = ("squat.yaml", "deep.yaml")
    done = validate(*files, "--parameter", "depth=75", folder=tmp_path)
    assert (done.returncode, done.stderr) == (1, "CommandError: Not valid: squat.yaml\n")
    first, *_, last = done.stdout.splitlines()
    told = 'No parameter has the name "depth": there are none. [parameter_invalid]'
    assert first == f"squat.yaml: error: {told}"
    assert last == "deep.yaml: valid"
