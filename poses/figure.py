"""A jointed human figure, made by code, that performs each movement of the catalogue.

It stands in for a camera and a pose landmarker: limbs of fixed lengths are laid out by joint
angles, turned to the camera, and given noise. Each movement is the way from one posture to another
and back, along half a cosine each way.
"""

import math
import random
from dataclasses import dataclass, replace

from detection import LANDMARK_NAMES, Landmark, PoseFrame

REST_SECONDS = 1.0  # in the first posture, before the first repetition and after the last

# Metres. The trunk is half a metre long, as in the recordings.
TRUNK, THIGH, SHANK, FOOT = 0.5, 0.42, 0.42, 0.2
UPPER_ARM, FOREARM, HAND = 0.29, 0.26, 0.09
HALF_HIPS, HALF_SHOULDERS, HALF_FACE = 0.1, 0.18, 0.07

# A point or way of the body: metres ahead, up, and to its left.
Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Limb:
    """Degrees from hanging straight down, positive ahead; `aside` turns the limb outward."""

    upper: float = 0.0
    lower: float = 0.0
    aside: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Posture:
    """`lean` is the trunk's, degrees from upright, positive ahead."""

    lean: float = 0.0
    left_leg: Limb = Limb()
    right_leg: Limb = Limb()
    left_arm: Limb = Limb(5, 15, 5)
    right_arm: Limb = Limb(5, 15, 5)
    # Degrees from pointing ahead, positive up.
    foot: float = -5.0


@dataclass(frozen=True, slots=True)
class Movement:
    """`turned` is the body's turn to the camera, degrees: 0 shows its right side, 90 its front."""

    turned: float
    rest: Posture
    peak: Posture
    # The second repetition, fourth, and so on, with left and right exchanged.
    alternates: bool = False


def _both(lean: float, leg: Limb, arm: Limb, foot: float = -5.0) -> Posture:
    return Posture(lean=lean, left_leg=leg, right_leg=leg, left_arm=arm, right_arm=arm, foot=foot)


_STANDING = Posture()
_PRONE = Limb(-76, -76)
_BENT_UP = Limb(135, 45)
MOVEMENTS = {
    "biceps-curl": Movement(30, _STANDING, _both(0, Limb(), Limb(10, 145, 5))),
    "lateral-raise": Movement(
        90, _both(0, Limb(), Limb(0, 5, 12)), _both(0, Limb(), Limb(0, 5, 92))
    ),
    "lunge": Movement(
        15,
        _STANDING,
        Posture(lean=5, left_leg=Limb(80, -5), right_leg=Limb(-20, -100)),
        alternates=True,
    ),
    "push-up": Movement(
        10,
        _both(76, _PRONE, Limb(5, -5), foot=-80),
        _both(76, _PRONE, Limb(-52, 52), foot=-80),
    ),
    "sit-up": Movement(
        10,
        _both(-85, _BENT_UP, Limb(-60, 0)),
        _both(15, _BENT_UP, Limb(60, 90)),
    ),
    "squat": Movement(20, _STANDING, _both(40, Limb(95, -30), Limb(80, 85, 5))),
}
EXERCISES: tuple[str, ...] = tuple(MOVEMENTS)


def perform(
    exercise: str,
    *,
    repetitions: int,
    fps: float,
    seconds_per_repetition: float = 2.5,
    noise_m: float = 0.008,
    dropped: float = 0.0,
    seed: int = 1,
    start_ms: float = 0,
) -> list[PoseFrame]:
    """The frames of a figure that performs `repetitions` of one of EXERCISES.

    `noise_m` is the standard deviation of x and y in metres, half that of z; `dropped` the
    share of the frames that is left out, at random. The same arguments give the same frames.
    """
    movement = MOVEMENTS[exercise]
    chance = random.Random(seed)  # noqa: S311 - noise, not a secret
    moving_seconds = repetitions * seconds_per_repetition
    frames = []
    for number in range(int((moving_seconds + 2 * REST_SECONDS) * fps) + 1):
        seconds = number / fps - REST_SECONDS
        is_dropped = chance.random() < dropped
        posture = movement.rest
        if 0 < seconds < moving_seconds:
            repetition, part = divmod(seconds / seconds_per_repetition, 1)
            share = (1 - math.cos(2 * math.pi * part)) / 2
            posture = between(movement.rest, movement.peak, share)
            if movement.alternates and repetition % 2 == 1:
                posture = mirrored(posture)
        pose = _noisy(landmarks(posture, movement.turned), noise_m, chance)
        if not is_dropped:
            frames.append(PoseFrame(start_ms + number * 1000 / fps, pose))
    return frames


def between(one: Posture, other: Posture, share: float) -> Posture:
    """The posture at `share` of the way from one to the other."""

    def mix(a: float, b: float) -> float:
        return a + (b - a) * share

    def mix_limbs(a: Limb, b: Limb) -> Limb:
        return Limb(mix(a.upper, b.upper), mix(a.lower, b.lower), mix(a.aside, b.aside))

    return Posture(
        lean=mix(one.lean, other.lean),
        left_leg=mix_limbs(one.left_leg, other.left_leg),
        right_leg=mix_limbs(one.right_leg, other.right_leg),
        left_arm=mix_limbs(one.left_arm, other.left_arm),
        right_arm=mix_limbs(one.right_arm, other.right_arm),
        foot=mix(one.foot, other.foot),
    )


def mirrored(posture: Posture) -> Posture:
    return replace(
        posture,
        left_leg=posture.right_leg,
        right_leg=posture.left_leg,
        left_arm=posture.right_arm,
        right_arm=posture.left_arm,
    )


def landmarks(posture: Posture, turned: float = 0.0) -> tuple[Landmark, ...]:
    """The 33 landmarks of a posture, in canonical order, without noise."""
    lean = math.radians(posture.lean)
    along: Vector = (math.sin(lean), math.cos(lean), 0.0)  # the trunk, from hips to shoulders
    ahead: Vector = (math.cos(lean), -math.sin(lean), 0.0)
    points: dict[str, Vector] = {}
    for side, sign, leg, arm in (
        ("left", 1, posture.left_leg, posture.left_arm),
        ("right", -1, posture.right_leg, posture.right_arm),
    ):
        points |= _leg(side, sign, leg, posture.foot)
        points |= _arm(side, sign, arm, _add((0, 0, sign * HALF_SHOULDERS), along, TRUNK))
        points |= _half_face(side, sign, along, ahead)
    points["nose"] = _add(_add((0, 0, 0), along, TRUNK + 0.2), ahead, 0.12)
    turn = math.radians(turned)
    return tuple(_seen(points[name], turn) for name in LANDMARK_NAMES)


def _leg(side: str, sign: int, leg: Limb, foot: float) -> dict[str, Vector]:
    hip = (0.0, 0.0, sign * HALF_HIPS)
    knee = _add(hip, _way(leg.upper, leg.aside, sign), THIGH)
    ankle = _add(knee, _way(leg.lower, leg.aside, sign), SHANK)
    pointing = (math.cos(math.radians(foot)), math.sin(math.radians(foot)), 0.0)
    heel = _add(ankle, pointing, -0.3 * FOOT)
    return {
        f"{side}_hip": hip,
        f"{side}_knee": knee,
        f"{side}_ankle": ankle,
        f"{side}_heel": heel,
        f"{side}_foot_index": _add(heel, pointing, FOOT),
    }


def _arm(side: str, sign: int, arm: Limb, shoulder: Vector) -> dict[str, Vector]:
    elbow = _add(shoulder, _way(arm.upper, arm.aside, sign), UPPER_ARM)
    along = _way(arm.lower, arm.aside, sign)
    wrist = _add(elbow, along, FOREARM)
    return {
        f"{side}_shoulder": shoulder,
        f"{side}_elbow": elbow,
        f"{side}_wrist": wrist,
        f"{side}_pinky": _add(wrist, along, 0.9 * HAND),
        f"{side}_index": _add(wrist, along, HAND),
        f"{side}_thumb": _add(wrist, along, 0.5 * HAND),
    }


def _half_face(side: str, sign: int, along: Vector, ahead: Vector) -> dict[str, Vector]:
    def at(up: float, out: float, aside: float) -> Vector:
        return _add(_add((0, 0, sign * aside), along, TRUNK + up), ahead, out)

    return {
        f"{side}_eye_inner": at(0.24, 0.1, 0.02),
        f"{side}_eye": at(0.24, 0.1, 0.03),
        f"{side}_eye_outer": at(0.24, 0.09, 0.04),
        f"{side}_ear": at(0.22, 0.0, HALF_FACE),
        f"mouth_{side}": at(0.15, 0.1, 0.02),
    }


def _way(degrees: float, aside: float, sign: int) -> Vector:
    """The way of a limb `degrees` ahead of straight down, turned outward by `aside`."""
    angle, outward = math.radians(degrees), math.radians(aside)
    down = -math.cos(angle)
    return (math.sin(angle), down * math.cos(outward), -down * math.sin(outward) * sign)


def _add(point: Vector, way: Vector, length: float) -> Vector:
    return (
        point[0] + way[0] * length,
        point[1] + way[1] * length,
        point[2] + way[2] * length,
    )


def _seen(point: Vector, turn: float) -> Landmark:
    """In the camera's axes: x to the right, y down, z away."""
    ahead, up, left = point
    return Landmark(
        ahead * math.cos(turn) + left * math.sin(turn),
        -up,
        left * math.cos(turn) - ahead * math.sin(turn),
        1.0,
    )


def _noisy(
    pose: tuple[Landmark, ...], noise_m: float, chance: random.Random
) -> tuple[Landmark, ...]:
    return tuple(
        Landmark(
            landmark.x + chance.gauss(0, noise_m),
            landmark.y + chance.gauss(0, noise_m),
            landmark.z + chance.gauss(0, 2 * noise_m),
            landmark.visibility,
        )
        for landmark in pose
    )
