"""Bounds in their two spellings, tolerances and conditions."""

import pytest
from movespec_documents import edit, errors_of, message_of, spec_of

from detection import Criterion
from detection.spec import Condition

MOVEMENT = "detection.movement"
CRITERION = f"{MOVEMENT}.phases[1].criteria[0]"
OLD = "angle_min: 60, angle_max: 100"


def bottom(bounds: str) -> str:
    return edit(OLD, bounds)


@pytest.mark.parametrize("bounds", [OLD, "min: 60, max: 100", "max: 100, min: 60.0"])
def test_both_spellings_mean_the_same(bounds: str) -> None:
    spec = spec_of(bottom(bounds))
    assert spec.phases[1].criteria == (Criterion("knee", "front", 60.0, 100.0),)


@pytest.mark.parametrize(
    ("bounds", "wrong"),
    [
        ("min: 60, angle_max: 100", "angle_max"),
        ("angle_min: 60, max: 100", "max"),
        ("min: 60, angle_min: 60", "angle_min"),
        ("angle_max: 100, max: 100", "max"),
    ],
)
def test_a_criterion_has_one_spelling(bounds: str, wrong: str) -> None:
    column = 40 + len(bounds) - len(bounds.split()[-1])
    assert errors_of(bottom(bounds)) == [("bounds_twice", f"{CRITERION}.{wrong}", 13, column)]
    assert message_of(bottom(bounds)) == (
        "Write min and max, or angle_min and angle_max, but not one of each."
    )


def test_reversed_bounds_are_told_as_they_are_written() -> None:
    document = bottom("min: 101, max: 100")
    assert [error[:2] for error in errors_of(document)] == [("bounds_reversed", f"{CRITERION}.min")]
    assert message_of(document) == "min 101 is above max 100."


@pytest.mark.parametrize("tolerance", [0, 4.5, 45])
def test_a_criterion_may_be_missed_by_its_tolerance(tolerance: float) -> None:
    spec = spec_of(bottom(f"{OLD}, tolerance: {tolerance}"))
    assert [one.tolerance for phase in spec.phases for one in phase.criteria] == [None, tolerance]


def throughout(conditions: str) -> str:
    return edit("    phases:", f"    throughout: {conditions}\n    phases:")


def test_a_condition_has_a_tolerance_of_0_and_a_grace_of_150_ms() -> None:
    spec = spec_of(
        throughout("[{lean: trunk, max: 60}, {joint: hip, min: 20, tolerance: 5, grace_ms: 0}]")
    )
    assert spec.throughout == (
        Condition(Criterion("trunk", None, 0.0, 60.0, 0.0), 150.0),
        Condition(Criterion("hip", None, 20.0, 180.0, 5.0), 0.0),
    )


@pytest.mark.parametrize(
    ("conditions", "code", "key"),
    [
        ("[{lean: trunk}]", "missing_bound", "[0]"),
        ("[{max: 60}]", "missing_joint", "[0]"),
        ("[{lean: trunk, side: left, max: 60}]", "side_not_allowed", "[0].side"),
        ("[{lean: trunk, max: 60, grace_ms: 60001}]", "number_out_of_range", "[0].grace_ms"),
        ("[{lean: trunk, min: 61, max: 60}]", "bounds_reversed", "[0].min"),
        (f"[{', '.join(['{lean: trunk, max: 60}'] * 9)}]", "too_many_items", ""),
        ("{lean: trunk, max: 60}", "wrong_type", ""),
    ],
)
def test_it_refuses_a_condition(conditions: str, code: str, key: str) -> None:
    (error,) = errors_of(throughout(conditions))
    assert error[:2] == (code, f"{MOVEMENT}.throughout{key}")


@pytest.mark.parametrize(("judge", "strict"), [("own_range", False), ("bands", True)])
def test_bands_are_as_if_each_phase_were_strict(judge: str, *, strict: bool) -> None:
    spec = spec_of(edit("    phases:", f"    judge: {judge}\n    phases:"))
    assert [phase.strict for phase in spec.phases] == [strict, strict]


EACH_SIDE = edit("    phases:", "    count: each_side\n    phases:").replace(", side: both", "")


@pytest.mark.parametrize("side", ["left", "right", "both", "either"])
@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("side: front", "side: {}", f"{CRITERION}.side"),
        ("joint: hip", "joint: hip, side: {}", f"{MOVEMENT}.feedback[0].side"),
        (
            "    count",
            "    throughout: [{{joint: hip, side: {}, min: 9}}]\n    count",
            f"{MOVEMENT}.throughout[0].side",
        ),
        (
            "    count",
            "    checks: [{{name: a, joint: hip, side: {}, least: {{min: 9}}}}]\n    count",
            f"{MOVEMENT}.checks[0].side",
        ),
        (
            "  movement:",
            "  setup: {{start: [{{joint: hip, side: {}, min: 9}}]}}\n  movement:",
            "detection.setup.start[0].side",
        ),
    ],
)
def test_no_side_is_named_where_they_are_counted_apart(
    old: str, new: str, path: str, side: str
) -> None:
    document = edit(old, new.format(side), EACH_SIDE)
    assert [error[:2] for error in errors_of(document)] == [("named_side", path)]
    assert message_of(document) == (
        "The sides are counted apart: leave side out, or say front or back."
    )
