"""Where the attempts of a recording are told, among the repetitions that a human marked."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from score_scene import make_recording, marked

from dev.bench.score.attempts import COUNTED, OUTSIDE, UNCOUNTED, Told, follow, places, tables
from dev.bench.score.engine_runs import Run, Workers, catalogue
from dev.bench.score.samples import load_samples


def test_an_attempt_is_within_a_counted_repetition_or_another_or_outside() -> None:
    sample = marked((0, 2_000), (3_000, 5_000), (6_000, 8_000))
    told = Told(completed=[2_100, 7_900], attempted=[1_000, 2_000, 4_000, 5_500])
    assert places(told, sample) == {COUNTED: 2, UNCOUNTED: 1, OUTSIDE: 1}


def test_one_at_the_bound_of_two_is_within_the_counted_one() -> None:
    sample = marked((0, 2_000), (2_000, 4_000))
    assert places(Told(completed=[4_100], attempted=[2_000]), sample) == {COUNTED: 1}


class Following(Workers):
    """Workers in whose recordings one is completed, and one is attempted a second later."""

    def each(self, function: Callable[[Any], Any], jobs: Sequence[Any]) -> list[Any]:
        assert function is follow
        return [Told(completed=[2_000], attempted=[3_000]) for _ in jobs]


def test_each_exercise_and_person_has_a_row_without_the_bad() -> None:
    first = marked((0, 2_000), (2_500, 4_000), name="a_stu1_1")
    second = marked((0, 2_000), name="a_stu2_1")
    bad = marked((0, 2_000), name="push_up_stu4_46_45")
    by_exercise, by_person = tables(Following([first, second, bad]))
    assert by_exercise.rows == [("squat", 2, 2, 0, 1, 1), ("all", 2, 2, 0, 1, 1)]
    assert by_person.rows == [
        ("stu1", 1, 1, 0, 1, 0),
        ("stu2", 1, 1, 0, 0, 1),
        ("all", 2, 2, 0, 1, 1),
    ]


def test_a_recording_is_followed_to_its_end(tmp_path: Path) -> None:
    make_recording(tmp_path, "a_stu1_1", performed=3)
    workers = Workers(load_samples(tmp_path))
    (told,) = workers.each(follow, [Run("a_stu1_1", catalogue()["squat"])])
    assert (len(told.completed), told.attempted) == (3, [])
