"""What a completion tells: its number, its times, and how far each measure went."""

import pytest
from engine_scene import SQUAT, at, bent, held, hidden, movespec, of_type, run, swinging, written

from detection import Engine

TURNS = [175, 80, 175, 90, 175]


def completions(events):
    return of_type(events, "event_completed")


@pytest.mark.parametrize("sequence", ["[standing, bottom, standing]", "[bottom, standing]"])
def test_it_has_the_duration_from_where_the_rest_is_left(sequence: str) -> None:
    frames = held((bent(175), 2_000), (bent(80), 900), (bent(175), 500))
    spec = written(SQUAT.replace("[standing, bottom, standing]", sequence))
    (completion,) = completions(run(spec, frames))
    metrics = completion["metrics"]
    assert metrics["duration_ms"] == pytest.approx(900, abs=100)
    assert [step["phase"] for step in metrics["steps"]] == ["bottom", "standing"]
    assert sum(step["ms"] for step in metrics["steps"]) == metrics["duration_ms"]


def test_it_has_the_least_and_the_most_of_each_measure_since_the_last() -> None:
    first, second = completions(run(written(SQUAT), at(swinging(TURNS, stay_ms=500))))
    for completion, depth in ((first, 80), (second, 90)):
        assert list(completion["metrics"]["measures"]) == ["joint.knee"]
        knee = completion["metrics"]["measures"]["joint.knee"]
        assert knee["least"] == pytest.approx(depth, abs=1)
        assert knee["most"] == pytest.approx(175, abs=1)


def test_a_side_has_measures_of_its_own() -> None:
    phases = {
        "standing": ["{joint: knee, side: both, angle_min: 150}"],
        "bottom": ["{joint: knee, side: both, angle_max: 100}"],
    }
    frames = held((bent(175), 500), (bent(80, 90), 700), (bent(175), 500))
    (completion,) = completions(run(movespec(phases), frames))
    measures = completion["metrics"]["measures"]
    assert measures["joint.knee.left"]["least"] == pytest.approx(80, abs=1)
    assert measures["joint.knee.right"]["least"] == pytest.approx(90, abs=1)


def test_a_measure_that_was_never_seen_has_neither() -> None:
    phases = {
        "standing": ["{joint: knee, angle_min: 150}"],
        "bottom": ["{joint: knee, angle_max: 100}"],
        "unused": ["{joint: wrist, angle_max: 100}"],
    }
    hands = ("left_index", "right_index")
    frames = held(
        *((hidden(bent(angle), *hands), ms) for angle, ms in ((175, 500), (80, 500), (175, 500)))
    )
    (completion,) = completions(run(movespec(phases), frames))
    assert completion["metrics"]["measures"]["joint.wrist"] == {"least": None, "most": None}


def test_the_summary_has_the_best_and_the_mean_of_what_carries() -> None:
    engine = Engine(written(SQUAT))
    assert engine.summary() == {
        "squat": {
            "completed": 0,
            "attempts": {},
            "by_side": None,
            "measures": {},
            "checks": {},
            "times": {"mean": {"out_ms": None, "stay_ms": None, "back_ms": None}, "last": None},
            "longest_ms": None,
            "total_ms": None,
        }
    }
    for frame in at(swinging([175, 80, 175, 100, 175, 140, 175], stay_ms=400)):
        engine.feed(frame)
    summary = engine.summary()["squat"]
    assert (summary["completed"], summary["attempts"]) == (2, {"not_reached": 1})
    knee = summary["measures"]["joint.knee"]
    assert knee["best"] == pytest.approx(80, abs=1)
    assert knee["mean"] == pytest.approx(90, abs=1)
