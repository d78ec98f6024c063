"""The catalogue's MoveSpecs over the figure that performs their movements: exact counts."""

import random
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from engine_scene import completed, going, run

import detection
from detection import DetectionEvent, Landmark, MoveSpec, PoseFrame
from detection.landmarks import INDEX
from dev.poses.figure import EXERCISES, MOVEMENTS, Limb, Posture, mirrored, perform
from tests.long_runs import thinned

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "movespecs"
SPECS: dict[str, MoveSpec] = {
    path.stem: detection.compile(path.read_text(encoding="utf-8"))
    for path in sorted(EXAMPLES.glob("*.yaml"))
}
REPEATED = {name: spec for name, spec in SPECS.items() if spec.type == "repetition"}
SEEDS = (1, 2, 3, 4)
Performed = Callable[[str, float], tuple[PoseFrame, ...]]
by_exercise = pytest.mark.parametrize("exercise", REPEATED)


@pytest.fixture(scope="module")
def performed() -> Performed:
    """Six repetitions at a frame rate, made once: it takes far longer than to look at them."""
    return cache(lambda exercise, fps: tuple(perform(exercise, repetitions=6, fps=fps)))


def counts(events: list[DetectionEvent]) -> tuple[int, int, int]:
    """Repetitions completed, interrupted, and phases entered."""
    types = [event.type for event in events]
    return completed(events), types.count("event_interrupted"), types.count("shape_enter")


def entries(exercise: str, repetitions: int) -> tuple[int, int, int]:
    # The first posture before the first repetition, then two entries for each.
    return repetitions, 0, 2 * repetitions + 1


def test_the_figure_performs_the_whole_catalogue() -> None:
    assert set(SPECS) <= set(EXERCISES)


@thinned("exercise, fps, dropped, seed", tuple(REPEATED), [10, 15, 24, 30, 60], [0.0, 0.05], SEEDS)
def test_a_movespec_detects_its_own_movement(
    exercise: str, fps: float, dropped: float, seed: int
) -> None:
    frames = perform(exercise, repetitions=6, fps=fps, dropped=dropped, seed=seed)
    assert counts(run(SPECS[exercise], frames)) == entries(exercise, 6)


@pytest.mark.long
@thinned("exercise, seconds", tuple(REPEATED), [1.0, 1.5, 5.0])
def test_it_does_so_at_any_pace(exercise: str, seconds: float) -> None:
    frames = perform(exercise, repetitions=6, fps=30, seconds_per_repetition=seconds)
    assert counts(run(SPECS[exercise], frames)) == entries(exercise, 6)


@thinned("exercise, seed", tuple(REPEATED), SEEDS)
def test_it_does_so_in_three_times_the_noise(exercise: str, seed: int) -> None:
    frames = perform(exercise, repetitions=6, fps=30, noise_m=0.024, seed=seed)
    assert completed(run(SPECS[exercise], frames)) == 6


@pytest.mark.long
@thinned("exercise, seed", tuple(REPEATED), SEEDS)
def test_it_does_so_with_uneven_times_between_frames(
    performed: Performed, exercise: str, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311
    frames = [frame for frame in performed(exercise, 60) if chance.random() < 0.35]
    assert counts(run(SPECS[exercise], frames)) == entries(exercise, 6)


@thinned("exercise, fps, seed", tuple(REPEATED), [10, 15, 30, 60], SEEDS)
def test_single_frames_in_which_the_tracker_jumps_change_nothing(
    performed: Performed, exercise: str, fps: float, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311
    frames = [*performed(exercise, fps)]
    setup = SPECS[exercise].setup
    # Every frame of the second that a setup waits must have its start.
    first = round(1.2 * fps) if setup and setup.start else 3
    for index in range(first, len(frames), max(round(fps / 2), 7)):
        jump = tuple(
            mark._replace(x=chance.uniform(-1, 1), y=chance.uniform(-1, 1), z=chance.uniform(-1, 1))
            for mark in frames[index].landmarks
        )
        frames[index] = PoseFrame(frames[index].timestamp_ms, jump)
    assert completed(run(SPECS[exercise], frames)) == 6


@pytest.mark.parametrize("exercise", ["squat", "push-up", "sit-up"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_hidden_side_changes_nothing_where_the_pair_is_asked_for(
    exercise: str, side: str
) -> None:
    chance = random.Random(1)  # noqa: S311
    names = {index for name, index in INDEX.items() if name.startswith(side)}

    def hide(index: int, mark: Landmark) -> Landmark:
        if index not in names:
            return mark
        return Landmark(chance.uniform(-1, 1), chance.uniform(-1, 1), 0.0, chance.uniform(0, 0.4))

    frames = [
        PoseFrame(frame.timestamp_ms, tuple(hide(n, m) for n, m in enumerate(frame.landmarks)))
        for frame in perform(exercise, repetitions=6, fps=30, hides=False)
    ]
    assert counts(run(SPECS[exercise], frames)) == entries(exercise, 6)


def test_heels_that_swing_back_are_no_squats() -> None:
    standing, swinging = Posture(), Posture(left_leg=Limb(5, -95))
    frames = going(*[standing, swinging, standing, mirrored(swinging)] * 5, standing)
    assert completed(run(SPECS["squat"], frames)) == 0


def test_getting_into_a_plank_from_the_knees_is_one_push_up_at_most() -> None:
    """The elbows stretch over a level trunk. A gate on the hips would cost real push-ups."""
    plank = MOVEMENTS["push-up"].rest
    shins, bent, straight = Limb(75, -85), Limb(0, 90), Limb(60, 60)
    on_the_heels = Posture(lean=40, left_leg=shins, right_leg=shins, left_arm=bent, right_arm=bent)
    reaching = replace(on_the_heels, left_arm=straight, right_arm=straight)
    frames = going(on_the_heels, on_the_heels, reaching, plank, plank)
    assert completed(run(SPECS["push-up"], frames)) == 1


@by_exercise
def test_frames_lost_for_a_while_within_a_repetition_lose_no_repetition(
    performed: Performed, exercise: str
) -> None:
    kept = [frame for frame in performed(exercise, 30) if not 4000 <= frame.timestamp_ms < 4400]
    assert completed(run(SPECS[exercise], kept)) == 6


@pytest.mark.long
@by_exercise
def test_large_timestamps_change_nothing(exercise: str) -> None:
    early = run(SPECS[exercise], perform(exercise, repetitions=3, fps=30))
    late = run(SPECS[exercise], perform(exercise, repetitions=3, fps=30, start_ms=2.0**31))
    assert [event.type for event in early] == [event.type for event in late]


@by_exercise
def test_somebody_who_stands_still_does_nothing(exercise: str) -> None:
    frames = perform(exercise, repetitions=0, fps=30)
    still = [PoseFrame(n * 1000 / 30, frames[n % len(frames)].landmarks) for n in range(30 * 60)]
    assert completed(run(SPECS[exercise], still)) == 0


def test_every_movement_goes_from_its_rest_to_another_posture() -> None:
    assert all(movement.rest != movement.peak for movement in MOVEMENTS.values())
