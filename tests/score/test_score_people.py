"""The people folder: how it is read and seen, and the figures made of it."""

import gzip
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from detection import PoseFrame
from dev.bench.score import angles, people
from dev.bench.score.engine_runs import Workers
from dev.bench.score.samples import Film, load_films
from dev.bench.score.tables import Cell
from dev.poses.figure import perform


def make_film(folder: Path, name: str, frames: Sequence[PoseFrame | None], **fields: Any) -> None:
    document = {
        "exercise": name.split("_")[1],
        "count": None,
        "fps": 20,
        "frames": [frame and [[*mark][:3] for mark in frame.landmarks] for frame in frames],
        **fields,
    }
    (folder / f"{name}.json.gz").write_bytes(gzip.compress(json.dumps(document).encode()))


def figure(exercise: str, repetitions: int, reach: float = 1.0) -> list[PoseFrame]:
    """As motion capture has it: filmed from ahead, with true depth."""
    return perform(exercise, repetitions=repetitions, fps=20, turned=90, noise_m=0, reach=reach)


def squats(folder: Path) -> list[Film]:
    for number, (right, reach) in enumerate([(True, 1.0), (False, 0.7)]):
        fields = {"count": 4, "person": "s01", "right": right}
        make_film(folder, f"uiprmd_squat_s01_{number}", figure("squat", 4, reach), **fields)
    return load_films(folder)


def test_a_film_says_who_did_it_and_how(tmp_path: Path) -> None:
    first, second = figure("squat", 1)[:2]
    labels = ["rest", "rest", "tree"]
    make_film(tmp_path, "yoga_tree_p1", [first, None, second], labels=labels)
    [film] = load_films(tmp_path)
    assert (film.name, film.exercise, film.person) == ("yoga_tree_p1", "tree", "yoga_tree_p1")
    assert (film.right, film.count, film.labels) == (None, None, ("rest", "tree"))
    assert [frame.timestamp_ms for frame in film.frames] == [0, 100]
    assert [(film.right, film.person) for film in squats(tmp_path)[:2]] == [
        *((True, "s01"), (False, "s01")),
    ]


def test_a_camera_elsewhere_sees_the_body_turned_with_half_the_depth(tmp_path: Path) -> None:
    film = squats(tmp_path)[0]
    side, again = film.filmed_from(90), film.filmed_from(90)
    assert side == again
    true = [mark for frame in film.frames for mark in frame.landmarks]
    seen = [mark for frame in side for mark in frame.landmarks]
    for axis, expected, noise in (
        ("x", [mark.z for mark in true], 0.005),
        ("y", [mark.y for mark in true], 0.005),
        ("z", [-mark.x / 2 for mark in true], 0.02),
    ):
        off = [getattr(mark, axis) - wanted for mark, wanted in zip(seen, expected, strict=True)]
        assert sum(off) / len(off) == pytest.approx(0, abs=noise / 10)
        deviation = math.sqrt(sum(one * one for one in off) / len(off))
        assert deviation == pytest.approx(noise, rel=0.1)


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        ([1.0, 1.0], [0.0], 1.0),
        ([0.0], [1.0, 1.0], 0.0),
        ([1.0, 0.0], [1.0, 0.0], 0.5),
        ([1.0, 0.5], [0.5], 0.75),
        ([1.0], [], None),
    ],
)
def test_the_area_under_the_curve_is_the_share_of_pairs_in_order(
    right: list[float], wrong: list[float], expected: float | None
) -> None:
    assert people.auc(right, wrong) == expected


def test_people_are_counted_by_view_and_by_form(tmp_path: Path) -> None:
    films = squats(tmp_path)
    made = people.tables(Workers([], films=films))
    goals = {row[0]: row[1] for row in made[0].rows}
    assert goals["squat: people ahead / 45° / side within one"] == "1, 1, 1 of 1"
    assert goals["lunge: people ahead / 45° / side within one"] == "0, 0, 0 of 0"
    assert str(goals["squat: AUC of form, ahead / 45° / side"]).endswith(", 1.00")


@pytest.mark.long
def test_what_another_act_counts_is_false(tmp_path: Path) -> None:
    make_film(tmp_path, "hdm05_kick_a", figure("squat", 3))
    [film] = load_films(tmp_path)
    table = people.other_acts(Workers([], films=[film]))
    [squat] = [row for row in table.rows if row[0] == "squat"]
    assert table.columns == ("MoveSpec", "kick", "all")
    assert squat[1] == squat[2] == pytest.approx(3 / film.minutes)


def test_a_still_plank_is_held_for_a_second(tmp_path: Path) -> None:
    frames = perform("plank", repetitions=1, fps=20, turned=0, noise_m=0)
    made = [frames[0], frames[len(frames) // 2]]
    make_film(tmp_path, "stills_plank", made, labels=["hips low", "correct"])
    workers = Workers([], films=load_films(tmp_path))
    assert (people.planks(workers, "correct"), people.planks(workers, "hips low")) == ([1], [0])


def test_a_bound_is_chosen_on_the_other_people() -> None:
    """The third is right where the others are wrong, so the bound of the others misjudges him."""
    judged = [
        people.Judged(person, right, value, True)
        for person, values in {"a": (80.0, 120.0), "b": (85.0, 115.0), "c": (140.0, 60.0)}.items()
        for right, value in zip((True, False), values, strict=True)
    ]
    assert people.left_out(judged)[4:] == [0, 1]
    assert people.left_out(judged[:4]) == [1, 0, 1, 0]
    flipped = [one._replace(right=not one.right) for one in judged[:4]]
    assert people.left_out(flipped) == [0, 1, 0, 1]


def test_an_angle_is_true_from_the_side_and_too_straight_from_ahead(
    tmp_path: Path,
) -> None:
    with Workers([], films=squats(tmp_path)) as workers:
        rows = {row[:2]: row[2:] for row in angles.tables(workers)[0].rows}
    ahead, _, side = rows["knee, least", "squat"]
    assert abs(mean(side)) <= 3
    assert mean(ahead) > 10
    assert rows["knee, least", "sit to stand"] == (None, None, None)


def mean(cell: Cell) -> int:
    return int(str(cell).partition(" ±")[0])
