"""`manage.py perform`: recordings for `replay` and `stream`."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from detection import Engine
from detection import compile as compile_movespec
from local_stack.environment import PROJECT
from poses.figure import perform
from poses.recordings import load


def perform_into(path: Path, *arguments: str) -> str:
    out = StringIO()
    call_command("perform", "squat", str(path), *arguments, stdout=out)
    return out.getvalue()


def test_it_writes_what_the_figure_does(tmp_path: Path) -> None:
    path = tmp_path / "squat.json.gz"
    assert perform_into(path, "--repetitions", "2") == (
        f"{path} is written: 2 repetitions of squat.\n"
    )
    recording = load(path)
    assert (recording.exercise, recording.count, recording.fps) == ("squat", 2, 30.0)
    assert recording.pose_frames() == perform("squat", repetitions=2, fps=30)


def test_the_catalogue_counts_each_repetition(tmp_path: Path) -> None:
    perform_into(tmp_path / "squat.json.gz")
    engine = Engine(
        compile_movespec((PROJECT / "examples" / "movespecs" / "squat.yaml").read_text())
    )
    frames = load(tmp_path / "squat.json.gz").pose_frames()
    events = [event for frame in frames for event in engine.feed(frame)]
    assert [event.type for event in events].count("event_completed") == 6


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    path = tmp_path / "gone" / "squat.json.gz"
    with pytest.raises(CommandError, match=r"cannot be written: No such file or directory\.$"):
        perform_into(path)


def test_it_refuses_to_do_nothing(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="--repetitions is at least 1"):
        perform_into(tmp_path / "squat.json.gz", "--repetitions", "0")
    assert list(tmp_path.iterdir()) == []
