"""Why an attempt did not count, in words."""

from dataclasses import replace
from typing import Any

import pytest

from detection import compile as compile_movespec
from detection.spec import REASONS as KNOWN
from sessions_app.attempt_words import REASONS, check_words, why_words

SPEC = compile_movespec("""\
name: everything
version: "1"
detection:
  type: repetition
  movement:
    name: everything
    throughout: [{lean: trunk, max: 60}, {lean: thigh, side: both, min: 20, max: 80}]
    phases:
      - {name: standing, criteria: [{joint: knee, min: 150}, {joint: hip, side: left, min: 140}]}
      - {name: bottom, criteria: [{joint: knee, max: 110}, {joint: elbow, min: 90, max: 90}]}
    sequence: [standing, {phase: bottom, hold_ms: 300, within_ms: 4000}, standing]
    checks:
      - {name: depth, when: bottom, joint: knee, least: {max: 95}}
      - {name: arms, joint: wrist, side: either, most: {min: 170}}
    tempo: {out: {min: 2500, required: true}}
""")
MOVEMENT, BOTTOM = "detection.movement", "phases[1].criteria[0]"


def why(reason: str, path: str | None = None, by: float | None = None, **more: Any) -> str:
    where = f"{MOVEMENT}.{path}" if path else None
    return why_words({"reason": reason, "path": where, "by": by, **more}, SPEC)


@pytest.mark.parametrize(
    ("reason", "path", "by", "words"),
    [
        # A driving angle goes by the person's own range.
        ("not_reached", BOTTOM, 12.4, "Not reached: knee on the way to bottom, 12° short"),
        ("not_reached", BOTTOM, None, "Not reached: knee on the way to bottom"),
        (
            "not_reached",
            "phases[0].criteria[1]",
            3.25,
            "Not reached: left hip at least 140° at standing, by 3.2°",
        ),
        ("not_reached", "phases[1].criteria[1]", None, "Not reached: elbow exactly 90° at bottom"),
        (
            "condition",
            "throughout[1]",
            40.0,
            "A condition was broken: lean of each thigh 20° to 80° throughout, by 40°",
        ),
        (
            "poor_form",
            "checks[1]",
            7.2,
            "A required check was missed: arms, either wrist at least 170° at its most in the "
            "whole repetition, by 7.2°",
        ),
        (
            "poor_form",
            "checks[0]",
            None,
            "A required check could not be seen: depth, knee at most 95° at its least at bottom",
        ),
        (
            "poor_form",
            "tempo.out",
            1234.0,
            "A required check was missed: tempo.out, 2.5 s or more, by 1.2 s",
        ),
        ("not_reached", "sequence[1]", 120.0, "Left too soon: bottom for 300 ms, by 120 ms"),
        ("too_slow", "sequence[1]", None, "Too slow: bottom within 4.0 s"),
        ("out_of_order", "sequence[2]", None, "Out of order: standing was to come next"),
        ("not_reached", None, 1266.7, "Let go too soon, 1.3 s short"),
        ("pose_lost", None, None, "Nobody was seen any more"),
        # A path and a reason that are not known.
        (
            "poor_form",
            "checks[9]",
            1.0,
            f"A required check was missed: {MOVEMENT}.checks[9], by 1.0°",
        ),
        ("too_odd", "somewhere", None, f"Too odd: {MOVEMENT}.somewhere"),
    ],
)
def test_it_says_why_with_the_criterion_and_by_how_much(
    reason: str, path: str | None, by: float | None, words: str
) -> None:
    assert why(reason, path, by) == words


def test_of_strict_phases_and_without_the_movespec_the_bounds_or_the_path_are_named() -> None:
    path = f"{MOVEMENT}.{BOTTOM}"
    payload = {"reason": "not_reached", "path": path, "by": 12.4}
    strict = replace(SPEC, phases=tuple(replace(one, strict=True) for one in SPEC.phases))
    assert why_words(payload, strict) == "Not reached: knee at most 110° at bottom, by 12°"
    assert why_words(payload, None) == f"Not reached: {path}, by 12°"
    # Older code has stored the reason alone.
    assert why_words({"reason": "out_of_order"}, SPEC) == "Out of order"
    one_sided = why("not_reached", BOTTOM, 25.0, detail="one_sided")
    assert one_sided == "One side stayed behind: knee on the way to bottom, 25° short"


def test_every_reason_has_words() -> None:
    assert set(REASONS) == set(KNOWN)


def test_a_check_has_its_value_and_whether_that_is_uncertain() -> None:
    check = {"name": "depth", "met": True, "value": 88.4, "by": None, "uncertain": True}
    assert check_words(check) == "depth met (88°, uncertain)"
    tempo = {"name": "tempo.out", "met": False, "value": 2060, "by": 440}
    assert check_words(tempo) == "tempo.out missed by 440 ms (2.1 s)"
