"""A posture that is held: its own keys, and those that only a repetition has."""

import pytest
from movespec_documents import HOLD, edit, errors_of, message_of, spec_of

MOVEMENT = "detection.movement"


def held(old: str, new: str) -> str:
    return edit(old, new, HOLD)


def test_it_compiles_a_hold() -> None:
    spec = spec_of(HOLD)
    assert (spec.type, spec.target_ms, spec.grace_ms) == ("hold", 30_000.0, 500.0)
    assert [phase.name for phase in spec.phases] == ["plank"]
    assert (spec.steps, spec.sequence, spec.throughout) == ((), (), ())
    assert not spec.counts_each_side


def test_a_hold_has_conditions_checks_and_cues() -> None:
    spec = spec_of(
        HOLD.replace("target_ms: 30000", "target_ms: 30000\n    grace_ms: 0")
        + "    throughout: [{lean: trunk, min: 50}]\n"
        + "    checks: [{name: hips, when: plank, joint: hip, least: {min: 140}}]\n"
        + "    feedback: [{when: plank, message: Hold it.}]\n"
    )
    assert spec.grace_ms == 0.0
    assert spec.throughout is not None
    assert [one.criterion.measure for one in spec.throughout] == ["trunk"]
    assert [(one.name, one.when) for one in spec.checks] == [("hips", "plank")]
    assert [one.message for one in spec.feedback] == ["Hold it."]


@pytest.mark.parametrize(("key", "value"), [("sequence", "[plank, plank]"), ("judge", "bands")])
def test_what_a_repetition_alone_has_is_an_error_in_a_hold(key: str, value: str) -> None:
    document = held("    target_ms", f"    {key}: {value}\n    target_ms")
    assert errors_of(document) == [("misplaced_key", f"{MOVEMENT}.{key}", 7, 5)]
    assert message_of(document) == (
        f"A hold has one phase and no {key}: leave {key} out, or write type: repetition."
    )


def test_a_hold_may_be_of_each_side() -> None:
    document = held("    target_ms", "    count: each_side\n    target_ms")
    spec = spec_of(document)
    assert spec.counts_each_side
    named = document.replace("{joint: hip,", "{joint: hip, side: left,")
    assert [code for code, *_ in errors_of(named)] == ["named_side"]


@pytest.mark.parametrize("key", ["target_ms", "grace_ms"])
def test_what_a_hold_alone_has_is_an_error_in_a_repetition(key: str) -> None:
    document = edit("    sequence", f"    {key}: 500\n    sequence")
    assert errors_of(document) == [("misplaced_key", f"{MOVEMENT}.{key}", 14, 5)]
    assert "type: hold" in message_of(document)


@pytest.mark.parametrize(("phases", "code"), [(0, "too_few_items"), (2, "too_many_items")])
def test_a_hold_has_one_phase(phases: int, code: str) -> None:
    phase = "      - {name: plank, criteria: [{lean: trunk, min: 60}, {joint: hip, min: 150}]}\n"
    document = held(
        f"\n{phase}", f"\n{phase}{phase.replace('plank', 'low')}" if phases else " []\n"
    )
    assert [(error, path) for error, path, *_ in errors_of(document)] == [
        (code, f"{MOVEMENT}.phases")
    ]
    assert message_of(document) in (
        "phases has 0 items; at least 1 is needed.",
        "phases has 2 items; at most 1 is allowed.",
    )


def test_a_misspelled_type_is_taken_for_the_nearest() -> None:
    assert errors_of(held("type: hold", "type: holds")) == [
        ("invalid_value", "detection.type", 4, 9)
    ]
    assert errors_of(edit("repetition", "repetitions")) == [
        ("invalid_value", "detection.type", 4, 9)
    ]


def test_a_hold_written_as_a_repetition_says_what_it_lacks() -> None:
    codes = [(code, path) for code, path, *_ in errors_of(held("type: hold", "type: repetition"))]
    assert codes == [
        ("missing_key", f"{MOVEMENT}.sequence"),
        ("misplaced_key", f"{MOVEMENT}.target_ms"),
        ("too_few_items", f"{MOVEMENT}.phases"),
    ]
