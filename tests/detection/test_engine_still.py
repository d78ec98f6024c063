"""A body that does not move completes nothing, whatever the MoveSpec says."""

from dataclasses import replace
from itertools import pairwise

import pytest
from engine_scene import bent, completed, held, movespec, run, told
from hypothesis import given, settings
from hypothesis import strategies as st

from detection import Criterion, Engine, MoveSpec, Phase, Step
from detection.spec import ARM_MEASURES, LEG_MEASURES, SIDES
from dev.poses.figure import Camera, Limb, Posture, hold, landmarks

NOISE = Camera(noise_m=0.003, z_noise=1.0)
KNEE_UP = Posture(left_leg=Limb(95, 0))
HELD_KNEE = {
    "standing": ["{joint: hip, angle_min: 150}"],
    "lifted": ["{joint: hip, side: either, angle_max: 110}"],
}


@pytest.mark.parametrize("turned", [0, 45, 90])
@pytest.mark.parametrize("sequence", [["standing", "lifted", "standing"], ["lifted", "standing"]])
def test_a_knee_held_up_is_no_repetition(turned: float, sequence: list[str]) -> None:
    spec = movespec(HELD_KNEE, sequence)
    frames = hold(KNEE_UP, seconds=10, camera=replace(NOISE, turned=turned))
    assert completed(run(spec, frames)) == 0


def test_a_knee_that_is_lifted_and_put_down_is_one_each_time() -> None:
    # The two phases hold at once from the front; lifting is told by either side all the same.
    spec = movespec(
        HELD_KNEE | {"standing": ["{joint: hip, side: both, angle_min: 150}"]},
        ["standing", "lifted", "standing"],
    )
    up, down = landmarks(KNEE_UP, 20), landmarks(Posture(), 20)
    assert completed(run(spec, held((down, 1000), *[(up, 1000), (down, 1000)] * 3))) == 3


def test_phases_that_hold_at_once_complete_nothing_without_a_movement_between_them() -> None:
    phases = {"bent": ["{joint: knee, angle_max: 120}"], "deep": ["{joint: knee, angle_max: 100}"]}
    spec = movespec(phases, ["bent", "deep"])
    both = ["shape_enter:bent", "shape_enter:deep"]
    assert told(run(spec, held((bent(80), 500)))) == both
    assert told(run(spec, held((bent(115), 500), (bent(80), 500)))) == [
        *both,
        "event_completed:squat",
    ]


MEASURES = (*ARM_MEASURES, *LEG_MEASURES, "trunk")
DEGREES = st.integers(0, 180).map(float)


@st.composite
def criteria(draw: st.DrawFn) -> Criterion:
    measure = draw(st.sampled_from(MEASURES))
    side = None if measure == "trunk" else draw(st.sampled_from([None, *SIDES]))
    low, high = sorted((draw(DEGREES), draw(DEGREES)))
    return Criterion(measure, side, low, high)


@st.composite
def movespecs(draw: st.DrawFn) -> MoveSpec:
    """Two to five phases of one to three criteria each, in any order of up to six steps."""
    one_measure = draw(st.booleans())
    phases = []
    for number in range(draw(st.integers(2, 5))):
        made = draw(st.lists(criteria(), min_size=1, max_size=3, unique_by=lambda c: c.measure))
        if one_measure:
            made[0] = replace(made[0], measure="knee", side=draw(st.sampled_from([None, *SIDES])))
            made = [made[0], *(c for c in made[1:] if c.measure != "knee")]
        phases.append(Phase(f"p{number}", None, tuple(made), draw(st.booleans())))
    names = [phase.name for phase in phases]
    sequence = draw(
        st.lists(st.sampled_from(names), min_size=2, max_size=6).filter(
            lambda steps: all(a != b for a, b in pairwise(steps))
        )
    )
    return MoveSpec("still", "1", None, "still", tuple(phases), tuple(map(Step, sequence)), ())


limbs = st.builds(Limb, st.integers(-60, 170), st.integers(-110, 170), st.integers(0, 60))
postures = st.builds(
    Posture,
    lean=st.integers(-90, 120),
    tilt=st.integers(-30, 30),
    left_leg=limbs,
    right_leg=limbs,
    left_arm=limbs,
    right_arm=limbs,
)


def pinned(spec: MoveSpec, posture: Posture, turned: float, shift: float) -> MoveSpec:
    """The same with a bound of each criterion where the posture's angle is, or close by."""
    engine = Engine(spec)
    for frame in held((landmarks(posture, turned), 300)):
        engine.feed(frame)
    angles = engine.angles()

    def pin(criterion: Criterion) -> Criterion:
        curve = {None: "pair", "left": "left", "right": "right"}.get(criterion.side, "left")
        degrees = angles.get((criterion.measure, curve))  # type: ignore[arg-type]
        if degrees is None:
            return criterion
        degrees = min(max(degrees + shift, 0.0), 180.0)
        if criterion.minimum + criterion.maximum < 180:
            return replace(criterion, minimum=0.0, maximum=degrees)
        return replace(criterion, minimum=degrees, maximum=180.0)

    return replace(
        spec, phases=tuple(replace(p, criteria=tuple(map(pin, p.criteria))) for p in spec.phases)
    )


@settings(max_examples=settings.default.max_examples // 10)
@given(
    movespecs(), postures, st.integers(0, 359), st.sampled_from([None, -1.0, 0.0, 1.0]), st.data()
)
def test_a_body_that_does_not_move_completes_nothing(
    spec: MoveSpec, posture: Posture, turned: int, shift: float | None, data: st.DataObject
) -> None:
    if shift is not None:
        spec = pinned(spec, posture, turned, shift)
    camera = replace(NOISE, turned=turned, seed=data.draw(st.integers(0, 99)))
    assert completed(run(spec, hold(posture, seconds=5, camera=camera))) == 0
