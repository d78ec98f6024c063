"""The plain forms from which a MoveSpec of the catalogue is chosen: one or two angles that carry
the movement, two bands of each, a sequence, and gates that both phases ask for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from detection import Criterion, Measure, MoveSpec, Phase, Side, Step

LOW, HIGH = "low", "high"
SEQUENCES = ((LOW, HIGH), (HIGH, LOW), (HIGH, LOW, HIGH))
# The bands of two forms that are neighbours differ by so many degrees at most.
NEAR_DEGREES = 20.0


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

    def is_near(self, other: "Form") -> bool:
        """Whether the two differ in their bands alone, and by little."""
        return (
            (self.sequence, self.gates) == (other.sequence, other.gates)
            and len(self.carried) == len(other.carried)
            and all(
                (one.measure, one.side) == (two.measure, two.side)
                and abs(one.low_max - two.low_max) <= NEAR_DEGREES
                and abs(one.high_min - two.high_min) <= NEAR_DEGREES
                for one, two in zip(self.carried, other.carried, strict=True)
            )
        )

    def with_gate(self, gate: Criterion) -> "Form":
        return replace(self, gates=(*self.gates, gate))


# For each exercise the angles that may carry it, alone or two together.
FAMILIES: dict[str, tuple[tuple[tuple[Measure, Side | None], ...], ...]] = {
    "bench-press": ((("elbow", None),), (("elbow", "both"),)),
    "front-raise": (
        (("shoulder", None),),
        (("upper_arm", "both"),),
        (("shoulder", "both"), ("upper_arm", "both")),
    ),
    "jumping-jack": ((("shoulder", None),), (("shoulder", "both"),)),
    "lunge": ((("knee", None),), (("knee", None), ("hip", None))),
    "pull-up": ((("elbow", None),), (("elbow", None), ("upper_arm", None))),
    "push-up": ((("elbow", None),), (("upper_arm", None),)),
    "rope-pushdown": ((("elbow", None),), (("elbow", "both"),)),
    "sit-up": ((("hip", None),), (("trunk", None),)),
    "squat": ((("knee", None),), (("hip", None),), (("knee", None), ("hip", None))),
}
# Low and high bands of each angle.
BANDS: dict[Measure, tuple[tuple[float, float], ...]] = {
    "elbow": ((70, 130), (70, 150), (90, 150), (110, 140)),
    "hip": ((90, 130), (100, 120), (110, 150)),
    "knee": ((85, 150), (100, 160), (110, 150), (120, 140)),
    "shoulder": ((30, 70), (35, 80), (40, 120)),
    "trunk": ((40, 60), (50, 70)),
    "upper_arm": ((40, 70), (40, 90), (70, 120)),
}
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


def plain_forms(exercise: str) -> list[Form]:
    """The forms of an exercise without a gate."""
    return [
        Form(carried, sequence)
        for family in FAMILIES[exercise]
        for carried in _carried(family)
        for sequence in SEQUENCES
    ]


def _carried(
    family: Sequence[tuple[Measure, Side | None]],
) -> Iterator[tuple[Carried, ...]]:
    for bands in product(*(BANDS[measure] for measure, _ in family)):
        yield tuple(
            Carried(measure, side, low, high)
            for (measure, side), (low, high) in zip(family, bands, strict=True)
        )
