"""MoveSpecs and frames for the tests of the engine."""

import json
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from textwrap import dedent, indent
from typing import Any

import detection
from detection import DetectionEvent, Engine, Landmark, MoveSpec, PoseFrame
from detection.landmarks import INDEX
from dev.poses.figure import Limb, Posture, between, landmarks

Pose = tuple[Landmark, ...]
Summary = tuple[float, str, Any]

STANDING_AND_BOTTOM = {
    "standing": ["{joint: knee, angle_min: 150}"],
    "bottom": ["{joint: knee, angle_max: 100}"],
}


def movespec(
    phases: dict[str, list[str]] = STANDING_AND_BOTTOM,
    sequence: Sequence[str] = ("standing", "bottom", "standing"),
    feedback: Sequence[str] = (),
    *,
    strict: Sequence[str] = (),
) -> MoveSpec:
    lines = ["name: test", 'version: "1"', "detection:", "  type: repetition", "  movement:"]
    lines += ["    name: squat", "    phases:"]
    for name, criteria in phases.items():
        lines += [f"      - name: {name}", f"        criteria: [{', '.join(criteria)}]"]
        lines += [f"        strict: {str(name in strict).lower()}"]
    lines += [f"    sequence: [{', '.join(sequence)}]"]
    lines += [f"    feedback: [{', '.join(feedback)}]"]
    return detection.compile("\n".join(lines))


def written(movement: str, above: str = "", *, type_: str = "repetition") -> MoveSpec:
    """The MoveSpec of the text of a movement, and of what stands above it in `detection`."""
    head = f"name: test\nversion: '1'\ndetection:\n  type: {type_}\n"
    body = indent(dedent(above), "  ") + "  movement:\n" + indent(dedent(movement), "    ")
    return detection.compile(head + body)


SQUAT = """
name: squat
phases:
  - {name: standing, criteria: [{joint: knee, min: 150}]}
  - {name: bottom, criteria: [{joint: knee, max: 100}]}
sequence: [standing, bottom, standing]
"""


def of_type(events: Iterable[DetectionEvent], *types: str) -> list[dict[str, Any]]:
    return [event.payload for event in events if event.type in types]


def bent(left: float, right: float | None = None, ahead: float = 0.0) -> Pose:
    """Somebody upright, seen from the right, with knees of these degrees. `ahead` swings the whole
    left leg forward and the right one back, in degrees."""
    right = left if right is None else right
    return landmarks(
        Posture(
            left_leg=Limb(ahead, ahead - 180 + left), right_leg=Limb(-ahead, -ahead - 180 + right)
        )
    )


def crouched(left: float, right: float) -> Pose:
    """As `bent`, with each ankle under its hip, so that no leg is in front."""
    half_left, half_right = (180 - left) / 2, (180 - right) / 2
    return landmarks(
        Posture(left_leg=Limb(half_left, -half_left), right_leg=Limb(half_right, -half_right))
    )


def changed(pose: Pose, names: Iterable[str], change: Callable[[Landmark], Landmark]) -> Pose:
    indexes = {INDEX[name] for name in names}
    return tuple(
        change(landmark) if index in indexes else landmark for index, landmark in enumerate(pose)
    )


def hidden(pose: Pose, *names: str, visibility: float = 0.1) -> Pose:
    """The landmarks named are somewhere else, and known to be badly seen."""
    return changed(pose, names, lambda mark: Landmark(mark.y, -mark.x, 0.3, visibility))


def unseen(pose: Pose) -> Pose:
    return tuple(mark._replace(visibility=0.0) for mark in pose)


def at(poses: Iterable[Pose], *, fps: float = 30, start_ms: float = 0) -> list[PoseFrame]:
    return [PoseFrame(start_ms + n * 1000 / fps, pose) for n, pose in enumerate(poses)]


def held(*stays: tuple[Pose, float], fps: float = 30, start_ms: float = 0) -> list[PoseFrame]:
    """Each pose for so many milliseconds, with a jump to the next."""
    return at(
        (pose for pose, ms in stays for _ in range(round(ms * fps / 1000))),
        fps=fps,
        start_ms=start_ms,
    )


def swinging(
    turns: Sequence[float], *, degrees_per_second: float = 150, stay_ms: float = 0, fps: float = 30
) -> list[Pose]:
    """Poses of knees that go steadily from one turning point to the next, and stay there."""
    step = degrees_per_second / fps
    poses = [bent(turns[0])] * round(fps / 2)
    for start, end in pairwise(turns):
        steps = max(round(abs(end - start) / step), 1)
        poses += [bent(start + (end - start) * n / steps) for n in range(1, steps + 1)]
        poses += [bent(end)] * round(stay_ms * fps / 1000)
    return poses + [bent(turns[-1])] * round(fps / 2)


def going(
    *postures: Posture, seconds: float = 0.5, stay_ms: float = 0, turned: float = 20
) -> list[PoseFrame]:
    """From each posture to the next in so many seconds, and a stay there, at 30 frames a second."""
    steps, stay = round(seconds * 30), round(stay_ms * 30 / 1000)
    poses = [landmarks(postures[0], turned)] * 15
    for one, other in pairwise(postures):
        poses += [landmarks(between(one, other, n / steps), turned) for n in range(1, steps + 1)]
        poses += [poses[-1]] * stay
    return at([*poses, *[poses[-1]] * 15])


def run(
    spec: MoveSpec, frames: Iterable[PoseFrame], *, finish: bool = True
) -> list[DetectionEvent]:
    engine = Engine(spec)
    events = [event for frame in frames for event in engine.feed(frame)]
    return events + engine.finish() if finish else events


def told(events: Iterable[DetectionEvent]) -> list[str]:
    """`type:what` of each event, without confidences."""
    what = ("shape_key", "event_key", "reason", "message")
    return [
        f"{event.type}:{next(event.payload[key] for key in what if key in event.payload)}"
        for event in events
    ]


def completed(events: Iterable[DetectionEvent]) -> int:
    return sum(event.type == "event_completed" for event in events)


def through_json(spec: MoveSpec, engine: Engine) -> Engine:
    return Engine.restore(spec, json.loads(json.dumps(engine.snapshot(), allow_nan=False)))


def run_restored(spec: MoveSpec, frames: list[PoseFrame], points: set[int]) -> list[DetectionEvent]:
    engine = Engine(spec)
    events: list[DetectionEvent] = []
    for index, frame in enumerate(frames):
        if index in points:
            engine = through_json(spec, engine)
        events += engine.feed(frame)
    return events + through_json(spec, engine).finish()
