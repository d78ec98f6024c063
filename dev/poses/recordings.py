"""Recordings of people exercising, as landmark sequences: `NAME.json.gz`.

One JSON object: `exercise`, `count` (human repetitions, or null), `rep_frames` (the first and last
frame of each repetition, or null), `fps`, `source`, and `frames`. A frame is null where no pose was
found, else 33 landmarks in canonical order, each `[x, y, z]` or `[x, y, z, visibility]` in metres.
Frame n was taken at n * 1000 / fps milliseconds. fps is 0.1 to 1,000, a visibility 0 to 1.
"""

import gzip
import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from detection import LANDMARK_NAMES, Landmark, PoseFrame

SLOWEST_FPS: Final = 0.1
FASTEST_FPS: Final = 1_000
FARTHEST_METRES: Final = 1_000

Pose = tuple[Landmark, ...]


class RecordingInvalid(Exception):
    """The file is not a recording; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    exercise: str
    count: int | None
    rep_frames: list[tuple[int, int]] | None
    fps: float
    source: str
    frames: list[Pose | None]

    def pose_frames(self) -> list[PoseFrame]:
        """The frames in which a pose was found, with their timestamps."""
        return [moment for moment in self.moments() if isinstance(moment, PoseFrame)]

    def moments(self) -> list[PoseFrame | float]:
        """All frames: a pose frame if a pose was found, else the timestamp."""
        return [
            timestamp_ms if pose is None else PoseFrame(timestamp_ms, pose)
            for index, pose in enumerate(self.frames)
            for timestamp_ms in [index * 1000 / self.fps]
        ]


def load(path: Path) -> Recording:
    """Read a recording; raises RecordingInvalid, OSError when it cannot be opened."""
    try:
        with gzip.open(path) as file:
            document = json.loads(file.read(), parse_constant=_refuse_constant)
        return _recording(document)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise RecordingInvalid(f"{path.name} is not a gzip file: {error}.") from error
    except ValueError as error:
        raise RecordingInvalid(f"{path.name} is not a recording: {error}") from error
    except RecursionError as error:
        raise RecordingInvalid(f"{path.name} is not a recording: it nests too deeply.") from error


def packed(recording: Recording) -> bytes:
    """The bytes of a recording's file. The same recording gives the same bytes."""
    document = {
        "exercise": recording.exercise,
        "count": recording.count,
        "rep_frames": recording.rep_frames,
        "fps": recording.fps,
        "source": recording.source,
        "frames": [
            pose and [one[:3] if one.visibility is None else one for one in pose]
            for pose in recording.frames
        ],
    }
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    return gzip.compress(text.encode(), mtime=0)


def save(path: Path, recording: Recording) -> None:
    path.write_bytes(packed(recording))


def _recording(document: Any) -> Recording:
    _require(isinstance(document, dict), "the document is not an object.")
    exercise, source = document.get("exercise"), document.get("source")
    _require(isinstance(exercise, str), "exercise is not a text.")
    _require(isinstance(source, str), "source is not a text.")
    count, pairs = document.get("count"), document.get("rep_frames")
    is_count = count is None or (_is_integer(count) and count >= 0)
    _require(is_count, "count is neither null nor a number of repetitions.")
    _require(isinstance(pairs, list | None), "rep_frames is neither null nor a list.")
    for pair in pairs or ():
        is_pair = isinstance(pair, list) and len(pair) == 2 and all(map(_is_integer, pair))
        _require(is_pair, "rep_frames has an item that is not two frame numbers.")
    fps, frames = document.get("fps"), document.get("frames")
    is_fps = _is_number(fps, SLOWEST_FPS, FASTEST_FPS)
    _require(is_fps, f"fps is not a number from {SLOWEST_FPS} to {FASTEST_FPS}.")
    _require(isinstance(frames, list), "frames is not a list.")
    return Recording(
        exercise=exercise,
        count=count,
        rep_frames=None if pairs is None else [(start, end) for start, end in pairs],
        fps=float(fps),
        source=source,
        frames=[None if frame is None else _pose(n, frame) for n, frame in enumerate(frames)],
    )


def _require(is_met: bool, fault: str) -> None:
    if not is_met:
        raise ValueError(fault)


def _pose(index: int, frame: Any) -> Pose:
    if not isinstance(frame, list) or len(frame) != len(LANDMARK_NAMES):
        raise ValueError(f"frame {index} is neither null nor {len(LANDMARK_NAMES)} landmarks.")
    for name, landmark in zip(LANDMARK_NAMES, frame, strict=True):
        if not _is_landmark(landmark):
            raise ValueError(
                f"{name} of frame {index} is not [x, y, z] or [x, y, z, visibility]: numbers of "
                f"metres up to {FARTHEST_METRES}, and a visibility from 0 to 1."
            )
    return tuple(Landmark(*landmark) for landmark in frame)


def _is_landmark(value: Any) -> bool:
    if not (isinstance(value, list) and len(value) in (3, 4)):
        return False
    *_, visibility = [*value, None][:4]
    return all(_is_number(one, -FARTHEST_METRES, FARTHEST_METRES) for one in value[:3]) and (
        visibility is None or _is_number(visibility, 0, 1)
    )


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any, least: float, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _refuse_constant(constant: str) -> float:
    raise ValueError(f"{constant} is not a number of JSON.")
