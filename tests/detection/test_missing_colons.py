"""A key that lacks its colon is told on its own line or on the next key's, in a clear sentence."""

import pytest
from golden_states import folder_of, load

from detection import validate

LINES = load(folder_of(5) / "squat.json.gz").movespec.split("\n")
# Each of its lines that begins with a key, outside of braces.
KEYS = [
    number
    for number, line in enumerate(LINES, start=1)
    if not line.lstrip().startswith("#") and ":" in line and "{" not in line
]


def test_the_squat_has_so_many_keys() -> None:
    assert len(KEYS) == 34


@pytest.mark.parametrize("number", KEYS)
@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_each_key_of_the_squat_that_lacks_its_colon_is_told(number: int, line_break: str) -> None:
    lines = list(LINES)
    lines[number - 1] = lines[number - 1].replace(":", "", 1)
    (error,) = validate(line_break.join(lines)).errors
    assert error.code == "yaml_syntax"
    assert "colon" in error.message
    following = [line for line in KEYS if line > number]
    assert error.line is not None
    assert number <= error.line <= (following[0] if following else number)


@pytest.mark.parametrize("number", range(1, len(LINES) + 1))
def test_each_key_in_braces_is_missed_where_it_is(number: int) -> None:
    line = LINES[number - 1]
    if not line.lstrip().startswith("- {"):
        return
    key = line.partition("{")[2].partition(":")[0]
    for lacking in (line.replace(":", "", 1), line.replace(": ", ":", 1)):
        text = "\n".join([*LINES[: number - 1], lacking, *LINES[number:]])
        told = [error for error in validate(text).errors if error.code == "unknown_key"]
        message = f'A colon and a space must follow "{key}".'
        assert [error.message for error in told] == [message]
        assert (told[0].line, told[0].column) == (number, line.index("{") + 2)
