"""The part `angles`: how far a camera's extreme of each angle is off the motion capture's own."""

import math
import statistics
from collections.abc import Sequence
from itertools import chain
from typing import Final, Literal, NamedTuple, cast

import detection
from detection import Landmark, MoveSpec, PoseFrame
from detection.landmarks import INDEX
from detection.spec import (
    BODY_SIDES,
    JOINT_LANDMARKS,
    SEGMENT_LANDMARKS,
    BodySide,
    Joint,
    Measure,
    Segment,
)

from .engine_runs import Workers, completed, film
from .samples import CAMERAS
from .tables import Cell, Table

Vector = tuple[float, float, float]

LEGS: Final = ("{joint: knee, angle_max: 120}", "{joint: knee, angle_min: 150}")
# Everybody raises the right one.
ARM: Final = (
    "{joint: shoulder, side: right, angle_min: 60}",
    "{joint: shoulder, side: right, angle_max: 35}",
)
# The value is given whether or not it meets its bound.
SPEC: Final = """
name: Angle
version: "1"
detection:
  type: repetition
  movement:
    name: angle
    phases:
      - {{name: there, criteria: [{there}]}}
      - {{name: back, criteria: [{back}]}}
    sequence: [there, back]
    checks: [{{name: angle, {measure}, {extreme}: {{max: 90}}}}]
"""


class Angle(NamedTuple):
    """An extreme of one measure in repetitions between the bands `there` and `back`."""

    measure: Measure
    extreme: Literal["least", "most"]
    films: str  # what their names begin with
    bands: tuple[str, str]

    def spec(self) -> MoveSpec:
        there, back = self.bands
        kind = "joint" if self.measure in JOINT_LANDMARKS else "lean"
        side = ", side: right" if self.bands == ARM else ""
        measure = f"{kind}: {self.measure}{side}"
        return detection.compile(
            SPEC.format(there=there, back=back, measure=measure, extreme=self.extreme)
        )

    def true(self, frame: PoseFrame) -> float:
        """The angle in space, of legs the mean of both sides, in degrees."""
        sides: Sequence[BodySide] = ["right"] if self.bands == ARM else BODY_SIDES
        return statistics.mean(degrees(frame.landmarks, self.measure, side) for side in sides)


SQUAT, SIT, RAISE = "uiprmd_squat_", "uiprmd_sit-to-stand_", "uiprmd_shoulder-abduction-one-arm_"
ANGLES: Final = {
    ("knee, least", "squat"): Angle("knee", "least", SQUAT, LEGS),
    ("knee, least", "sit to stand"): Angle("knee", "least", SIT, LEGS),
    ("hip, least", "squat"): Angle("hip", "least", SQUAT, LEGS),
    ("hip, least", "sit to stand"): Angle("hip", "least", SIT, LEGS),
    ("trunk, most", "sit to stand"): Angle("trunk", "most", SIT, LEGS),
    ("shank, most", "squat"): Angle("shank", "most", SQUAT, LEGS),
    ("shoulder, most", "arm raised aside"): Angle("shoulder", "most", RAISE, ARM),
    ("upper arm, most", "arm raised aside"): Angle("upper_arm", "most", RAISE, ARM),
}


def degrees(pose: Sequence[Landmark], measure: Measure, side: BodySide) -> float:
    """The angle at a joint, or of a segment against the vertical."""

    def vector(start: str, end: str) -> Vector:
        one, other = (pose[INDEX[f"{side}_{name}"]] for name in (start, end))
        return other.x - one.x, other.y - one.y, other.z - one.z

    u: Vector
    v: Vector
    if joint := JOINT_LANDMARKS.get(cast(Joint, measure)):
        u, v = vector(joint[1], joint[0]), vector(joint[1], joint[2])
    else:
        u, v = vector(*SEGMENT_LANDMARKS[cast(Segment, measure)]), (0.0, -1.0, 0.0)
    cosine = sum(map(math.prod, zip(u, v, strict=True))) / (math.hypot(*u) * math.hypot(*v))
    return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))


class Seen(NamedTuple):
    """An angle over a film by a camera at this angle."""

    film: str
    angle: Angle
    camera: int


def errors(seen: Seen) -> list[float]:
    """Called in a worker: of each repetition the reported extreme less the true one, in degrees."""
    of, angle = film(seen.film), seen.angle
    events = completed(angle.spec(), of.filmed_from(seen.camera))
    true = [(frame.timestamp_ms, angle.true(frame)) for frame in of.frames]
    best = min if angle.extreme == "least" else max
    found = []
    for began_ms, event in zip([0.0, *(one.ts_ms for one in events)], events, strict=False):
        value = event.payload["metrics"]["checks"][0]["value"]
        within = [degrees for at, degrees in true if began_ms <= at <= event.ts_ms]
        if value is not None:
            found.append(value - best(within))
    return found


def tables(workers: Workers) -> list[Table]:
    """Of those who do it right."""
    rows: list[tuple[Cell, ...]] = []
    for names, angle in ANGLES.items():
        films = [
            one.name for one in workers.films if one.name.startswith(angle.films) and one.right
        ]
        by_camera = (
            workers.each(errors, [Seen(name, angle, camera) for name in films])
            for camera in CAMERAS.values()
        )
        rows.append((*names, *(shown([*chain.from_iterable(each)]) for each in by_camera)))
    return [
        Table(
            key="angles",
            title="How far the reported extreme of a repetition is off the true one, in degrees"
            " (mean ± standard deviation), by where the camera stands",
            columns=("angle", "movement", *CAMERAS),
            rows=rows,
        )
    ]


def shown(differences: Sequence[float]) -> Cell:
    if len(differences) < 2:
        return None
    return f"{statistics.mean(differences):.0f} ± {statistics.stdev(differences):.0f}"
