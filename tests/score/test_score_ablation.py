"""Rules of the engine switched off one at a time."""

from pathlib import Path
from typing import Any

import pytest
from score_scene import make_recording

from detection import ENGINE_BUILD, DetectionEvent
from dev.bench.score import ablation
from dev.bench.score.ablation import AS_SHIPPED, FAULTS, FIGURE, FLAPS, RECORDINGS, RULES, Scene
from dev.bench.score.engine_runs import SHIPPED, Workers, catalogue, completions
from dev.bench.score.samples import load_samples
from dev.poses.figure import perform

PYTHON = pytest.mark.skipif(
    ENGINE_BUILD.name == "compiled", reason="functions of a compiled engine can't be changed"
)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    names = (AS_SHIPPED, "stillness", "jumps", "barriers")
    monkeypatch.setattr(ablation, "RULES", {name: RULES[name] for name in names})


@pytest.mark.parametrize("name", [name for name in RULES if name != AS_SHIPPED])
def test_a_rule_is_switched_off_by_a_setting_or_by_a_function_that_there_is(name: str) -> None:
    off = RULES[name]
    if off.place is None:
        assert off.settings != SHIPPED
    else:
        assert getattr(off.place, off.name) is not off.instead


@PYTHON
def test_a_rule_is_on_again_after_it_was_off() -> None:
    frames = perform("squat", repetitions=2, fps=20)
    before = completions(catalogue()["squat"], frames)
    for off in RULES.values():
        with off.applied() as settings:
            completions(catalogue()["squat"], frames[:5], settings)
    assert completions(catalogue()["squat"], frames) == before


def test_each_kind_of_scene_has_specs_and_frames() -> None:
    kinds = {scene.kind for scene in ablation.scenes(Workers([]))}
    assert kinds == {"figure", "fault", "random", "hostile"}
    for kind, name in (("figure", "squat"), ("random", ""), ("hostile", "")):
        watched = ablation.SCENES[kind](Scene(kind, name))
        assert watched.specs
        assert watched.frames[0].timestamp_ms < watched.frames[-1].timestamp_ms
    for number in range(len(ablation.FAULTS_OF)):
        watched = ablation.SCENES["fault"](Scene("fault", "push-up", number))
        assert watched.column == FAULTS
        assert watched.truth in (0, ablation.REPETITIONS)


@PYTHON
def test_the_figure_is_counted_with_each_rule_off(few: None) -> None:
    found = ablation.ablate(Scene("figure", "squat"))
    assert {name: of[FIGURE] for name, of in found.items()} == {
        AS_SHIPPED: 0, "stillness": 0, "jumps": 0, "barriers": 0,
    }  # fmt: skip


@PYTHON
def test_what_a_rule_costs_is_told_as_a_change(
    few: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_recording(tmp_path, "a")
    samples = load_samples(tmp_path)
    monkeypatch.setattr(ablation, "scenes", lambda workers: [Scene("recording", "a")])
    [table] = ablation.tables(Workers(samples))
    first, *others = table.json()
    assert (first["rule"], first[RECORDINGS]) == (AS_SHIPPED, 1)
    assert [(row["rule"], row[RECORDINGS]) for row in others] == [
        *(("stillness", ""), ("jumps", ""), ("barriers", "")),
    ]


def test_a_phase_that_comes_back_at_once_flaps() -> None:
    def shapes(*events: tuple[str, float]) -> list[DetectionEvent]:
        payload: dict[str, Any] = {"shape_key": "a"}
        return [DetectionEvent(f"shape_{kind}", ms, payload) for kind, ms in events]

    assert ablation.flaps(shapes(("enter", 0), ("exit", 100), ("enter", 200))) == 1
    assert ablation.flaps(shapes(("enter", 0), ("exit", 100), ("enter", 400))) == 0


@PYTHON
def test_a_random_movespec_is_restored_to_the_same_events(few: None) -> None:
    found = ablation.ablate(Scene("random", "", 1))
    assert {of[ablation.RESTORES] for of in found.values()} == {0}
    assert FLAPS in found[AS_SHIPPED]
