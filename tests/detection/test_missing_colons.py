"""A key that lacks its colon is told on its own line, and only where one is lacking."""

import pytest
from golden_states import folder_of, load

from detection import Issue, validate

LINES = load(folder_of(5) / "squat.json.gz").movespec.split("\n")
# Each of its lines that begins with a key, outside of braces.
KEYS = [
    (number, line.lstrip(" -").partition(":")[0])
    for number, line in enumerate(LINES, start=1)
    if not line.lstrip().startswith("#") and ":" in line and "{" not in line
]


def first_error(text: str) -> Issue:
    return validate(text).errors[0]


def test_the_squat_has_so_many_keys() -> None:
    assert len(KEYS) == 34


@pytest.mark.parametrize(("number", "key"), KEYS)
@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_each_key_of_the_squat_is_missed_where_it_is(
    number: int, key: str, line_break: str
) -> None:
    lines = list(LINES)
    lines[number - 1] = lines[number - 1].replace(":", "", 1)
    text = line_break.join(lines)
    (error,) = validate(text).errors
    assert error.code == "yaml_syntax"
    assert error.message == f'A colon is missing after "{key}".'
    assert (error.line, error.column) == (number, LINES[number - 1].index(key) + 1)


@pytest.mark.parametrize("number", range(1, len(LINES) + 1))
def test_each_key_in_braces_is_missed_where_it_is(number: int) -> None:
    line = LINES[number - 1]
    if not line.lstrip().startswith("- {"):
        return
    key = line.partition("{")[2].partition(":")[0]
    for lacking, message in (
        (line.replace(":", "", 1), f'A colon is missing after "{key}".'),
        (line.replace(": ", ":", 1), f'The colon after "{key}" needs a space behind it.'),
    ):
        text = "\n".join([*LINES[: number - 1], lacking, *LINES[number:]])
        told = [error for error in validate(text).errors if error.code == "unknown_key"]
        assert [error.message for error in told] == [message]
        assert (told[0].line, told[0].column) == (number, line.index("{") + 2)


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("name squat\nversion: 4\n", 1, 1, 'A colon is missing after "name".'),
        ("name squat # note\n\n# note\nversion: 4\n", 1, 1, 'A colon is missing after "name".'),
        ("name squat\nversion 4\na: b\n", 1, 1, 'A colon is missing after "name".'),
        ("detection\n  type: x\n", 1, 1, 'A colon is missing after "detection".'),
        ("name: x\ndetection", 2, 1, 'A colon is missing after "detection".'),
        ("name: x\nphases # all\n  - name: y\n", 2, 1, 'A colon is missing after "phases".'),
        ("sequence [a, b]\nname: x\n", 1, 1, 'A colon is missing after "sequence".'),
        ("a:\n  b:\n    sequence [a, b]\n    c: d\n", 3, 5, 'A colon is missing after "sequence".'),
        ("a:\n- - name x\n    c: d\n", 2, 5, 'A colon is missing after "name".'),
        ("x: >\n  some: text\nname y\nz: 1\n", 3, 1, 'A colon is missing after "name".'),
        ("a: b\nname:squat\nc: d\n", 2, 1, 'The colon after "name" needs a space behind it.'),
        ("name:squat\nc: d\n", 1, 1, 'The colon after "name" needs a space behind it.'),
        ("a: b\nc:[1, 2]\n", 2, 1, 'The colon after "c" needs a space behind it.'),
        ("a:\n  depth {min: 1, max: 2}\n", 2, 3, 'A colon is missing after "depth".'),
        ("a:\n  - {name: x, criteria [b]}\n", 2, 15, 'A colon is missing after "criteria".'),
        ("a:\n  - {name: x, criteria  {b: c}}\n", 2, 15, 'A colon is missing after "criteria".'),
    ],
)
def test_it_is_told_on_its_own_line(text: str, line: int, column: int, message: str) -> None:
    error = first_error(text)
    assert (error.line, error.column, error.message) == (line, column, message)


A_COLON_TOO_MANY = (
    "A colon cannot stand here: check the indentation, or put a text with a colon in quotes."
)
NO_KEY = "A key was expected here: check the indentation, and the quotes of the text before it."
NO_DASH = "A key lacks its colon here, or an item of a list its dash."
NO_ITEM = "An item of the list (- ) was expected here: check the indentation."


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: b: c\n", 1, A_COLON_TOO_MANY),
        ("name: squat\n  version: 4\n", 2, A_COLON_TOO_MANY),
        ("a: some text\n  goes on\n  version: 4\n", 3, A_COLON_TOO_MANY),
        ("sequence:\n  - bottom\n  - standing\n  feedback: x\n", 4, NO_ITEM),
        ("a:\n  - {b: c}\n  d: e\n", 3, NO_ITEM),
        ("x:\n    b: c\n  d: e\n", 3, NO_KEY),
        ("x:\n    y\n  d: e\n", 3, A_COLON_TOO_MANY),
        ("x:\n  y:\n   - a\n  - b: c\n", 4, NO_KEY),
        ("a: 'x\n  y' z\nb: c\n", 2, NO_KEY),
        ("a: |\n  text\n wrong\nc: d\n", 3, NO_KEY),
        ("description:\n  this is long\n  and note: it goes on\n", 3, A_COLON_TOO_MANY),
        ("sequence:\n  - standing\n  - bottom\n  standing\nname: x\n", 4, NO_DASH),
    ],
)
def test_another_fault_is_not_taken_for_it(text: str, line: int, message: str) -> None:
    error = first_error(text)
    assert (error.line, error.message) == (line, message)


def test_the_longest_text_is_looked_at_once() -> None:
    lines = 65_536 // 5 - 8
    text = "name\n" * lines + "b: c\n"
    assert first_error(text).line == 1
    text = "# \n" * (65_536 // 3 - 8) + "name # x\nb: c\n"
    assert first_error(text).line == 65_536 // 3 - 7
