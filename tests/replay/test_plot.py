"""What the picture of `replay` is made of."""

from detection import DetectionEvent
from detection import compile as compile_movespec
from dev.replay.engine_run import EngineRun, measures_of, stays

SPEC = """\
name: mixed
version: "1"
detection:
  type: repetition
  movement:
    name: mixed
    phases:
      - name: up
        criteria:
          - {joint: knee, angle_min: 150}
          - {joint: elbow, side: left, angle_min: 150}
      - name: down
        criteria:
          - {joint: knee, side: front, angle_max: 100}
          - {joint: hip, side: both, angle_max: 120}
          - {lean: trunk, angle_max: 60}
          - {lean: thigh, side: right, angle_min: 60}
    sequence: [up, down, up]
"""


def entered(at: float, shape_key: str = "up") -> DetectionEvent:
    return DetectionEvent("shape_enter", at, {"shape_key": shape_key, "confidence": 1.0})


def left(at: float, shape_key: str = "up") -> DetectionEvent:
    return DetectionEvent("shape_exit", at, {"shape_key": shape_key, "confidence": 1.0})


def run_of(events: list[DetectionEvent]) -> EngineRun:
    return EngineRun(events, [0.05], [{}], [True], None, {})


def test_a_phase_stays_from_enter_to_exit_or_to_the_end() -> None:
    events = [entered(10), entered(15, "down"), left(20), left(25, "down"), entered(30)]
    run = run_of(events)
    assert stays("up", run) == [(0.01, 0.02), (0.03, 0.05)]
    assert stays("down", run) == [(0.015, 0.025)]
    assert stays("other", run) == []


def test_every_angle_of_the_phases_has_the_curves_that_its_criteria_need() -> None:
    spec = compile_movespec(SPEC)
    criteria = [criterion for phase in spec.phases for criterion in phase.criteria]
    assert measures_of(criteria) == {
        "knee": ("left", "right", "pair"),
        "elbow": ("left",),
        "hip": ("left", "right"),
        "trunk": ("pair",),
        "thigh": ("right",),
    }


def test_stays_of_two_sides_are_told_apart() -> None:
    events = [
        DetectionEvent(type_, at, {"shape_key": "up", "side": side})
        for type_, at, side in (
            ("shape_enter", 10, "left"), ("shape_enter", 15, "right"), ("shape_exit", 20, "left"),
            ("shape_exit", 40, "right"), ("shape_enter", 45, "left"),
        )
    ]  # fmt: skip
    assert stays("up", run_of(events)) == [(0.01, 0.02), (0.015, 0.04), (0.045, 0.05)]
