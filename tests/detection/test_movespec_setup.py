"""What must be so before anything counts."""

import pytest
from movespec_documents import DOCUMENT, edit, errors_of, message_of, spec_of

from detection import Criterion, validate
from detection.spec import Setup

SETUP = "detection.setup"


def with_setup(setup: str) -> str:
    return edit("  movement:", f"  setup: {setup}\n  movement:")


def setup_of(setup: str) -> Setup | None:
    spec = spec_of(with_setup(setup))
    return spec.setup


def test_it_compiles_a_setup() -> None:
    setup = setup_of("{visible: [left_wrist, nose], view: side, start: [{lean: trunk, max: 40}]}")
    start = (Criterion("trunk", None, 0.0, 40.0),)
    assert setup == Setup(("nose", "left_wrist"), "side", start)


@pytest.mark.parametrize("setup", ["{}", "{view: any}", "{start: []}"])
def test_what_is_left_out_is_not_asked(setup: str) -> None:
    assert setup_of(setup) == Setup()


def test_a_landmark_that_is_named_twice_is_asked_once() -> None:
    setup = setup_of("{visible: [nose, left_hip, nose]}")
    assert setup is not None
    assert setup.visible == ("nose", "left_hip")


@pytest.mark.parametrize(
    ("setup", "code", "key"),
    [
        ("{visible: legs}", "invalid_value", ".visible"),
        ("{visible: []}", "too_few_items", ".visible"),
        ("{visible: [left_nose]}", "invalid_value", ".visible[0]"),
        ("{visible: {nose: true}}", "wrong_type", ".visible"),
        ("{view: back}", "invalid_value", ".view"),
        ("{start: [{lean: trunk}]}", "missing_bound", ".start[0]"),
        ("{start: [{lean: trunk, min: 9, max: 8}]}", "bounds_reversed", ".start[0].min"),
        (
            "{start: [{joint: knee, side: front, min: 9}, {joint: knee, side: left, min: 9}]}",
            "side_conflict",
            ".start[1].side",
        ),
        (f"{{start: [{', '.join(['{joint: knee, min: 9}'] * 9)}]}}", "too_many_items", ".start"),
        ("{visibel: full_body}", "unknown_key", ".visibel"),
        ("full_body", "wrong_type", ""),
    ],
)
def test_it_refuses_a_setup(setup: str, code: str, key: str) -> None:
    (error,) = errors_of(with_setup(setup))
    assert error[:2] == (code, f"{SETUP}{key}")


def test_it_says_what_visible_may_be() -> None:
    assert message_of(with_setup("{visible: legs}")) == (
        'visible must be one of full_body, upper_body, lower_body, not "legs".'
    )
    assert message_of(with_setup("{visible: {a: b}}")) == (
        "visible must be text or a list, not a mapping."
    )
    assert message_of(with_setup("{visible: [left_hips]}")) == (
        'visible[0] must be a landmark, not "left_hips"; the nearest is left_hip.'
    )
    assert message_of(with_setup("{visible: [tail]}")) == (
        'visible[0] must be a landmark, not "tail".'
    )


READY = "{when: not_ready, message: Step back.}"


def with_cue(setup: str, cue: str) -> str:
    document = with_setup(setup) if setup else DOCUMENT
    return document + f"      - {cue}\n"


@pytest.mark.parametrize(
    ("setup", "cue"),
    [
        ("{view: side}", READY),
        ("{visible: full_body}", READY),
        ("{start: [{lean: trunk, max: 9}]}", READY),
        ("{view: side}", "{when: not_ready, reason: view, message: Turn sideways.}"),
        ("{visible: [nose]}", "{when: not_ready, reason: visible, message: Step back.}"),
        ("{start: [{lean: trunk, max: 9}]}", "{when: not_ready, reason: start, message: Up.}"),
    ],
)
def test_a_cue_says_what_is_missing(setup: str, cue: str) -> None:
    validation = validate(with_cue(setup, cue))
    assert (validation.errors, validation.warnings) == ((), ())


@pytest.mark.parametrize(
    ("setup", "reason", "asked"),
    [
        ("", "", "a setup"),
        ("{view: any}", "", "a setup"),
        ("{view: side}", "start", "start of the setup"),
        ("{visible: full_body}", "view", "view of the setup"),
    ],
)
def test_it_warns_of_a_cue_that_is_never_sent(setup: str, reason: str, asked: str) -> None:
    cue = READY.replace("not_ready,", f"not_ready, reason: {reason}," if reason else "not_ready,")
    (warning,) = validate(with_cue(setup, cue)).warnings
    assert (warning.code, warning.path) == ("cue_never_sent", "detection.movement.feedback[1]")
    assert warning.message == (
        f"This cue is never sent: not_ready needs {asked} to ask for something."
    )
