"""The forms, and the cross-validation that chooses from them."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from score_scene import make_recording, marked

from detection import Criterion, MoveSpec
from dev.bench.score import cross_validation
from dev.bench.score.cross_validation import EXCURSIONS, Chooser, Chosen, Excursion, Shape
from dev.bench.score.engine_runs import SHIPPED, Run, Times, Workers
from dev.bench.score.samples import Sample, load_samples

# The elbows of the figure do not bend in a squat.
ELBOW_AND_KNEE = (Excursion("elbow", 170, 70), Excursion("knee", 170, 90))
BY_ELBOW = Shape(0.25, 0.25, None, (False, True), "first")
BY_KNEE = Shape(0.25, 0.25, None, (False, True), "last")
UPRIGHT = Criterion("trunk", None, 0, 60)
NOBODY = Criterion("trunk", None, 170, 180)


@pytest.fixture
def two_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The squat has two shapes, of which the first counts nothing, and two gates."""
    monkeypatch.setattr(cross_validation, "SHAPES", [BY_ELBOW, BY_KNEE])
    monkeypatch.setitem(EXCURSIONS, "squat", ELBOW_AND_KNEE)
    monkeypatch.setattr(cross_validation, "GATES", {"squat": (UPRIGHT, NOBODY), "lunge": ()})


def chooser(folder: Path) -> Chooser:
    return Chooser(Workers(load_samples(folder)), [SHIPPED])


def test_the_form_that_counts_is_chosen_with_the_gate_that_costs_nobody(
    tmp_path: Path, two_shapes: None
) -> None:
    make_recording(tmp_path, "a_stu1_1")
    make_recording(tmp_path, "a_stu2_1")
    choice = chooser(tmp_path).choose(load_samples(tmp_path))["squat"]
    assert choice.spec == BY_KNEE.spec("squat", (UPRIGHT,))
    assert choice.settings == SHIPPED


class Counting(Workers):
    """Counts as it is given, by recording, angle and whether there is a gate."""

    def __init__(self, samples: list[Sample], **counts: Callable[[str, bool], int]) -> None:
        super().__init__(samples)
        self._given = counts

    def count(self, runs: Iterable[Run]) -> list[Times]:
        counted = []
        for run in runs:
            driving, *gates = run.spec.phases[0].criteria
            counted.append((0.0,) * self._given[driving.measure](run.source.name, bool(gates)))
        return counted


def spec_of(workers: Workers) -> MoveSpec:
    return Chooser(workers, [SHIPPED]).choose(workers.samples)["squat"].spec


def test_a_shape_sets_bands_and_sequence(two_shapes: None) -> None:
    spec = BY_KNEE.spec("squat", (UPRIGHT,))
    assert [phase.criteria for phase in spec.phases] == [
        (Criterion("knee", None, 0.0, 110), UPRIGHT),
        (Criterion("knee", None, 150, 180.0), UPRIGHT),
    ]
    assert spec.sequence == ("low", "high")


def test_a_gate_that_costs_somebody_by_any_shape_is_not_taken(two_shapes: None) -> None:
    """By the knee, which is chosen, it costs nobody; by the elbow it costs one."""
    people = ("a_stu1_1", "a_stu2_1", "a_stu3_1")
    given = {
        "elbow": lambda name, gated: 0 if gated or name != "a_stu3_1" else 3,
        "knee": lambda name, gated: 3,
    }
    samples = [marked(name=name, count=3) for name in people]
    assert spec_of(Counting(samples, **given)) == BY_KNEE.spec("squat")
    given["elbow"] = lambda name, gated: 0
    assert spec_of(Counting(samples, **given)) == BY_KNEE.spec("squat", (UPRIGHT, NOBODY))


@pytest.mark.parametrize(
    ("counts", "is_taken"),
    [
        # Those of the others are right.
        ([0, 0, 0, 0], True),
        # Of four people one is counted better by the others: that may be chance.
        ([3, 3, 3, 0], False),
        ([3, 3, 3, 3], False),
    ],
)
def test_settings_are_taken_where_they_gain_more_than_by_chance(
    two_shapes: None, counts: list[int], is_taken: bool
) -> None:
    others = replace(SHIPPED, swing=replace(SHIPPED.swing, swing_share=0.5))
    shipped = {f"a_stu{number}_1": count for number, count in enumerate(counts)}

    class ByShipped(Workers):
        def count(self, runs: Iterable[Run]) -> list[Times]:
            return [
                (0.0,) * (shipped[run.source.name] if run.settings == SHIPPED else 3)
                for run in runs
            ]

    workers = ByShipped([marked(name=name, count=3) for name in shipped])
    choice = Chooser(workers, [SHIPPED, others]).choose(workers.samples)["squat"]
    assert choice.settings == (others if is_taken else SHIPPED)


def test_an_exercise_without_recordings_has_the_others_shape_and_no_gate(
    tmp_path: Path, two_shapes: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_recording(tmp_path, "a")
    make_recording(tmp_path, "b", exercise="lunge")
    monkeypatch.setitem(EXCURSIONS, "lunge", ELBOW_AND_KNEE)
    monkeypatch.setattr(cross_validation, "GATES", {"squat": (), "lunge": (UPRIGHT,)})
    samples = load_samples(tmp_path)
    chosen = chooser(tmp_path).choose([one for one in samples if one.name == "a"])
    assert chosen["lunge"].spec == BY_KNEE.spec("lunge")


def test_what_is_known_to_be_bad_chooses_nothing(two_shapes: None, tmp_path: Path) -> None:
    make_recording(tmp_path, "push_up_stu4_46_45")
    assert chooser(tmp_path).choose(load_samples(tmp_path)) == {}


@pytest.fixture
def chosen_on(monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """The recordings that each choice is made on. Nothing is chosen."""
    asked = []

    def choose(self: Chooser, samples: Iterable[Sample]) -> Chosen:
        asked.append({one.name for one in samples})
        return {}

    monkeypatch.setattr(Chooser, "choose", choose)
    return asked


NAMES = ("a_stu1_1", "a_stu1_2", "a_stu2_1", "b", "c")


@pytest.fixture
def two_sets(tmp_path: Path) -> Chooser:
    for name in NAMES[:3]:
        make_recording(tmp_path, name)
    for name in NAMES[3:]:
        make_recording(tmp_path, name, source=f"Countix-Fitness test {name}")
    return chooser(tmp_path)


def test_a_person_is_counted_by_what_is_chosen_on_others_of_the_set(
    two_shapes: None, two_sets: Chooser, chosen_on: list[set[str]]
) -> None:
    assert two_sets.by_person() == {}
    assert chosen_on == [{"a_stu2_1"}, {"a_stu1_1", "a_stu1_2"}, {"c"}, {"b"}]


def test_a_set_is_counted_by_what_is_chosen_on_the_other(
    two_shapes: None, two_sets: Chooser, chosen_on: list[set[str]]
) -> None:
    assert two_sets.by_dataset() == {}
    assert chosen_on == [{*NAMES[3:]}, {*NAMES[:3]}]
