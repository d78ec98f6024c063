"""The figure's movements of the catalogue before every MoveSpec of it.

The figure's movements are written from descriptions of them, not from the MoveSpecs.
"""

from functools import cache

import pytest

from detection import PoseFrame
from dev.bench.score.engine_runs import catalogue, completed
from dev.poses.figure import MOVEMENTS

ARMS_RISE = "both arms rise to the shoulders, and nothing is asked of the rest"
ELBOWS_BEND = "the elbows bend and stretch, and nothing is asked of the rest"
KNEES_BEND = "hips and knees bend and stretch as far"
HIP_CLOSES = "the hip closes and opens with the knees bent"
SAME = "the same movement"
# What a MoveSpec counts of a movement that is not its own, and why.
KNOWN: dict[str, dict[str, str]] = {
    "alternating-lunges": {
        "lunge": SAME,
        **dict.fromkeys(("sit-to-stand", "sit-to-stand-30-s"), KNEES_BEND),
    },
    "bench-press": dict.fromkeys(("pull-up", "push-up"), ELBOWS_BEND),
    "biceps-curl": {"rope-pushdown": ELBOWS_BEND},
    "front-raise": dict.fromkeys(("jumping-jack", "lateral-raise"), ARMS_RISE),
    "jumping-jack": {"front-raise": ARMS_RISE},
    "lateral-raise": dict.fromkeys(("front-raise", "jumping-jack"), ARMS_RISE),
    "lunge": {
        "alternating-lunges": SAME,
        **dict.fromkeys(("sit-to-stand", "sit-to-stand-30-s"), KNEES_BEND),
    },
    "pull-up": {
        **dict.fromkeys(("front-raise", "jumping-jack"), ARMS_RISE),
        "rope-pushdown": ELBOWS_BEND,
    },
    "push-up": {"bench-press": ELBOWS_BEND},
    "rope-pushdown": {"biceps-curl": ELBOWS_BEND},
    "sit-to-stand": {
        "sit-to-stand-30-s": SAME,
        **dict.fromkeys(("alternating-lunges", "lunge", "squat"), KNEES_BEND),
        "sit-up": HIP_CLOSES,
    },
    "sit-to-stand-30-s": {
        "sit-to-stand": SAME,
        **dict.fromkeys(("alternating-lunges", "lunge", "squat"), KNEES_BEND),
        "sit-up": HIP_CLOSES,
    },
    "squat": {
        **dict.fromkeys(
            ("alternating-lunges", "lunge", "sit-to-stand", "sit-to-stand-30-s"), KNEES_BEND
        ),
        "front-raise": ARMS_RISE,
    },
}
HOLDS = [name for name, spec in catalogue().items() if spec.type == "hold"]


@cache
def film(movement: str) -> list[PoseFrame]:
    return MOVEMENTS[movement].film()


@pytest.mark.parametrize("movement", catalogue())
def test_a_movespec_counts_its_own_movement(movement: str) -> None:
    counted = completed(catalogue()[movement], film(movement))
    assert len(counted) == MOVEMENTS[movement].repetitions


@pytest.mark.parametrize("movement", catalogue())
def test_another_counts_one_of_six_at_most_but_where_it_is_known(movement: str) -> None:
    most = max(MOVEMENTS[movement].repetitions // 6, 1)
    others = [(name, spec) for name, spec in catalogue().items() if name != movement]
    counted = {name: len(completed(spec, film(movement))) for name, spec in others}
    known = KNOWN.get(movement, {})
    assert {
        name: count for name, count in counted.items() if (count > most) is not (name in known)
    } == {}


@pytest.mark.parametrize("movement", HOLDS)
def test_nothing_is_counted_while_the_figure_holds(movement: str) -> None:
    """Getting into a hold, and out of it, may be one of something else."""
    ends = [one.at for one in MOVEMENTS[movement].keyframes]
    begins_ms, ends_ms = ((MOVEMENTS[movement].rest_seconds + at) * 1000 for at in ends[1:3])
    others = [(name, spec) for name, spec in catalogue().items() if name != movement]
    counted = {name: completed(spec, film(movement)) for name, spec in others}
    assert {
        name: found
        for name, found in counted.items()
        if any(begins_ms + 500 < one.ts_ms < ends_ms for one in found)
    } == {}


def test_what_is_known_is_of_movements_that_there_are() -> None:
    assert set(KNOWN) <= set(MOVEMENTS)
    assert {name for of in KNOWN.values() for name in of} <= set(catalogue())
