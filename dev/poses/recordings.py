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
        return [
            PoseFrame(index * 1000 / self.fps, pose)
            for index, pose in enumerate(self.frames)
            if pose is not None
        ]

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
        "frames": [pose and [_numbers(landmark) for landmark in pose] for pose in recording.frames],
    }
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    return gzip.compress(text.encode(), mtime=0)


def save(path: Path, recording: Recording) -> None:
    path.write_bytes(packed(recording))


def _recording(document: Any) -> Recording:
    if not isinstance(document, dict):
        raise ValueError("the document is not an object.")
    return Recording(
        exercise=_text(document, "exercise"),
        count=_count(document.get("count")),
        rep_frames=_rep_frames(document.get("rep_frames")),
        fps=_fps(document.get("fps")),
        source=_text(document, "source"),
        frames=_frames(document.get("frames")),
    )


def _text(document: dict[str, Any], key: str) -> str:
    value = document.get(key)
    if not isinstance(value, str):
        raise ValueError(f"{key} is not a text.")
    return value


def _count(value: Any) -> int | None:
    if value is not None and (not _is_integer(value) or value < 0):
        raise ValueError("count is neither null nor a number of repetitions.")
    return value  # type: ignore[no-any-return]


def _rep_frames(value: Any) -> list[tuple[int, int]] | None:
    if value is None:
        return None
    if not isinstance(value, list):
        raise ValueError("rep_frames is neither null nor a list.")
    for pair in value:
        if not (isinstance(pair, list) and len(pair) == 2 and all(map(_is_integer, pair))):
            raise ValueError("rep_frames has an item that is not two frame numbers.")
    return [(start, end) for start, end in value]


def _fps(value: Any) -> float:
    if not _is_number(value, SLOWEST_FPS, FASTEST_FPS):
        raise ValueError(f"fps is not a number from {SLOWEST_FPS} to {FASTEST_FPS}.")
    return float(value)


def _frames(value: Any) -> list[Pose | None]:
    if not isinstance(value, list):
        raise ValueError("frames is not a list.")
    return [None if frame is None else _pose(index, frame) for index, frame in enumerate(value)]


def _pose(index: int, frame: Any) -> Pose:
    if not isinstance(frame, list) or len(frame) != len(LANDMARK_NAMES):
        raise ValueError(f"frame {index} is neither null nor {len(LANDMARK_NAMES)} landmarks.")
    for name, landmark in zip(LANDMARK_NAMES, frame, strict=True):
        if not (
            isinstance(landmark, list)
            and len(landmark) in (3, 4)
            and all(
                _is_number(metres, -FARTHEST_METRES, FARTHEST_METRES) for metres in landmark[:3]
            )
            and (len(landmark) == 3 or landmark[3] is None or _is_number(landmark[3], 0, 1))
        ):
            raise ValueError(
                f"{name} of frame {index} is not [x, y, z] or [x, y, z, visibility]: numbers of "
                f"metres up to {FARTHEST_METRES}, and a visibility from 0 to 1."
            )
    return tuple(Landmark(*landmark) for landmark in frame)


def _numbers(landmark: Landmark) -> list[float]:
    x, y, z, visibility = landmark
    return [x, y, z] if visibility is None else [x, y, z, visibility]


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any, least: float, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _refuse_constant(constant: str) -> float:
    raise ValueError(f"{constant} is not a number of JSON.")
