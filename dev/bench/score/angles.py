"""The part `angles`: how far a camera's extreme of each angle is off the motion capture's own."""

import math
import statistics
from collections.abc import Sequence
from itertools import pairwise
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

from .engine_runs import Completion, Filmed, Run, Workers
from .samples import CAMERAS, Film
from .tables import Cell, Row, Table

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
    movement: str
    films: str  # the beginning of their names
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


SQUAT = ("squat", "uiprmd_squat_", LEGS)
SIT = ("sit to stand", "uiprmd_sit-to-stand_", LEGS)
RAISE = ("arm raised aside", "uiprmd_shoulder-abduction-one-arm_", ARM)
ANGLES: Final = (
    Angle("knee", "least", *SQUAT),
    Angle("knee", "least", *SIT),
    Angle("hip", "least", *SQUAT),
    Angle("hip", "least", *SIT),
    Angle("trunk", "most", *SIT),
    Angle("shank", "most", *SQUAT),
    Angle("shoulder", "most", *RAISE),
    Angle("upper_arm", "most", *RAISE),
)


def degrees(pose: Sequence[Landmark], measure: Measure, side: BodySide) -> float:
    """The angle at a joint, or of a segment against the vertical."""

    def vector(start: str, end: str) -> Vector:
        one, other = (pose[INDEX[f"{side}_{name}"]] for name in (start, end))
        return other.x - one.x, other.y - one.y, other.z - one.z

    joint = JOINT_LANDMARKS.get(cast(Joint, measure))
    u = vector(*(joint[1::-1] if joint else SEGMENT_LANDMARKS[cast(Segment, measure)]))
    v = vector(*joint[1:]) if joint else (0.0, -1.0, 0.0)
    cosine = sum(map(math.prod, zip(u, v, strict=True))) / (math.hypot(*u) * math.hypot(*v))
    return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))


def errors(angle: Angle, film: Film, completed: Sequence[Completion]) -> list[float]:
    true = [(frame.timestamp_ms, angle.true(frame)) for frame in film.frames]
    best = min if angle.extreme == "least" else max
    ends = [0.0, *(one.ts_ms for one in completed)]
    return [
        value - best(degrees for at, degrees in true if start <= at <= end)
        for (start, end), one in zip(pairwise(ends), completed, strict=True)
        if (value := one.payload["metrics"]["checks"][0]["value"]) is not None
    ]


def tables(workers: Workers) -> list[Table]:
    """Of the people who do it right."""
    rows: list[Row] = []
    for angle in ANGLES:
        films = [one for one in workers.films if one.name.startswith(angle.films) and one.right]
        spec, cells = angle.spec(), []
        for camera in CAMERAS.values():
            found = workers.completed(Run(Filmed(one.name, camera), spec) for one in films)
            pairs = zip(films, found, strict=True)
            off = [error for pair in pairs for error in errors(angle, *pair)]
            cells.append(shown(off))
        name = angle.measure.replace("_", " ")
        rows.append((f"{name}, {angle.extreme}", angle.movement, *cells))
    title = (
        "How far the reported extreme of a repetition is off the true one, in degrees (mean ±"
        " standard deviation), by where the camera stands"
    )
    return [Table(title, ("angle", "movement", *CAMERAS), rows)]


def shown(differences: Sequence[float]) -> Cell:
    if len(differences) < 2:
        return None
    return f"{statistics.mean(differences):.0f} ± {statistics.stdev(differences):.0f}"
