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


def test_frames_without_a_pose_are_left_out_and_keep_their_time(tmp_path: Path) -> None:
    frames = load(write(tmp_path / "a.json.gz", DOCUMENT)).pose_frames()
    assert [frame.timestamp_ms for frame in frames] == [0.0, 2000 / 30]


def test_its_moments_are_poses_and_the_times_of_frames_without_one(tmp_path: Path) -> None:
    recording = load(write(tmp_path / "a.json.gz", DOCUMENT | {"frames": [POSE, None, POSE, None]}))
    first, second = recording.pose_frames()
    assert recording.moments() == [first, 1000 / 30, second, 100.0]


def test_count_and_rep_frames_may_be_null(tmp_path: Path) -> None:
    recording = load(write(tmp_path / "a.json.gz", DOCUMENT | {"count": None, "rep_frames": None}))
    assert (recording.count, recording.rep_frames) == (None, None)


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
    ("change", "says"),
    [
        ([], "the document is not an object"),
        ({"exercise": 1}, "exercise is not a text"),
        ({"source": None}, "source is not a text"),
        ({"count": -1}, "count is neither null nor a number of repetitions"),
        ({"count": True}, "count is neither null nor a number of repetitions"),
        ({"rep_frames": [[1]]}, "rep_frames has an item that is not two frame numbers"),
        ({"rep_frames": "x"}, "rep_frames is neither null nor a list"),
        ({"fps": 0}, r"fps is not a number from 0\.1 to 1000\."),
        ({"fps": "30"}, r"fps is not a number from 0\.1 to 1000\."),
        ({"fps": 1e-320}, r"fps is not a number from 0\.1 to 1000\."),
        ({"fps": 10**400}, r"fps is not a number from 0\.1 to 1000\."),
        ({"frames": {}}, "frames is not a list"),
        ({"frames": [None, POSE[:32]]}, "frame 1 is neither null nor 33 landmarks"),
        ({"frames": [[*POSE[:32], [0, 0]]]}, r"right_foot_index of frame 0 is not \[x, y, z\]"),
        ({"frames": [[["x", 0, 0], *POSE[1:]]]}, r"nose of frame 0 is not \[x, y, z\]"),
        ({"frames": [[[10**400, 0, 0], *POSE[1:]]]}, r"nose of frame 0 is not \[x, y, z\]"),
        ({"frames": [[[0, 0, 0, 1.5], *POSE[1:]]]}, "a visibility from 0 to 1"),
        ({"fps": float("nan")}, "NaN is not a number of JSON"),
        ({"fps": float("inf")}, "Infinity is not a number of JSON"),
    ],
)
def test_it_says_what_is_wrong_with_a_document(tmp_path: Path, change: Any, says: str) -> None:
    document = DOCUMENT | change if isinstance(change, dict) else change
    with pytest.raises(RecordingInvalid, match=f"^a.json.gz is not a recording: .*{says}"):
        load(write(tmp_path / "a.json.gz", document))


@pytest.mark.parametrize("content", [b"", b"{}", gzip.compress(b"{}" * 99, mtime=0)[:-9]])
def test_it_says_that_a_file_is_not_gzip(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.json.gz"
    path.write_bytes(content)
    with pytest.raises(RecordingInvalid, match=r"^a\.json\.gz is not a "):
        load(path)


def test_it_says_that_the_content_nests_too_deeply(tmp_path: Path) -> None:
    path = tmp_path / "a.json.gz"
    path.write_bytes(gzip.compress(b"[" * 100_000))
    with pytest.raises(RecordingInvalid, match=r"nests too deeply\.$"):
        load(path)


def test_it_says_that_the_content_is_not_json(tmp_path: Path) -> None:
    path = tmp_path / "a.json.gz"
    path.write_bytes(gzip.compress(b'{"exercise": '))
    with pytest.raises(RecordingInvalid, match=r"^a\.json\.gz is not a recording: "):
        load(path)
