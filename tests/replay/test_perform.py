"""`manage.py perform`: recordings for `replay` and `stream`."""

import re
import shlex
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from dev.local_stack.environment import PROJECT
from dev.poses.figure import MOVEMENTS
from dev.poses.figure.movement_files import MOVEMENT
from dev.poses.recordings import load
from dev.tools.course import runs
from tests.documented import block

PAGE = "docs/recordings.md"


def perform_into(path: Path, *arguments: str, movement: str | Path = "squat") -> str:
    out = StringIO()
    call_command("perform", str(movement), str(path), *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def good_morning(tmp_path: Path) -> Path:
    path = tmp_path / "good-morning.yaml"
    path.write_text(block(PAGE, "name: good-morning").text)
    return path


def test_it_writes_what_the_figure_does(tmp_path: Path) -> None:
    path = tmp_path / "squat.json.gz"
    assert perform_into(path, "--repetitions", "2") == (
        f"{path} is written: 2 repetitions of squat.\n"
    )
    recording = load(path)
    assert (recording.exercise, recording.count, recording.fps) == ("squat", 2, 30.0)
    assert recording.source == "a figure made by code"
    assert recording.pose_frames() == MOVEMENTS["squat"].film(repetitions=2)


def test_the_page_has_every_key_of_a_movement() -> None:
    named = set(re.findall(r"`(\w+)`", (PROJECT / PAGE).read_text()))
    keys = set(re.findall(r"'(\w+)': {'description'", str(MOVEMENT.schema())))
    assert len(keys) > 20
    assert keys - named == set()


def test_a_variant_is_of_no_count(tmp_path: Path) -> None:
    path = tmp_path / "squat.json.gz"
    assert perform_into(path, "--variant", "wrong-view") == (
        f"{path} is written: 6 repetitions of squat, wrong-view.\n"
    )
    recording = load(path)
    assert (recording.exercise, recording.count) == ("squat", None)
    assert recording.source == "a figure made by code: wrong-view"
    squat = MOVEMENTS["squat"]
    assert recording.pose_frames() == squat.varied(squat.variants()["wrong-view"]).film()


def test_the_commands_of_the_first_page_print_what_stands_below_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = "docs/movespec/first-movement.md"
    monkeypatch.chdir(tmp_path)
    Path("squat.yaml").write_text(block(page, "name: squat").text)
    out = StringIO()
    for command in re.findall(r'CMD="(.+)"', block(page, "make manage").text):
        call_command(*shlex.split(command), stdout=out)
    written, printed = out.getvalue().split("\n", 1)
    assert written == "squat.json.gz is written: 2 repetitions of squat."
    [shown] = [run.printed for run in runs(PROJECT / page)]
    assert printed == shown


def refused(*arguments: str | Path) -> str:
    with pytest.raises(CommandError) as caught:
        call_command("perform", *map(str, arguments), stdout=StringIO())
    return str(caught.value)


def test_the_faults_of_a_file_are_told_with_their_places(
    tmp_path: Path, good_morning: Path
) -> None:
    text = good_morning.read_text()
    good_morning.write_text(text.replace("lean:", "leen:").replace("at: 1.5", "at: soon"))
    recording = tmp_path / "a.json.gz"
    assert refused(good_morning, recording) == (
        f"{good_morning} is not a movement.\n"
        f'{good_morning}:8:5: error: Unknown key "leen"; the nearest known key is lean.\n'
        f'{good_morning}:12:10: error: at must be a number, not the text "soon".'
    )
    assert not recording.exists()


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["sqat"], r"^No movement has the name sqat; the nearest is squat\."),
        (["xyz"], "there are alternating-lunges, "),
        (["gone.yaml"], r"cannot be read: No such file or directory\.$"),
        (["squat", "gone/it.json.gz"], r"cannot be written: No such file or directory\.$"),
        (
            ["squat", "--variant", "deep"],
            "deep is not one of shallow, .*leaning-over",
        ),
        (["squat", "--repetitions", "0"], r"^--repetitions is at least 1\.$"),
        (["squat", "--repetitions", "120"], "120 takes 302 s; at most 300 s are recorded"),
        (["squat", "--fps", "61"], r"^--fps is 1 to 60\.$"),
    ],
)
def test_it_refuses_what_it_cannot_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], fault: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CommandError, match=fault):
        call_command("perform", *words, stdout=StringIO())
