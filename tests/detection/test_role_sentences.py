"""What criteria do outside of the phases of a repetition, as `roles` tells a coach."""

from typing import get_args

import pytest
from movespec_documents import DOCUMENT, HOLD, RICH, edit, spec_of, with_checks

from detection import RoleName, placed_roles, roles, validate

MOVEMENT = "detection.movement"


def told(document: str, role: str) -> list[tuple[str, str]]:
    return [(one.path, one.sentence) for one in roles(spec_of(document)) if one.role == role]


def throughout(conditions: str) -> str:
    return edit("    phases:", f"    throughout: {conditions}\n    phases:")


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        (
            "{lean: trunk, max: 60, tolerance: 5}",
            "The trunk must lean by 60° or less throughout the repetition; more than 65° for over"
            " 0.15 s breaks it off.",
        ),
        (
            "{joint: hip, side: left, min: 20, max: 90, grace_ms: 1000}",
            "The left hip must be at 20° to 90° throughout the repetition; less than 20° or more"
            " than 90° for over 1 s breaks it off.",
        ),
        (
            "{lean: trunk, max: 60, grace_ms: 0}",
            "The trunk must lean by 60° or less throughout the repetition; more than 60° breaks it"
            " off.",
        ),
        (
            "{lean: trunk, max: 180, grace_ms: 0}",
            "The trunk must lean by any angle throughout the repetition; no angle breaks it off.",
        ),
    ],
)
def test_a_condition_that_is_said(condition: str, sentence: str) -> None:
    assert told(throughout(f"[{condition}]"), "condition") == [
        (f"{MOVEMENT}.throughout[0]", sentence)
    ]


def test_none_is_inferred_where_they_are_said() -> None:
    trunk = "}\n          - {lean: trunk, max: 60}\n"
    with_trunk = DOCUMENT.replace("side: both}\n", f"side: both{trunk}").replace(
        "100}\n", f"100{trunk}"
    )
    assert [path for path, _ in told(with_trunk, "condition")] == [
        f"{MOVEMENT}.phases[0].criteria[1]",
        f"{MOVEMENT}.phases[1].criteria[1]",
    ]
    said = edit("    phases:", "    throughout: []\n    phases:", with_trunk)
    assert told(said, "condition") == []
    assert told(said, "gate")[0] == (
        f"{MOVEMENT}.phases[0].criteria[1]",
        'The trunk must lean by 60° or less for "standing" to begin, and more than 65° ends it.',
    )


@pytest.mark.parametrize(
    ("keys", "sent"),
    [
        (
            "least: {min: 105}",
            'as a stay in "bottom" ends, if the hip was at 105° or more at its least',
        ),
        ("most: {max: 9}", 'as a stay in "bottom" ends, if the hip was at 9° or less at its most'),
        ("max: 70", 'once in each stay in "bottom", as soon as the hip is at 70° or less'),
        (
            "max: 70, every: 3",
            'once in each stay in "bottom", as soon as the hip is at 70° or less; one in 3 of these'
            " times, and the first",
        ),
        (
            "max: 70, min_gap_ms: 2500",
            'once in each stay in "bottom", as soon as the hip is at 70° or less; not within 2.5 s'
            " of the last",
        ),
    ],
)
def test_a_cue_says_when_it_is_sent(keys: str, sent: str) -> None:
    [(path, sentence)] = told(edit("angle_max: 70", keys), "cue")
    assert (path, sentence) == (f"{MOVEMENT}.feedback[0]", f"The message is sent {sent}.")


@pytest.mark.parametrize(
    ("check", "when", "sent"),
    [
        (
            "when: bottom, joint: knee, least: {max: 90}",
            "{check: depth}, every: 3",
            'as a stay in "bottom" ends, if "depth" is missed; one in 3 of these times, and the'
            " first",
        ),
        (
            "when: bottom, joint: knee, least: {max: 90}",
            "{check: depth, met: true}",
            'once in each stay in "bottom", as soon as "depth" is met',
        ),
        (
            "lean: trunk, most: {max: 40}",
            "{check: depth}",
            'with each repetition or attempt at one in which "depth" is missed',
        ),
    ],
)
def test_a_cue_on_a_check_says_when_it_is_sent(check: str, when: str, sent: str) -> None:
    document = edit(
        "{when: bottom, joint: hip, angle_max: 70,",
        f"{{when: {when},",
        with_checks(f"{{name: depth, {check}}}"),
    )
    assert told(document, "cue") == [(f"{MOVEMENT}.feedback[0]", f"The message is sent {sent}.")]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            "{joint: hip, min: 150}",
            'The hip must be at 150° or more for the time in "plank" to count; less than 145° for'
            " over 0.5 s ends the hold.",
        ),
        (
            "{joint: hip, min: 150, tolerance: 10}",
            'The hip must be at 150° or more for the time in "plank" to count; less than 140° for'
            " over 0.5 s ends the hold.",
        ),
        ("{joint: hip, min: 3}", 'The hip must be at 3° or more for the time in "plank" to count.'),
    ],
)
def test_the_criteria_of_a_hold_are_gates_of_it(change: str, sentence: str) -> None:
    document = edit("{joint: hip, min: 150}", change, HOLD)
    path = f"{MOVEMENT}.phases[0].criteria[1]"
    assert told(document, "gate")[1] == (path, sentence)
    assert {one.role for one in roles(spec_of(document))} == {"gate"}


def test_a_strict_hold_is_held_to_the_degree() -> None:
    document = edit("{name: plank, criteria", "{name: plank, strict: true, criteria", HOLD)
    document = edit("    target_ms", "    grace_ms: 0\n    target_ms", document)
    assert told(document, "gate")[1][1] == (
        'The hip must be at 150° or more, to the degree, for the time in "plank" to count; any'
        " other angle ends the hold."
    )


@pytest.mark.parametrize(
    ("tolerance", "ends"),
    [
        ("tolerance: 12", ' for "bottom" to begin, and more than 52° ends it'),
        ("tolerance: 0", ' for "bottom" to begin, and more than 40° ends it'),
    ],
)
def test_a_gate_says_its_own_tolerance(tolerance: str, ends: str) -> None:
    document = edit("100}\n", f"100}}\n          - {{lean: trunk, max: 40, {tolerance}}}\n")
    assert told(document, "gate")[0][1] == f"The trunk must lean by 40° or less{ends}."


def test_a_strict_gate_begins_to_the_degree_and_lasts_by_its_tolerance() -> None:
    document = edit("100}\n", "100}\n          - {lean: trunk, max: 40, tolerance: 12}\n")
    document = edit("    phases:", "    judge: bands\n    phases:", document)
    assert told(document, "gate")[0][1] == (
        'The trunk must lean by 40° or less, to the degree, for "bottom" to begin, and more than'
        " 52° ends it."
    )


def test_bands_are_told_as_strict_phases_are() -> None:
    each_is_strict = DOCUMENT
    for name in ("standing", "bottom"):
        old = f"- name: {name}\n"
        each_is_strict = edit(old, f"{old}        strict: true\n", each_is_strict)
    bands = edit("    phases:", "    judge: bands\n    phases:")
    assert roles(spec_of(bands)) == roles(spec_of(each_is_strict))


def test_sides_that_are_counted_apart_are_told_so_but_for_the_trunk() -> None:
    told_of = {one.path: (one.sentence, one.view) for one in roles(spec_of(RICH))}
    assert len(told_of) == 8
    for path, (sentence, view) in told_of.items():
        is_trunk = path in (f"{MOVEMENT}.throughout[0]", "detection.setup.start[0]")
        assert sentence.startswith("Of each side by itself: ") is not is_trunk
        assert view == "side"
    assert told_of[f"{MOVEMENT}.phases[2].criteria[0]"][0] == (
        "Of each side by itself: the elbow at 110° or less is the low end of the movement,"
        ' "up": each repetition must come at least 20° from the other end, and into this band to'
        " the degree."
    )


def test_each_has_its_place_in_the_document() -> None:
    for document in (RICH, HOLD):
        lines = document.splitlines()
        for role, mark in placed_roles(validate(document)):
            assert lines[mark.line - 1][mark.column - 1] == "{"
            assert role.role in get_args(RoleName)


def test_what_each_side_must_go_is_said() -> None:
    edited = edit("joint: knee, side: front, ", "joint: knee, ")
    document = edit("    phases:", "    both_move: true\n    phases:", edited)
    (_, sentence), *_ = told(document, "carries")
    assert ", and each side in sight " in sentence
    assert ", and each side in sight " not in told(edited, "carries")[0][1]
