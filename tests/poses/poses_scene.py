"""What the tests of the figure measure on a pose."""

import math

from detection import JOINT_LANDMARKS, LANDMARK_NAMES, Landmark

INDEX = {name: number for number, name in enumerate(LANDMARK_NAMES)}


def at(pose: tuple[Landmark, ...], name: str) -> tuple[float, float, float]:
    return pose[INDEX[name]][:3]


def degrees(pose: tuple[Landmark, ...], side: str, joint: str) -> float:
    start, middle, end = (at(pose, f"{side}_{name}") for name in JOINT_LANDMARKS[joint])  # type: ignore[index]
    u, v = ([a - b for a, b in zip(point, middle, strict=True)] for point in (start, end))
    cosine = sum(a * b for a, b in zip(u, v, strict=True)) / (math.hypot(*u) * math.hypot(*v))
    return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))
