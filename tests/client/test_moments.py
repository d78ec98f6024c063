"""What a client sends of what its camera shows, and when it tells that nobody is there."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.python.batches import Moment, batches_of, worth_telling
from detection import PoseFrame
from dev.poses.figure import perform

POSE = perform("squat", repetitions=1, fps=10)[0]


def moments_of(shown: str, ms: float = 500) -> list[Moment]:
    """A frame every `ms`: `x` is a pose, `.` is none."""
    return [
        POSE._replace(timestamp_ms=ms * number) if sign == "x" else ms * number
        for number, sign in enumerate(shown)
    ]


def signs(moments: Sequence[Moment]) -> list[float | str]:
    return [moment if isinstance(moment, int | float) else "x" for moment in moments]


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        ("", []),
        ("....", []),
        ("xxx", ["x", "x", "x"]),
        ("x...x", ["x", "x"]),  # for less than 2 s
        ("x....x", ["x", 2000, "x"]),
        ("x.........", ["x", 2000]),
        ("x.........x", ["x", 2000, "x"]),
        ("...x..", ["x", 2500]),  # the end, though not 2 s later
        ("xx....x....", ["x", "x", 2500, "x", 5000]),
    ],
)
def test_of_a_stretch_without_a_pose_the_time_that_loses_it_is_told(
    shown: str, told: list[float | str]
) -> None:
    assert signs(list(worth_telling(moments_of(shown)))) == told


@pytest.mark.parametrize(
    ("shown", "batches"),
    [
        ("", []),
        ("xxxxx", [(2, None), (2, None), (1, None)]),
        ("xxx....xx", [(2, None), (1, 3000), (2, None)]),
        ("xx....x", [(2, None), (0, 2500), (1, None)]),
        ("x.x.x", [(2, None), (1, None)]),
    ],
)
def test_a_batch_ends_where_there_is_a_time_to_tell(
    shown: str, batches: list[tuple[int, float | None]]
) -> None:
    found = [(len(poses), clock_ms) for poses, clock_ms in batches_of(moments_of(shown), 2)]
    assert found == batches


@given(st.text("x.", max_size=60), st.integers(1, 20))
def test_whatever_the_batches_the_same_is_told_in_the_same_order(shown: str, most: int) -> None:
    moments = moments_of(shown)
    told: list[PoseFrame | float] = []
    for poses, clock_ms in batches_of(moments, most):
        assert len(poses) <= most
        told += poses if clock_ms is None else [*poses, clock_ms]  # type: ignore[arg-type]
    assert told == list(worth_telling(moments))
