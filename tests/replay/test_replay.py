"""`manage.py replay`: the engine over a file, as people and as scripts run it."""

import dataclasses
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
from dev.local_stack.environment import PROJECT
from dev.poses.figure import perform
from dev.poses.recordings import Recording, save
from dev.replay.management.commands import replay as command
from tests.admin.counted_sessions import SQUAT as CHECKED
from tests.admin.counted_sessions import squats
from tests.realtime.streaming import SQUAT as CLOSED

SQUAT = PROJECT / "examples" / "movespecs" / "squat.yaml"
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


@pytest.fixture
def attempted(tmp_path: Path) -> Path:
    """Twelve squats that count, and five that do not."""
    path = tmp_path / "attempted.json.gz"
    frames = [frame.landmarks for frame in squats()]
    save(path, dataclasses.replace(recording_of(1), frames=frames))
    return path


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    """A MoveSpec with a parameter, and with messages in two languages."""
    path = tmp_path / "deep.yaml"
    text = CHECKED.replace("max: 95", "max: $depth")
    text = text.replace("message: Good depth.", "message: {en: Deep., de: Tief.}")
    parameters = "  parameters: {depth: {default: 95, min: 60, max: 120}}\n  movement:"
    path.write_text(text.replace("  movement:", parameters, 1))
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
    assert list(answer) == ["completed", "interrupted", "events", "quality"]
    assert answer["quality"]["countable_share"] == 1.0
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


def test_people_get_lines_and_no_file(three_squats: Path, tmp_path: Path) -> None:
    there = sorted(tmp_path.rglob("*"))
    out, err = replay(three_squats, "--spec", SQUAT)
    lines = out.splitlines()
    assert [line.split()[2:4] for line in lines if "  repetition " in line] == [
        ["repetition", "1"],
        ["repetition", "2"],
        ["repetition", "3"],
    ]
    assert lines[-1] == "squat: 3 completed (recorded 3), 0 interrupted"
    assert (err, sorted(tmp_path.rglob("*"))) == ("", there)


def test_explained_each_attempt_has_its_reason_criterion_and_by_how_much(
    attempted: Path, deep: Path
) -> None:
    out, _ = replay(attempted, "--spec", deep, "--explain")
    lines = out.splitlines()
    turned = "Not reached: knee on the way to bottom"
    shallow = "A required check was missed: depth, knee at most 95° at its least at bottom"
    told = [line for line in lines if "  attempt  " in line]
    assert told == [
        f"   5.57 s  attempt         {turned}, 5.7° short",
        f"  13.30 s  attempt         {turned}, 11° short",
        f"  17.00 s  attempt         {shallow}, by 7.2°",
        f"  24.67 s  attempt         {turned}, 1.6° short",
        f"  28.33 s  attempt         {shallow}, by 5.2°",
    ]
    assert lines[-2:] == [
        "squat: 12 completed, 5 interrupted",
        "quality: seen 1.00, completed 0.85, countable 0.85 (incomplete_movements)",
    ]
    explained = [lines[n + 1] for n, line in enumerate(lines) if "  attempt  " in line]
    judged = ("not judged", "not judged", "missed by 7.2°", "not judged", "missed by 5.2°")
    assert [line.split(" (")[0].split(", ")[0].strip() for line in explained] == [
        f"checks          depth {one}" for one in judged
    ]
    assert "depth: met 12 of 14" in lines
    answer = json.loads(replay(attempted, "--spec", deep, "--explain", "--json")[0])
    assert [one["why"] for one in answer["attempts"]] == [line[27:] for line in told]
    assert answer["checks"]["depth"] == {"met": 12, "missed": 2}
    assert not {"attempts", "checks"} & set(
        json.loads(replay(attempted, "--spec", deep, "--json")[0])
    )


def test_a_parameter_has_the_number_that_is_given(attempted: Path, deep: Path) -> None:
    out, _ = replay(attempted, "--spec", deep, "--parameter", "depth=110")
    assert "\nsquat: 14 completed, 3 interrupted\n" in out
    out, _ = replay(attempted, "--spec", deep, "--parameter", "depth=60", "--explain")
    assert "depth, knee at most 60° at its least at bottom, by " in out


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--parameter", "depth"], "depth is not a name and a number, such as depth=90."),
        (["--locale", "de_DE"], "de_DE is not the tag of a language, such as de or pt-BR."),
    ],
)
def test_a_wrong_parameter_or_locale_is_told(
    attempted: Path, deep: Path, given: list[str], said: str
) -> None:
    with pytest.raises(CommandError) as refused:
        replay(attempted, "--spec", deep, *given)
    assert str(refused.value).endswith(said)


def test_without_matplotlib_it_says_what_to_install(
    three_squats: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        command, "find_spec", lambda name: None if name == "matplotlib" else find_spec(name)
    )
    out, err = replay(three_squats, "--spec", SQUAT)
    assert out.endswith("squat: 3 completed (recorded 3), 0 interrupted\n")
    assert err == ""
    with pytest.raises(CommandError, match=r"pip install -r requirements-dev\.txt"):
        replay(three_squats, "--spec", SQUAT, "--plot", "angles.png")
    assert list(tmp_path.glob("*.png")) == []


@pytest.mark.parametrize("given", [[], ["--parameter", "dept=90"], None])
def test_the_faults_of_a_movespec_are_told_as_by_validate(
    attempted: Path, deep: Path, given: list[str] | None
) -> None:
    if given is None:
        deep.unlink()
    elif not given:
        deep.write_text(deep.read_text().replace("joint: knee", "joint: nose", 1))
    told, err = StringIO(), StringIO()
    with pytest.raises(CommandError, match=f"^Not valid: {deep}$"):
        call_command("validate", str(deep), *(given or []), stdout=told)
    with pytest.raises(CommandError, match=f"^Not valid: {deep}$"):
        call_command("replay", str(attempted), "--spec", str(deep), *(given or []), stderr=err)
    assert err.getvalue() == told.getvalue() != ""


@pytest.mark.parametrize(
    ("content", "fault"),
    [(b"no gzip", "is not a gzip file"), (None, "cannot be read: No such file or directory.")],
)
def test_a_file_that_is_no_recording_is_refused(
    tmp_path: Path, content: bytes | None, fault: str
) -> None:
    path = tmp_path / "it.json.gz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CommandError, match=fault):
        replay(path, "--spec", SQUAT)


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
