"""Who does no exercise: what the catalogue counts in half a minute of each activity."""

from dataclasses import replace

from dev.bench.score.engine_runs import catalogue, completed
from dev.poses.figure import ACTIVITIES, LANDMARKER, act
from tests.long_runs import at_length

SECONDS = 30
CAMERA = replace(LANDMARKER, turned=45, seed=1)
# What is counted nevertheless, and why.
KNOWN = {
    # Arms are folded, and hang again.
    "an idle minute": {"biceps-curl": 1, "rope-pushdown": 1},
    # Who sits down and gets up bends and stretches hips and knees as in a squat.
    "getting up and down": {
        "alternating-lunges": 2,
        "lunge": 2,
        "sit-to-stand-30-s": 1,
        "squat": 2,
    },
    # And then reaches ahead for something.
    "sitting down": {"front-raise": 1, "lateral-raise": 2, "lunge": 1},
    # Bending to what lies on a bench.
    "setting up": {"squat": 1},
    # On one knee both knees and hips are bent, and the hands work bent over.
    "tying a shoe": {"alternating-lunges": 1, "lunge": 1, "push-up": 1, "squat": 1},
    # Both arms are lifted before the body until they are overhead.
    "stretching": {"front-raise": 2, "jumping-jack": 1, "lateral-raise": 1},
}


@at_length("activity", *ACTIVITIES)
def test_an_activity_that_is_no_exercise_counts_nothing_but_what_is_known(activity: str) -> None:
    frames = act(activity, seconds=SECONDS, camera=CAMERA)
    counted = {name: len(completed(spec, frames)) for name, spec in catalogue().items()}
    assert len(counted) == 19
    assert counted == dict.fromkeys(counted, 0) | KNOWN.get(activity, {})
