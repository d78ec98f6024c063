import pytest
from movespec_documents import DOCUMENT, edit, errors_of

from detection import validate

VERSION_LINE = 'version: "1.0"\n'


def first(document: str) -> tuple[str, str, int | None, int | None]:
    error = validate(document).errors[0]
    return error.code, error.message, error.line, error.column


@pytest.mark.parametrize("document", ["", " ", "\n\n", "# note", "\ufeff", "---", "---\n...\n"])
def test_it_says_that_a_document_is_empty(document: str) -> None:
    assert errors_of(document) == [("document_empty", None, 1, 1)]


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_it_counts_lines_with_any_line_break(line_break: str) -> None:
    document = edit("joint: hip", "joint: hips").replace("\n", line_break)
    assert errors_of(document) == [
        ("invalid_value", "detection.movement.feedback[0].joint", 16, 31)
    ]
    broken = edit("standing]", "standing}").replace("\n", line_break)
    assert errors_of(broken) == [("yaml_syntax", None, 14, 42)]


def test_it_counts_columns_in_characters() -> None:
    document = edit("{when: bottom, joint: hip", '{message: "é😀", when: bottom, joint: hips')
    document = document.replace(", message: Chest up.", "")
    assert errors_of(document) == [
        ("invalid_value", "detection.movement.feedback[0].joint", 16, 46)
    ]
    assert errors_of('é: "😀😀" x') == [("yaml_syntax", None, 1, 9)]


def test_a_byte_order_mark_takes_no_column() -> None:
    assert errors_of("\ufeff" + DOCUMENT) == []
    assert errors_of("\ufeff" + edit("name: squat\nv", "name: [a]\nv")) == [
        ("wrong_type", "name", 1, 7)
    ]
    assert errors_of("\ufeff'a' b") == [("yaml_syntax", None, 1, 5)]
    assert errors_of("\ufeffa: \x01") == [("invalid_character", None, 1, 4)]


@pytest.mark.parametrize(
    "character",
    [*"\x00\x01\x1b\x7f\x85\x9f\u2028\u2029\ufeff\ufffe\uffff", chr(0xD800), chr(0xDFFF)],
)
def test_it_refuses_characters_that_yaml_text_may_not_have(character: str) -> None:
    document = edit("Chest up.", f"é {character}")
    assert errors_of(document) == [("invalid_character", None, 16, 62)]
    _code, message, *_ = first(document)
    assert message == f"The character U+{ord(character):04X} is not allowed: remove it."
    assert message.isprintable()


@pytest.mark.parametrize(
    "character", ["\xa0", "\u2027", "\u202e", "\ud7ff", "\ue000", "\ufffd", "😀"]
)
def test_it_takes_every_other_character(character: str) -> None:
    assert errors_of(edit("Chest up.", f"a{character}b")) == []


@pytest.mark.parametrize(
    ("document", "message", "line", "column"),
    [
        ("a: [1, 2\n", "The list opened at line 1, column 4 lacks a comma or its ].", 1, 4),
        ("a: {b: 2\n", "The mapping opened at line 1, column 4 lacks a comma or its }.", 1, 4),
        ("a: [1\nb: 2]\n", "The list opened at line 1, column 4 lacks a comma or its ].", 2, 2),
        ("a: 'b\n\n\n", "The quote opened at line 1, column 4 is never closed.", 1, 4),
        (
            "a: b: c",
            "A colon cannot stand here: check the indentation and the colon of the key above,"
            " or put a text with a colon in quotes.",
            1,
            5,
        ),
        (
            "a:\n  b: 1\n c: 2",
            "A key was expected here: check the indentation, the colon of the key above,"
            " and the quotes of the text before it.",
            3,
            2,
        ),
        ("a:\n\t- b", "Indent with spaces, not with tabs.", 2, 1),
        ("a: @b", 'A text cannot begin with "@": put it in quotes.', 1, 4),
        ("a: `b", 'A text cannot begin with "`": put it in quotes.', 1, 4),
        ("a: - b", "An item of a list (- ) cannot begin here: put it on a line of its own.", 1, 4),
        (
            "- a\nb: c",
            "An item of the list (- ) was expected here: check the indentation,"
            " and the colon of the key above.",
            2,
            1,
        ),
        ("a: ]", "A value was expected here.", 1, 4),
        (
            "'a' b",
            "The document has ended before this: check the indentation, the quotes,"
            " and the colon of the key above.",
            1,
            5,
        ),
        (
            "a: b\nname\nd: e",
            "A key lacks its colon here, or an item of a list its dash.",
            2,
            1,
        ),
        (
            'a: "\\q"',
            "Unknown escape: write a backslash in double quotes twice, or use single quotes.",
            1,
            5,
        ),
        ('a: "\\ud800"', "The escape is not a Unicode character.", 1, 7),
        (
            "a: |0\n b",
            "The text is not well-formed YAML: found an indentation indicator equal to 0.",
            1,
            5,
        ),
    ],
)
def test_it_explains_a_syntax_error(document: str, message: str, line: int, column: int) -> None:
    assert first(document) == ("yaml_syntax", message, line, column)


@pytest.mark.parametrize(
    ("document", "code", "line", "column"),
    [
        ("a: !b!c d", "tag_not_allowed", 1, 4),
        ("%FOO\n---\na: b", "directive_not_allowed", 1, 5),
        ("%YAML 2.0\n---\na: b", "directive_not_allowed", 1, 1),
    ],
)
def test_a_tag_or_directive_unknown_to_the_parser_has_the_code_of_known_ones(
    document: str, code: str, line: int, column: int
) -> None:
    assert errors_of(document) == [(code, None, line, column)]


def test_it_takes_the_directive_of_its_own_version_only() -> None:
    assert errors_of("%YAML 1.2\n---\n" + DOCUMENT) == []
    assert errors_of("%YAML 1.1\n---\n" + DOCUMENT) == [("directive_not_allowed", None, 1, 1)]


def test_it_takes_document_markers_around_one_document() -> None:
    assert errors_of(f"--- # start\n{DOCUMENT}...\n") == []


@pytest.mark.parametrize("tag", ["!!str", "!", "!local", "!<tag:yaml.org,2002:str>"])
def test_it_refuses_every_tag(tag: str) -> None:
    assert errors_of(edit('"1.0"', f"{tag} 1.0")) == [("tag_not_allowed", "version", 2, 10)]


def test_it_refuses_tags_and_anchors_of_lists_mappings_and_keys() -> None:
    document = edit("detection:", "&d detection: &e !!map")
    document = edit("[standing, bottom", "&s [standing, bottom", document)
    assert errors_of(document) == [
        ("anchor_not_allowed", None, 3, 1),
        ("anchor_not_allowed", "detection", 3, 15),
        ("tag_not_allowed", "detection", 3, 15),
        ("anchor_not_allowed", "detection.movement.sequence", 14, 15),
    ]


def test_an_alias_is_one_error_whatever_it_stands_for() -> None:
    document = edit("[standing, bottom, standing]", "*none")
    assert errors_of(document) == [("alias_not_allowed", "detection.movement.sequence", 14, 15)]
    document = edit("standing, bottom, standing", "standing, *none , standing")
    assert errors_of(document) == [("alias_not_allowed", "detection.movement.sequence[1]", 14, 26)]
    assert errors_of("*root") == [("alias_not_allowed", None, 1, 1)]


def test_a_quoted_merge_key_is_an_unknown_key() -> None:
    assert errors_of('"<<": {}\n' + DOCUMENT) == [("unknown_key", '"<<"', 1, 1)]


def test_it_keeps_the_first_of_two_equal_keys() -> None:
    document = edit(VERSION_LINE, VERSION_LINE + "'version': [2]\n")
    assert errors_of(document) == [("duplicate_key", "version", 3, 1)]
    (error,) = validate(document).errors
    assert error.message == 'The key "version" is here a second time; line 2 has it.'


def test_it_shows_a_long_key_shortened_and_readable() -> None:
    (error, *_) = validate(f'"\\a{"x" * 500}": 1').errors
    assert error.message == (
        f'Unknown key "\\u0007{"x" * 39}…"; '
        "the known keys are name, version, description, detection."
    )
    assert error.path == f'"\\u0007{"x" * 39}…"'
