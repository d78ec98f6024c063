"""A jointed human figure, made by code, that moves before a camera.

It stands in for a person and a pose landmarker: limbs of fixed lengths are laid out by joint
angles, turned to the camera, and given noise. `perform` does repetitions of an exercise, `act`
something that is none, `hold` nothing at all.
"""

from poses.figure.activities import ACTIVITIES
from poses.figure.body import Build, Limb, Posture, between, landmarks, mirrored
from poses.figure.camera import Camera
from poses.figure.movements import EXERCISES, MOVEMENTS, Movement
from poses.figure.performing import REST_SECONDS, act, hold, perform

__all__ = [
    "ACTIVITIES",
    "EXERCISES",
    "MOVEMENTS",
    "REST_SECONDS",
    "Build",
    "Camera",
    "Limb",
    "Movement",
    "Posture",
    "act",
    "between",
    "hold",
    "landmarks",
    "mirrored",
    "perform",
]
