"""All that an engine tells of frames, as a line for each case: its name and a hash.

    python -m tests.detection.engine_traces EVERY [RECORDINGS_DIR]

One in EVERY case is told: with 6 one of nearly each movement, of each kind in turn. Two builds of
the engine that tell the same to the byte print the same lines after the first.
"""

import hashlib
import json
import os
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import django

import detection
from detection import LANDMARK_NAMES, Engine, Landmark, MoveSpec, PoseFrame
from detection.engine.points import PoseFrameLike
from dev.bench.engine import largest_spec
from dev.poses import recordings
from dev.poses.figure import perform

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "movespecs"
SPECS = {
    path.stem: detection.compile(path.read_text(encoding="utf-8"))
    for path in sorted(EXAMPLES.glob("*.yaml"))
}
LARGEST = largest_spec()
VIEWS: dict[str, dict[str, Any]] = {
    "as usual": {"fps": 30},
    "slow and noisy": {"fps": 10, "noise_m": 0.04, "dropped": 0.1, "start_ms": 0.1},
    "turned": {"fps": 20, "turned": 45, "z_noise": 4.0},
}
SEEDS = 60
EXTREMES = (0.0, -0.0, 5e-324, 1e-160, 0.3, -0.7, 1e154, 1e155, 1e308, -1e308)


def trace(spec: MoveSpec, frames: Iterable[PoseFrameLike]) -> Iterator[Any]:
    """All that is told of each frame, by an engine that is stored and restored after it."""
    engine = Engine(spec)
    now = 0.0
    for frame in frames:
        now = frame.timestamp_ms
        yield [[event.type, event.ts_ms, event.payload] for event in engine.feed(frame)]
        yield [engine.is_usable, engine.steps_reached, engine.driving_degrees()]
        yield [[*names, degrees] for names, degrees in engine.angles().items()]
        yield (stored := engine.snapshot())
        engine = Engine.restore(spec, json.loads(json.dumps(stored, allow_nan=False)))
    for event in [*Engine.restore(spec, stored).finish(), *engine.advance(now + 9e9)]:
        yield [event.type, event.ts_ms, event.payload]


def line(case: str, told: Iterable[Any]) -> str:
    return f"{case}: {hashlib.sha256(json.dumps([*told]).encode()).hexdigest()}"


def received(frames: Iterable[PoseFrame]) -> Iterator[PoseFrameLike]:
    """The frames as a runtime reads them."""
    from realtime.frames import Frame, read_frame

    for number, frame in enumerate(frames, start=1):
        marks = zip(LANDMARK_NAMES, frame.landmarks, strict=True)
        sent = {
            "timestamp_ms": frame.timestamp_ms,
            "pose_schema": "mediapipe_pose_landmarker/v1",
            "landmarks": [{"name": name, **mark._asdict()} for name, mark in marks],
            "confidence": 1,
            "frame_seq": number,
        }
        read = read_frame(json.dumps(sent).encode())
        assert isinstance(read, Frame), read
        yield read


def extreme_frames(chance: random.Random) -> Iterator[PoseFrame]:
    now = 0.0
    for _ in range(12):
        now += chance.choice((1e-9, 1.0, 33.3, 150.0, 2500.0, 1e12))
        marks = [
            Landmark(
                *(chance.choice(EXTREMES) for _ in "xyz"), chance.choice((None, 0.0, 0.4, 1.0))
            )
            for _ in LANDMARK_NAMES
        ]
        yield PoseFrame(now, [marks[0]] * 33 if chance.random() < 0.3 else marks)


def whole(frames: Iterable[PoseFrame]) -> Iterator[PoseFrame]:
    """The frames in whole numbers, which a caller in Python may have."""
    for frame in frames:
        marks = [
            Landmark(*(round(9 * number) for number in mark[:3]), 1) for mark in frame.landmarks
        ]
        yield PoseFrame(round(frame.timestamp_ms), marks)


def cases() -> Iterator[tuple[str, Callable[[], Iterable[Any]]]]:
    """The name of each, and what tells its trace."""
    for name, spec in SPECS.items():
        for view, options in VIEWS.items():
            yield f"{name} {view}", partial(_received, name, spec, options)
        yield f"{name} by the largest", partial(_by_the_largest, name)
        yield f"{name} in whole numbers", partial(_whole, name, spec)
    for seed in range(SEEDS):
        yield f"extremes {seed}", partial(_extremes, seed)


def _received(name: str, spec: MoveSpec, options: dict[str, Any]) -> Iterable[Any]:
    return trace(spec, received(perform(name, repetitions=3, **options)))


def _by_the_largest(name: str) -> Iterable[Any]:
    return trace(LARGEST, perform(name, repetitions=1, fps=15))


def _whole(name: str, spec: MoveSpec) -> Iterable[Any]:
    told = json.dumps([*trace(spec, whole(perform(name, repetitions=2, fps=15)))])
    return list(json.loads(told, parse_int=float))


def _extremes(seed: int) -> Iterable[Any]:
    return trace(LARGEST, extreme_frames(random.Random(seed)))  # noqa: S311


def lines(every: int) -> Iterator[str]:
    for case, tell in [*cases()][::every]:
        yield line(case, tell())


def lines_of_recordings(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("*.json.gz")):
        recording = recordings.load(path)
        spec = SPECS.get(recording.exercise.replace("_", "-"), LARGEST)
        yield line(path.name, trace(spec, recording.pose_frames()))


def main(every: str, folder: str | None = None) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kynaplatform.settings")
    django.setup()
    told = lines(int(every)) if folder is None else lines_of_recordings(Path(folder))
    sys.stdout.writelines(f"{line}\n" for line in (detection.ENGINE_BUILD.name, *told))


if __name__ == "__main__":
    main(*sys.argv[1:])
