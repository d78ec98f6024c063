import pytest
from movespec_documents import edit, places

from detection import validate
from detection.overlap import can_hold_at_once
from detection.spec import Criterion, Phase

PHASES = "detection.movement.phases"


def phase(*criteria: str) -> Phase:
    """`phase("knee left 10 20", "hip - 0 90")`: joint, side (- for none), bounds."""
    made = []
    for criterion in criteria:
        joint, side, low, high = criterion.split()
        made.append(Criterion(joint, None if side == "-" else side, float(low), float(high)))
    return Phase("p", None, tuple(made))


@pytest.mark.parametrize(
    ("one", "other", "at_once"),
    [
        # Bands of the same side.
        (["knee - 150 180"], ["knee - 60 120"], False),
        (["knee - 120 180"], ["knee - 60 120"], True),
        (["knee left 150 180"], ["knee left 60 120"], False),
        (["knee both 150 180"], ["knee both 60 120"], False),
        (["knee front 150 180"], ["knee front 60 120"], False),
        (["knee back 150 180"], ["knee back 60 120"], False),
        (["knee either 150 180"], ["knee either 60 120"], True),
        # No side counts as both.
        (["knee - 150 180"], ["knee left 60 120"], False),
        (["knee - 150 180"], ["knee front 60 120"], False),
        (["knee - 150 180"], ["knee either 60 120"], False),
        (["knee - 150 180"], ["knee both 60 120"], False),
        (["knee both 150 180"], ["knee either 60 120"], False),
        (["knee both 150 180"], ["knee back 60 120"], False),
        # One side and another are free of each other.
        (["knee left 150 180"], ["knee right 60 120"], True),
        (["knee front 150 180"], ["knee back 60 120"], True),
        (["knee left 150 180"], ["knee front 60 120"], True),
        (["knee left 150 180"], ["knee either 60 120"], True),
        (["knee front 150 180"], ["knee either 60 120"], True),
        # Whichever leg is in front, one of the two contradicts.
        (["knee left 150 180", "knee right 150 180"], ["knee front 60 120"], False),
        (["knee left 150 180", "hip left 0 9"], ["knee front 60 120", "hip front 50 60"], True),
        (["knee left 150 180", "hip right 0 9"], ["knee front 60 120", "hip front 50 60"], False),
        # Legs and arms lead apart from each other.
        (["knee left 150 180", "elbow right 0 9"], ["knee front 60 99", "elbow front 50 60"], True),
        # Several `either` of one joint have two sides between them.
        (["knee either 0 10", "knee either 20 30"], ["knee either 25 90"], True),
        (["knee either 0 10", "knee either 20 30"], ["knee either 40 90"], False),
        (["knee either 0 10", "knee left 20 30"], ["knee either 40 90"], False),
        (["knee either 0 50", "knee left 20 30"], ["knee either 40 90"], True),
        # One joint that contradicts is enough, and other joints are free.
        (["knee - 150 180", "hip - 0 90"], ["knee - 60 120", "hip - 0 90"], False),
        (["knee - 150 180"], ["hip - 0 90"], True),
        (["knee - 150 180"], ["elbow - 0 90"], True),
        # A phase that can never hold holds with no other.
        (["knee left 0 10", "knee both 20 30"], ["hip - 0 180"], False),
    ],
)
def test_two_phases_can_hold_at_once(one: list[str], other: list[str], at_once: bool) -> None:
    assert can_hold_at_once(phase(*one), phase(*other)) is at_once
    assert can_hold_at_once(phase(*other), phase(*one)) is at_once


def test_it_names_both_phases_that_can_hold_at_once() -> None:
    validation = validate(edit("angle_min: 160", "angle_min: 100"))
    (warning,) = validation.warnings
    assert places(validation.warnings) == [("overlapping_phases", f"{PHASES}[1]", 11, 9)]
    assert warning.severity == "warning"
    assert warning.message == (
        'The phases "standing" and "bottom" can hold at once: no joint sets them apart.'
    )


def test_it_compares_every_pair_of_phases() -> None:
    crouch = "      - {name: crouch, criteria: [{joint: hip, angle_max: 9}]}\n"
    document = edit("    sequence", crouch + "    sequence")
    assert places(validate(document).warnings) == [
        ("unused_phase", f"{PHASES}[2]", 14, 9),
        ("overlapping_phases", f"{PHASES}[2]", 14, 9),
        ("overlapping_phases", f"{PHASES}[2]", 14, 9),
    ]


def test_it_warns_of_a_sequence_that_does_not_end_where_it_began() -> None:
    (warning,) = validate(edit(", standing]", "]")).warnings
    assert warning.message == (
        'The sequence begins with "standing" and ends with "bottom"; a repetition usually ends'
        " where it began."
    )


def test_it_gives_no_warnings_beside_errors() -> None:
    validation = validate(edit(", standing]", "]").replace("hip", "hips"))
    assert len(validation.errors) == 1
    assert validation.warnings == ()
