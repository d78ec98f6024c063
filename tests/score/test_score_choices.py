"""The forms, and the cross-validation that chooses from them."""

from dataclasses import replace
from pathlib import Path

import pytest
from score_scene import make_recording

from bench.score import cross_validation
from bench.score.cross_validation import SETTINGS, Chooser, all_settings, gain
from bench.score.engine_runs import SHIPPED, Workers
from bench.score.forms import FAMILIES, GATES, HIGH, LOW, Carried, Form, plain_forms
from bench.score.samples import load_samples
from detection import Criterion

KNEE = Form((Carried("knee", None, 110, 150),), (LOW, HIGH))
SHALLOW = Form((Carried("knee", None, 120, 140),), (LOW, HIGH))
# The elbows of the figure do not bend in a squat.
ELBOW = Form((Carried("elbow", None, 70, 130),), (LOW, HIGH))
UPRIGHT = Criterion("trunk", None, 0, 60)
NOBODY = Criterion("trunk", None, 170, 180)


@pytest.fixture
def two_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    """The squat has two forms, of which the first counts nothing, and two gates."""
    monkeypatch.setattr(cross_validation, "plain_forms", lambda _: [ELBOW, KNEE])
    monkeypatch.setattr(cross_validation, "GATES", {"squat": (UPRIGHT, NOBODY), "lunge": ()})
    cross_validation._neighbours.cache_clear()
    yield
    cross_validation._neighbours.cache_clear()


def chooser(folder: Path) -> Chooser:
    return Chooser(Workers(load_samples(folder)), [SHIPPED])


def test_every_exercise_has_forms_and_gates() -> None:
    assert FAMILIES.keys() == GATES.keys()
    for exercise in FAMILIES:
        forms = plain_forms(exercise)
        assert len(set(forms)) == len(forms)
        assert all(form.gates == () for form in forms)


def test_every_setting_of_the_grid_is_combined_with_every_other() -> None:
    grid = all_settings()
    assert grid[0] == SHIPPED
    assert len(set(grid)) == len(grid) == 4
    assert {getattr(settings.swing, name) for name in SETTINGS for settings in grid} == {
        value for values in SETTINGS.values() for value in values
    }


def test_a_form_is_a_movespec_with_its_gates_in_both_phases() -> None:
    low, high = KNEE.with_gate(UPRIGHT).spec().phases
    assert low.criteria == (Criterion("knee", None, 0, 110), UPRIGHT)
    assert high.criteria == (Criterion("knee", None, 150, 180), UPRIGHT)
    assert KNEE.spec().sequence == ("low", "high")


def test_neighbours_differ_in_their_bands_and_by_little() -> None:
    assert KNEE.is_near(KNEE)
    assert KNEE.is_near(SHALLOW)
    assert not KNEE.is_near(ELBOW)
    assert not KNEE.is_near(replace(KNEE, sequence=(HIGH, LOW)))
    assert not KNEE.is_near(KNEE.with_gate(UPRIGHT))
    assert not KNEE.is_near(Form((Carried("hip", None, 110, 150),), (LOW, HIGH)))


def test_within_one_is_worth_more_than_exact() -> None:
    assert [gain(error) for error in (0, 1, -1, 2)] == [1.5, 1.0, 1.0, 0.0]


def test_the_form_that_counts_is_chosen_with_the_gate_that_costs_nobody(
    tmp_path: Path, two_forms: None
) -> None:
    make_recording(tmp_path, "a_stu1_1")
    choice = chooser(tmp_path).choose(load_samples(tmp_path))["squat"]
    assert choice.form == KNEE.with_gate(UPRIGHT)
    assert choice.settings == SHIPPED


def test_what_is_known_to_be_bad_chooses_nothing(tmp_path: Path) -> None:
    make_recording(tmp_path, "push_up_stu4_46_45")
    assert chooser(tmp_path).choose(load_samples(tmp_path)) == {}


def test_a_person_is_counted_by_what_is_chosen_on_others_of_the_set(
    tmp_path: Path, two_forms: None
) -> None:
    for name in ("a_stu1_1", "a_stu1_2", "a_stu2_1"):
        make_recording(tmp_path, name)
    make_recording(tmp_path, "b", source="Countix-Fitness test b")
    counted = chooser(tmp_path).by_person()
    # Of the other set there is nobody else to choose on.
    assert {name: len(times) for name, times in counted.items()} == {
        "a_stu1_1": 3,
        "a_stu1_2": 3,
        "a_stu2_1": 3,
    }


def test_a_set_is_counted_by_what_is_chosen_on_the_other(tmp_path: Path, two_forms: None) -> None:
    make_recording(tmp_path, "a")
    make_recording(tmp_path, "b", source="Countix-Fitness test b")
    make_recording(tmp_path, "c", exercise="lunge", source="Countix-Fitness test c")
    counted = chooser(tmp_path).by_dataset()
    assert {name: len(times) for name, times in counted.items()} == {"a": 3, "b": 3}
