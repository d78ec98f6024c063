"""The paths of the angles that carry a movement: there and back is a repetition, more is not."""

from collections.abc import Sequence

import pytest
from engine_scene import movespec

from detection import DrivingPaths, MoveSpec

# Its bands are 50 degrees apart, so a path turns by 25.
SQUAT = movespec(sequence=("bottom", "standing"))


def followed(*angles: float, spec: MoveSpec = SQUAT) -> DrivingPaths:
    paths = DrivingPaths(spec)
    for angle in angles:
        assert paths.follow([(angle, angle)])
    return paths


def test_there_and_back_is_a_repetition() -> None:
    assert followed(170, 130, 90, 130, 170).complete() == (1600, 0, 1600)


@pytest.mark.parametrize(
    ("angles", "gone", "beyond"),
    [
        ((170, 90, 170, 90, 170), 3200, 1600),
        ((170, 90, 150, 90, 170), 2800, 1200),
        # It comes back by less than a path turns by.
        ((170, 90, 110, 90, 170), 1600, 0),
        ((170, 150, 170, 150, 170), 0, 0),
    ],
)
def test_what_goes_beyond_it_is_not_counted(
    angles: Sequence[float], gone: int, beyond: int
) -> None:
    assert followed(*angles).complete() == (gone, beyond, 2 * 10 * (170 - min(angles)))


def test_the_next_path_begins_where_the_last_one_was_completed() -> None:
    paths = followed(170, 90, 140)
    assert paths.complete() == (1300, 0, 1600)
    for angle in (170, 90, 140):
        paths.follow([(angle, angle)])
    assert paths.complete() == (1600, 0, 1600)


def test_a_repetition_that_goes_twice_takes_twice_the_way() -> None:
    twice = movespec(sequence=("standing", "bottom", "standing", "bottom", "standing"))
    assert followed(170, 90, 170, 90, 170, spec=twice).complete() == (3200, 0, 3200)


def test_an_angle_of_two_ends_is_their_mean_or_the_one_that_is_known() -> None:
    paths = DrivingPaths(SQUAT)
    assert paths.follow([(160, 170)])
    assert paths.follow([(90, None)])
    assert paths.follow([(None, 165)])
    assert not paths.follow([(None, None)])
    assert paths.complete() == (1500, 0, 1500)


@pytest.mark.parametrize("cut", range(6))
def test_it_goes_on_from_what_is_stored(cut: int) -> None:
    angles = (170, 90, 150, 90, 170)
    paths = followed(*angles[:cut])
    again = DrivingPaths(SQUAT, paths.state())
    for angle in angles[cut:]:
        again.follow([(angle, angle)])
    assert again.state() == followed(*angles).state()
    assert again.complete() == followed(*angles).complete()


def test_what_is_stored_of_another_movespec_is_passed_over() -> None:
    assert DrivingPaths(SQUAT, [[0] * 6] * 2).state() == DrivingPaths(SQUAT).state()
