import pytest
from golden_states import FOLDER
from movespec_documents import CUE, DOCUMENT, edit, errors_of, message_of, spec_of

from detection import Criterion, Cue, MoveSpec, Phase, Step, validate
from detection.language.issues import nearest

# The catalogue of before there were such keys.
PLAIN = sorted(FOLDER.glob("form-[34]/*.json.gz"))
PHASES = "detection.movement.phases"
SEQUENCE = "detection.movement.sequence"
FEEDBACK = "detection.movement.feedback"


def test_it_compiles_the_document() -> None:
    assert validate(DOCUMENT).spec == MoveSpec(
        name="squat",
        version="1.0",
        description=None,
        movement_name="squat",
        phases=(
            Phase("standing", None, (Criterion("knee", "both", 160.0, 180.0),)),
            Phase("bottom", None, (Criterion("knee", "front", 60.0, 100.0),)),
        ),
        steps=(Step("standing"), Step("bottom"), Step("standing")),
        feedback=(Cue("bottom", Criterion("hip", None, 0.0, 70.0), "coaching", "Chest up."),),
    )


def test_it_compiles_descriptions_and_a_cue_without_criterion() -> None:
    document = edit(CUE, "{when: completed, level: success, message: Good.}")
    document = edit("- name: bottom", "- name: bottom\n        description: low", document)
    spec = spec_of("description: Counts.\n" + document)
    assert spec.description == "Counts."
    assert spec.phases[1].description == "low"
    assert spec.feedback == (Cue("completed", None, "success", "Good."),)


def test_it_reports_every_missing_key_of_an_empty_mapping() -> None:
    assert errors_of("{}") == [
        ("missing_key", "name", 1, 1),
        ("missing_key", "version", 1, 1),
        ("missing_key", "detection", 1, 1),
    ]


@pytest.mark.parametrize(
    ("old", "new", "known"),
    [
        ("angle_max: 100", "angel_max: 100", "angle_max"),
        ("angle_max: 100", "ANGLE_MAX: 100", "angle_max"),
        ("    sequence:", "    sequenze:", "sequence"),
        ("Chest up.}", "Chest up., lvl: info}", "level"),
    ],
)
def test_it_names_the_nearest_known_key(old: str, new: str, known: str) -> None:
    (message,) = [e.message for e in validate(edit(old, new)).errors if e.code == "unknown_key"]
    assert message.endswith(f"; the nearest known key is {known}.")


NEAR = [
    ("bottum", "bottom"), ("Bottom", "bottom"), ("botom", "bottom"), ("bottom2", "bottom"),
    ("standing up", "standing"), ("stnading", "standing"), ("complete", "completed"),
]  # fmt: skip
FAR = ["top", "up", "squat", "b", "stand in the way of it", "x" * 5_000, "middle", "down"]


@pytest.mark.parametrize(("word", "suggested"), NEAR)
def test_a_near_word_is_suggested(word: str, suggested: str) -> None:
    assert nearest(word, ["standing", "bottom", "completed", "interrupted"]) == suggested


@pytest.mark.parametrize("word", FAR)
def test_a_far_word_is_not(word: str) -> None:
    assert nearest(word, ["standing", "bottom", "completed", "interrupted"]) is None
    document = edit("when: bottom", f"when: {word[:64]}")
    assert message_of(document) == f'No phase has the name "{word[:40]}{"…" * (len(word) > 40)}".'


def test_it_does_not_look_into_an_unknown_key() -> None:
    document = "extra: {joint: [1, {deep: 2}]}\n" + DOCUMENT
    assert errors_of(document) == [("unknown_key", "extra", 1, 1)]


@pytest.mark.parametrize(
    ("document", "wanted"),
    [
        ("- a", "The document must be a mapping of keys to values, not a list."),
        ("squat", 'The document must be a mapping of keys to values, not the text "squat".'),
        ("12", 'The document must be a mapping of keys to values, not the number "12".'),
        ("~", 'The document must be a mapping of keys to values, not the null "~".'),
    ],
)
def test_it_refuses_a_root_that_is_no_mapping(document: str, wanted: str) -> None:
    (error,) = validate(document).errors
    assert (error.code, error.path, error.line, error.message) == ("wrong_type", None, 1, wanted)


@pytest.mark.parametrize(
    ("old", "new", "path", "place"),
    [
        ("name: squat\nv", "name: [squat]\nv", "name", (1, 7)),
        ('"1.0"', "{major: 1}", "version", (2, 10)),
        ("repetition", "[repetition]", "detection.type", (4, 9)),
        ("[standing, bottom, standing]", "standing", SEQUENCE, (14, 15)),
        ("angle_max: 100", "angle_max: wide", f"{PHASES}[1].criteria[0].angle_max", (13, 66)),
        ("angle_max: 100", "angle_max: 1_0", f"{PHASES}[1].criteria[0].angle_max", (13, 66)),
        ("angle_max: 100", "angle_max: true", f"{PHASES}[1].criteria[0].angle_max", (13, 66)),
        ("angle_max: 100", "angle_max: ", f"{PHASES}[1].criteria[0].angle_max", (13, 66)),
        ("angle_max: 100", "angle_max: '100'", f"{PHASES}[1].criteria[0].angle_max", (13, 66)),
        ("{joint: knee, angle_min: 160, side: both}", "knee", f"{PHASES}[0].criteria[0]", (10, 13)),
    ],
)
def test_it_reports_a_value_of_the_wrong_type(
    old: str, new: str, path: str, place: tuple[int, int]
) -> None:
    assert errors_of(edit(old, new)) == [("wrong_type", path, *place)]


@pytest.mark.parametrize("name", ["a", "A-z_0 9", "9", "--", "x" * 64, "on", "no", "null", "1e3"])
def test_it_takes_a_name(name: str) -> None:
    spec = spec_of(edit("    name: squat", f"    name: {name}"))
    assert spec.movement_name == name


@pytest.mark.parametrize(
    "name",
    [
        "''",
        "",
        "x" * 65,
        f"'{'x' * 64} '",
        "sq.uat",
        "1.0",
        "é",
        "'a\tb'",
        '"a\\n"',
        "|\n      a",
        "~",
    ],
)
def test_it_refuses_what_is_no_name(name: str) -> None:
    (error,) = errors_of(edit("    name: squat", f"    name: {name}"))
    assert error[:3] == ("invalid_name", "detection.movement.name", 6)


def test_it_reserves_the_words_for_phases_only_and_as_written() -> None:
    document = edit("    name: squat", "    name: completed").replace("bottom", "Completed")
    assert errors_of(document) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("repetition", "pose", 'type must be one of repetition, hold, not "pose".'),
        ("repetition", "[hold]", "type must be text, not a list."),
        (
            "side: front",
            "side: top",
            'side must be one of left, right, both, either, front, back, not "top".',
        ),
        ("angle_max: 70", "angle_max: 270", 'angle_max must be from 0 to 180, not "270".'),
        ("angle_max: 70", "angle_max: deep", 'angle_max must be a number, not the text "deep".'),
        ("angle_max: 70", "angle_max: ''", 'angle_max must be a number, not the quoted text "".'),
        (
            "[standing, bottom, standing]",
            "standing",
            'sequence must be a list, not the text "standing".',
        ),
        (
            "[standing, bottom, standing]",
            "[standing, [bottom], standing]",
            "sequence[1] must be text or a mapping of keys to values, not a list.",
        ),
        ("[standing, bottom, standing]", "[]", "sequence has 0 items; at least 2 are needed."),
        ("Chest up.", '""', "message needs at least 1 character."),
        ("Chest up.", "x" * 201, "message has 201 characters; at most 200 are allowed."),
    ],
)
def test_it_says_what_a_key_may_be(old: str, new: str, message: str) -> None:
    document = edit(old, new)
    assert message in [error.message for error in validate(document).errors]


def test_a_message_may_have_lines_and_a_version_may_not() -> None:
    assert errors_of(edit("Chest up.", '"Chest\\n\\tup."')) == []
    assert errors_of(edit('"1.0"', '"1\\n0"')) == [("invalid_text", "version", 2, 10)]


@pytest.mark.parametrize("escape", ["\\0", "\\x1b", "\\x7f", "\\x85", "\\r"])
def test_a_message_has_no_control_characters(escape: str) -> None:
    path = f"{FEEDBACK}[0].message"
    assert errors_of(edit("Chest up.", f'"a{escape}"')) == [("invalid_text", path, 16, 60)]


def test_it_reports_many_errors_in_the_order_of_the_text() -> None:
    document = edit('"1.0"', "[]")
    document = edit("knee, side: front", "toe, side: upper", document)
    document = edit(", bottom, standing]", ", standing]", document)
    document = edit("Chest up.", "''", document)
    assert errors_of(document) == [
        ("wrong_type", "version", 2, 10),
        ("invalid_value", f"{PHASES}[1].criteria[0].joint", 13, 21),
        ("invalid_value", f"{PHASES}[1].criteria[0].side", 13, 32),
        ("repeated_step", f"{SEQUENCE}[1]", 14, 26),
        ("invalid_length", f"{FEEDBACK}[0].message", 16, 60),
    ]
    assert validate(document).spec is None


def test_it_does_not_blame_the_sequence_for_a_phase_without_a_valid_name() -> None:
    document = edit("- name: bottom", "- name: bot!tom")
    assert errors_of(document) == [("invalid_name", f"{PHASES}[1].name", 11, 15)]


def test_it_compares_names_by_their_text() -> None:
    document = edit("- name: standing", "- name: 1").replace("name: bottom", 'name: "1"')
    assert ("duplicate_phase", f"{PHASES}[1].name", 11, 15) in errors_of(document)
