"""Recordings of people exercising, as landmark sequences: `NAME.json.gz`.

One JSON object: `exercise`, `count` (human repetitions, or null), `rep_frames` (the first and last
frame of each repetition, or null), `fps`, `source`, and `frames`. A frame is null where no pose was
found, else 33 landmarks in canonical order, each `[x, y, z]` or `[x, y, z, visibility]` in metres.
Frame n was taken at n * 1000 / fps milliseconds. fps is 0.1 to 1,000, a visibility 0 to 1.
"""

import gzip
import json
import zlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from detection import LANDMARK_NAMES, Landmark, PoseFrame

Pose = tuple[Landmark, ...]
Metres = Annotated[float, Meta(ge=-1000, le=1000)]
LANDMARKS = len(LANDMARK_NAMES)


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


class _Point(NamedTuple):
    x: Metres
    y: Metres
    z: Metres
    visibility: Annotated[float, Meta(ge=0, le=1)] | None = None


class _Document(msgspec.Struct):
    exercise: str
    source: str
    fps: Annotated[float, Meta(ge=0.1, le=1000)]
    frames: list[Annotated[list[_Point], Meta(min_length=LANDMARKS, max_length=LANDMARKS)] | None]
    count: Annotated[int, Meta(ge=0)] | None = None
    rep_frames: list[tuple[int, int]] | None = None


def load(path: Path) -> Recording:
    """Read a recording; raises RecordingInvalid, OSError when it cannot be opened."""
    try:
        found = msgspec.json.decode(gzip.decompress(path.read_bytes()), type=_Document)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise RecordingInvalid(f"{path.name} is not a gzip file: {error}.") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise RecordingInvalid(f"{path.name} is not a recording: {error}.") from error
    frames = [pose and tuple(Landmark(*point) for point in pose) for pose in found.frames]
    return Recording(**(msgspec.structs.asdict(found) | {"frames": frames}))


def packed(recording: Recording) -> bytes:
    """The bytes of a recording's file. The same recording gives the same bytes."""
    document = {field.name: getattr(recording, field.name) for field in fields(recording)}
    document["frames"] = [
        pose and [one[:3] if one.visibility is None else one for one in pose]
        for pose in recording.frames
    ]
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    return gzip.compress(text.encode(), mtime=0)


def save(path: Path, recording: Recording) -> None:
    path.write_bytes(packed(recording))
