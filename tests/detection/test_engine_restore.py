"""Whatever a person does and wherever the engine is stored, the events are those of one that never
was: of what a MoveSpec may ask beyond phases and a sequence."""

import pytest
from engine_scene import bent, held, hidden, run, run_restored, unseen, written
from hypothesis import given, settings
from hypothesis import strategies as st

from detection import Engine, MoveSpec
from dev.poses.figure import Limb, Posture, landmarks

PHASES = """
name: squat
phases:
  - {name: standing, criteria: [{joint: knee, min: 150}]}
  - {name: half, criteria: [{joint: knee, min: 110, max: 140}]}
  - {name: bottom, criteria: [{joint: knee, max: 100}]}
"""
CUES = """
feedback:
  - {when: completed, every: 2, message: Two.}
  - {when: interrupted, min_gap_ms: 1500, message: Again.}
  - {when: interrupted, reason: condition, message: Upright.}
  - {when: bottom, joint: knee, least: {min: 85}, message: Deeper.}
"""
CHECKS = "checks: [{name: depth, when: bottom, joint: knee, least: {max: 90}, required: true}]\n"
THROUGHOUT = "throughout: [{lean: trunk, max: 40, tolerance: 5, grace_ms: 200}]\n"
SETUP = "setup: {visible: lower_body, start: [{lean: trunk, max: 60}]}\n"
TWO = PHASES + "sequence: [standing, bottom, standing]\n"
SPECS = {
    "throughout": written(TWO + THROUGHOUT + CUES),
    "hold_ms": written(
        PHASES
        + "sequence: [standing, {phase: bottom, hold_ms: 400, within_ms: 900}, standing]\n"
        + CUES
    ),
    "optional": written(
        PHASES
        + "sequence: [standing, {phase: half, optional: true, within_ms: 600}, bottom,"
        + " {phase: half, optional: true}, {phase: standing, within_ms: 700}]\n"
        + CHECKS
        + CUES
    ),
    "setup": written(TWO + THROUGHOUT + CHECKS + CUES, SETUP),
    "setup of each side": written(TWO + CHECKS + CUES + "count: each_side\n", SETUP),
    "setup of a hold": written(
        "name: sit\ntarget_ms: 500\ngrace_ms: 300\n"
        "phases: [{name: low, criteria: [{joint: knee, max: 100}]}]\n" + THROUGHOUT,
        SETUP,
        type_="hold",
    ),
}  # fmt: skip
LEANING = landmarks(Posture(lean=70, left_leg=Limb(50, -50), right_leg=Limb(50, -50)))
POSES = {
    "up": bent(175),
    "half": bent(125),
    "down": bent(70),
    "shallow": bent(95),
    "left": bent(70, 175),
    "right": bent(175, 70),
    "leaning": LEANING,
    "no feet": hidden(bent(70), "left_ankle", "right_ankle"),
    "unseen": unseen(bent(175)),
}
stays = st.lists(
    st.tuples(st.sampled_from(sorted(POSES)), st.integers(70, 900)), min_size=3, max_size=12
)


@pytest.mark.parametrize("name", SPECS)
@settings(max_examples=settings.default.max_examples // 4)
@given(stays=stays, points=st.sets(st.integers(0, 150), min_size=1, max_size=20))
def test_stored_and_restored_anywhere_the_events_are_the_same(
    name: str, stays: list[tuple[str, int]], points: set[int]
) -> None:
    frames = held(*((POSES[pose], ms) for pose, ms in stays), fps=15)
    assert run_restored(SPECS[name], frames, points) == run(SPECS[name], frames)


@pytest.mark.parametrize("name", SPECS)
def test_such_stays_complete_and_interrupt(name: str) -> None:
    stays = [
        *(("up", 1200), ("down", 900), ("up", 900), ("shallow", 300), ("up", 600)),
        *(("down", 500), ("leaning", 800), ("up", 900), ("down", 600), ("unseen", 2500)),
    ]
    frames = held(*((POSES[pose], ms) for pose, ms in stays), fps=15)
    types = {event.type for event in run(SPECS[name], frames)}
    assert types >= {"event_completed", "event_interrupted"}


def withheld(engine: Engine) -> int:
    return sum(len(part.withheld) for part in engine.parts() if hasattr(part, "withheld"))


@pytest.mark.parametrize("name", [name for name in SPECS if name.startswith("setup")])
@settings(max_examples=settings.default.max_examples // 20)
@given(stays=st.lists(st.tuples(st.sampled_from(["up", "down", "left", "right", "shallow"]),
                                st.integers(130, 260)), min_size=5, max_size=8))  # fmt: skip
def test_so_they_are_where_something_is_withheld(name: str, stays: list[tuple[str, int]]) -> None:
    """As `withheld` is told at once, by an engine that is stored after every frame of it."""
    spec: MoveSpec = SPECS[name]
    quick = [("up", 200), ("down", 250), ("up", 250), *stays, ("up", 900)]
    frames = held(*((POSES[pose], ms) for pose, ms in quick), fps=30)
    events = run(spec, frames)
    assert run_restored(spec, frames, set(range(len(frames)))) == events
    engine = Engine(spec)
    most = 0
    for frame in frames:
        engine.feed(frame)
        most = max(most, withheld(engine))
    assert most > 0
    assert withheld(engine) == 0
