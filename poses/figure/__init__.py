"""A jointed human figure, made by code, that moves before a camera.

It stands in for a person and a pose landmarker: limbs of fixed lengths are laid out by joint
angles, turned to the camera, and given noise. `perform` and `repeat` do repetitions of an exercise,
`act` does an activity that is no exercise, and `hold` stands still.
"""

from poses.figure.activities import ACTIVITIES
from poses.figure.body import Build, Limb, Posture, between, landmarks, mirrored
from poses.figure.camera import LANDMARKER, Camera
from poses.figure.movements import EXERCISES, MOVEMENTS, Movement
from poses.figure.performing import REST_SECONDS, act, hold, perform, repeat
from poses.figure.recorded import recorded

__all__ = [
    "ACTIVITIES",
    "EXERCISES",
    "LANDMARKER",
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
    "recorded",
    "repeat",
]
