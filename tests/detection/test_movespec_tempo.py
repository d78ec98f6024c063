"""Tempo in the language: how long the way out, the stay there and the way back may take."""

from math import inf

import pytest
from movespec_documents import CUE, DOCUMENT, HOLD, edit, errors_of, spec_of

from detection import roles, validate
from detection.spec import TempoCheck

TEMPO = "detection.movement.tempo"
FEEDBACK = "detection.movement.feedback[0]"


def with_tempo(tempo: str, document: str = DOCUMENT) -> str:
    return edit("    sequence", f"    tempo: {tempo}\n    sequence", document)


def test_it_compiles_the_parts_in_their_order() -> None:
    spec = spec_of(with_tempo("{back: {max: 1500}, out: {min: 2500, max: 3500, required: true}}"))
    assert spec.tempo == (
        TempoCheck("out", 2500.0, 3500.0, is_required=True),
        TempoCheck("back", 0.0, 1500.0),
    )
    assert spec.check_paths == {"tempo.out": f"{TEMPO}.out", "tempo.back": f"{TEMPO}.back"}
    stay = spec_of(with_tempo("{stay: {min: 1000}}"))
    assert stay.tempo == (TempoCheck("stay", 1000.0, inf),)


@pytest.mark.parametrize(
    ("tempo", "code", "key"),
    [
        ("{}", "missing_bound", ""),
        ("{out: {}}", "missing_bound", ".out"),
        ("{out: {required: true}}", "missing_bound", ".out"),
        ("3000", "wrong_type", ""),
        ("{out: 3000}", "wrong_type", ".out"),
        ("{down: {min: 900}}", "unknown_key", ".down"),
        ("{out: {min_ms: 900}}", "unknown_key", ".out.min_ms"),
        ("{out: {min: 99}}", "number_out_of_range", ".out.min"),
        ("{out: {max: 600001}}", "number_out_of_range", ".out.max"),
        ("{out: {min: 3 s}}", "wrong_type", ".out.min"),
        ("{stay: {min: 900, max: 800}}", "bounds_reversed", ".stay.min"),
        ("{back: {max: $slow}}", "unknown_parameter", ".back.max"),
        ("{stay: {max: 900, required: 1}}", "wrong_type", ".stay.required"),
    ],
)
def test_it_refuses_a_tempo(tempo: str, code: str, key: str) -> None:
    codes = [error[:2] for error in errors_of(with_tempo(tempo))]
    assert (code, f"{TEMPO}{key}") in codes
    assert {error for error, _ in codes} <= {code, "missing_bound"}


def test_a_hold_has_no_tempo() -> None:
    document = edit("    target_ms", "    tempo: {stay: {min: 900}}\n    target_ms", HOLD)
    assert [error[:2] for error in errors_of(document)] == [("misplaced_key", TEMPO)]


def test_the_bounds_may_be_parameters() -> None:
    document = edit(
        "  movement:",
        "  parameters: {slow: {default: 3000, min: 1000, max: 9000}}\n  movement:",
        with_tempo("{out: {min: $slow}}"),
    )
    validation = validate(document)
    assert validation.units() == {"slow": "ms"}
    assert validation.spec_with({"slow": 4000.0}).tempo == (TempoCheck("out", 4000.0, inf),)
    reversed_ = edit("$slow}", "$slow, max: 8000}", document)
    assert [error[:2] for error in errors_of(reversed_)] == [
        ("bounds_reversed", f"{TEMPO}.out.min")
    ]


@pytest.mark.parametrize("part", ["out", "stay", "back"])
def test_a_cue_is_on_it_by_its_name(part: str) -> None:
    cue = f"{{when: {{check: tempo.{part}}}, message: Slower.}}"
    document = with_tempo(f"{{{part}: {{min: 900}}}}", edit(CUE, cue))
    spec = spec_of(document)
    [cue] = spec.feedback
    assert (cue.when, cue.check, cue.criterion, cue.is_met) == ("", f"tempo.{part}", None, False)
    other = edit(f"tempo: {{{part}:", f"tempo: {{{'out' if part == 'stay' else 'stay'}:", document)
    assert [error[:2] for error in errors_of(other)] == [
        ("unknown_check", f"{FEEDBACK}.when.check")
    ]


def test_no_other_name_has_its_dot() -> None:
    check = edit(
        "    sequence", "    checks: [{name: tempo.out, lean: trunk, most: {max: 9}}]\n    sequence"
    )
    assert [error[:2] for error in errors_of(check)] == [
        ("invalid_name", "detection.movement.checks[0].name")
    ]
    cue = edit(CUE, "{when: {check: tempo.down}, message: Slower.}")
    assert [error[:2] for error in errors_of(cue)] == [("invalid_name", f"{FEEDBACK}.when.check")]


def test_what_no_way_leads_to_is_not_judged() -> None:
    document = with_tempo("{out: {min: 900, required: true}}").replace(
        "joint: knee, side: front, angle_min: 60, angle_max: 100", "joint: hip, angle_max: 100"
    )
    messages = {issue.code: issue.message for issue in validate(document).warnings}
    assert messages["tempo_not_judged"] == (
        'Tempo is never judged: no angle carries the movement to "standing", the last step, so no'
        " way is timed. As it is required, nothing counts."
    )
    assert "tempo_not_judged" not in {
        issue.code for issue in validate(with_tempo("{out: {min: 900}}")).warnings
    }


@pytest.mark.parametrize(
    ("tempo", "is_sent"),
    [
        ("out: {max: 900}", True),
        ("back: {max: 900}", False),
        ("back: {max: 900, required: true}", True),
    ],
)
def test_form_is_of_what_is_known_as_a_repetition_is_told(tempo: str, *, is_sent: bool) -> None:
    cue = "{when: completed, form: {min: 1}, message: Good.}"
    document = with_tempo(f"{{{tempo}}}", edit(CUE, cue))
    codes = {issue.code for issue in validate(document).warnings}
    assert ("cue_never_sent" not in codes) == is_sent


def test_its_roles_say_what_missing_it_means() -> None:
    cues = "".join(
        f"      - {{when: {{check: tempo.{part}, met: true}}, message: Good.}}\n"
        for part in ("out", "back")
    )
    back = "back: {min: 900, max: 1500}"
    tempo = f"{{out: {{min: 2500, required: true}}, stay: {{max: 500}}, {back}}}"
    spec = spec_of(with_tempo(tempo) + cues)
    told = {one.path: one for one in roles(spec)}
    sentences = {
        f"{TEMPO}.out": 'For "tempo.out" the way out must take 2.5 s or more; a repetition that'
        " misses it does not count.",
        f"{TEMPO}.stay": 'For "tempo.stay" the stay at the far end must take 0.5 s or less; a'
        " repetition that misses it counts, with less form.",
        f"{TEMPO}.back": 'For "tempo.back" the way back must take 0.9 s to 1.5 s; a repetition that'
        " misses it counts, since the way back is over only later.",
        "detection.movement.feedback[1]": "The message is sent with each repetition or attempt at"
        ' one in which "tempo.out" is met.',
        "detection.movement.feedback[2]": "The message is sent once the way back is over, if"
        ' "tempo.back" is met.',
    }
    assert {path: told[path].sentence for path in sentences} == sentences
    assert {told[path].view for path in sentences} == {"any"}
