"""Cross-validation: each person is counted with rules tuned on the other people.

First two settings of the engine are chosen for all exercises together, then each exercise's shape,
then each of its gates: see docs/accuracy.md.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import chain, product
from statistics import mean, stdev
from typing import Literal, NamedTuple, TypeVar

from detection import Criterion, EngineSettings, Measure, MoveSpec, Phase, Side, Step

from .engine_runs import SHIPPED, Recorded, Run, Times, Workers
from .samples import Sample

LOW, HIGH = "low", "high"


class Excursion(NamedTuple):
    """The range of a driving angle, from rest to the far end, in degrees."""

    measure: Measure
    rest: float
    far: float


# As a description of the exercise in words gives them, not as recordings do. The first alone drives
# it, or the last, or both.
EXCURSIONS: dict[str, tuple[Excursion, ...]] = {
    "bench-press": (Excursion("elbow", 170, 70),),
    "front-raise": (Excursion("shoulder", 15, 90), Excursion("upper_arm", 10, 90)),
    "jumping-jack": (Excursion("shoulder", 15, 155),),
    "lunge": (Excursion("knee", 170, 85),),
    "pull-up": (Excursion("elbow", 170, 50), Excursion("upper_arm", 165, 40)),
    "push-up": (Excursion("elbow", 170, 75),),
    "rope-pushdown": (Excursion("elbow", 70, 165),),
    "sit-up": (Excursion("hip", 130, 60),),
    "squat": (Excursion("knee", 170, 80), Excursion("hip", 170, 70)),
}


Angles = Literal["all", "first", "last"]
Gates = tuple[Criterion, ...]


class Shape(NamedTuple):
    """The part of a form that is the same for all exercises.

    The bands begin at these shares of the excursion, from its rest and from its far end. `ends` are
    the steps of the sequence: True for rest, False for the far end. `angles` says which of the
    exercise's angles drive the movement.
    """

    rest_share: float
    far_share: float
    side: Side | None
    ends: tuple[bool, ...]
    angles: Angles

    def spec(self, exercise: str, gates: Gates = ()) -> MoveSpec:
        excursions = EXCURSIONS[exercise]
        is_low_at_rest = excursions[0].rest < excursions[0].far
        if self.angles != "all":
            excursions = excursions[:1] if self.angles == "first" else excursions[-1:]
        low, high = [], []
        for measure, rest, far in excursions:
            at_rest = round(rest + self.rest_share * (far - rest))
            at_end = round(far + self.far_share * (rest - far))
            low.append(Criterion(measure, self.side, 0.0, min(at_rest, at_end)))
            high.append(Criterion(measure, self.side, max(at_rest, at_end), 180.0))
        phases = (Phase(LOW, None, (*low, *gates)), Phase(HIGH, None, (*high, *gates)))
        steps = tuple(Step(LOW if end is is_low_at_rest else HIGH) for end in self.ends)
        return MoveSpec("form", "1", None, "form", phases, steps, ())


# The plainest comes first, because the first of equals is chosen.
SIDES: tuple[Side | None, ...] = (None, "both")
ENDS = ((True, False, True), (False, True), (True, False))
ANGLES: tuple[Angles, ...] = ("all", "first", "last")
SHAPES = [Shape(*of) for of in product((0.25, 0.1, 0.4), (0.3, 0.15, 0.45), SIDES, ENDS, ANGLES)]
# The gates of the catalogue, and wider and narrower ones.
GATES: dict[str, Gates] = {
    "bench-press": (Criterion("thigh", None, 20, 180), Criterion("trunk", None, 30, 180)),
    "front-raise": (Criterion("trunk", None, 0, 30), Criterion("thigh", None, 0, 45)),
    "jumping-jack": (Criterion("trunk", None, 0, 45), Criterion("hip", None, 100, 180)),
    "lunge": (Criterion("trunk", None, 0, 60), Criterion("upper_arm", None, 0, 110)),
    "pull-up": (Criterion("forearm", None, 110, 180), Criterion("trunk", None, 0, 45)),
    "push-up": (Criterion("trunk", None, 30, 180), Criterion("hip", None, 100, 180)),
    "rope-pushdown": (Criterion("upper_arm", "both", 0, 50), Criterion("trunk", None, 0, 45)),
    "sit-up": (Criterion("thigh", None, 60, 180), Criterion("thigh", None, 80, 180)),
    "squat": (Criterion("trunk", None, 0, 60), Criterion("shank", None, 0, 40)),
}

# The settings to try for all exercises. The shipped ones come first, because the first of equals is
# chosen.
ALL_SETTINGS = [
    replace(SHIPPED, swing=replace(SHIPPED.swing, swing_share=share, recent_swings=recent))
    for share, recent in product((0.6, 0.5), (4, 2))
]
# A form gains 1 by a recording that it counts exactly, and 1/e by one that is off by this many
# repetitions. With few people, this tells a near miss from a far one.
ERROR_SCALE = 2.0


class Choice(NamedTuple):
    spec: MoveSpec
    settings: EngineSettings


Chosen = Mapping[str, Choice]
# The mean gain of each shape, by exercise.
Gains = Mapping[str, Mapping[Shape, float]]
Key = TypeVar("Key")


class Chooser:
    def __init__(self, workers: Workers, settings: Sequence[EngineSettings] = ALL_SETTINGS) -> None:
        self._workers = workers
        self._settings = settings
        self._samples = [one for one in workers.samples if one.exercise in EXCURSIONS]
        self._error = cache(self._count_error)
        self._mean_gain = cache(self._mean_gain_of_shapes)
        # All at once, so that the processes have enough to do.
        workers.count(
            Run(Recorded(one.name), spec, of)
            for of in settings
            for one in self._samples
            for spec in dict.fromkeys(shape.spec(one.exercise) for shape in SHAPES)
        )

    def by_person(self) -> dict[str, Times]:
        """Each recording, counted with rules tuned on all other people of its data set."""
        return self._left_out(
            lambda one: (one.dataset, one.person),
            lambda one, own: one.dataset == own.dataset and one.person != own.person,
        )

    def by_dataset(self) -> dict[str, Times]:
        """Each recording, counted with rules tuned on the other data set."""
        return self._left_out(lambda one: one.dataset, lambda one, own: one.dataset != own.dataset)

    def _left_out(
        self, group: Callable[[Sample], Key], is_other: Callable[[Sample, Sample], bool]
    ) -> dict[str, Times]:
        counted: dict[str, Times] = {}
        for samples in _grouped(self._samples, group).values():
            chosen = self.choose(one for one in self._samples if is_other(one, samples[0]))
            known = [one for one in samples if one.exercise in chosen]
            runs = (Run(Recorded(one.name), *chosen[one.exercise]) for one in known)
            names = (one.name for one in known)
            counted.update(zip(names, self._workers.count(runs), strict=True))
        return counted

    def choose(self, samples: Iterable[Sample]) -> Chosen:
        """The choice for each exercise that does best over `samples`, without the known bad ones.

        A shape is chosen on the exercise's own recordings and, between equals or without
        recordings, on those of the other exercises.
        """
        good = _grouped((one for one in samples if not one.is_bad), lambda one: one.exercise)
        if not good:
            return {}
        settings = self._best_settings(chain.from_iterable(good.values()))
        gains = {
            exercise: {
                shape: mean(self._gain(one, settings, shape) for one in own) for shape in SHAPES
            }
            for exercise, own in good.items()
        }
        chosen = {}
        for exercise in sorted({one.exercise for one in self._samples}):
            gates = self._free_gates(exercise, settings, good.get(exercise, []))
            chosen[exercise] = Choice(_best(exercise, gains).spec(exercise, gates), settings)
        return chosen

    def _best_settings(self, samples: Iterable[Sample]) -> EngineSettings:
        """The first settings that are no worse than the best by more than chance.

        They gain less by no more than the standard error of the difference, over people: the
        one-standard-error rule (L. Breiman, J. Friedman, R. Olshen and C. Stone, *Classification
        and Regression Trees*, 1984). A recording's gain is the mean of all shapes.
        """
        people = _grouped(samples, lambda one: one.person)
        gains = {
            of: [mean(self._mean_gain(one, of) for one in own) for own in people.values()]
            for of in self._settings
        }
        best = max(gains.values(), key=sum)
        return next(of for of, own in gains.items() if _is_as_good(own, best))

    def _mean_gain_of_shapes(self, one: Sample, settings: EngineSettings) -> float:
        return mean(self._gain(one, settings, shape) for shape in SHAPES)

    def _gain(self, one: Sample, settings: EngineSettings, shape: Shape) -> float:
        return math.exp(-self._error(one, settings, shape, ()) / ERROR_SCALE)

    def _free_gates(
        self, exercise: str, settings: EngineSettings, samples: Sequence[Sample]
    ) -> Gates:
        """The gates that cost nobody a count by any shape."""
        gates: Gates = ()
        for gate in GATES[exercise] if samples else ():
            more = (*gates, gate)
            specs = [shape.spec(exercise, more) for shape in SHAPES]
            self._workers.count(
                Run(Recorded(one.name), spec, settings) for spec in specs for one in samples
            )
            is_costly = any(
                self._error(one, settings, shape, more)
                > max(1, self._error(one, settings, shape, gates))
                for shape in SHAPES
                for one in samples
            )
            if not is_costly:
                gates = more
        return gates

    def _count_error(
        self, one: Sample, settings: EngineSettings, shape: Shape, gates: Gates
    ) -> int:
        run = Run(Recorded(one.name), shape.spec(one.exercise, gates), settings)
        [times] = self._workers.count([run])
        return abs(len(times) - one.count)


def _grouped(samples: Iterable[Sample], by: Callable[[Sample], Key]) -> dict[Key, list[Sample]]:
    found: dict[Key, list[Sample]] = {}
    for one in samples:
        found.setdefault(by(one), []).append(one)
    return found


def _best(exercise: str, gains: Gains) -> Shape:
    """The shape that gains most, and of equals the best for the other exercises."""
    own = gains.get(exercise, {})
    others = [of for name, of in gains.items() if name != exercise]
    return max(SHAPES, key=lambda shape: (own.get(shape, 0.0), sum(of[shape] for of in others)))


def _is_as_good(gains: Sequence[float], best: Sequence[float]) -> bool:
    less = [most - one for most, one in zip(best, gains, strict=True)]
    if len(less) == 1:
        return True  # what chance does is not known
    error = stdev(less) / math.sqrt(len(less))
    # Where they differ for one person alone the two are the same but for their last digit.
    return mean(less) <= error * (1 + 1e-9)
