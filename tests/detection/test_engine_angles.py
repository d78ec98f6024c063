"""How angles are measured: which landmarks, how depth, sight and both sides are weighed."""

import math

import pytest
from engine_scene import at, bent, changed, held, hidden, movespec, run, told, unseen

from detection import JOINT_LANDMARKS, Engine, EngineSettings, Landmark, PoseFrame
from detection.landmarks import INDEX


def pose_with(**places: tuple[float, float, float]) -> tuple[Landmark, ...]:
    points = {INDEX[name]: place for name, place in places.items()}
    return tuple(Landmark(*points.get(index, (0.0, 0.0, 0.0))) for index in range(33))


def angle(joint: str, curve: str, pose: tuple[Landmark, ...]) -> float:
    """What the engine measures where it watches both sides, in degrees."""
    spec = movespec(
        {
            "one": [f"{{joint: {joint}, angle_min: 90}}"],
            "two": [f"{{joint: {joint}, angle_max: 80}}"],
        },
        ["one", "two"],
    )
    engine = Engine(spec)
    for frame in held((pose, 300)):
        engine.feed(frame)
    return engine.angles()[joint, curve]  # type: ignore[index]


@pytest.mark.parametrize("joint", JOINT_LANDMARKS)
@pytest.mark.parametrize("degrees", [1.0, 37.5, 90.0, 179.0])
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_joint_is_the_angle_at_the_middle_landmark(joint: str, degrees: float, side: str) -> None:
    start, middle, end = (f"{side}_{name}" for name in JOINT_LANDMARKS[joint])
    radians = math.radians(degrees)
    pose = pose_with(
        **{
            start: (0.1, 0.9, 0.0),
            middle: (0.1, 0.5, 0.0),
            end: (0.1 + 0.3 * math.sin(radians), 0.5 + 0.3 * math.cos(radians), 0.0),
        }
    )
    assert angle(joint, side, pose) == pytest.approx(degrees, abs=0.01)


def test_z_counts_by_its_weight() -> None:
    pose = pose_with(left_hip=(0, -0.4, 0), left_knee=(0, 0, 0), left_ankle=(0, 0.3, 0.3))
    degrees = 180 - math.degrees(math.atan(EngineSettings().depth.depth_weight))
    assert angle("knee", "left", pose) == pytest.approx(degrees, abs=0.01)


def foreshortened(thigh: float, shank: float, towards: float) -> tuple[Landmark, ...]:
    """A right knee at a right angle that is seen whole, and a left one that shows so many metres of
    each segment; its shank goes `towards` the camera, by a tenth of what is true."""
    return pose_with(
        left_hip=(0, -thigh, 0),
        left_knee=(0, 0, 0),
        left_ankle=(0, shank, -0.04 * towards),
        right_hip=(0.2, -0.4, 0),
        right_knee=(0.2, 0, 0),
        right_ankle=(0.6, 0, 0),
    )


@pytest.mark.parametrize("towards", [1, -1])
def test_a_segment_seen_short_points_where_z_says_by_what_is_missing(towards: float) -> None:
    # The other side says that both are 0.4 m long. Of the half of it that is always taken as seen,
    # a shank of 0.05 m misses enough to point away from the image by this.
    missing = math.sqrt((0.4 * EngineSettings().depth.seen_share) ** 2 - 0.05**2)
    degrees = 180 - math.degrees(math.atan2(missing, 0.05))
    assert angle("knee", "left", foreshortened(0.4, 0.05, towards)) == (
        pytest.approx(degrees, abs=0.05)
    )


def test_a_segment_of_which_most_is_seen_is_as_the_image_shows_it() -> None:
    assert angle("knee", "left", foreshortened(0.4, 0.3, 1)) == pytest.approx(180, abs=2)


def test_a_frame_alone_neither_lengthens_a_segment_nor_turns_an_angle() -> None:
    far = changed(bent(90), ("left_ankle", "right_ankle"), lambda mark: mark._replace(y=3.0))
    frames = at(([*[bent(90)] * 14, far] * 20) + [bent(90)] * 2)
    engine = Engine(movespec())
    for frame in frames:
        engine.feed(frame)
    assert engine.angles()["knee", "pair"] == pytest.approx(90, abs=0.01)


def test_a_jump_is_believed_once_the_next_frame_confirms_it() -> None:
    for frames, degrees in ((1, 170.0), (2, 130.0)):
        engine = Engine(movespec())
        for frame in at([bent(170)] * 30 + [bent(90)] * frames):
            engine.feed(frame)
        assert (engine.angles()["knee", "pair"] < 165) == (degrees < 165)


def test_the_angle_of_a_pair_lies_with_the_side_of_longer_segments() -> None:
    # The left leg is seen shorter: the same error in its landmarks turns its angle more.
    left, right = 0.25, 0.4
    weights = [length**4 / (2 * length**2 + 1e-4) + 1e-4 for length in (left, right)]
    pose = pose_with(
        left_hip=(0, -left, 0),
        left_knee=(0, 0, 0),
        left_ankle=(left, 0, 0),
        right_hip=(0, -right, 0),
        right_knee=(0, 0, 0),
        right_ankle=(0, right, 0),
    )
    degrees = (90 * weights[0] + 180 * weights[1]) / sum(weights)
    assert 150 < degrees < 165
    assert angle("knee", "pair", pose) == pytest.approx(degrees, abs=0.01)


LEFT_LEG = ("left_hip", "left_knee", "left_ankle")


def test_a_badly_seen_side_counts_less() -> None:
    # Both in sight the pair is at 129; with the straight side at 0.6 it is nearer to the bent one.
    pose = changed(bent(178, 80), LEFT_LEG, lambda mark: mark._replace(visibility=0.6))
    spec = movespec(
        {"in": ["{joint: knee, angle_max: 115}"], "out": ["{joint: hip, angle_max: 1}"]},
        ["in", "out"],
    )
    assert told(run(spec, held((bent(178, 80), 300)))) == []
    assert told(run(spec, held((pose, 300)))) == ["shape_enter:in"]


def test_what_the_sender_does_not_know_of_visibility_is_taken_as_seen() -> None:
    unknown = [tuple(m._replace(visibility=None) for m in bent(knee)) for knee in (178, 80, 178)]
    known = [bent(knee) for knee in (178, 80, 178)]
    events = [run(movespec(), held(*[(pose, 500) for pose in poses])) for poses in (unknown, known)]
    assert events[0] == events[1]


def test_an_angle_that_is_out_of_sight_for_a_moment_is_still_known() -> None:
    poses = [bent(178)] * 30 + [unseen(bent(178))] * 30 + [bent(178)] * 30
    assert told(run(movespec(), at(poses))) == ["shape_enter:standing"]


@pytest.mark.parametrize(
    "place", [(0.0, 0.0, 0.0), (1e308, -1e308, 1e308), (1e-308, 0.0, 0.0), (1e9, 1e9, 1e9)]
)
def test_landmarks_that_make_no_limb_are_not_measured(place: tuple[float, float, float]) -> None:
    pose = tuple(Landmark(*place) for _ in range(33))
    spread = (
        tuple(Landmark(*(c * (1 + n) for c in place)) for n in range(33)) if place[0] < 2 else pose
    )
    engine = Engine(movespec())
    events = [engine.feed(PoseFrame(n * 33, pose)) for n, pose in enumerate([pose, spread] * 20)]
    assert events == [[]] * 40


def test_the_engine_tells_the_angles_that_it_measured() -> None:
    spec = movespec(
        {
            "up": ["{joint: knee, angle_min: 150}"],
            "down": ["{joint: hip, side: left, angle_max: 9}"],
        },
        ["up", "down"],
        ["{when: up, joint: elbow, side: front, angle_max: 9, message: Bent.}"],
    )
    engine = Engine(spec)
    assert engine.angles() == {}
    frames = held((bent(120, 100), 1000))
    for frame in frames:
        engine.feed(frame)
    angles = engine.angles()
    assert list(angles) == [
        ("knee", "left"), ("knee", "right"), ("knee", "pair"),
        ("hip", "left"),
        ("elbow", "left"), ("elbow", "right"), ("elbow", "pair"),
    ]  # fmt: skip
    assert angles["knee", "left"] == pytest.approx(120, abs=0.01)
    assert angles["knee", "right"] == pytest.approx(100, abs=0.01)
    assert 100 < angles["knee", "pair"] < 120
    assert Engine.restore(spec, engine.snapshot()).angles() == angles


def test_an_angle_that_is_not_known_is_not_told() -> None:
    engine = Engine(movespec())
    for frame in held((bent(120), 500), (hidden(bent(120), "left_ankle"), 500)):
        engine.feed(frame)
    assert set(engine.angles()) == {("knee", "right"), ("knee", "pair")}
    for frame in held((unseen(bent(120)), 500), start_ms=1000):
        engine.feed(frame)
    assert engine.angles() == {}
