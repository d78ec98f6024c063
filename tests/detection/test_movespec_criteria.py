import pytest
from movespec_documents import edit, errors_of, message_of, spec_of

PHASES = "detection.movement.phases"
FEEDBACK = "detection.movement.feedback"


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("0", 0.0),
        ("-0", 0.0),
        ("+90", 90.0),
        ("090", 90.0),
        ("90.5", 90.5),
        ("90.", 90.0),
        (".5", 0.5),
        ("9e1", 90.0),
        ("0x5A", 90.0),
        ("0o132", 90.0),
        ("100", 100.0),
    ],
)
def test_it_reads_an_angle_by_the_core_schema(text: str, degrees: float) -> None:
    spec = spec_of(edit("angle_min: 60", f"angle_min: {text}"))
    assert str(spec.phases[1].criteria[0].minimum) == str(degrees)


@pytest.mark.parametrize(
    "text",
    [
        "-0.1",
        "180.01",
        ".inf",
        "-.INF",
        ".nan",
        "1e999",
        "-1",
        "0xFFF",
        "9" * 400,
        f"0x{'f' * 400}",
    ],
)
def test_it_refuses_an_angle_out_of_range(text: str) -> None:
    path = f"{PHASES}[1].criteria[0].angle_max"
    document = edit("angle_max: 100", f"angle_max: {text}")
    assert errors_of(document) == [("number_out_of_range", path, 13, 66)]


def test_it_takes_equal_bounds_and_compares_with_the_defaults() -> None:
    assert errors_of(edit("angle_min: 60", "angle_min: 100")) == []
    assert errors_of(edit("angle_min: 160", "angle_min: 180")) == []
    assert errors_of(edit("angle_max: 70", "angle_max: 0")) == []


@pytest.mark.parametrize("side", ["left", "right", "both", "either", "front", "back"])
def test_the_lean_of_the_trunk_has_no_side(side: str) -> None:
    document = edit("joint: hip, ", f"side: {side}, lean: trunk, ")
    assert errors_of(document) == [("side_not_allowed", f"{FEEDBACK}[0].side", 16, 30)]
    assert message_of(document) == "The trunk has no sides: leave side out."


def test_a_criterion_has_a_joint_or_a_lean() -> None:
    document = edit("joint: knee, side: front, ", "")
    assert errors_of(document) == [("missing_joint", f"{PHASES}[1].criteria[0]", 13, 13)]
    assert message_of(document) == "The criterion needs a joint or a lean."


@pytest.mark.parametrize(
    ("first", "second"), [("joint: hip", "lean: trunk"), ("lean: trunk", "joint: hip")]
)
def test_no_criterion_has_both(first: str, second: str) -> None:
    document = edit("joint: hip", f"{first}, {second}")
    key = second.split(":")[0]
    column = 24 + len(f"{first}, {key}: ")
    assert errors_of(document) == [("joint_and_lean", f"{FEEDBACK}[0].{key}", 16, column)]
    assert message_of(document) == (
        "A criterion is of a joint or of a lean, not of both: make two of it."
    )


@pytest.mark.parametrize(("text", "strict"), [("true", True), ("TRUE", True), ("False", False)])
def test_a_phase_is_strict_or_not(text: str, *, strict: bool) -> None:
    document = edit("- name: bottom", f"- name: bottom\n        strict: {text}")
    spec = spec_of(document)
    assert [phase.strict for phase in spec.phases] == [False, strict]


@pytest.mark.parametrize("text", ["yes", "'true'", "1", "", "[true]"])
def test_strict_is_true_or_false(text: str) -> None:
    document = edit("- name: bottom", f"- name: bottom\n        strict: {text}")
    (error,) = errors_of(document)
    assert error[:3] == ("wrong_type", f"{PHASES}[1].strict", 12)
    assert message_of(document).startswith("strict must be true or false, not ")


@pytest.mark.parametrize(
    ("one", "other"), [("front", "left"), ("back", "right"), ("left", "back"), ("right", "front")]
)
def test_it_refuses_body_and_lead_sides_of_one_joint_in_one_phase(one: str, other: str) -> None:
    document = edit(
        "{joint: knee, side: front, angle_min: 60, angle_max: 100}",
        f"{{joint: knee, side: {one}, angle_min: 60}}\n"
        f"          - {{joint: knee, side: {other}, angle_min: 60}}",
    )
    assert errors_of(document) == [("side_conflict", f"{PHASES}[1].criteria[1].side", 14, 33)]


@pytest.mark.parametrize(
    "second",
    [
        "{joint: hip, side: left, angle_min: 9}",
        "{joint: knee, side: back, angle_min: 9}",
        "{joint: knee, side: both, angle_min: 9}",
        "{joint: knee, angle_min: 9}",
    ],
)
def test_it_takes_other_sides_beside_front(second: str) -> None:
    assert errors_of(edit("100}", f"100}}\n          - {second}")) == []


def test_it_takes_left_of_a_joint_in_one_phase_and_front_in_another() -> None:
    assert errors_of(edit("160, side: both", "160, side: left")) == []


def test_a_cue_with_a_side_needs_a_joint() -> None:
    document = edit("joint: hip, angle_max: 70", "side: left")
    assert errors_of(document) == [("missing_joint", f"{FEEDBACK}[0].side", 16, 30)]
