"""The scenes of the ablation: MoveSpecs over frames, with what is to be counted there.

They are recordings and films of people, the figure, the figure under faults of the tracker, random
MoveSpecs, and hostile frames.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from typing import Final, NamedTuple

from detection import Criterion, Landmark, MoveSpec, Phase, PoseFrame, Side, Step
from detection.landmarks import INDEX, LANDMARK_NAMES
from detection.spec import JOINT_LANDMARKS, SEGMENT_LANDMARKS
from dev.poses.figure import LANDMARKER, MOVEMENTS, Camera, act, hold, repeat
from dev.poses.variants import DEPTH_EXCESS

from .engine_runs import Filmed, Recorded, Source, Workers, adjusted, catalogue
from .other_authors import WRITTEN, movespec
from .people import JUDGED, STILL_SECONDS
from .samples import CAMERAS, Film

# The columns of the table.
RECORDINGS, PEOPLE = MORE_IS_BETTER = ("recordings within 1", "people and films right")
ACTS, FIGURE, FAULTS = OFF_BY = ("false in other acts", "figure off by", "under faults off by")
FLAPS: Final = "flaps"
RESTORES: Final = "restores that differ"
HOSTILE: Final = "failed hostile frames"
DIFFERS: Final = "scenes with other events"

Frames = list[PoseFrame]
Pose = tuple[Landmark, ...]

OF_PEOPLE: Final = {"squat": "squat", "lunge": "lunge", "sit-to-stand": "sit-to-stand-30-s"}
REPETITIONS: Final = 4
CAMERAS_OF_FIGURE: Final = (
    LANDMARKER,
    replace(LANDMARKER, fps=10.0),
    replace(LANDMARKER, z_scale=DEPTH_EXCESS, noise_m=0.02),
)
FAULTY: Final = ("squat", "push-up", "biceps-curl", "front-raise", "jumping-jack")
_MEASURES: Final = (*JOINT_LANDMARKS, *SEGMENT_LANDMARKS)
_OTHER_SIDE: Final = {"left": "right", "right": "left"}
_OTHER: Final = [
    INDEX["_".join(_OTHER_SIDE.get(part, part) for part in name.split("_"))]
    for name in LANDMARK_NAMES
]


class Scene(NamedTuple):
    """`truth` is what each MoveSpec is to count; None where any count or none will do."""

    column: str
    specs: list[MoveSpec]
    source: Source | Frames
    truth: int | None = None

    def frames(self) -> Frames:
        return self.source if isinstance(self.source, list) else self.source.frames()


def scenes(workers: Workers) -> list[Scene]:
    found = [
        Scene(RECORDINGS, [catalogue()[one.exercise]], Recorded(one.name), one.count)
        for one in workers.samples
        if one.exercise in catalogue()
    ]
    for film in workers.films:
        found += _of_film(film)
    found += [_figure(*of) for of in product(WRITTEN, CAMERAS_OF_FIGURE)]
    found += [_faulty(*of) for of in product(FAULTY, FAULTS_OF)]
    return found + [_random(n) for n in range(20)] + [_hostile(n) for n in range(20)]


def _of_film(film: Film) -> Iterator[Scene]:
    group, _, _ = film.name.partition("_")
    if group == "uiprmd" and film.exercise in OF_PEOPLE and film.right:
        spec = catalogue()[OF_PEOPLE[film.exercise]]
        for angle in CAMERAS.values():
            yield Scene(PEOPLE, [spec], Filmed(film.name, angle), film.count)
    elif group == "hdm05" and not film.exercise.startswith("squat"):
        specs = [catalogue()[exercise] for exercise in JUDGED]
        yield Scene(ACTS, specs, Filmed(film.name, CAMERAS["45°"]), 0)
    elif film.exercise == "tree":
        yield Scene(PEOPLE, [adjusted("tree-pose", hold_ms=1000)], Filmed(film.name))
    elif group == "pushfit" or film.exercise == "biceps-curl":
        yield Scene(PEOPLE, [catalogue()[film.exercise]], Filmed(film.name))
    elif group == "stills":
        right = [n for n, label in enumerate(film.labels) if label == "correct"]
        for number in right[:: len(right) // 20 or 1]:
            still = Filmed(film.name, still=number, seconds=STILL_SECONDS)
            yield Scene(PEOPLE, [adjusted("plank", hold_ms=1000)], still)


def _figure(exercise: str, camera: Camera) -> Scene:
    camera = replace(camera, turned=MOVEMENTS[exercise].turned + 20)
    frames = repeat(exercise, repetitions=REPETITIONS, camera=camera)
    specs = [catalogue()[exercise], movespec(exercise, "public example"), three_phases(exercise)]
    return Scene(FIGURE, specs, frames, REPETITIONS)


def three_phases(exercise: str) -> MoveSpec:
    """The bands of the public example, with a phase in the middle third between them."""
    spec = movespec(exercise, "public example")
    low, high = sorted((phase.criteria[0] for phase in spec.phases), key=lambda one: one.minimum)
    third = (high.minimum - low.maximum) / 3
    middle = replace(low, minimum=low.maximum + third, maximum=high.minimum - third)
    first, second = spec.phases
    steps = tuple(map(Step, ("first", "middle", "second", "middle", "first")))
    return replace(spec, phases=(first, Phase("middle", None, (middle,)), second), steps=steps)


def _faulty(exercise: str, fault: Callable[[Frames], Frames]) -> Scene:
    movement = MOVEMENTS[exercise]
    camera = replace(LANDMARKER, turned=movement.turned)
    specs = [catalogue()[exercise], movespec(exercise, "public example")]
    if fault is _trembling:
        return Scene(FAULTS, specs, fault(hold(movement.rest, seconds=10, camera=camera)), 0)
    frames = fault(repeat(exercise, repetitions=REPETITIONS, camera=camera))
    return Scene(FAULTS, specs, frames, REPETITIONS)


def _posed(frames: Frames, pose: Callable[[int, Pose], Pose]) -> Frames:
    return [
        PoseFrame(frame.timestamp_ms, pose(number, tuple(frame.landmarks)))
        for number, frame in enumerate(frames)
    ]


def _elsewhere(frames: Frames) -> Frames:
    """For six frames of each fifty any pose, of two frames each."""
    wrong = [
        tuple(repeat(name, repetitions=1, camera=replace(LANDMARKER, turned=45))[40].landmarks)
        for name in FAULTY
    ]
    return _posed(
        frames,
        lambda number, pose: wrong[number // 2 % len(wrong)] if number % 50 < 6 else pose,
    )


def _swapped(frames: Frames) -> Frames:
    """Left and right swapped for five frames of each thirty."""
    return _posed(
        frames,
        lambda number, pose: tuple(pose[n] for n in _OTHER) if number % 30 < 5 else pose,
    )


def _absent(frames: Frames) -> Frames:
    """Out of the picture for three seconds, while the movement goes on."""
    begun = frames[0].timestamp_ms
    return [frame for frame in frames if not 3000 <= frame.timestamp_ms - begun < 6000]


def _shaken(frames: Frames, change: Callable[[random.Random, int, Landmark], Landmark]) -> Frames:
    """Each landmark changed by chance; the number counts frames and, ten times each, landmarks."""
    chance = random.Random(1)  # noqa: S311
    return _posed(
        frames,
        lambda number, pose: tuple(
            change(chance, number + 10 * index, mark) for index, mark in enumerate(pose)
        ),
    )


def _off(chance: random.Random, mark: Landmark, metres: float) -> Landmark:
    return mark._replace(x=mark.x + chance.gauss(0, metres), y=mark.y + chance.gauss(0, metres))


def _outliers(frames: Frames) -> Frames:
    """One landmark in ten off by some 40 cm."""
    return _shaken(
        frames,
        lambda chance, _, mark: _off(chance, mark, 0.4) if chance.random() < 0.1 else mark,
    )


def _hidden(frames: Frames) -> Frames:
    """Each landmark hidden, and wrong, for a third of each second."""
    return _shaken(
        frames,
        lambda chance, number, mark: (
            mark._replace(x=mark.x + chance.gauss(0, 0.2), visibility=0.2)
            if number % 30 < 10
            else mark._replace(visibility=0.9)
        ),
    )


def _deep(frames: Frames) -> Frames:
    """z off by some 15 cm."""
    return _shaken(frames, lambda chance, _, mark: mark._replace(z=mark.z + chance.gauss(0, 0.15)))


def _trembling(frames: Frames) -> Frames:
    """Landmarks off by some 4 cm."""
    return _shaken(frames, lambda chance, _, mark: _off(chance, mark, 0.04))


FAULTS_OF: Final = (_elsewhere, _swapped, _outliers, _hidden, _absent, _deep, _trembling)


def random_movespec(chance: random.Random) -> MoveSpec:
    """Two to four phases of one or two bands, in any order."""

    def criterion() -> Criterion:
        measure = chance.choice(_MEASURES)
        sides: list[Side | None] = [None, None, "left", "right", "both", "either", "front", "back"]
        low = chance.uniform(0, 150)
        side = None if measure == "trunk" else chance.choice(sides)
        return Criterion(measure, side, round(low), round(chance.uniform(low + 5, 180)))

    names = "abcd"[: chance.randint(2, 4)]
    measure = criterion()
    phases = []
    for name in names:
        low = round(chance.uniform(0, 150))
        driving = replace(measure, minimum=low, maximum=round(chance.uniform(low + 5, 180)))
        others = tuple(criterion() for _ in range(chance.randint(0, 1)))
        phases.append(Phase(name, None, (driving, *others)))
    sequence = [chance.choice(names)]
    for _ in range(chance.randint(1, 3)):
        sequence.append(chance.choice([name for name in names if name != sequence[-1]]))
    return MoveSpec("random", "1", None, "random", tuple(phases), tuple(map(Step, sequence)), ())


def _random(number: int) -> Scene:
    chance = random.Random(number)  # noqa: S311
    exercise = chance.choice(list(MOVEMENTS))
    camera = replace(LANDMARKER, turned=chance.uniform(0, 90), seed=number)
    frames = repeat(exercise, repetitions=2, camera=camera)
    frames += [
        PoseFrame(frame.timestamp_ms + frames[-1].timestamp_ms + 34, frame.landmarks)
        for frame in act("walking", seconds=4, camera=camera)
    ]
    return Scene(FLAPS, [random_movespec(chance) for _ in range(2)], frames)


def _hostile(seed: int) -> Scene:
    """Any finite numbers, at any pace."""
    chance = random.Random(seed)  # noqa: S311
    scale = chance.choice([1.0, 1e-9, 1e6, 1e100, 1e300])

    def number() -> float:
        return chance.choice([0.0, scale, -scale, chance.uniform(-scale, scale), 0.3])

    now, frames = 0.0, []
    for _ in range(150):
        now += chance.choice([1e-3, 5.0, 33.3, 200.0, 3000.0])
        pose = tuple(
            Landmark(number(), number(), number(), chance.choice([None, 0.0, 1.0]))
            for _ in LANDMARK_NAMES
        )
        frames.append(PoseFrame(now, pose))
    return Scene(FLAPS, [random_movespec(chance) for _ in range(2)], frames)
