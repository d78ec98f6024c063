"""Reading and writing recordings."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from detection import Landmark, PoseFrame
from dev.poses.figure import perform
from dev.poses.recordings import Recording, RecordingInvalid, load, save

POSE = [[0.1 * n, -0.2, 0.3, 0.9] for n in range(33)]
DOCUMENT: dict[str, Any] = {
    "exercise": "squat",
    "count": 1,
    "rep_frames": [[0, 2]],
    "fps": 30,
    "source": "made here",
    "frames": [POSE, None, [mark[:3] for mark in POSE]],
}


def write(path: Path, document: Any) -> Path:
    path.write_bytes(gzip.compress(json.dumps(document).encode()))
    return path


def test_it_reads_every_part(tmp_path: Path) -> None:
    recording = load(write(tmp_path / "a.json.gz", DOCUMENT))
    assert (recording.exercise, recording.count, recording.fps) == ("squat", 1, 30.0)
    assert (recording.rep_frames, recording.source) == ([(0, 2)], "made here")
    assert recording.frames[0][3] == Landmark(0.1 * 3, -0.2, 0.3, 0.9)  # type: ignore[index]
    assert recording.frames[2][3] == Landmark(0.1 * 3, -0.2, 0.3, None)  # type: ignore[index]


def test_its_moments_are_poses_and_the_times_of_frames_without_one(tmp_path: Path) -> None:
    recording = load(write(tmp_path / "a.json.gz", DOCUMENT | {"frames": [POSE, None, POSE, None]}))
    first, second = recording.pose_frames()
    assert recording.moments() == [first, 1000 / 30, second, 100.0]


def test_what_is_saved_is_read_back(tmp_path: Path) -> None:
    poses = [tuple(frame.landmarks) for frame in perform("squat", repetitions=1, fps=10)]
    recording = Recording(
        exercise="squat", count=1, rep_frames=None, fps=10.0, source="figure", frames=[*poses, None]
    )
    save(tmp_path / "a.json.gz", recording)
    save(tmp_path / "b.json.gz", recording)
    assert load(tmp_path / "a.json.gz") == recording
    assert (tmp_path / "a.json.gz").read_bytes() == (tmp_path / "b.json.gz").read_bytes()
    assert recording.pose_frames()[1] == PoseFrame(100.0, poses[1])


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ([], "Expected `object`"),
        ({"exercise": 1}, r"\$\.exercise"),
        ({"count": -1}, r"\$\.count"),
        ({"rep_frames": [[1]]}, r"\$\.rep_frames"),
        ({"fps": 0}, r">= 0\.1 - at `\$\.fps`"),
        ({"fps": 10**400}, "range"),
        ({"frames": [None, POSE[:32]]}, r"\$\.frames"),
        ({"frames": [[*POSE[:32], [0, 0]]]}, r"\$\.frames"),
        ({"frames": [[[1001, 0, 0], *POSE[1:]]]}, r"<= 1000\.0 - at `\$\.frames"),
        ({"frames": [[[0, 0, 0, 1.5], *POSE[1:]]]}, r"<= 1\.0 - at `\$\.frames"),
        ({"fps": float("nan")}, "malformed"),
    ],
)
def test_it_says_what_is_wrong_with_a_document(tmp_path: Path, change: Any, where: str) -> None:
    document = DOCUMENT | change if isinstance(change, dict) else change
    with pytest.raises(RecordingInvalid, match=f"^a.json.gz is not a recording: .*{where}"):
        load(write(tmp_path / "a.json.gz", document))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "recording"),
        (b"{}", "gzip file"),
        (gzip.compress(b"{}" * 99, mtime=0)[:-9], "gzip file"),
        (gzip.compress(b'{"x": ' + b"[" * 100_000), "recording"),
        (gzip.compress(b'{"exercise": '), "recording"),
    ],
    ids=["empty", "not packed", "cut off", "too deep", "half an object"],
)
def test_it_says_what_is_wrong_with_a_file(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "a.json.gz"
    path.write_bytes(content)
    with pytest.raises(RecordingInvalid, match=rf"^a\.json\.gz is not a {what}: "):
        load(path)
