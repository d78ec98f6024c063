"""A jointed human figure, made by code, that moves before a camera.

It stands in for a person and a pose landmarker: limbs of fixed lengths are laid out by joint
angles, turned to the camera, and given noise. `perform` does repetitions of an exercise, `act` does
an activity that is no exercise, and `hold` stands still.
"""

from dev.poses.figure.activities import ACTIVITIES
from dev.poses.figure.body import Build, Limb, Posture, between, landmarks, mirrored
from dev.poses.figure.camera import LANDMARKER, Camera
from dev.poses.figure.keyframes import MAX_SECONDS, Movement, Variant
from dev.poses.figure.movement_files import EXERCISES, MOVEMENTS, MovementInvalid, read_movement
from dev.poses.figure.performing import act, hold, perform, recorded

__all__ = [
    "ACTIVITIES",
    "EXERCISES",
    "LANDMARKER",
    "MAX_SECONDS",
    "MOVEMENTS",
    "Build",
    "Camera",
    "Limb",
    "Movement",
    "MovementInvalid",
    "Posture",
    "Variant",
    "act",
    "between",
    "hold",
    "landmarks",
    "mirrored",
    "perform",
    "read_movement",
    "recorded",
]
