"""The figure's body: postures as angles of limbs, and the landmarks of a posture."""

import math
from dataclasses import dataclass, fields, replace
from typing import Any

from detection import LANDMARK_NAMES, Landmark

# A point or way of the body: metres ahead, up, and to its left.
Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """The lengths of a body, in metres. The trunk is half a metre long, as in the recordings."""

    trunk: float = 0.5
    thigh: float = 0.42
    shank: float = 0.42
    foot: float = 0.2
    upper_arm: float = 0.29
    forearm: float = 0.26
    hand: float = 0.09
    half_hips: float = 0.1
    half_shoulders: float = 0.18
    half_face: float = 0.07

    def scaled(self, body: float, limbs: float = 1.0) -> "Build":
        """A build `body` times as large, with legs and arms `limbs` times as long again."""
        limb = ("thigh", "shank", "foot", "upper_arm", "forearm", "hand")
        return Build(
            **{
                one.name: getattr(self, one.name) * (body * limbs if one.name in limb else body)
                for one in fields(self)
            }
        )


@dataclass(frozen=True, slots=True)
class Limb:
    """The angles of a limb: degrees from straight down, positive ahead. `aside` turns it outward.

    `lower_aside` is the outward turn of forearm or shank, if it differs.
    """

    upper: float = 0.0
    lower: float = 0.0
    aside: float = 0.0
    lower_aside: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Posture:
    """A posture. `lean` and `tilt` are the trunk's degrees from upright, ahead and to its left.

    `roll` turns the whole of the body to its left: at 90 it lies on its left side.
    """

    lean: float = 0.0
    tilt: float = 0.0
    roll: float = 0.0
    left_leg: Limb = Limb()
    right_leg: Limb = Limb()
    left_arm: Limb = Limb(5, 15, 5)
    right_arm: Limb = Limb(5, 15, 5)
    # Degrees from pointing ahead, positive up.
    foot: float = -5.0


def alike(lean: float, leg: Limb, arm: Limb) -> Posture:
    return Posture(lean=lean, left_leg=leg, right_leg=leg, left_arm=arm, right_arm=arm)


def between(one: Posture, other: Posture, share: float) -> Posture:
    def mix(a: float, b: float) -> float:
        return a + (b - a) * share

    def mix_parts(a: Any, b: Any) -> Any:
        if not isinstance(a, Limb):
            return mix(a, b)
        lower_aside = None
        if a.lower_aside is not None or b.lower_aside is not None:
            lower_aside = mix(_lower_aside(a), _lower_aside(b))
        return Limb(
            mix(a.upper, b.upper), mix(a.lower, b.lower), mix(a.aside, b.aside), lower_aside
        )

    parts = (part.name for part in fields(Posture))
    return Posture(**{part: mix_parts(getattr(one, part), getattr(other, part)) for part in parts})


def eased(one: Posture, other: Posture, share: float) -> Posture:
    """The posture at `share` of the way along half a cosine, which is slow at both ends."""
    return between(one, other, (1 - math.cos(math.pi * share)) / 2)


def mirrored(posture: Posture) -> Posture:
    return replace(
        posture,
        tilt=-posture.tilt,
        roll=-posture.roll,
        left_leg=posture.right_leg,
        right_leg=posture.left_leg,
        left_arm=posture.right_arm,
        right_arm=posture.left_arm,
    )


AVERAGE = Build()


def landmarks(
    posture: Posture, turned: float = 0.0, build: Build = AVERAGE
) -> tuple[Landmark, ...]:
    """The 33 landmarks of a posture, in canonical order, without noise."""
    lean, tilt = math.radians(posture.lean), math.radians(posture.tilt)
    # The trunk, from hips to shoulders.
    along: Vector = (
        math.sin(lean),
        math.cos(lean) * math.cos(tilt),
        math.cos(lean) * math.sin(tilt),
    )
    ahead: Vector = (math.cos(lean), -math.sin(lean), 0.0)
    points: dict[str, Vector] = {}
    for side, sign, leg, arm in (
        ("left", 1, posture.left_leg, posture.left_arm),
        ("right", -1, posture.right_leg, posture.right_arm),
    ):
        shoulder = _add((0, 0, sign * build.half_shoulders), along, build.trunk)
        points |= _leg(side, sign, leg, posture.foot, build)
        points |= _arm(side, sign, arm, shoulder, build)
        points |= _half_face(side, sign, along, ahead, build)
    points["nose"] = _add(_add((0, 0, 0), along, build.trunk + 0.2), ahead, 0.12)
    if posture.roll:
        points = {name: _rolled(point, posture.roll) for name, point in points.items()}
    turn = math.radians(turned)
    return tuple(_seen(points[name], turn) for name in LANDMARK_NAMES)


def _leg(side: str, sign: int, leg: Limb, foot: float, build: Build) -> dict[str, Vector]:
    hip = (0.0, 0.0, sign * build.half_hips)
    knee = _add(hip, _way(leg.upper, leg.aside, sign), build.thigh)
    ankle = _add(knee, _way(leg.lower, _lower_aside(leg), sign), build.shank)
    pointing = (math.cos(math.radians(foot)), math.sin(math.radians(foot)), 0.0)
    heel = _add(ankle, pointing, -0.3 * build.foot)
    return {
        f"{side}_hip": hip,
        f"{side}_knee": knee,
        f"{side}_ankle": ankle,
        f"{side}_heel": heel,
        f"{side}_foot_index": _add(heel, pointing, build.foot),
    }


def _arm(side: str, sign: int, arm: Limb, shoulder: Vector, build: Build) -> dict[str, Vector]:
    elbow = _add(shoulder, _way(arm.upper, arm.aside, sign), build.upper_arm)
    along = _way(arm.lower, _lower_aside(arm), sign)
    wrist = _add(elbow, along, build.forearm)
    return {
        f"{side}_shoulder": shoulder,
        f"{side}_elbow": elbow,
        f"{side}_wrist": wrist,
        f"{side}_pinky": _add(wrist, along, 0.9 * build.hand),
        f"{side}_index": _add(wrist, along, build.hand),
        f"{side}_thumb": _add(wrist, along, 0.5 * build.hand),
    }


def _half_face(
    side: str, sign: int, along: Vector, ahead: Vector, build: Build
) -> dict[str, Vector]:
    def at(up: float, out: float, aside: float) -> Vector:
        return _add(_add((0, 0, sign * aside), along, build.trunk + up), ahead, out)

    return {
        f"{side}_eye_inner": at(0.24, 0.1, 0.02),
        f"{side}_eye": at(0.24, 0.1, 0.03),
        f"{side}_eye_outer": at(0.24, 0.09, 0.04),
        f"{side}_ear": at(0.22, 0.0, build.half_face),
        f"mouth_{side}": at(0.15, 0.1, 0.02),
    }


def _lower_aside(limb: Limb) -> float:
    return limb.aside if limb.lower_aside is None else limb.lower_aside


def _way(degrees: float, aside: float, sign: int) -> Vector:
    """The direction of a limb `degrees` ahead of straight down, turned outward by `aside`."""
    angle, outward = math.radians(degrees), math.radians(aside)
    down = -math.cos(angle)
    return (math.sin(angle), down * math.cos(outward), -down * math.sin(outward) * sign)


def _add(point: Vector, way: Vector, length: float) -> Vector:
    return (point[0] + way[0] * length, point[1] + way[1] * length, point[2] + way[2] * length)


def _rolled(point: Vector, degrees: float) -> Vector:
    ahead, up, left = point
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return ahead, up * cos - left * sin, up * sin + left * cos


def _seen(point: Vector, turn: float) -> Landmark:
    """The point in the camera's axes: x to the right, y down, z away."""
    ahead, up, left = point
    return Landmark(
        ahead * math.cos(turn) + left * math.sin(turn),
        -up,
        left * math.cos(turn) - ahead * math.sin(turn),
        1.0,
    )
