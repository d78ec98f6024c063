"""The part `ablation`: what it costs to switch each rule of the engine off.

Each scene is seen once with every rule switched off. A rule whose row moves nothing is not worth
its code.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final, NamedTuple
from unittest.mock import patch

import detection.engine.plan as plan
from detection import (
    ENGINE_BUILD,
    Criterion,
    DetectionEvent,
    Engine,
    EngineSettings,
    Landmark,
    MoveSpec,
    Phase,
    PoseFrame,
    Side,
    Step,
)
from detection.engine.stillness import Stillness
from detection.landmarks import INDEX, LANDMARK_NAMES
from detection.spec import JOINT_LANDMARKS, SEGMENT_LANDMARKS
from dev.poses.figure import LANDMARKER, MOVEMENTS, act, hold, repeat
from dev.poses.variants import DEPTH_EXCESS

from .engine_runs import SHIPPED, Workers, adjusted, catalogue, film, recording
from .other_authors import WRITTEN, movespec
from .people import JUDGED, STILL_SECONDS
from .samples import CAMERAS
from .tables import Cell, Table

NEVER: Final = 1e12


class Off(NamedTuple):
    """How a rule is switched off: by other settings, or by another function in its place."""

    settings: EngineSettings = SHIPPED
    place: Any = None
    name: str = ""
    instead: Callable[..., Any] | None = None

    @contextmanager
    def applied(self) -> Iterator[EngineSettings]:
        if self.place is None:
            yield self.settings
            return
        with patch.object(self.place, self.name, self.instead):
            plan.plan_of.cache_clear()
            yield self.settings
        plan.plan_of.cache_clear()


def _with(part: str, **values: float) -> Off:
    return Off(replace(SHIPPED, **{part: replace(getattr(SHIPPED, part), **values)}))


AS_SHIPPED: Final = "as shipped"
RULES: Final[dict[str, Off]] = {
    AS_SHIPPED: Off(),
    "own range": _with("swing", range_swings=10**9),
    "least share of the gap": _with("swing", least_swing_share=0.0),
    "least degrees": _with("swing", least_swing_degrees=0.1),
    "stillness": Off(place=Stillness, name="has_ended", instead=lambda self: True),
    "barriers": Off(place=plan, name="_edges", instead=lambda *_: ()),
    "rivals": Off(place=plan, name="can_hold_at_once", instead=lambda *_: True),
    "inferred conditions": Off(place=plan, name="find_conditions", instead=lambda _: ()),
    "grace of conditions": _with("phase", condition_ms=0.0),
    "enter time": _with("phase", enter_ms=0.0),
    "exit time": _with("phase", exit_ms=0.0),
    "hysteresis": _with("phase", hysteresis_degrees=0.0),
    "smoothing": _with("smoothing", smoothing_ms=0.001),
    "weight cap": _with("smoothing", max_weight_m2=NEVER),
    "freshness": _with("smoothing", fresh_ms=NEVER),
    "visibility": _with("sight", min_visibility=0.0),
    "shortest segment": _with("sight", shortest_segment_m=1e-6),
    "longest segment": _with("sight", longest_segment_m=1e150),
    "jumps": _with("sight", jump_degrees=NEVER),
    "lost tracking": _with("sight", lost_jumps=NEVER),
    "lost pose": _with("sight", pose_lost_ms=NEVER),
    "z": _with("depth", depth_weight=0.0),
    "depth by length": _with("depth", seen_share=0.0),
    "held lead": _with("lead", lead_held_ms=0.0),
    "bridge of a setup": _with("setup", bridge_ms=110.0),
    "settling of a hold": _with("phase", settle_ms=0.0),
}

# What is seen, each with whether more of it is better.
RECORDINGS: Final = "recordings within 1"
PEOPLE: Final = "people and films right"
ACTS: Final = "false in other acts"
FIGURE: Final = "figure off by"
FAULTS: Final = "under faults off by"
FLAPS: Final = "flaps"
RESTORES: Final = "restores that differ"
HOSTILE: Final = "failed hostile frames"
DIFFERS: Final = "scenes with other events"
COLUMNS: Final = (*(RECORDINGS, PEOPLE, ACTS, FIGURE, FAULTS, FLAPS, RESTORES, HOSTILE, DIFFERS),)
# A phase that is entered so soon after it was left flaps.
FLAP_MS: Final = 300.0


class Scene(NamedTuple):
    """`kind` is one of SCENES, which makes the scene by `name` and `number`."""

    kind: str
    name: str
    number: int = 0


class Watched(NamedTuple):
    """MoveSpecs over frames, with what is to be counted by each; None where events are looked at
    otherwise."""

    column: str
    specs: list[MoveSpec]
    frames: list[PoseFrame]
    truth: int | None = None


def tables(workers: Workers) -> list[Table]:
    if ENGINE_BUILD.name == "compiled":
        raise SystemExit("The ablation changes functions of the engine: set COMPILED_ENGINE=none.")
    found = {name: Counter[str]() for name in RULES}
    for of in workers.each(ablate, scenes(workers)):
        for name, figures in of.items():
            found[name].update(figures)
    shipped = found[AS_SHIPPED]
    rows: list[tuple[Cell, ...]] = [(AS_SHIPPED, *(shipped[column] for column in COLUMNS))]
    for name, figures in found.items():
        if name != AS_SHIPPED:
            changes = (figures[column] - shipped[column] for column in COLUMNS)
            rows.append((name, *(f"{change:+d}" if change else "" for change in changes)))
    return [
        Table(
            key="ablation",
            title="Each rule of the engine switched off: the change of the row above",
            columns=("rule", *COLUMNS),
            rows=rows,
        )
    ]


def scenes(workers: Workers) -> list[Scene]:
    made = [Scene("recording", one.name) for one in workers.samples if one.exercise in catalogue()]
    for one in workers.films:
        group, _, _ = one.name.partition("_")
        if group == "uiprmd" and one.exercise in OF_PEOPLE and one.right:
            made += [Scene("camera", one.name, angle) for angle in CAMERAS.values()]
        elif group == "hdm05" and not one.exercise.startswith("squat"):
            made.append(Scene("act", one.name))
        elif group == "pushfit" or one.exercise in ("biceps-curl", "tree"):
            made.append(Scene("film", one.name))
        elif group == "stills":
            right = [n for n, label in enumerate(one.labels) if label == "correct"]
            made += [Scene("still", one.name, number) for number in right[:: len(right) // 20 or 1]]
    made += [
        Scene("figure", exercise, number) for exercise in WRITTEN for number in range(len(FILMED))
    ]
    made += [
        Scene("fault", exercise, number) for exercise in FAULTY for number in range(len(FAULTS_OF))
    ]
    made += [Scene("random", "", number) for number in range(20)]
    made += [Scene("hostile", "", number) for number in range(20)]
    return made


def ablate(scene: Scene) -> dict[str, Counter[str]]:
    """Called in a worker: the figures of a scene with each rule switched off."""
    watched = SCENES[scene.kind](scene)
    found, usual = {}, None
    for name, off in RULES.items():
        with off.applied() as settings:
            told = [_told(spec, watched.frames, settings) for spec in watched.specs]
            of = _figures(watched, told, settings)
        usual = told if usual is None else usual
        of[DIFFERS] = sum(one != other for one, other in zip(told, usual, strict=True))
        found[name] = of
    return found


def _told(
    spec: MoveSpec, frames: Sequence[PoseFrame], settings: EngineSettings
) -> list[DetectionEvent] | None:
    """The events, None where a frame raises."""
    engine = Engine(spec, settings)
    try:
        return [event for frame in frames for event in engine.feed(frame)] + engine.finish()
    except (ArithmeticError, ValueError):
        return None


def _figures(
    watched: Watched, told: Sequence[list[DetectionEvent] | None], settings: EngineSettings
) -> Counter[str]:
    of: Counter[str] = Counter()
    for spec, events in zip(watched.specs, told, strict=True):
        if events is None:
            of[HOSTILE] += 1
            continue
        count = sum(event.type == "event_completed" for event in events)
        if watched.column == RECORDINGS:
            of[RECORDINGS] += abs(count - (watched.truth or 0)) <= 1
        elif watched.column == PEOPLE:
            wanted = watched.truth
            of[PEOPLE] += count > 0 if wanted is None else abs(count - wanted) <= 1
        elif watched.truth is not None:
            of[watched.column] += abs(count - watched.truth)
        else:
            of[FLAPS] += flaps(events)
            of[RESTORES] += _told_restored(spec, watched.frames, settings) != events
    return of


def flaps(events: Sequence[DetectionEvent]) -> int:
    """How often a phase is entered again right after it was left."""
    left: dict[tuple[str, str | None], float] = {}
    found = 0
    for event in events:
        if event.type.startswith("shape_"):
            phase = event.payload["shape_key"], event.payload.get("side")
            if event.type == "shape_exit":
                left[phase] = event.ts_ms
            else:
                found += event.ts_ms - left.get(phase, -NEVER) < FLAP_MS
    return found


def _told_restored(
    spec: MoveSpec, frames: Sequence[PoseFrame], settings: EngineSettings
) -> list[DetectionEvent]:
    engine, events = Engine(spec, settings), []
    for number, frame in enumerate(frames):
        if number % 7 == 3:
            state = json.loads(json.dumps(engine.snapshot()))
            engine = Engine.restore(spec, state, settings)
        events += engine.feed(frame)
    return events + engine.finish()


OF_PEOPLE: Final = {"squat": "squat", "lunge": "lunge", "sit-to-stand": "sit-to-stand-30-s"}


def _recording(scene: Scene) -> Watched:
    of = recording(scene.name)
    return Watched(RECORDINGS, [catalogue()[of.exercise]], of.frames, of.count)


def _camera(scene: Scene) -> Watched:
    of = film(scene.name)
    spec = catalogue()[OF_PEOPLE[of.exercise]]
    return Watched(PEOPLE, [spec], of.filmed_from(scene.number), of.count)


def _act(scene: Scene) -> Watched:
    specs = [catalogue()[exercise] for exercise in JUDGED]
    return Watched(ACTS, specs, film(scene.name).filmed_from(CAMERAS["45°"]), 0)


def _film(scene: Scene) -> Watched:
    of = film(scene.name)
    hold_ms = {"tree": "tree-pose"}.get(of.exercise)
    spec = adjusted(hold_ms, hold_ms=1000) if hold_ms else catalogue()[of.exercise]
    return Watched(PEOPLE, [spec], of.frames)


def _still(scene: Scene) -> Watched:
    frames = film(scene.name).still(scene.number, seconds=STILL_SECONDS)
    return Watched(PEOPLE, [adjusted("plank", hold_ms=1000)], frames)


REPETITIONS: Final = 4
FILMED: Final = (
    LANDMARKER,
    replace(LANDMARKER, fps=10.0),
    replace(LANDMARKER, z_scale=DEPTH_EXCESS, noise_m=0.02),
)


def _figure(scene: Scene) -> Watched:
    """By the catalogue, by others' bands, and by three phases."""
    camera = replace(FILMED[scene.number], turned=MOVEMENTS[scene.name].turned + 20)
    frames = repeat(scene.name, repetitions=REPETITIONS, camera=camera)
    specs = [movespec(scene.name, "public example"), three_phases(scene.name)]
    return Watched(FIGURE, [catalogue()[scene.name], *specs], frames, REPETITIONS)


def three_phases(exercise: str) -> MoveSpec:
    """The bands of the public example, with a phase in the middle third between them."""
    spec = movespec(exercise, "public example")
    low, high = sorted((phase.criteria[0] for phase in spec.phases), key=lambda one: one.minimum)
    third = (high.minimum - low.maximum) / 3
    middle = replace(low, minimum=low.maximum + third, maximum=high.minimum - third)
    first, second = spec.phases
    steps = tuple(map(Step, ("first", "middle", "second", "middle", "first")))
    return replace(spec, phases=(first, Phase("middle", None, (middle,)), second), steps=steps)


FAULTY: Final = ("squat", "push-up", "biceps-curl", "front-raise", "jumping-jack")


def _fault(scene: Scene) -> Watched:
    movement = MOVEMENTS[scene.name]
    camera = replace(LANDMARKER, turned=movement.turned)
    fault = FAULTS_OF[scene.number]
    specs = [catalogue()[scene.name], movespec(scene.name, "public example")]
    if fault is _trembling:
        still = hold(movement.rest, seconds=10, camera=camera)
        return Watched(FAULTS, specs, fault(still), 0)
    frames = fault(repeat(scene.name, repetitions=REPETITIONS, camera=camera))
    return Watched(FAULTS, specs, frames, REPETITIONS)


def _chance() -> random.Random:
    return random.Random(1)  # noqa: S311


Pose = tuple[Landmark, ...]


def _posed(frames: Sequence[PoseFrame], pose: Callable[[int, Pose], Pose]) -> list[PoseFrame]:
    return [
        PoseFrame(frame.timestamp_ms, pose(number, tuple(frame.landmarks)))
        for number, frame in enumerate(frames)
    ]


def _elsewhere(frames: Sequence[PoseFrame]) -> list[PoseFrame]:
    """For six frames of each fifty any pose, of two frames each."""
    wrong = [
        repeat(name, repetitions=1, camera=replace(LANDMARKER, turned=45))[40] for name in FAULTY
    ]
    return _posed(
        frames,
        lambda number, pose: (
            tuple(wrong[number // 2 % len(wrong)].landmarks) if number % 50 < 6 else pose
        ),
    )


_OTHER_SIDE: Final = {"left": "right", "right": "left"}
_OTHER: Final = [
    INDEX["_".join(_OTHER_SIDE.get(part, part) for part in name.split("_"))]
    for name in LANDMARK_NAMES
]


def _swapped(frames: Sequence[PoseFrame]) -> list[PoseFrame]:
    """Left taken for right for five frames of each thirty."""
    return _posed(
        frames,
        lambda number, pose: tuple(pose[n] for n in _OTHER) if number % 30 < 5 else pose,
    )


def _outliers(frames: Sequence[PoseFrame]) -> list[PoseFrame]:
    """One landmark in ten off by some 40 cm."""
    chance = _chance()

    def off(_: int, pose: Pose) -> Pose:
        return tuple(
            mark._replace(x=mark.x + chance.gauss(0, 0.4), y=mark.y + chance.gauss(0, 0.4))
            if chance.random() < 0.1
            else mark
            for mark in pose
        )

    return _posed(frames, off)


def _hidden(frames: Sequence[PoseFrame]) -> list[PoseFrame]:
    """Each landmark hidden, and wrong, for a third of each second."""
    chance = _chance()

    def hide(number: int, pose: Pose) -> Pose:
        return tuple(
            mark._replace(x=mark.x + chance.gauss(0, 0.2), visibility=0.2)
            if (number + 10 * index) % 30 < 10
            else mark._replace(visibility=0.9)
            for index, mark in enumerate(pose)
        )

    return _posed(frames, hide)


def _absent(frames: Sequence[PoseFrame]) -> list[PoseFrame]:
    """Out of the picture for three seconds, as long as the movement goes on."""
    return [
        frame for frame in frames if not 3000 <= frame.timestamp_ms - frames[0].timestamp_ms < 6000
    ]


def _deep(frames: Sequence[PoseFrame]) -> list[PoseFrame]:
    """z off by some 15 cm."""
    chance = _chance()
    return _posed(
        frames, lambda _, pose: tuple(m._replace(z=m.z + chance.gauss(0, 0.15)) for m in pose)
    )


def _trembling(frames: Sequence[PoseFrame]) -> list[PoseFrame]:
    """Landmarks off by some 4 cm."""
    chance = _chance()
    return _posed(
        frames,
        lambda _, pose: tuple(
            m._replace(x=m.x + chance.gauss(0, 0.04), y=m.y + chance.gauss(0, 0.04)) for m in pose
        ),
    )


FAULTS_OF: Final = (_elsewhere, _swapped, _outliers, _hidden, _absent, _deep, _trembling)
_MEASURES: Final = (*JOINT_LANDMARKS, *SEGMENT_LANDMARKS)


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
        carries = replace(measure, minimum=low, maximum=round(chance.uniform(low + 5, 180)))
        others = tuple(criterion() for _ in range(chance.randint(0, 1)))
        phases.append(Phase(name, None, (carries, *others)))
    sequence = [chance.choice(names)]
    for _ in range(chance.randint(1, 3)):
        sequence.append(chance.choice([name for name in names if name != sequence[-1]]))
    return MoveSpec("random", "1", None, "random", tuple(phases), tuple(map(Step, sequence)), ())


def _random(scene: Scene) -> Watched:
    chance = random.Random(scene.number)  # noqa: S311
    exercise = chance.choice(list(MOVEMENTS))
    camera = replace(LANDMARKER, turned=chance.uniform(0, 90), seed=scene.number)
    frames = repeat(exercise, repetitions=2, camera=camera)
    frames += [
        PoseFrame(frame.timestamp_ms + frames[-1].timestamp_ms + 34, frame.landmarks)
        for frame in act("walking", seconds=4, camera=camera)
    ]
    return Watched(FLAPS, [random_movespec(chance) for _ in range(2)], frames)


def _hostile(scene: Scene) -> Watched:
    """Any finite numbers, at any pace."""
    chance = random.Random(scene.number)  # noqa: S311
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
    return Watched(FLAPS, [random_movespec(chance) for _ in range(2)], frames)


SCENES: Final[dict[str, Callable[[Scene], Watched]]] = {
    "recording": _recording,
    "camera": _camera,
    "act": _act,
    "film": _film,
    "still": _still,
    "figure": _figure,
    "fault": _fault,
    "random": _random,
    "hostile": _hostile,
}
