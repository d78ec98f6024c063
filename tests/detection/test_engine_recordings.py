"""The catalogue over recordings of people, where RECORDINGS_DIR has them."""

import os
from pathlib import Path

import pytest

from bench import score
from detection import EngineSettings
from poses.figure import perform
from poses.recordings import Recording, save
from poses.variants import CHANGES


def make_recording(folder: Path, name: str, *, performed: int, count: int | None) -> None:
    frames = perform("squat", repetitions=performed, fps=20, noise_m=0)
    recording = Recording(
        exercise="squat",
        count=count,
        rep_frames=[(20, 70)],
        fps=20.0,
        source="figure",
        frames=[tuple(frame.landmarks) for frame in frames],
    )
    save(folder / f"{name}.json.gz", recording)


def test_a_score_sets_the_counts_beside_the_human_s(tmp_path: Path) -> None:
    make_recording(tmp_path, "a", performed=3, count=3)
    make_recording(tmp_path, "b", performed=3, count=2)
    make_recording(tmp_path, "uncounted", performed=3, count=None)
    samples = score.load_samples(tmp_path)
    results = [score.count(score.catalogue_spec("squat"), sample) for sample in samples]
    assert [(r.sample.name, r.counted, r.in_span, r.error) for r in results] == [
        ("a", 3, 1, 0),
        ("b", 3, 1, 1),
    ]
    assert score.summary("as shipped", results)[-1].split() == ["squat", "2", "1", "2", "0.50"]


def test_each_recording_is_counted_in_all_its_variants_up_to_its_last_repetition(
    tmp_path: Path,
) -> None:
    make_recording(tmp_path, "a", performed=3, count=1)  # the first is in rep_frames
    (sample,) = score.load_samples(tmp_path)
    results = score.stressed([sample])
    assert len(results) == len(CHANGES)
    assert {result.sample.name for result in results} == {"a"}
    assert [result.counted for result in results] == [1] * len(CHANGES)


def test_cross_validation_counts_with_the_choices_of_the_others(tmp_path: Path) -> None:
    make_recording(tmp_path, "a", performed=1, count=1)
    (result,) = score.cross_validated(score.load_samples(tmp_path))
    assert result.counted == 1


def test_what_ships_is_among_the_choices_of_the_cross_validation() -> None:
    shipped = EngineSettings()
    for name, values in score.SETTINGS.items():
        assert getattr(shipped, name) == values[0]
    for exercise, choices in score.BOUNDS.items():
        spec = score.catalogue_spec(exercise)
        assert score.with_bounds(spec, choices[0]) == spec


@pytest.mark.skipif(
    "RECORDINGS_DIR" not in os.environ, reason="RECORDINGS_DIR names no folder of recordings"
)
def test_the_catalogue_counts_recordings_of_people() -> None:
    results = {
        exercise: [
            score.count(score.catalogue_spec(exercise), sample).error
            for sample in score.load_samples(Path(os.environ["RECORDINGS_DIR"]))
            if sample.exercise == exercise
        ]
        for exercise in score.BOUNDS
    }
    within_one = {name: sum(e <= 1 for e in errors) for name, errors in results.items()}
    exact = {name: sum(e == 0 for e in errors) for name, errors in results.items()}
    if {name: len(errors) for name, errors in results.items()} != {"push-up": 4, "squat": 6}:
        pytest.skip("the recordings in RECORDINGS_DIR are not those that the figures are of")
    assert (exact, within_one) == ({"push-up": 2, "squat": 5}, {"push-up": 2, "squat": 6})
