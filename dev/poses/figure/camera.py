"""The camera and the landmarker before which the figure moves."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from detection import LANDMARK_NAMES, Landmark, PoseFrame
from dev.poses.figure.body import AVERAGE, Build, Posture, landmarks


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """A camera. The same camera films the same postures alike.

    turned: the body's turn to the camera, degrees: 0 shows its right side, 90 its front.
    noise_m: the standard deviation of x and y, in metres.
    z_noise: that of z, as a multiple; z_noise_ms: for how long an error of z lasts, the time
        constant in milliseconds.
    z_bias_m: the standard deviation of an error of z that each landmark keeps, in metres.
    z_scale: flattens z below 1.
    dropped: the share of the frames that is left out, at random.
    hides: whether a body seen from the side hides the limbs of its far side.
    """

    fps: float = 30.0
    turned: float = 0.0
    noise_m: float = 0.008
    z_noise: float = 2.0
    z_noise_ms: float = 0.0
    z_bias_m: float = 0.0
    z_scale: float = 1.0
    dropped: float = 0.0
    seed: int = 1
    start_ms: float = 0
    hides: bool = True

    def film(
        self, posture_at: Callable[[float], Posture], *, seconds: float, build: Build = AVERAGE
    ) -> list[PoseFrame]:
        """The frames of a body that is in `posture_at(t)` after t seconds."""
        chance = random.Random(self.seed)  # noqa: S311 - noise, not a secret
        deviation = self.noise_m * self.z_noise
        # Of z, each landmark's own.
        errors = [0.0] * len(LANDMARK_NAMES)
        biases = [chance.gauss(0, self.z_bias_m) if self.z_bias_m else 0.0 for _ in LANDMARK_NAMES]
        frames = []
        for number in range(math.floor(seconds * self.fps + 1e-6) + 1):
            is_dropped = chance.random() < self.dropped
            posture = posture_at(number / self.fps)
            pose = landmarks(posture, self.turned, build)
            hidden = _hidden(posture.roll, self.turned) if self.hides else {}
            # The share of the last frame's errors that is left.
            kept = math.exp(-1000 / self.fps / self.z_noise_ms) if number and self.z_noise_ms else 0
            noisy = []
            for index, (x, y, z, visibility) in enumerate(pose):
                across, down = chance.gauss(0, self.noise_m), chance.gauss(0, self.noise_m)
                new = chance.gauss(0, deviation * math.sqrt(1 - kept * kept))
                errors[index] = kept * errors[index] + new
                away = z * self.z_scale + (errors[index] + biases[index])
                seen = hidden.get(index, visibility)
                noisy.append(Landmark(x + across, y + down, away, seen))
            if not is_dropped:
                frames.append(PoseFrame(self.start_ms + number * 1000 / self.fps, tuple(noisy)))
        return frames


# As a landmarker sees people. In the quietest seconds of the recordings of people the median
# deviation is 5 mm of x, 2 of y and 21 of z, and 0.82 of z's error is left in the next frame, a
# thirtieth of a second later.
LANDMARKER = Camera(noise_m=0.005, z_noise=4.0, z_noise_ms=165.0, z_scale=0.5)


# The median visibility of the far side in films of push-ups, of bodies within 45 degrees of the
# side. Shoulders, hips and faces are seen throughout.
FAR_VISIBILITY: dict[str, float] = {
    "elbow": 0.31,
    "wrist": 0.42,
    "pinky": 0.42,
    "index": 0.42,
    "thumb": 0.42,
    "knee": 0.30,
    "ankle": 0.46,
    "heel": 0.46,
    "foot_index": 0.63,
}
_FAR = {
    side: {
        LANDMARK_NAMES.index(f"{side}_{name}"): visibility
        for name, visibility in FAR_VISIBILITY.items()
    }
    for side in ("left", "right")
}
# At 45 degrees nothing is hidden yet, however the cosine is rounded.
_MIN_DEPTH = math.cos(math.radians(45)) + 1e-9


def _hidden(roll: float, turned: float) -> dict[int, float]:
    """The visibility of each landmark of the far side, of a body that is seen from the side."""
    # How far the body's left points away from the camera.
    depth = math.cos(math.radians(roll)) * math.cos(math.radians(turned))
    if abs(depth) <= _MIN_DEPTH:
        return {}
    return _FAR["left" if depth > 0 else "right"]
