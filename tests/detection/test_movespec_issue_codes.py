import pytest
from movespec_documents import CUE as CUE_TEXT
from movespec_documents import DOCUMENT, edit, with_checks, with_half, with_parameter

from detection import ISSUE_CODES, validate
from detection.language.issues import WARNING_CODES

PHASES = "detection.movement.phases"
SEQUENCE = "detection.movement.sequence"
CUE = "detection.movement.feedback[0]"
CHECKS = "detection.movement.checks"
CRITERION = f"{PHASES}[1].criteria[0]"

# code: a document, and path, line and column of the first issue with the code.
CASES = {
    "document_too_large": ("x" * 65_537, "None None:None"),
    "invalid_character": (edit("Chest", "Ch\x07est"), "None 16:62"),
    "yaml_syntax": (edit("standing]", "standing"), "None 15:13"),
    "document_empty": ("# nothing\n", "None 1:1"),
    "multiple_documents": (DOCUMENT + "---\n" + DOCUMENT, "None 17:1"),
    "too_deep": (edit("squat\nversion", "[[[[[[[[[[]]]]]]]]]]\nversion"), "None 1:16"),
    "too_many_nodes": (f"[{'a, ' * 5000}]", "None 1:14999"),
    "directive_not_allowed": ("%TAG !a! tag:a,2000:\n---\n" + DOCUMENT, "None 1:1"),
    "anchor_not_allowed": (edit("knee, side", "&knee knee, side"), f"{CRITERION}.joint 13:21"),
    "alias_not_allowed": (edit("knee, side", "*knee , side"), f"{CRITERION}.joint 13:21"),
    "tag_not_allowed": (edit('"1.0"', "!!str 1.0"), "version 2:10"),
    "merge_key_not_allowed": (
        edit("name: bottom", "<<: bottom\n        name: bottom"),
        f'{PHASES}[1]."<<" 11:9',
    ),
    "duplicate_key": (
        edit("  type: repetition", "  type: repetition\n  type: x"),
        "detection.type 5:3",
    ),
    "invalid_key": (edit("side: front", "[side]: front"), f"{CRITERION} 13:27"),
    "unknown_key": (edit("angle_max: 100", "angel_max: 100"), f"{CRITERION}.angel_max 13:55"),
    "misplaced_key": (
        edit("    sequence", "    target_ms: 3000\n    sequence"),
        "detection.movement.target_ms 14:5",
    ),
    "missing_key": (edit("  type: repetition\n", ""), "detection.type 4:3"),
    "wrong_type": (edit("100", '"100"'), f"{CRITERION}.angle_max 13:66"),
    "too_few_items": (edit("[standing, bottom, standing]", "[standing]"), f"{SEQUENCE} 14:15"),
    "too_many_items": (
        edit("[standing, bottom, standing]", f"[{'standing, bottom, ' * 16}standing]"),
        f"{SEQUENCE} 14:15",
    ),
    "invalid_name": (edit("    name: squat", "    name: squat!"), "detection.movement.name 6:11"),
    "reserved_name": (edit("- name: bottom", "- name: completed"), f"{PHASES}[1].name 11:15"),
    "invalid_value": (edit("joint: hip", "joint: hips"), f"{CUE}.joint 16:31"),
    "invalid_length": (edit("Chest up.", "x" * 201), f"{CUE}.message 16:60"),
    "invalid_text": (edit("Chest up.", '"Chest\\0up."'), f"{CUE}.message 16:60"),
    "number_out_of_range": (edit("100", "180.5"), f"{CRITERION}.angle_max 13:66"),
    "missing_bound": (edit(", angle_min: 160", ""), f"{PHASES}[0].criteria[0] 10:13"),
    "bounds_twice": (edit("angle_min: 60", "min: 60"), f"{CRITERION}.angle_max 13:60"),
    "missing_joint": (edit("joint: hip, ", ""), f"{CUE}.angle_max 16:35"),
    "joint_and_lean": (edit("knee, side", "knee, lean: thigh, side"), f"{CRITERION}.lean 13:33"),
    "missing_extreme": (with_checks("{name: a, joint: knee}"), f"{CHECKS}[0] 15:9"),
    "least_and_most": (
        with_checks("{name: a, joint: knee, least: {max: 90}, most: {min: 9}}"),
        f"{CHECKS}[0].most 15:56",
    ),
    "side_not_allowed": (
        edit("joint: knee, side: front", "lean: trunk, side: front"),
        f"{CRITERION}.side 13:33",
    ),
    "bounds_reversed": (edit("angle_min: 60", "angle_min: 101"), f"{CRITERION}.angle_min 13:51"),
    "side_conflict": (
        edit("100}", "100}\n          - {joint: knee, side: left, angle_min: 9}"),
        f"{PHASES}[1].criteria[1].side 14:33",
    ),
    "named_side": (
        edit("    phases", "    count: each_side\n    phases"),
        f"{PHASES}[0].criteria[0].side 11:49",
    ),
    "both_move_conflict": (
        edit("    phases", "    both_move: true\n    phases"),
        f"{PHASES}[1].criteria[0].side 14:33",
    ),
    "duplicate_phase": (edit("- name: bottom", "- name: standing"), f"{PHASES}[1].name 11:15"),
    "duplicate_check": (
        with_checks(*["{name: a, joint: knee, least: {max: 90}}"] * 2),
        f"{CHECKS}[1].name 16:16",
    ),
    "unknown_phase": (edit(", bottom,", ", botom,"), f"{SEQUENCE}[1] 14:26"),
    "repeated_step": (edit("[standing,", "[standing, standing,"), f"{SEQUENCE}[1] 14:26"),
    "step_not_allowed": (
        edit("[standing,", "[{phase: standing, within_ms: 900},"),
        f"{SEQUENCE}[0].within_ms 14:45",
    ),
    "criterion_not_allowed": (edit("when: bottom", "when: completed"), f"{CUE}.joint 16:34"),
    "reason_not_allowed": (
        edit(CUE_TEXT, "{when: completed, reason: too_slow, message: Done.}"),
        f"{CUE}.reason 16:35",
    ),
    "detail_not_allowed": (
        edit(CUE_TEXT, "{when: interrupted, detail: too_low, message: Lower.}"),
        f"{CUE}.detail 16:37",
    ),
    "unknown_check": (
        edit(CUE_TEXT, "{when: {check: depth}, message: Lower.}"),
        f"{CUE}.when.check 16:24",
    ),
    "unknown_step": (
        edit(CUE_TEXT, "{when: interrupted, reason: not_reached, step: botom, message: Lower.}"),
        f"{CUE}.step 16:56",
    ),
    "form_not_allowed": (
        edit(CUE_TEXT, "{when: bottom, form: {min: 1}, message: Good.}"),
        f"{CUE}.form 16:30",
    ),
    "too_many_cues": (
        DOCUMENT + "".join(f"      - {{when: bottom, message: {n}}}\n" for n in "abcde"),
        "detection.movement.feedback[5] 21:9",
    ),
    "unknown_parameter": (
        edit("angle_max: 100", "angle_max: $depth"),
        f"{CRITERION}.angle_max 13:66",
    ),
    "parameter_out_of_range": (
        with_parameter("{default: 100, min: 60, max: 200}"),
        f"{CRITERION}.angle_max 15:66",
    ),
    "default_out_of_bounds": (
        with_parameter("{default: 100, min: 110, max: 120}"),
        "detection.parameters.depth.default 6:22",
    ),
    "roles_change": (
        with_parameter("{default: 100, min: 60, max: 170}"),
        "detection.parameters.depth 6:12",
    ),
    "too_many_errors": ("".join(f"k{i}: 1\n" for i in range(101)), "None None:None"),
    "unused_phase": (
        edit("bottom, standing]", "crouch, standing]").replace(
            "    sequence",
            "      - name: crouch\n        criteria: [{joint: hip, angle_max: 9}]\n    sequence",
        ),
        f"{PHASES}[1] 11:9",
    ),
    "overlapping_phases": (edit("joint: knee, side: front", "joint: hip"), f"{PHASES}[1] 11:9"),
    "narrow_phase": (with_half(131), f"{PHASES}[2].criteria[0] 14:33"),
    "unused_parameter": (
        with_parameter("{default: 100, min: 60, max: 120}").replace("$depth", "100"),
        "detection.parameters.depth 6:12",
    ),
    "unused_tolerance": (
        edit("angle_max: 100", "angle_max: 100, tolerance: 10"),
        f"{CRITERION} 13:13",
    ),
    "hidden_side": (
        edit(
            "    phases", "    throughout: [{joint: elbow, side: both, min: 9}]\n    phases"
        ).replace("  movement", "  setup: {view: side}\n  movement"),
        "detection.movement.throughout[0] 8:18",
    ),
    "nothing_carries": (edit("joint: knee, side: front", "joint: hip"), f"{PHASES}[1] 11:9"),
    "tempo_not_judged": (
        edit("joint: knee, side: front", "joint: hip").replace(
            "    sequence", "    tempo: {out: {min: 900}}\n    sequence"
        ),
        "detection.movement.tempo 14:12",
    ),
    "cue_never_sent": (edit(CUE_TEXT, "{when: not_ready, message: Step back.}"), f"{CUE} 16:9"),
    "views_disagree": (
        edit("  movement:", "  setup: {view: front}\n  movement:"),
        "detection.setup.view 5:17",
    ),
    "sequence_not_closed": (edit(", standing]", ", standing, bottom]"), f"{SEQUENCE}[3] 14:44"),
}


@pytest.mark.parametrize("code", ISSUE_CODES)
def test_it_reports_each_code_at_its_exact_place(code: str) -> None:
    document, place = CASES[code]
    validation = validate(document)
    issues = validation.errors + validation.warnings
    found = next(issue for issue in issues if issue.code == code)
    assert f"{found.path} {found.line}:{found.column}" == place


def test_it_has_a_case_for_every_code_and_for_no_other() -> None:
    assert set(CASES) == set(ISSUE_CODES)


def test_the_unchanged_document_has_no_issues() -> None:
    validation = validate(DOCUMENT)
    assert (validation.errors, validation.warnings) == ((), ())


@pytest.mark.parametrize("code", WARNING_CODES)
def test_a_warning_leaves_the_document_valid(code: str) -> None:
    validation = validate(CASES[code][0])
    assert validation.ok
    assert validation.spec is not None
    assert {issue.severity for issue in validation.warnings} == {"warning"}
