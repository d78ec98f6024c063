"""The plain forms from which a MoveSpec of an exercise is chosen: a shape, which is the same for
all exercises, over the exercise's own angles, and gates that both phases ask for."""

from dataclasses import dataclass, replace
from itertools import product
from typing import Literal, NamedTuple

from detection import Criterion, Measure, MoveSpec, Phase, Side, Step

LOW, HIGH = "low", "high"


@dataclass(frozen=True, slots=True)
class Carried:
    """An angle that carries the movement: low at `low_max` degrees and less, high at `high_min`."""

    measure: Measure
    side: Side | None
    low_max: float
    high_min: float


@dataclass(frozen=True, slots=True)
class Form:
    carried: tuple[Carried, ...]
    sequence: tuple[str, ...]
    gates: tuple[Criterion, ...] = ()

    def spec(self) -> MoveSpec:
        low = tuple(Criterion(one.measure, one.side, 0.0, one.low_max) for one in self.carried)
        high = tuple(Criterion(one.measure, one.side, one.high_min, 180.0) for one in self.carried)
        phases = (Phase(LOW, None, low + self.gates), Phase(HIGH, None, high + self.gates))
        return MoveSpec("form", "1", None, "form", phases, tuple(map(Step, self.sequence)), ())

    def with_gate(self, gate: Criterion) -> "Form":
        return replace(self, gates=(*self.gates, gate))


class Way(NamedTuple):
    """The way of an angle that carries the movement, from rest to the far end, in degrees."""

    measure: Measure
    rest: float
    far: float


# The ways of each exercise, as its description in words gives them, and not as recordings do. The
# first alone carries it, or the last, or both.
WAYS: dict[str, tuple[Way, ...]] = {
    "bench-press": (Way("elbow", 170, 70),),
    "front-raise": (Way("shoulder", 15, 90), Way("upper_arm", 10, 90)),
    "jumping-jack": (Way("shoulder", 15, 155),),
    "lunge": (Way("knee", 170, 85),),
    "pull-up": (Way("elbow", 170, 50), Way("upper_arm", 165, 40)),
    "push-up": (Way("elbow", 170, 75),),
    "rope-pushdown": (Way("elbow", 70, 165),),
    "sit-up": (Way("hip", 130, 60),),
    "squat": (Way("knee", 170, 80), Way("hip", 170, 70)),
}


Angles = Literal["all", "first", "last"]


class Shape(NamedTuple):
    """What a form of any exercise is made by.

    The bands begin at these shares of the way, from its rest and from its far end. `ends` are the
    steps of the sequence: True for rest, False for the far end. `angles` says which of the
    exercise's ways carry the movement.
    """

    rest_share: float
    far_share: float
    side: Side | None
    ends: tuple[bool, ...]
    angles: Angles

    def form(self, exercise: str) -> Form:
        ways = WAYS[exercise]
        is_low_at_rest = ways[0].rest < ways[0].far
        if self.angles != "all":
            ways = ways[:1] if self.angles == "first" else ways[-1:]
        carried = []
        for measure, rest, far in ways:
            bounds = (
                round(rest + self.rest_share * (far - rest)),
                round(far + self.far_share * (rest - far)),
            )
            carried.append(Carried(measure, self.side, min(bounds), max(bounds)))
        sequence = tuple(LOW if end is is_low_at_rest else HIGH for end in self.ends)
        return Form(tuple(carried), sequence)


# What is plainest comes first, so that of equals it is taken.
SIDES: tuple[Side | None, ...] = (None, "both")
ENDS = ((True, False, True), (False, True), (True, False))
ANGLES: tuple[Angles, ...] = ("all", "first", "last")
SHAPES = [
    Shape(rest_share, far_share, side, ends, angles)
    for rest_share, far_share in product((0.25, 0.1, 0.4), (0.3, 0.15, 0.45))
    for side, ends, angles in product(SIDES, ENDS, ANGLES)
]
# The gates of the catalogue, and wider and narrower ones.
GATES: dict[str, tuple[Criterion, ...]] = {
    "bench-press": (Criterion("thigh", None, 20, 180), Criterion("trunk", None, 30, 180)),
    "front-raise": (Criterion("trunk", None, 0, 30), Criterion("thigh", None, 0, 45)),
    "jumping-jack": (Criterion("trunk", None, 0, 45), Criterion("hip", None, 100, 180)),
    "lunge": (Criterion("trunk", None, 0, 60), Criterion("upper_arm", None, 0, 110)),
    "pull-up": (Criterion("forearm", None, 110, 180), Criterion("trunk", None, 0, 45)),
    "push-up": (Criterion("trunk", None, 30, 180), Criterion("hip", None, 100, 180)),
    "rope-pushdown": (
        Criterion("upper_arm", "both", 0, 50),
        Criterion("trunk", None, 0, 45),
    ),
    "sit-up": (Criterion("thigh", None, 60, 180), Criterion("thigh", None, 80, 180)),
    "squat": (Criterion("trunk", None, 0, 60), Criterion("shank", None, 0, 40)),
}
