"""`manage.py replay`: the engine over a file, as people and as scripts run it."""

import dataclasses
import gzip
import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from detection import Engine, compile  # noqa: A004 - as re.compile
from local_stack.environment import PROJECT
from poses.figure import perform
from poses.recordings import Recording, save
from replay.management.commands import replay as command
from tests.realtime.streaming import SQUAT as CLOSED

SQUAT = PROJECT / "examples" / "movespecs" / "squat.yaml"
PNG = b"\x89PNG\r\n\x1a\n"
FPS = 30.0


def recording_of(repetitions: int, *, count: int | None = None) -> Recording:
    frames = perform("squat", repetitions=repetitions, fps=FPS)
    return Recording(
        exercise="squat",
        count=count,
        rep_frames=None,
        fps=FPS,
        source="a figure",
        frames=[frame.landmarks for frame in frames],
    )


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def three_squats(tmp_path: Path) -> Path:
    path = tmp_path / "three squats.json.gz"
    save(path, recording_of(3, count=3))
    return path


def replay(*arguments: object, **options: Any) -> tuple[str, str]:
    """What it prints, and what it says besides."""
    out, err = StringIO(), StringIO()
    call_command("replay", *map(str, arguments), stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def test_json_is_one_object_with_the_counts_and_every_event(
    three_squats: Path, tmp_path: Path
) -> None:
    out, err = replay(three_squats, "--spec", SQUAT, "--json")
    answer = json.loads(out)
    assert list(answer) == ["completed", "interrupted", "events"]
    assert (answer["completed"], answer["interrupted"], err) == ({"squat": 3}, 0, "")
    engine = Engine(compile(SQUAT.read_text()))
    events = [event for frame in recording_of(3).pose_frames() for event in engine.feed(frame)]
    events += engine.finish()
    assert answer["events"] == [
        {"ts_ms": event.ts_ms, "type": event.type, "payload": event.payload} for event in events
    ]
    assert list(tmp_path.glob("*.png")) == []


@pytest.mark.parametrize(
    ("gone_s", "comes_back", "completed", "interrupted"),
    [
        pytest.param(1.9, False, 0, ("session_ended", 77 / FPS), marks=pytest.mark.long),
        (2.1, False, 0, ("pose_lost", 77 / FPS + 2)),
        pytest.param(1.9, True, 3, None, marks=pytest.mark.long),
        (2.1, True, 2, ("pose_lost", 77 / FPS + 2)),
        pytest.param(30, True, 2, ("pose_lost", 77 / FPS + 2), marks=pytest.mark.long),
    ],
)
def test_who_leaves_midway_is_told_of_when_he_leaves(
    tmp_path: Path,
    gone_s: float,
    comes_back: bool,
    completed: int,
    interrupted: tuple[str, float] | None,
) -> None:
    squats = recording_of(2)
    frames = [*squats.frames[:78], *[None] * round(gone_s * FPS)]
    if comes_back:
        frames += squats.frames
    path, spec = tmp_path / "leaves.json.gz", tmp_path / "closed.yaml"
    spec.write_text(CLOSED)
    save(path, dataclasses.replace(squats, frames=frames))
    answer = json.loads(replay(path, "--spec", spec, "--json", "--plot", "it.png")[0])
    assert answer["completed"] == {"squat": completed}
    found = [event for event in answer["events"] if event["type"] == "event_interrupted"]
    assert [(event["payload"]["reason"], event["ts_ms"]) for event in found] == (
        [(interrupted[0], pytest.approx(1000 * interrupted[1]))] if interrupted else []
    )


def test_nothing_completed_is_a_count_of_0(tmp_path: Path) -> None:
    path = tmp_path / "none.json.gz"
    save(path, recording_of(3))
    out, _ = replay(path, "--spec", SQUAT.with_name("biceps-curl.yaml"), "--json")
    assert json.loads(out)["completed"] == {"biceps-curl": 0}


def test_people_get_lines_and_no_file(three_squats: Path, tmp_path: Path) -> None:
    there = sorted(tmp_path.rglob("*"))
    out, err = replay(three_squats, "--spec", SQUAT)
    lines = out.splitlines()
    assert [line.split()[2:4] for line in lines if "  repetition " in line] == [
        ["repetition", "1"],
        ["repetition", "2"],
        ["repetition", "3"],
    ]
    assert lines[-1] == "squat: 3 completed (people counted 3), 0 interrupted"
    assert (err, sorted(tmp_path.rglob("*"))) == ("", there)


@pytest.mark.long
def test_the_picture_goes_where_it_is_wanted_also_with_json(
    three_squats: Path, tmp_path: Path
) -> None:
    _, err = replay(three_squats, "--spec", SQUAT, "--plot", "three.png")
    assert err == "three.png is written.\n"
    assert (tmp_path / "three.png").read_bytes().startswith(PNG)
    out, _ = replay(three_squats, "--spec", SQUAT, "--json", "--plot", tmp_path / "angles")
    assert json.loads(out)["completed"] == {"squat": 3}
    assert (tmp_path / "angles").read_bytes().startswith(PNG)


def test_without_matplotlib_it_says_what_to_install(
    three_squats: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        command, "find_spec", lambda name: None if name == "matplotlib" else find_spec(name)
    )
    out, err = replay(three_squats, "--spec", SQUAT)
    assert out.endswith("squat: 3 completed (people counted 3), 0 interrupted\n")
    assert err == ""
    with pytest.raises(CommandError, match=r"pip install -r requirements-dev\.txt"):
        replay(three_squats, "--spec", SQUAT, "--plot", "angles.png")
    assert list(tmp_path.glob("*.png")) == []


def test_a_movespec_with_errors_is_told_with_its_lines(three_squats: Path, tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(SQUAT.read_text().replace("joint: knee", "joint: nose", 1))
    with pytest.raises(CommandError) as refused:
        replay(three_squats, "--spec", spec)
    text = str(refused.value)
    number = 1 + SQUAT.read_text().splitlines().index(
        next(line for line in SQUAT.read_text().splitlines() if "joint: knee" in line)
    )
    assert text.startswith(f"{spec} is not a valid MoveSpec:\n  line {number}: ")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no gzip", "is not a gzip file"),
        (gzip.compress(b"[]", mtime=0), "is not a recording: the document is not an object."),
    ],
)
def test_a_file_that_is_no_recording_is_told(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "it.json.gz"
    path.write_bytes(content)
    with pytest.raises(CommandError, match=said):
        replay(path, "--spec", SQUAT)


def test_a_recording_of_nobody_is_told(tmp_path: Path) -> None:
    path = tmp_path / "it.json.gz"
    save(
        path,
        Recording(exercise="", count=0, rep_frames=None, fps=30, source="", frames=[None, None]),
    )
    with pytest.raises(CommandError, match="has no frame with a pose"):
        replay(path, "--spec", SQUAT)


@pytest.mark.parametrize("missing", ["recording", "spec"])
def test_a_file_that_is_not_there_is_told(three_squats: Path, missing: str) -> None:
    recording, spec = (three_squats, "nowhere") if missing == "spec" else ("nowhere", SQUAT)
    with pytest.raises(CommandError, match=r"nowhere cannot be read: No such file or directory\."):
        replay(recording, "--spec", spec)


def test_it_needs_neither_settings_nor_a_database(three_squats: Path) -> None:
    bare = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
    done = subprocess.run(
        [sys.executable, PROJECT / "manage.py", "replay", three_squats, "--spec", SQUAT, "--json"],
        env=bare,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["completed"] == {"squat": 3}
    assert done.stderr == ""


@pytest.mark.long
def test_the_angles_to_draw_can_be_chosen(three_squats: Path, tmp_path: Path) -> None:
    path = tmp_path / "chosen.svg"
    replay(three_squats, "--spec", SQUAT, "--plot", path, "--angles", "knee, trunk")
    text = path.read_text()
    assert (text.count('<g id="axes_'), text.count("prefers-color-scheme: dark")) == (2, 1)
    with pytest.raises(CommandError, match=r"^--angles: elbow is not one of knee, hip, trunk\.$"):
        replay(three_squats, "--spec", SQUAT, "--angles", "knee,elbow")


def test_the_picture_in_the_docs_is_what_is_drawn(tmp_path: Path) -> None:
    """Its numbers within what one machine's libraries may differ from another's."""
    recording, path = tmp_path / "squat.json.gz", tmp_path / "squat.svg"
    call_command("perform", "squat", recording, stdout=StringIO())
    replay(recording, "--spec", SQUAT, "--plot", path, "--angles", "knee,hip")
    number = re.compile(r"-?\d+\.\d+")
    shown, drawn = ((PROJECT / "docs" / "replay.svg").read_text(), path.read_text())
    assert number.sub("", shown) == number.sub("", drawn)
    assert [*map(float, number.findall(drawn))] == pytest.approx(
        [*map(float, number.findall(shown))], abs=0.01
    )
