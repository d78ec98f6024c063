"""Each part of the score over small recordings and the figure, and the command."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from score_scene import make_recording, marked

from dev.bench.score import (
    cards,
    cross_validation,
    negatives,
    other_authors,
    recordings,
    views,
)
from dev.bench.score.__main__ import main
from dev.bench.score.cross_validation import SHAPES
from dev.bench.score.engine_runs import Workers, catalogue, completed
from dev.bench.score.samples import load_samples
from dev.bench.score.tables import Table
from dev.bench.score.views import CONDITIONS, View
from dev.poses.figure import perform

THREE = [(20, 70), (70, 120), (120, 170)]


def rows(table: Table) -> dict[Any, dict[str, Any]]:
    return {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}


@pytest.fixture(autouse=True)
def _few_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each 27th, so that a choice takes no half minute."""
    monkeypatch.setattr(cross_validation, "SHAPES", SHAPES[::27])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two people, of whom one does more than was marked, and a recording known to be bad."""
    make_recording(tmp_path, "a_stu1_1", performed=3, rep_frames=THREE)
    make_recording(tmp_path, "a_stu2_1", performed=5, rep_frames=THREE)
    make_recording(tmp_path, "push_up_stu4_46_45", performed=8, rep_frames=THREE)
    return tmp_path


@pytest.fixture
def workers(folder: Path) -> Workers:
    return Workers(load_samples(folder))


@pytest.mark.long
def test_counts_are_set_beside_the_human_s(workers: Workers) -> None:
    shipped, _, _, _, missed = recordings.tables(workers)
    exercises = rows(shipped)
    assert list(exercises) == [
        *("RepCount-pose: squat", "RepCount-pose: all", "RepCount-pose: all, without the bad"),
    ]
    good = exercises["RepCount-pose: all, without the bad"]
    assert (good["recordings"], good["within 1"], good["exact"], good["MAE"]) == (2, 1, 1, 1.0)
    assert (good["precision"], good["recall"], good["F1"]) == (6 / 8, 1, 12 / 14)
    assert exercises["RepCount-pose: squat"]["recordings"] == 3
    assert list(rows(missed)) == ["a_stu2_1", "push_up_stu4_46_45"]


@pytest.mark.long
def test_repetitions_in_unmarked_stretches_are_of_the_exercise_or_of_others(folder: Path) -> None:
    make_recording(folder, "b", exercise="push_up", performed=5, rep_frames=THREE)
    table = rows(negatives.over_unmarked(Workers(load_samples(folder))))
    # Two people do two squats more than were marked: one of them is to do push-ups.
    squat = table["squat"]
    assert (squat["of its own exercise"], squat["of others"]) == (2, 2)


def test_a_stretch_is_unmarked_where_no_completion_can_belong() -> None:
    frames = perform("squat", repetitions=1, fps=10)[:50]
    sample = replace(marked((1000, 2000), (2500, 3000)), frames=frames)
    assert negatives.unmarked(sample) == [(0, 1000), (3300, 4500)]
    assert negatives.unmarked(replace(sample, repetitions=None)) == []


def test_a_gate_is_a_criterion_of_every_phase() -> None:
    spec = catalogue()["squat"]
    [gate] = negatives.gates_of(spec)
    assert (gate.measure, gate.maximum) == ("trunk", 60)
    without = negatives.without_gate(spec, gate)
    assert [len(phase.criteria) for phase in without.phases] == [2, 2]
    assert negatives.gates_of(without) == []


@pytest.mark.parametrize(
    ("seen", "where"),
    [
        ({75: 7, 90: 0}, "from 75° or more off the side, towards the front,"),
        ({15: 0, 45: 7}, "from 15° to 45° off the side"),
        ({0: 2}, "from within 0° of the side"),
    ],
)
def test_a_card_says_from_where_the_figure_is_not_counted_well(
    seen: dict[int, int], where: str
) -> None:
    well = dict.fromkeys(views.TURNS, 10)
    assert cards.blind_spot(well) is None
    assert cards.blind_spot(well | seen) == f"Filmed {where} it is not counted well."


def test_the_shoulders_show_the_view() -> None:
    for turned, view in ((0.0, "side"), (45.0, "oblique"), (90.0, "front")):
        frames = perform("squat", repetitions=1, fps=10, turned=turned)
        assert replace(marked((0, 1)), frames=frames).view == view


@pytest.mark.long
def test_other_exercises_are_negatives(folder: Path) -> None:
    make_recording(folder, "b", exercise="push_up", performed=3)
    table = rows(negatives.over_recordings(Workers(load_samples(folder))))
    minutes = (3 * 2.5 * 20 + 2 * 20 + 1) / 20 / 60
    assert table["squat"]["push-up"] == pytest.approx(3 / minutes)
    assert table["squat"]["squat"] is None
    assert table["squat"]["all"] == pytest.approx(3 / minutes)
    assert table["biceps-curl"]["all"] == 0


def test_other_authors_write_what_the_platform_takes() -> None:
    for exercise in other_authors.WRITTEN:
        for form in other_authors.FORMS:
            spec = other_authors.movespec(exercise, form)
            first = spec.phases[0].criteria[0]
            assert spec.movement_name == exercise
            assert 0 <= first.minimum < first.maximum <= 180
        example = other_authors.movespec(exercise, "public example")
        assert [len(phase.criteria) for phase in example.phases] == [1, 1]
        assert example.sequence == ("first", "second", "first")


@pytest.mark.parametrize(
    ("exercise", "turned", "count"),
    [("squat", 30, views.REPETITIONS), ("sit-to-stand", 30, views.REPETITIONS), ("plank", 0, 1)],
)
def test_the_figure_is_counted_as_it_is_seen(exercise: str, turned: int, count: int) -> None:
    frames = View(exercise, CONDITIONS[0], turned).frames()
    assert len(completed(catalogue()[exercise], frames)) == count


def test_the_command_prints_the_parts_asked_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RECORDINGS_DIR", str(folder))
    assert main(["--only", "attempts,variants", "--processes", "1"]) == 0
    variants, hidden, attempts = capsys.readouterr().out.split("\n\n")[::2]
    assert variants.startswith("Recordings in 17 variants each")
    assert hidden.startswith("Recordings within one as they are")
    assert attempts.startswith("Attempts by exercise")
