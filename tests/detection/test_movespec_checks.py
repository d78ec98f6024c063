"""Checks of form, and the cues that a stay is judged by."""

import pytest
from movespec_documents import CUE, HOLD, edit, errors_of, message_of, spec_of, with_checks

import detection
from detection import Criterion, Cue, MoveSpecInvalid, validate
from detection.spec import LACKS, REASONS, Check

CHECKS = "detection.movement.checks"
FEEDBACK = "detection.movement.feedback"
LEAST = "{name: depth, joint: knee, least: {max: 90}}"


def cue_of(cue: str) -> Cue:
    spec = spec_of(edit(CUE, cue))
    return spec.feedback[0]


def test_it_compiles_checks() -> None:
    spec = spec_of(
        with_checks(
            "{name: deep, when: bottom, joint: knee, side: back, least: {max: 90}, required: true}",
            "{name: tall, lean: trunk, most: {min: 10, max: 40}}",
        )
    )
    assert spec.checks == (
        Check("deep", "bottom", Criterion("knee", "back", 0.0, 90.0), "least", is_required=True),
        Check("tall", None, Criterion("trunk", None, 10.0, 40.0), "most"),
    )


@pytest.mark.parametrize(
    ("check", "code", "key"),
    [
        ("{joint: knee, least: {max: 90}}", "missing_key", "[0].name"),
        ("{name: a, least: {max: 90}}", "missing_joint", "[0]"),
        ("{name: a, joint: knee, lean: trunk, least: {max: 90}}", "joint_and_lean", "[0].lean"),
        ("{name: a, lean: trunk, side: left, least: {max: 9}}", "side_not_allowed", "[0].side"),
        ("{name: a, joint: knee}", "missing_extreme", "[0]"),
        ("{name: a, joint: knee, least: {}}", "missing_bound", "[0].least"),
        ("{name: a, joint: knee, least: 90}", "wrong_type", "[0].least"),
        ("{name: a, joint: knee, least: {max: 90}, most: {max: 90}}", "least_and_most", "[0].most"),
        ("{name: a, joint: knee, most: {min: 91, max: 90}}", "bounds_reversed", "[0].most.min"),
        ("{name: a, joint: knee, least: {angle_max: 90}}", "unknown_key", "[0].least.angle_max"),
        ("{name: a, when: botom, joint: knee, least: {max: 90}}", "unknown_phase", "[0].when"),
        ("{name: a, when: completed, joint: knee, least: {max: 90}}", "unknown_phase", "[0].when"),
        ("{name: a, joint: knee, least: {max: 90}, required: 1}", "wrong_type", "[0].required"),
    ],
)
def test_it_refuses_a_check(check: str, code: str, key: str) -> None:
    codes = [error[:2] for error in errors_of(with_checks(check))]
    assert (code, f"{CHECKS}{key}") in codes
    assert {error for error, _ in codes} <= {code, "missing_bound"}


@pytest.mark.parametrize(("key", "newer"), [("max", "max"), ("angle_min", "min")])
def test_bounds_on_a_check_itself_are_told_their_place(key: str, newer: str) -> None:
    document = with_checks(f"{{name: a, joint: knee, least: {{max: 90}}, {key}: 90}}")
    assert [error[:2] for error in errors_of(document)] == [("misplaced_key", f"{CHECKS}[0].{key}")]
    assert message_of(document) == (
        f"The bounds of a check are those of least or of most: write least: {{{newer}: …}}."
    )


def test_the_names_of_checks_are_unique() -> None:
    assert message_of(with_checks(LEAST, LEAST)) == 'checks[0] has the name "depth" already.'


def test_a_cue_is_judged_by_what_a_stay_reached() -> None:
    assert cue_of("{when: bottom, joint: knee, least: {min: 105}, message: Deeper.}") == Cue(
        "bottom", Criterion("knee", None, 105.0, 180.0), "coaching", "Deeper.", "least"
    )
    cue = cue_of("{when: bottom, lean: trunk, most: {min: 50}, message: Chest up.}")
    assert (cue.extreme, cue.criterion) == ("most", Criterion("trunk", None, 50.0, 180.0))


@pytest.mark.parametrize(
    ("cue", "code", "key"),
    [
        ("least: {min: 105}", "missing_joint", ".least"),
        ("joint: knee, least: {min: 9}, most: {min: 9}", "least_and_most", ".most"),
        ("joint: knee, least: {min: 9}, max: 90", "bounds_twice", ".max"),
        ("joint: knee, angle_max: 90, most: {min: 9}", "bounds_twice", ".most"),
        ("joint: knee, least: {}", "missing_bound", ".least"),
        ("joint: knee", "missing_bound", ""),
        ("reason: too_slow", "reason_not_allowed", ".reason"),
        ("form: {min: 1}", "form_not_allowed", ".form"),
        ("detail: too_low", "detail_not_allowed", ".detail"),
        ("step: bottom", "detail_not_allowed", ".step"),
        ("key: go deeper", "invalid_name", ".key"),
        ("every: 0", "number_out_of_range", ".every"),
        ("every: 101", "number_out_of_range", ".every"),
        ("every: 1.5", "wrong_type", ".every"),
        ("min_gap_ms: -1", "number_out_of_range", ".min_gap_ms"),
        ("min_gap_ms: 600001", "number_out_of_range", ".min_gap_ms"),
    ],
)
def test_it_refuses_a_cue(cue: str, code: str, key: str) -> None:
    (error,) = errors_of(edit(CUE, f"{{when: bottom, {cue}, message: Deeper.}}"))
    assert error[:2] == (code, f"{FEEDBACK}[0]{key}")


def test_a_cue_names_the_step_and_how_it_was_missed() -> None:
    narrowed = "reason: not_reached, detail: too_short, step: bottom"
    cue = cue_of(f"{{when: interrupted, {narrowed}, message: Longer.}}")
    assert (cue.reason, cue.detail, cue.step) == ("not_reached", "too_short", "bottom")


@pytest.mark.parametrize(
    ("narrowed", "code", "message"),
    [
        (
            "reason: too_slow, detail: too_low",
            "detail_not_allowed",
            "A detail is for the reason not_reached.",
        ),
        (
            "reason: condition, step: bottom",
            "detail_not_allowed",
            "A step is for the reasons not_reached, too_slow, out_of_order.",
        ),
        (
            "reason: not_reached, step: botom",
            "unknown_step",
            'No step of the sequence is "botom"; the nearest is "bottom".',
        ),
        (
            "reason: not_reached, detail: shallow",
            "invalid_value",
            'detail must be one of too_low, too_short, one_sided, not "shallow".',
        ),
    ],
)
def test_a_detail_and_a_step_narrow_a_reason_that_has_them(
    narrowed: str, code: str, message: str
) -> None:
    document = edit(CUE, f"{{when: interrupted, {narrowed}, message: Deeper.}}")
    assert [error[0] for error in errors_of(document)] == [code]
    assert message_of(document) == message


def test_a_cue_of_a_hold_names_no_step() -> None:
    cue = "{when: interrupted, reason: not_reached, step: plank, message: Longer.}"
    assert message_of(f"{HOLD}    feedback: [{cue}]\n") == ("A hold has no steps: leave step out.")


@pytest.mark.parametrize("when", ["completed", "interrupted", "not_ready"])
@pytest.mark.parametrize(
    "key",
    ["joint: hip", "side: left", "least: {min: 9}", "most: {min: 9}", "min: 9", "angle_max: 9"],
)
def test_what_is_no_stay_takes_no_criterion(when: str, key: str) -> None:
    (error,) = errors_of(edit(CUE, f"{{when: {when}, {key}, message: Good.}}"))
    assert error[:2] == ("criterion_not_allowed", f"{FEEDBACK}[0].{key.split(':')[0]}")


@pytest.mark.parametrize(
    ("form", "bounds"),
    [("{min: 1}", (1.0, 1.0)), ("{max: 0.5}", (0.0, 0.5)), ("{min: 0, max: 1}", (0.0, 1.0))],
)
def test_a_cue_asks_for_form(form: str, bounds: tuple[float, float]) -> None:
    assert cue_of(f"{{when: completed, form: {form}, message: Good.}}").form == bounds


@pytest.mark.parametrize(
    ("form", "code", "key"),
    [
        ("{}", "missing_bound", ""),
        ("{min: 1.1}", "number_out_of_range", ".min"),
        ("{min: $share}", "wrong_type", ".min"),
        ("{min: 0.8, max: 0.5}", "bounds_reversed", ".min"),
    ],
)
def test_it_refuses_a_form(form: str, code: str, key: str) -> None:
    (error,) = errors_of(edit(CUE, f"{{when: completed, form: {form}, message: Good.}}"))
    assert error[:2] == (code, f"{FEEDBACK}[0].form{key}")


def test_a_form_without_checks_is_never_sent() -> None:
    cue = "{when: completed, form: {min: 1}, message: Good.}"
    (warning,) = validate(edit(CUE, cue)).warnings
    assert (warning.code, warning.path) == ("cue_never_sent", f"{FEEDBACK}[0]")
    assert validate(edit(CUE, cue, with_checks(LEAST))).warnings == ()


def test_a_cue_is_rationed_and_has_a_key() -> None:
    cue = cue_of("{when: bottom, key: go-deeper, every: 3, min_gap_ms: 5000, message: Deeper.}")
    assert (cue.key, cue.every, cue.min_gap_ms) == ("go-deeper", 3, 5000.0)
    assert isinstance(cue.every, int)
    plain = cue_of("{when: bottom, message: Deeper.}")
    assert (plain.key, plain.every, plain.min_gap_ms) == (None, 1, 0.0)


@pytest.mark.parametrize(
    ("when", "reason"),
    [*(("interrupted", reason) for reason in REASONS), *(("not_ready", lack) for lack in LACKS)],
)
def test_a_cue_has_a_reason(when: str, reason: str) -> None:
    assert cue_of(f"{{when: {when}, reason: {reason}, message: So.}}").reason == reason


@pytest.mark.parametrize(
    ("when", "reason", "message"),
    [
        ("interrupted", "view", "The reason of interrupted must be one of out_of_order, "),
        ("not_ready", "too_slow", "The reason of not_ready must be one of visible, view, start."),
        ("not_ready", "tired", "reason must be one of "),
        ("completed", "too_slow", "A reason is for a cue on interrupted or not_ready: leave"),
    ],
)
def test_another_reason_is_refused(when: str, reason: str, message: str) -> None:
    document = edit(CUE, f"{{when: {when}, reason: {reason}, message: So.}}")
    assert message_of(document).startswith(message)
    assert errors_of(document)[0][1] == f"{FEEDBACK}[0].reason"


NAMED_SO = edit("- name: bottom", "- name: not_ready").replace(" bottom,", " not_ready,")


def test_a_new_phase_is_not_named_as_a_word_of_cues() -> None:
    assert ("reserved_name", "detection.movement.phases[1].name", 11, 15) in errors_of(NAMED_SO)
    with pytest.raises(MoveSpecInvalid):
        detection.compile(NAMED_SO.replace("not_ready", "completed"))


def test_a_stored_phase_named_so_goes_on_to_mean_the_phase() -> None:
    spec = detection.compile(NAMED_SO)
    assert [phase.name for phase in spec.phases] == ["standing", "not_ready"]
    assert spec.feedback[0].when == "not_ready"
    assert spec.feedback[0].criterion == Criterion("hip", None, 0.0, 70.0)
    assert validate(NAMED_SO, is_new=False).warnings == ()


def test_the_word_is_one_in_every_other_stored_version() -> None:
    cue = "{when: not_ready, joint: knee, max: 9, message: So.}"
    (error,) = validate(edit(CUE, cue), is_new=False).errors
    assert error.code == "criterion_not_allowed"


LANGUAGES = "{en: Deeper, de: Tiefer, de-CH: Tüüfer, pt-BR: Mais fundo}"


@pytest.mark.parametrize(
    ("locale", "message"),
    [
        (None, "Deeper"),
        ("en", "Deeper"),
        ("en-GB", "Deeper"),
        ("de", "Tiefer"),
        ("DE", "Tiefer"),
        ("de-AT", "Tiefer"),
        ("de-ch", "Tüüfer"),
        ("de-CH-1996", "Tüüfer"),
        ("de-x-CH", "Tiefer"),
        ("pt", "Deeper"),
        ("pt-BR", "Mais fundo"),
        ("fr", "Deeper"),
        ("", "Deeper"),
        ("-", "Deeper"),
        ("not a tag", "Deeper"),
        ("x" * 5000, "Deeper"),
    ],
)
def test_the_locale_chooses_the_message(locale: str | None, message: str) -> None:
    document = edit("message: Chest up.", f"message: {LANGUAGES}")
    assert detection.compile(document, locale=locale).feedback[0].message == message
    spec = spec_of(document, locale=locale)
    assert spec.feedback[0].message == message


def test_without_english_it_is_the_first() -> None:
    document = edit("message: Chest up.", "message: {fr: Plus bas, de: Tiefer}")
    assert detection.compile(document, locale="es").feedback[0].message == "Plus bas"


@pytest.mark.parametrize(
    ("message", "code", "key"),
    [
        ("{}", "too_few_items", ""),
        ("{en: ''}", "invalid_length", ".en"),
        (f"{{en: {'x' * 201}}}", "invalid_length", ".en"),
        ("{en: [Deeper]}", "wrong_type", ".en"),
        ("{en_US: Deeper}", "invalid_name", ".en_US"),
        ("{'': Deeper}", "invalid_name", '.""'),
        ("{en: Deeper, EN: Deeper}", "duplicate_key", ".EN"),
        ("[Deeper]", "wrong_type", ""),
        (f"{{{', '.join(f'en-a{n}: x' for n in range(17))}}}", "too_many_items", ""),
    ],
)
def test_it_refuses_a_message(message: str, code: str, key: str) -> None:
    (error,) = errors_of(edit("message: Chest up.", f"message: {message}"))
    assert error[:2] == (code, f"{FEEDBACK}[0].message{key}")


def on_check(cue: str, *checks: str) -> str:
    return edit(CUE, f"{{{cue}, message: Deeper.}}", with_checks(*checks or (LEAST,)))


@pytest.mark.parametrize(("outcome", "is_met"), [("", False), (", met: true", True)])
def test_a_cue_on_a_check_has_what_the_check_asks(outcome: str, is_met: bool) -> None:
    for phase in ("bottom", ""):
        check = LEAST.replace("joint", f"when: {phase}, joint") if phase else LEAST
        spec = spec_of(on_check(f"when: {{check: depth{outcome}}}", check))
        assert spec.feedback == (
            Cue(
                phase,
                Criterion("knee", None, 0.0, 90.0),
                "coaching",
                "Deeper.",
                "least",
                check="depth",
                is_met=is_met,
            ),
        )


@pytest.mark.parametrize(
    ("cue", "code", "key", "message"),
    [
        (
            "when: {check: dept}",
            "unknown_check",
            ".when.check",
            'No check has the name "dept"; the nearest is "depth".',
        ),
        ("when: {check: knees}", "unknown_check", ".when.check", None),
        ("when: {met: true}", "missing_key", ".when.check", None),
        ("when: {check: depth, met: 1}", "wrong_type", ".when.met", None),
        ("when: {check: depth, is: 1}", "unknown_key", ".when.is", None),
        ("when: [depth]", "wrong_type", ".when", None),
        (
            "when: {check: depth}, joint: knee, max: 90",
            "criterion_not_allowed",
            ".joint",
            "A cue on a check takes no joint, lean, side or bounds: it has the check's.",
        ),
        ("when: {check: depth}, least: {max: 90}", "criterion_not_allowed", ".least", None),
        ("when: {check: depth}, reason: too_slow", "reason_not_allowed", ".reason", None),
        ("when: {check: depth}, form: {min: 1}", "form_not_allowed", ".form", None),
        ("when: {check: depth}, step: bottom", "detail_not_allowed", ".step", None),
    ],
)
def test_it_refuses_a_cue_on_a_check(cue: str, code: str, key: str, message: str | None) -> None:
    document = on_check(cue)
    (error,) = errors_of(document)
    assert error[:2] == (code, f"{FEEDBACK}[0]{key}")
    assert message is None or message_of(document) == message


def test_cues_on_checks_are_none_on_entry() -> None:
    cue = "{when: {check: depth}, message: Deeper.}"
    document = edit(CUE, "\n      - ".join([cue] * 5), with_checks(LEAST))
    assert errors_of(document) == []
