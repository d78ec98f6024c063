"""The angles that carry a movement: named by the MoveSpec, and as they are in each frame."""

import pytest
from engine_scene import Pose, bent, held, hidden, movespec

import detection
from detection import Engine, driving_angles


def spec_of(up: str, down: str) -> detection.MoveSpec:
    return movespec({"up": [up], "down": [down]}, ["up", "down", "up"])


def test_each_has_the_phases_at_its_ends_and_their_tightest_bounds() -> None:
    spec = movespec(
        {
            "up": [
                "{joint: knee, side: both, angle_min: 160}",
                "{joint: hip, angle_min: 150, angle_max: 175}",
            ],
            "down": ["{joint: knee, angle_max: 100}", "{joint: hip, angle_max: 90}"],
        },
        ["up", "down", "up"],
    )
    up, down = frozenset({"up"}), frozenset({"down"})
    names = ("measure", "low_side", "low_phases", "low_max", "high_side", "high_phases", "high_min")
    assert [tuple(getattr(angle, name) for name in names) for angle in driving_angles(spec)] == [
        ("knee", None, down, 100, "both", up, 160),
        ("hip", None, down, 90, None, up, 150),
    ]


def last_degrees(spec: detection.MoveSpec, pose: Pose) -> list[tuple[float | None, float | None]]:
    engine = Engine(spec)
    for frame in held((pose, 1000)):
        engine.feed(frame)
    return engine.driving_degrees()


@pytest.mark.parametrize(
    ("up", "down", "low", "high"),
    [
        ("left", "left", 90, 90),
        ("right", "right", 170, 170),
        # Of both the one that is farther from the end, of either the nearer one.
        ("both", "both", 170, 90),
        ("both", "either", 90, 90),
    ],
)
def test_of_several_sides_it_is_the_one_that_the_end_judges(
    up: str, down: str, low: float, high: float
) -> None:
    spec = spec_of(
        f"{{joint: knee, side: {up}, angle_min: 160}}",
        f"{{joint: knee, side: {down}, angle_max: 100}}",
    )
    ((at_low, at_high),) = last_degrees(spec, bent(90, 170))
    assert (at_low, at_high) == (pytest.approx(low, abs=2), pytest.approx(high, abs=2))


def test_of_two_criteria_it_is_the_one_that_is_farther_from_the_end() -> None:
    both = ["{{joint: knee, side: left, {0}}}", "{{joint: knee, side: right, {0}}}"]
    spec = movespec(
        {
            "up": [one.format("angle_min: 160") for one in both],
            "down": [one.format("angle_max: 100") for one in both],
        },
        ["up", "down", "up"],
    )
    ((low, high),) = last_degrees(spec, bent(90, 170))
    assert (low, high) == (pytest.approx(170, abs=2), pytest.approx(90, abs=2))
    assert last_degrees(spec, hidden(bent(90, 170), "left_ankle")) == [(None, None)]


def test_what_is_hidden_is_not_known_and_its_pose_not_usable() -> None:
    spec = spec_of("{joint: knee, angle_min: 160}", "{joint: knee, angle_max: 100}")
    engine = Engine(spec)
    usable = []
    for frame in held((bent(90), 1000), (hidden(bent(90), "left_ankle", "right_ankle"), 1000)):
        engine.feed(frame)
        usable.append(engine.is_usable)
    assert usable == [True] * 30 + [False] * 30
    assert engine.driving_degrees() == [(None, None)]


def test_the_steps_that_a_repetition_has_reached() -> None:
    spec = spec_of("{joint: knee, angle_min: 160}", "{joint: knee, angle_max: 100}")
    engine, reached = Engine(spec), []
    for frame in held((bent(175), 1000), (bent(80), 1000), (bent(175), 1000)):
        engine.feed(frame)
        if engine.steps_reached not in reached[-1:]:
            reached.append(engine.steps_reached)
    # At the last step the next repetition is at its first.
    assert reached == [0, 1, 2, 1]
