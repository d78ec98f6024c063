"""Steps that say more than the name of a phase."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from movespec_documents import edit, errors_of, message_of, spec_of, with_half

from detection import Step, validate
from detection.language.issues import Report
from detection.language.rules import check_sequence

SEQUENCE = "detection.movement.sequence"
STEPS = "[standing, bottom, standing]"


def of_steps(*steps: str) -> str:
    return edit(STEPS, f"[{', '.join(steps)}]")


def of_half(*steps: str) -> str:
    return with_half(140).replace(
        "[standing, half, bottom, half, standing]", f"[{', '.join(steps)}]"
    )


def test_a_step_is_a_name_or_says_more() -> None:
    spec = spec_of(
        of_half(
            "standing",
            "{phase: half, optional: true}",
            "{phase: bottom, hold_ms: 300, within_ms: 4000}",
            "{phase: standing}",
        )
    )
    assert spec.steps == (
        Step("standing"),
        Step("half", 0.0, None, is_optional=True),
        Step("bottom", 300.0, 4000.0),
        Step("standing"),
    )
    assert spec.sequence == ("standing", "half", "bottom", "standing")


@pytest.mark.parametrize(
    ("step", "code", "key"),
    [
        ("{hold_ms: 300}", "missing_key", ".phase"),
        ("{phase: bottom, hold_ms: -1}", "number_out_of_range", ".hold_ms"),
        ("{phase: bottom, hold_ms: 600001}", "number_out_of_range", ".hold_ms"),
        ("{phase: bottom, hold_ms: '300'}", "wrong_type", ".hold_ms"),
        ("{phase: bottom, within_ms: 99}", "number_out_of_range", ".within_ms"),
        ("{phase: bottom, within_ms: 600001}", "number_out_of_range", ".within_ms"),
        ("{phase: bottom, optional: yes}", "wrong_type", ".optional"),
        ("{phase: bottom, hold: 300}", "unknown_key", ".hold"),
        ("{phase: botom}", "unknown_phase", ".phase"),
        ("{phase: bot!tom}", "invalid_name", ".phase"),
        ("[bottom]", "wrong_type", ""),
    ],
)
def test_it_refuses_a_step(step: str, code: str, key: str) -> None:
    (error,) = errors_of(of_steps("standing", step, "standing"))
    assert error[:2] == (code, f"{SEQUENCE}[1]{key}")


def test_it_names_the_nearest_phase_of_a_step() -> None:
    assert message_of(of_steps("standing", "{phase: botom}", "standing")) == (
        'No phase has the name "botom"; the nearest is "bottom".'
    )


@pytest.mark.parametrize(("index", "which"), [(0, "first"), (2, "last")])
def test_the_first_and_the_last_step_are_never_optional(index: int, which: str) -> None:
    steps = ["standing", "bottom", "standing"]
    steps[index] = "{phase: standing, optional: true}"
    # Without it the two neighbours are alike as well, but one fault is enough to say.
    (error,) = errors_of(of_steps(*steps))
    assert error[:2] == ("step_not_allowed", f"{SEQUENCE}[{index}].optional")
    assert message_of(of_steps(*steps)) == (
        f"The {which} step cannot be optional: a repetition begins and ends somewhere."
    )


def test_the_first_step_has_no_step_before_it_to_count_from() -> None:
    document = of_steps("{phase: standing, within_ms: 900}", "bottom", "standing")
    (error,) = errors_of(document)
    assert error[:2] == ("step_not_allowed", f"{SEQUENCE}[0].within_ms")
    assert errors_of(of_steps("{phase: standing, hold_ms: 900}", "bottom", "standing")) == []


def test_neighbours_differ_where_an_optional_step_is_passed_over() -> None:
    document = of_steps("standing", "{phase: bottom, optional: true}", "standing")
    (error,) = errors_of(document)
    assert error[:2] == ("repeated_step", f"{SEQUENCE}[2]")
    assert message_of(document) == (
        'Without the optional steps between, the step before this one is "standing" too;'
        " neighbours must differ."
    )


HALF = "{phase: half, optional: true}"


def test_two_steps_and_optional_ones_count_each_return() -> None:
    assert validate(of_half("bottom", HALF, "standing")).warnings == ()
    codes = [one.code for one in validate(of_half("bottom", "half", "standing")).warnings]
    assert codes == ["sequence_not_closed"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), min_size=2, max_size=7))
def test_no_choice_of_optional_steps_leaves_equal_neighbours(steps: list[tuple[str, bool]]) -> None:
    """By trying every choice of the optional steps that a repetition passes over."""
    last = len(steps) - 1
    optional = [is_optional and 0 < n < last for n, (_, is_optional) in enumerate(steps)]
    report = Report()
    check_sequence(
        [
            {"phase": phase, "optional": is_optional}
            for (phase, _), is_optional in zip(steps, optional, strict=True)
        ],
        report,
    )

    def some_choice_has_equal_neighbours(left: list[str], number: int) -> bool:
        if number == len(steps):
            return any(one == other for one, other in pairwise(left))
        return some_choice_has_equal_neighbours([*left, steps[number][0]], number + 1) or (
            optional[number] and some_choice_has_equal_neighbours(left, number + 1)
        )

    assert bool(report.errors()) is some_choice_has_equal_neighbours([], 0)
