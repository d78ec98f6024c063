"""How the lean of a segment is measured: from its lower end up, against the vertical."""

import math

import pytest
from engine_scene import bent, held, hidden, movespec

from detection import SEGMENT_LANDMARKS, Engine, Landmark
from detection.landmarks import INDEX

Place = tuple[float, float, float]


def lean_of(segment: str, places: dict[str, Place], side: str | None = "left") -> float:
    """The angle that the engine tells, in degrees."""
    points = {INDEX[name]: place for name, place in places.items()}
    pose = tuple(Landmark(*points.get(index, (0.0, 0.0, 0.0))) for index in range(33))
    of_side = "" if side is None else f"side: {side}, "
    spec = movespec(
        {
            "one": [f"{{lean: {segment}, {of_side}angle_min: 90}}"],
            "two": [f"{{lean: {segment}, {of_side}angle_max: 80}}"],
        },
        ["one", "two"],
    )
    engine = Engine(spec)
    for frame in held((pose, 300)):
        engine.feed(frame)
    ((_, degrees),) = engine.angles().items()
    return degrees


def leaning(degrees: float, *, lower: Place = (0.1, 0.5, 0.2)) -> tuple[Place, Place]:
    radians = math.radians(degrees)
    x, y, z = lower
    return lower, (x + 0.4 * math.sin(radians), y - 0.4 * math.cos(radians), z)


@pytest.mark.parametrize("segment", [name for name in SEGMENT_LANDMARKS if name != "trunk"])
@pytest.mark.parametrize("degrees", [0.0, 30.0, -30.0, 90.0, 135.0, 180.0])
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_lean_is_the_angle_from_the_lower_end_up_against_the_vertical(
    segment: str, degrees: float, side: str
) -> None:
    ends = (f"{side}_{end}" for end in SEGMENT_LANDMARKS[segment])
    places = dict(zip(ends, leaning(degrees), strict=True))
    assert lean_of(segment, places, side) == pytest.approx(abs(degrees), abs=0.01)


def trunk(hips: Place, shoulders: Place, *, across: float = 0.2) -> dict[str, Place]:
    return {
        f"{side}_{name}": (x + sign * across, y, z)
        for name, (x, y, z) in (("hip", hips), ("shoulder", shoulders))
        for side, sign in (("left", 1), ("right", -1))
    }


@pytest.mark.parametrize("degrees", [0.0, 20.0, 90.0, 150.0])
def test_the_lean_of_the_trunk_is_that_of_its_middle(degrees: float) -> None:
    hips, shoulders = leaning(degrees)
    places = trunk(hips, shoulders)
    # One shoulder up and the other down: the middle stays where it was.
    x, y, z = places["left_shoulder"]
    places["left_shoulder"] = (x, y + 0.1, z)
    x, y, z = places["right_shoulder"]
    places["right_shoulder"] = (x, y - 0.1, z)
    assert lean_of("trunk", places, None) == pytest.approx(degrees, abs=0.01)


UPRIGHT = {"upright": ["{lean: trunk, angle_max: 30}"], "level": ["{lean: trunk, angle_min: 60}"]}


def trunk_of(*names: str) -> dict[tuple[str, str], float]:
    """Of somebody upright whose landmarks named are hidden, and seem to be elsewhere."""
    engine = Engine(movespec(UPRIGHT, ["upright", "level"]))
    for frame in held((hidden(bent(178), *names), 500)):
        engine.feed(frame)
    return dict(engine.angles())


def test_a_trunk_of_which_one_side_is_hidden_is_that_of_the_other() -> None:
    (both,) = trunk_of().values()
    (right,) = trunk_of("left_hip").values()
    assert both == pytest.approx(0, abs=5)
    assert right == pytest.approx(both, abs=5)
    assert trunk_of("left_hip", "right_shoulder") == {}
