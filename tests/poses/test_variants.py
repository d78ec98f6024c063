"""The changes by which recordings are made into what another camera would have seen."""

import pytest

from detection import Engine
from detection.landmarks import INDEX
from dev.bench.score.engine_runs import catalogue
from dev.poses import variants
from dev.poses.figure import perform

FRAMES = perform("squat", repetitions=4, fps=30, hides=False)


@pytest.mark.parametrize(
    "change", variants.CHANGES, ids=lambda made: f"{made.func.__name__} {made.args[0]}"
)
def test_a_clear_movement_is_counted_through_every_change(change: variants.Change) -> None:
    engine = Engine(catalogue()["squat"])
    events = [event for frame in change(FRAMES) for event in engine.feed(frame)]
    assert [event.type for event in events].count("event_completed") == 4


def test_a_hidden_side_is_the_only_one_that_changes() -> None:
    for name, index in INDEX.items():
        before, after = (
            FRAMES[0].landmarks[index],
            variants.hiding("left", FRAMES)[0].landmarks[index],
        )
        assert (after == before) is not name.startswith("left")
        assert (after.visibility or 0) < 0.5 or after == before
