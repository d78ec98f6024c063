"""Numbers that a session may give."""

import math

import pytest
from movespec_documents import DOCUMENT, edit, errors_of, message_of, spec_of, with_parameter

import detection
from detection import (
    Parameter,
    ParameterInvalid,
    check_parameters,
    compile,  # noqa: A004 - as re.compile
    validate,
)

PARAMETERS = "detection.parameters"
CRITERION = "detection.movement.phases[1].criteria[0]"
DEPTH = "{default: 100, min: 80, max: 120}"
DOCUMENT_WITH_DEPTH = with_parameter(DEPTH)


def depth_of(**values: float) -> float:
    return compile(DOCUMENT_WITH_DEPTH, parameters=values).phases[1].criteria[0].maximum


def test_a_session_s_number_stands_for_the_name() -> None:
    assert depth_of() == 100.0
    assert depth_of(depth=85) == 85.0
    spec = spec_of(DOCUMENT_WITH_DEPTH, parameters={"depth": 110})
    assert spec.phases[1].criteria[0].maximum == 110.0


def test_a_whole_number_and_a_fraction_are_one_value() -> None:
    assert compile(DOCUMENT_WITH_DEPTH, parameters={"depth": 100}) == compile(
        DOCUMENT_WITH_DEPTH, parameters={"depth": 100.0}
    )
    values = check_parameters(validate(DOCUMENT_WITH_DEPTH), {"depth": 100})
    assert str(values["depth"]) == "100.0"


def test_a_validation_tells_the_parameters() -> None:
    described = with_parameter("{default: 100.5, min: 80, max: 120, description: How deep.}")
    assert validate(described).parameters == (Parameter("depth", 100.5, 80.0, 120.0, "How deep."),)
    assert validate(DOCUMENT_WITH_DEPTH).parameters == (Parameter("depth", 100.0, 80.0, 120.0),)
    assert validate(DOCUMENT).parameters == ()


def test_a_name_stands_for_every_kind_of_bound_and_time() -> None:
    document = """\
name: all
version: "1"
detection:
  type: repetition
  parameters:
    low: {default: 10, min: 0, max: 45}
    ms: {default: 1000, min: 500, max: 2000}
  setup: {start: [{lean: trunk, min: $low, max: 180}]}
  movement:
    name: all
    throughout: [{lean: trunk, angle_min: $low, tolerance: $low, grace_ms: $ms}]
    phases:
      - {name: up, criteria: [{joint: knee, min: 150, tolerance: $low}]}
      - {name: down, criteria: [{joint: knee, max: 100}]}
    sequence: [up, {phase: down, hold_ms: $ms, within_ms: "$ms"}, up]
    checks: [{name: a, joint: hip, least: {min: $low}}]
    feedback:
      - {when: up, joint: hip, most: {max: $low}, min_gap_ms: $ms, message: $low stays a text}
"""
    spec = compile(document, parameters={"low": 20, "ms": 700})
    assert spec.setup is not None
    assert spec.throughout is not None
    [condition], [check], [cue] = spec.throughout, spec.checks, spec.feedback
    assert spec.setup.start[0].minimum == 20.0
    assert (condition.criterion.minimum, condition.criterion.tolerance) == (20.0, 20.0)
    assert condition.grace_ms == 700.0
    assert spec.phases[0].criteria[0].tolerance == 20.0
    assert (spec.steps[1].hold_ms, spec.steps[1].within_ms) == (700.0, 700.0)
    assert check.criterion.minimum == 20.0
    assert cue.criterion is not None
    assert (cue.criterion.maximum, cue.min_gap_ms) == (20.0, 700.0)
    assert cue.message == "$low stays a text"


def test_it_says_where_a_parameter_may_stand() -> None:
    document = edit("message: Chest", "every: $depth, message: Chest", DOCUMENT_WITH_DEPTH)
    assert message_of(document) == (
        'every must be a whole number, not the parameter "$depth": one stands for a bound, a'
        " tolerance or a time alone."
    )


def test_an_unknown_one_is_told_with_the_nearest() -> None:
    document = edit("$depth", "$dept", DOCUMENT_WITH_DEPTH)
    assert errors_of(document) == [("unknown_parameter", f"{CRITERION}.angle_max", 15, 66)]
    assert message_of(document) == 'No parameter has the name "dept"; the nearest is depth.'
    assert message_of(edit("$depth", "$low", DOCUMENT_WITH_DEPTH)) == (
        'No parameter has the name "low"; there are depth.'
    )
    assert message_of(edit("angle_max: 100", "angle_max: $depth")) == (
        'No parameter has the name "depth": there are none.'
    )


@pytest.mark.parametrize("name", ["$Depth", "$", "$1", "$a b", "$depth + 1", f"${'a' * 41}", "$$a"])
def test_what_is_no_name_is_refused(name: str) -> None:
    document = edit("angle_max: 100", f"angle_max: '{name}'")
    assert errors_of(document) == [("invalid_name", f"{CRITERION}.angle_max", 13, 66)]


@pytest.mark.parametrize(
    ("parameter", "code", "key"),
    [
        ("{min: 80, max: 120}", "missing_key", ".default"),
        ("{default: 80, max: 120}", "missing_key", ".min"),
        ("{default: 80, min: 80}", "missing_key", ".max"),
        ("{default: 100, min: 80, max: $depth}", "wrong_type", ".max"),
        ("{default: 100, min: -1, max: 120}", "number_out_of_range", ".min"),
        ("{default: 100, min: 80, max: .inf}", "number_out_of_range", ".max"),
        ("{default: 79, min: 80, max: 120}", "default_out_of_bounds", ".default"),
        ("{default: 100, min: 101, max: 99}", "bounds_reversed", ".min"),
        ("{default: 100, min: 80, max: 120, unit: cm}", "unknown_key", ".unit"),
        ("100", "wrong_type", ""),
    ],
)
def test_it_refuses_a_parameter(parameter: str, code: str, key: str) -> None:
    (error,) = errors_of(with_parameter(parameter))
    assert error[:2] == (code, f"{PARAMETERS}.depth{key}")


def test_every_number_that_it_may_be_is_allowed_where_it_stands() -> None:
    document = with_parameter("{default: 100, min: 60, max: 200}")
    assert message_of(document) == (
        "$depth may be 60 to 200, and angle_max must be from 0 to 180: narrow the parameter's min"
        " and max."
    )


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        (
            "min: $low, max: 100",
            "min $low, which may be up to 110, can be above max 100: narrow the parameter's min and"
            " max.",
        ),
        (
            "angle_min: 95, angle_max: $high",
            "angle_min 95 can be above angle_max $high, which may be down to 90: narrow the"
            " parameter's min and max.",
        ),
        (
            "min: $low, max: $high",
            "min $low, which may be up to 110, can be above max $high, which may be down to 90:"
            " narrow the parameter's min and max.",
        ),
        ("min: $low, max: 110", None),
        ("min: 90, max: $high", None),
        ("min: $low, max: $low", None),
    ],
)
def test_no_numbers_turn_the_bounds_around(bounds: str, message: str | None) -> None:
    document = edit("angle_min: 60, angle_max: 100", bounds)
    document = edit(
        "  movement:",
        "  parameters:\n    low: {default: 60, min: 50, max: 110}\n"
        "    high: {default: 100, min: 90, max: 120}\n  movement:",
        document,
    )
    found = [error for error in validate(document).errors if error.code == "bounds_reversed"]
    assert [error.message for error in found] == ([] if message is None else [message])


def test_it_changes_no_role() -> None:
    document = with_parameter("{default: 100, min: 60, max: 170}")
    assert message_of(document) == (
        "With depth at 170 the knee does not carry the movement as it does by the defaults: narrow"
        " min and max."
    )
    # What is stored was right when it was made, and goes on.
    assert validate(document, is_new=False).spec is not None


def with_tall(tall: str, depth: str) -> str:
    document = edit("angle_min: 160", "angle_min: $tall", with_parameter(depth))
    return edit("    depth:", f"    tall: {tall}\n    depth:", document)


@pytest.mark.parametrize(
    ("tall", "depth", "where"),
    [
        # Both at 110 and 120, of which neither alone brings the bands together.
        (
            "{default: 160, min: 110, max: 170}",
            "{default: 100, min: 80, max: 120}",
            "the widest bands",
        ),
        ("{default: 160, min: 130, max: 170}", "{default: 100, min: 80, max: 120}", None),
    ],
)
def test_no_two_change_a_role_together(tall: str, depth: str, where: str | None) -> None:
    found = validate(with_tall(tall, depth)).errors
    assert [(one.code, one.path, one.message) for one in found] == [
        (
            "roles_change",
            PARAMETERS,
            f"With {where} the knee does not carry the movement as it does by the defaults: narrow"
            " min and max.",
        )
        for _ in ([where] if where else [])
    ]


def test_the_same_number_at_both_ends_of_a_movement_changes_no_role() -> None:
    document = edit("angle_min: 160", "angle_min: $depth", with_parameter(DEPTH))
    document = edit("angle_min: 60, angle_max: $depth", "angle_max: 70", document)
    assert validate(document).errors == ()


def test_a_number_out_of_bounds_is_refused() -> None:
    for value, shown in ((79, "79"), (120.5, "120.5"), (math.inf, "inf"), (math.nan, "nan")):
        with pytest.raises(ParameterInvalid) as caught:
            depth_of(depth=value)
        assert (caught.value.name, caught.value.message) == (
            "depth",
            f"depth must be from 80 to 120, not {shown}.",
        )
        assert isinstance(caught.value, ValueError)


def test_an_unknown_number_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ParameterInvalid) as caught:
        depth_of(depht=90)
    assert caught.value.name == "depht"
    assert str(caught.value) == 'No parameter has the name "depht"; the nearest is depth.'
    with pytest.raises(ParameterInvalid):
        compile(DOCUMENT, parameters={"depth": 90})


def test_what_has_errors_takes_no_numbers_and_raises_for_none() -> None:
    document = edit("joint: hip", "joint: hips", DOCUMENT_WITH_DEPTH)
    assert validate(document, parameters={"depth": 1}).spec is None
    with pytest.raises(detection.MoveSpecInvalid):
        compile(document, parameters={"depth": 1})
