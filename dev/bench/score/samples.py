"""The recordings of people: those that a human has counted, and those of the people folder."""

import gzip
import json
import math
import random
import re
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from detection import Landmark, PoseFrame
from detection.landmarks import INDEX
from dev.poses import recordings
from dev.poses.variants import off

Span = tuple[float, float]

VIEWS: Final = ("side", "oblique", "front")
SIDE_BELOW, FRONT_ABOVE = 0.3, 0.55
TRUNK: Final = [
    INDEX[name] for name in ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
]

DATASETS: Final = ("RepCount-pose", "Countix-Fitness")

# Recordings by which nothing can be judged. They are counted but choose nothing, and the totals are
# also given without them.
KNOWN_BAD: Final = {
    "bench_press_stu10_1_02": "the pose is wrong most of the time",
    "bench_press_stu10_6_04": "presses long before the first label, which is at 24 s",
    "bench_press_stu3_5_33": "no pose in a third of the frames",
    "bench_press_train151_03": "no pose in a third of the frames",
    "front_raise_stu10_24_14": "the first eight labels are curls, in which no arm is raised",
    "front_raise_stu2_14_07": "the arms are raised in turn, and one label spans two raises",
    "push_up_stu4_46_45": "nine more push-ups after the last label",
    "sit_up_stu2_62_19": "the landmarks do not show the movement",
    "sit_up_stu3_58_42": "from 13 s on it is elbow to knee in turn, no sit-up",
    "sit_up_train3344_14": "no pose in a third of the frames",
}


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """`dataset` is one of DATASETS. `repetitions` are those that a human marked, from start to end
    in milliseconds; None where only the count is known."""

    name: str
    dataset: str
    exercise: str
    count: int
    repetitions: tuple[Span, ...] | None
    frames: list[PoseFrame]
    seconds: float

    @property
    def person(self) -> str:
        """`stuN` in a name is a person. Any other recording is a person of its own."""
        found = re.search(r"(?:^|_)(stu\d+)(?:_|$)", self.name)
        return found.group(1) if found else self.name

    @property
    def is_bad(self) -> bool:
        return self.name in KNOWN_BAD

    @property
    def view(self) -> str:
        """From where the person was filmed, by the distance of the shoulders in the image over
        the length of the trunk: one of VIEWS."""
        widths = []
        for frame in self.frames:
            left, right, left_hip, right_hip = (frame.landmarks[index] for index in TRUNK)
            x = (left.x + right.x - left_hip.x - right_hip.x) / 2
            y = (left.y + right.y - left_hip.y - right_hip.y) / 2
            if (trunk := math.hypot(x, y)) > 0.0:
                widths.append(math.hypot(left.x - right.x, left.y - right.y) / trunk)
        width = median(widths)
        return "side" if width < SIDE_BELOW else "front" if width > FRONT_ABOVE else "oblique"


def load_samples(folder: Path) -> list[Sample]:
    """The recordings in a folder whose repetitions a human has counted."""
    samples = []
    for path in sorted(folder.glob("*.json.gz")):
        recording = recordings.load(path)
        if recording.count is None:
            continue
        frame_ms = 1000 / recording.fps
        first_named = recording.source.partition(" ")[0]
        marked = recording.rep_frames or (None if recording.count else [])
        samples.append(
            Sample(
                name=path.name.removesuffix(".json.gz"),
                dataset=first_named if first_named in DATASETS else DATASETS[0],
                exercise=recording.exercise.replace("_", "-"),
                count=recording.count,
                repetitions=None
                if marked is None
                else tuple((start * frame_ms, end * frame_ms) for start, end in marked),
                frames=recording.pose_frames(),
                seconds=len(recording.frames) / recording.fps,
            )
        )
    return samples


# Where the camera stands around a motion capture: its angle from straight ahead, in degrees.
AHEAD: Final = 0
CAMERAS: Final[dict[str, int]] = {"ahead": AHEAD, "45°": 45, "side": 90}


@dataclass(frozen=True, slots=True)
class Film:
    """A recording of the people folder. `person` is its name where nobody says who is on it.
    `right` says of all repetitions whether they were done as instructed; `labels` has a word for
    each frame; both may be unknown."""

    name: str
    exercise: str
    person: str
    right: bool | None
    count: int | None
    labels: tuple[str, ...]
    frames: list[PoseFrame]

    @property
    def minutes(self) -> float:
        return self.frames[-1].timestamp_ms / 60_000

    def filmed_from(self, angle: int) -> list[PoseFrame]:
        """The frames of a motion capture, whose depth is true, as a camera at this angle and a
        landmarker would give them: z is halved, with noise of 5 mm in x and y and 20 in z."""
        gauss = random.Random(f"{self.name} {angle}").gauss  # noqa: S311 - noise, not a secret
        cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))

        def seen(mark: Landmark) -> Landmark:
            x, y, z, visibility = mark
            turned = Landmark(x * cos + z * sin, y, (z * cos - x * sin) / 2, visibility)
            return off(turned, gauss, 0.005, 0.02)

        return [
            PoseFrame(frame.timestamp_ms, tuple(map(seen, frame.landmarks)))
            for frame in self.frames
        ]

    def still(self, number: int, *, seconds: float) -> list[PoseFrame]:
        """The frame of this number kept for so long, at 30 frames a second, with 2 mm of noise."""
        gauss = random.Random(f"{self.name} {number}").gauss  # noqa: S311
        pose = self.frames[number].landmarks
        return [
            PoseFrame(index * 1000 / 30, tuple(off(mark, gauss, 0.002, 0.002) for mark in pose))
            for index in range(round(seconds * 30) + 1)
        ]


def load_films(folder: Path) -> list[Film]:
    films = []
    for path in sorted(folder.glob("*.json.gz")):
        name = path.name.removesuffix(".json.gz")
        document = json.loads(gzip.decompress(path.read_bytes()))
        seen = [(number, pose) for number, pose in enumerate(document["frames"]) if pose]
        labels = document.get("labels")
        films.append(
            Film(
                name=name,
                exercise=document["exercise"],
                person=document.get("person") or name,
                right=document.get("right"),
                count=document["count"],
                labels=tuple(labels[number] for number, _ in seen) if labels else (),
                frames=[
                    PoseFrame(number * 1000 / document["fps"], tuple(Landmark(*of) for of in pose))
                    for number, pose in seen
                ],
            )
        )
    return films
