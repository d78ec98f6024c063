"""Cross-validation, and the grid from which it chooses."""

from dataclasses import replace
from pathlib import Path

from score_scene import make_recording, marked

from bench.score.cross_validation import Choice, choose, cost, cross_validated
from bench.score.engine_runs import SHIPPED, Workers, catalogue
from bench.score.grid import SETTINGS, all_settings, choices, with_other_bounds
from bench.score.samples import load_samples

SLOW = replace(SHIPPED, smoothing=replace(SHIPPED.smoothing, smoothing_ms=400.0))
SQUAT, LUNGE = catalogue()["squat"], catalogue()["lunge"]


def test_what_ships_is_the_first_choice_of_every_exercise() -> None:
    firsts: dict[str, Choice] = {}
    for choice in choices():
        firsts.setdefault(choice.exercise, choice)
    assert {name: choice.spec for name, choice in firsts.items()} == catalogue()
    assert {choice.settings for choice in firsts.values()} == {SHIPPED}


def test_every_setting_of_the_grid_is_combined_with_every_other() -> None:
    grid = list(all_settings())
    assert len(set(grid)) == len(grid)
    assert {getattr(settings.swing, name) for name in SETTINGS for settings in grid} == {
        value for values in SETTINGS.values() for value in values
    }


def test_bounds_that_face_each_other_are_moved_and_no_others() -> None:
    specs = list(with_other_bounds(SQUAT))
    assert specs[0] == SQUAT
    assert {
        (bottom.criteria[0].angle_max, standing.criteria[0].angle_min)
        for standing, bottom in (spec.phases for spec in specs)
    } == {(down, up) for down in (100, 110, 120) for up in (140, 150, 160)}
    for spec in specs:
        assert spec.phases[1].criteria[1] == SQUAT.phases[1].criteria[1]
        assert spec.phases[0].criteria[0].angle_max == 180


def test_phases_that_the_first_criterion_does_not_tell_apart_keep_their_bounds() -> None:
    standing, lowered = LUNGE.phases
    apart = replace(lowered, criteria=(replace(lowered.criteria[0], measure="hip"),))
    spec = replace(LUNGE, phases=(standing, apart))
    assert list(with_other_bounds(spec)) == [spec]


def test_a_choice_is_made_without_the_person_left_out() -> None:
    good, bad = Choice("squat", SHIPPED, SQUAT), Choice("squat", SLOW, SQUAT)
    costs = {
        good: [("stu1", (1.0, 1.0, 1.0)), ("stu2", (0.0, 0.0, 0.0))],
        bad: [("stu1", (0.0, 0.0, 0.0)), ("stu2", (0.0, 1.0, 1.0))],
    }
    assert choose(costs, "stu1") == {"squat": good}
    assert choose(costs, "stu2") == {"squat": bad}


def test_settings_are_chosen_for_all_exercises_and_bounds_for_each() -> None:
    one, other = (
        {name: Choice(name, settings, spec) for name, spec in catalogue().items()}
        for settings in (SHIPPED, SLOW)
    )
    costs = {
        one["squat"]: [("a", (1.0, 0.0, 0.0))],
        one["lunge"]: [("b", (0.0, 0.0, 0.0))],
        other["squat"]: [("a", (0.0, 1.0, 0.0))],
        other["lunge"]: [("b", (0.0, 1.0, 0.0))],
    }
    assert choose(costs, "nobody") == {"squat": other["squat"], "lunge": other["lunge"]}


def test_of_equals_the_first_is_taken() -> None:
    first, second = Choice("squat", SHIPPED, SQUAT), Choice("squat", SLOW, SQUAT)
    assert choose({first: [("a", (0.0, 0.0, 0.0))], second: []}, "nobody") == {"squat": first}


def test_wrong_and_missed_repetitions_cost_even_where_the_count_is_right() -> None:
    sample = marked((0, 1000), (1000, 2000))
    assert cost((1000, 2000), sample) == (0, 0, 0)
    assert cost((1000, 9000), sample) == (0, 0, 1)
    assert cost((), sample) == (1, 1, 1)


def test_everybody_is_counted_by_the_choice_of_the_others(tmp_path: Path) -> None:
    for name in ("a_stu1_1", "a_stu1_2", "a_stu2_1"):
        make_recording(tmp_path, name)
    samples = load_samples(tmp_path)
    deep = next(spec for spec in with_other_bounds(LUNGE) if spec != LUNGE)
    given = [Choice("squat", SHIPPED, deep), Choice("squat", SHIPPED, SQUAT)]
    validated = cross_validated(samples, given, Workers(samples))
    assert {name: len(completed) for name, completed in validated.items()} == {
        "a_stu1_1": 3,
        "a_stu1_2": 3,
        "a_stu2_1": 3,
    }
