"""A strict phase holds to its bounds to the degree, and to nothing else."""

import pytest
from engine_scene import at, bent, completed, held, movespec, run, swinging, told

TO_115 = {
    "standing": ["{joint: knee, angle_min: 150}"],
    "bottom": ["{joint: knee, angle_max: 115}"],
}


def counted(turns: list[float], *strict: str) -> int:
    frames = at(swinging(turns, degrees_per_second=100, stay_ms=500))
    return completed(run(movespec(TO_115, strict=strict), frames))


@pytest.mark.parametrize(("depth", "count"), [(118, 0), (115.5, 0), (114.5, 6), (113, 6), (60, 6)])
def test_a_strict_phase_is_entered_by_its_bound_to_the_degree(depth: float, count: int) -> None:
    assert counted([178, depth] * 6 + [178], "bottom") == count


def test_the_same_person_is_taken_as_he_is_where_the_phase_is_not_strict() -> None:
    assert counted([178, 118] * 6 + [178]) == 6


@pytest.mark.parametrize(("once", "count"), [(113.0, 7), (118.0, 6)])
def test_what_somebody_usually_does_changes_nothing(once: float, count: int) -> None:
    assert counted([*[178, 60] * 3, 178, once, *[178, 60] * 3, 178], "bottom") == count


def test_pulses_at_a_strict_end_are_no_way_back() -> None:
    assert counted([*[178, 60] * 3, 90, 60, 178], "bottom") == 3


def test_a_strict_start_must_be_reached_again_each_time() -> None:
    assert counted([178, *[80, 151] * 3], "standing") == 3
    assert counted([178, *[80, 148] * 3], "standing") == 0


def test_bounds_are_inclusive() -> None:
    phases = {
        "one": ["{joint: knee, angle_min: 120, angle_max: 120}"],
        "two": ["{joint: hip, angle_max: 9}"],
    }
    spec = movespec(phases, ["one", "two"], strict=["one"])
    for knee in (119.9, 120.1):
        assert told(run(spec, held((bent(knee), 500)))) == []
    assert told(run(spec, held((bent(120), 500)))) == ["shape_enter:one"]


def test_a_strict_phase_is_left_where_its_band_ends() -> None:
    spec = movespec(TO_115, strict=["bottom"])
    for knee, last in ((114.5, "shape_enter:bottom"), (115.5, "shape_exit:bottom")):
        frames = held((bent(178), 500), (bent(110), 500), (bent(knee), 500))
        assert told(run(spec, frames, finish=False))[-1] == last


def test_every_criterion_of_a_strict_phase_holds_in_its_band() -> None:
    phases = {
        "standing": ["{joint: knee, angle_min: 150}", "{joint: hip, angle_min: 150}"],
        "bottom": ["{joint: knee, angle_max: 100}", "{joint: hip, angle_max: 130}"],
    }
    # The knees go to 95 and the hips to 137: nearly as far as both bands.
    frames = at(swinging([178, 95] * 3 + [178], degrees_per_second=100, stay_ms=500))
    assert completed(run(movespec(phases), frames)) in (0, 3)
    assert completed(run(movespec(phases, strict=["bottom"]), frames)) == 0
