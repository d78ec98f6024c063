from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from movespec_documents import edit, places, with_half

from detection import validate
from detection.overlap import can_hold_at_once
from detection.spec import SIDES, Criterion, Phase

PHASES = "detection.movement.phases"


GRID = (0.0, 60.0, 120.0, 180.0)
CRITERIA = st.builds(
    lambda measure, side, bounds: Criterion(
        measure, None if measure == "trunk" else side, min(bounds), max(bounds)
    ),
    st.sampled_from(["knee", "thigh", "elbow", "trunk"]),
    st.sampled_from([None, *SIDES]),
    st.tuples(st.sampled_from(GRID), st.sampled_from(GRID)),
)
PHASE_PAIRS = st.lists(st.lists(CRITERIA, min_size=1, max_size=4), min_size=2, max_size=2)


def meets(criterion: Criterion, left: float, right: float, pair: float, leads: str) -> bool:
    holds = [criterion.minimum <= angle <= criterion.maximum for angle in (left, right, pair)]
    is_left_meant = criterion.side == "left" or (criterion.side == "front") == (leads == "left")
    match criterion.side:
        case None:
            return holds[2]
        case "both":
            return holds[0] and holds[1]
        case "either":
            return holds[0] or holds[1]
        case "left" | "right":
            return holds[0 if criterion.side == "left" else 1]
    return holds[0 if is_left_meant else 1]


def some_pose_meets(criteria: list[Criterion]) -> bool:
    """By trying all poses with angles of the grid, on which all bands begin and end."""

    def some_angles_meet(measure: str, leads: str) -> bool:
        mine = [criterion for criterion in criteria if criterion.measure == measure]
        return any(
            all(meets(criterion, left, right, pair, leads) for criterion in mine)
            for left, right, pair in product(GRID, repeat=3)
            if min(left, right) <= pair <= max(left, right)
        )

    return all(
        any(all(some_angles_meet(m, leads) for m in limb) for leads in ("left", "right"))
        for limb in (("knee", "thigh"), ("elbow",), ("trunk",))
    )


@given(PHASE_PAIRS)
def test_two_phases_can_hold_at_once_where_a_pose_is_found(pair: list[list[Criterion]]) -> None:
    one, other = (Phase("p", None, tuple(criteria)) for criteria in pair)
    assert can_hold_at_once(one, other) is some_pose_meets(pair[0] + pair[1])


def test_it_names_both_phases_that_can_hold_at_once() -> None:
    validation = validate(edit("angle_min: 160", "angle_min: 100"))
    warning, nothing = validation.warnings
    assert places([warning]) == [("overlapping_phases", f"{PHASES}[1]", 11, 9)]
    assert nothing.code == "nothing_carries"
    assert warning.severity == "warning"
    assert warning.message == (
        'The phases "standing" and "bottom" can hold at once: no angle sets them apart.'
    )


def test_it_warns_of_a_sequence_that_does_not_end_where_it_began() -> None:
    (warning,) = validate(edit(", standing]", ", standing, bottom]")).warnings
    assert warning.message == (
        'The sequence begins with "standing" and ends with "bottom"; a repetition usually ends'
        " where it began."
    )


@pytest.mark.parametrize("sequence", ["[bottom, standing]", "[standing, bottom]"])
def test_it_does_not_warn_of_a_sequence_of_two_steps(sequence: str) -> None:
    assert validate(edit("[standing, bottom, standing]", sequence)).warnings == ()


def test_it_gives_no_warnings_beside_errors() -> None:
    validation = validate(edit(", standing]", ", standing, bottom]").replace("hip", "hips"))
    assert len(validation.errors) == 1
    assert validation.warnings == ()


def test_it_warns_of_a_phase_that_a_fast_repetition_passes_before_it_is_entered() -> None:
    (warning,) = validate(with_half(131)).warnings
    assert (warning.code, warning.path) == ("narrow_phase", f"{PHASES}[2].criteria[0]")
    assert warning.message == (
        'The phase "half" is 11 degrees wide between two others: a fast repetition passes it before'
        " it is entered. Make it 12 wide or more."
    )


@pytest.mark.parametrize("angle_max", [132, 150])
def test_it_does_not_warn_of_a_wider_one(angle_max: int) -> None:
    assert validate(with_half(angle_max)).warnings == ()


def test_an_end_may_be_narrow() -> None:
    assert validate(edit("angle_min: 160", "angle_min: 175")).warnings == ()


@pytest.mark.parametrize(
    ("view", "criterion", "codes"),
    [
        ("side", "joint: elbow, side: both", ["hidden_side"]),
        ("side", "joint: elbow", []),
        ("side", "joint: elbow, side: either", []),
        ("front", "joint: elbow, side: both", ["views_disagree"]),
        ("any", "joint: elbow, side: both", []),
    ],
)
def test_a_gate_on_both_sides_is_hidden_from_the_side(
    view: str, criterion: str, codes: list[str]
) -> None:
    text = edit("  movement:", f"  setup: {{view: {view}}}\n  movement:")
    gate = f"angle_max: 100}}\n          - {{{criterion}, angle_min: 100}}"
    issues = validate(text.replace("angle_max: 100}", gate)).warnings
    assert [issue.code for issue in issues] == codes
    # The knee of `both` sides carries: its role says from where it is seen.
    places = {"hidden_side": f"{PHASES}[1].criteria[1]", "views_disagree": "detection.setup.view"}
    assert [issue.path for issue in issues] == [places[code] for code in codes]


@pytest.mark.parametrize(("judge", "codes"), [("own_range", ["unused_tolerance"]), ("bands", [])])
def test_a_tolerance_of_what_carries_does_nothing_but_by_bands(
    judge: str, codes: list[str]
) -> None:
    text = edit("name: squat\n    phases", f"name: squat\n    judge: {judge}\n    phases")
    text = text.replace("angle_max: 100", "angle_max: 100, tolerance: 10")
    assert [one.code for one in validate(text).warnings] == codes
