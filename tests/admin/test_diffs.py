"""Numbered lines, and two texts side by side."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detection import validate
from kynaplatform.api.names import visible
from movespecs.drafts import MAX_YAML_BYTES
from staff import diffs
from staff.diffs import Difference, Row, equal_lines, lines_of, side_by_side
from staff.movespec_text import numbered_lines
from tests.conftest import VALID_YAML


def test_lines_break_where_yaml_breaks_them() -> None:
    assert lines_of("a\r\nb\rc\nd") == list("abcd")
    assert lines_of("a\n\nb\n") == ["a", "", "b"]
    assert lines_of("a\x0bb\x0cc\x1cd\x85e\u2028f") == ["a\x0bb\x0cc\x1cd\x85e\u2028f"]
    assert lines_of("") == []


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_an_issue_stands_at_the_line_that_has_it(line_break: str) -> None:
    text = VALID_YAML.replace("joint: knee, angle_min: 60", "joint: kne, angle_min: 60")
    text = text.replace("\n", line_break)

    lines, left_out = numbered_lines(text, validate(text).errors)
    marked = [line for line in lines if line.issues]

    (line,) = marked
    assert left_out == 0
    assert "joint: kne," in line.text
    assert line.number == line.issues[0].line == 13


def test_what_would_not_show_is_written_out() -> None:
    assert visible("a\u202eb\u200bc\td\x00\u2028") == "a[U+202E]b[U+200B]c\td[U+0000][U+2028]"
    assert visible("Knie höher, 膝") == "Knie höher, 膝"


def test_equal_texts_have_no_rows() -> None:
    assert side_by_side("a\nb\n", "a\nb") == Difference([])


def test_changed_added_and_removed_lines_stand_beside_each_other() -> None:
    rows = side_by_side("same\nangle: 100\nold\nend\n", "same\nangle: 95\nend\nnew\n").rows

    assert rows == [
        Row("same", 1, "same", 1, "same"),
        Row("changed", 2, "angle: <del>100</del>", 2, "angle: <ins>95</ins>"),
        Row("removed", left_number=3, left="old"),
        Row("same", 4, "end", 3, "end"),
        Row("added", right_number=4, right="new"),
    ]


def test_whole_words_are_marked() -> None:
    (row,) = side_by_side("{max: 105, min: 5}", "{max: 115, min: 5}").rows
    assert row.left == "{max: <del>105</del>, min: 5}"
    assert row.right == "{max: <ins>115</ins>, min: 5}"
    (row,) = side_by_side("aab", "ab").rows
    assert (row.left, row.right) == ("<del>aab</del>", "<ins>ab</ins>")
    (row,) = side_by_side("- a", "- a b").rows
    assert (row.left, row.right) == ("- <del>a</del>", "- <ins>a b</ins>")


def test_a_marked_difference_is_escaped() -> None:
    (row,) = side_by_side("<b>1</b>", "<b>2</b>").rows
    assert row.left == "&lt;b&gt;<del>1</del>&lt;/b&gt;"
    assert row.right == "&lt;b&gt;<ins>2</ins>&lt;/b&gt;"


def test_unchanged_lines_far_from_a_change_are_left_out() -> None:
    left = "\n".join(str(number) for number in range(20))
    right = left.replace("10", "ten")

    rows = side_by_side(left, right).rows

    assert [row.skipped for row in rows if row.kind == "skipped"] == [7, 6]
    assert [row.left for row in rows if row.kind == "same"] == ["7", "8", "9", "11", "12", "13"]
    assert len(side_by_side(left, right, whole=True).rows) == 20


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("most", [1, 2, 5, 9, 100])
def test_what_is_left_out_of_a_comparison_is_counted(whole: bool, most: int) -> None:
    left = "\n".join(str(number) for number in range(40))
    right = left.replace("10\n", "ten\n").replace("30\n", "").replace("39", "39\nforty")
    every = side_by_side(left, right, whole=whole)

    cut = side_by_side(left, right, whole=whole, most=most)

    assert (every.left_out, every.changes_left_out) == (0, 0)
    assert cut.rows == every.rows[:most]
    rest = every.rows[most:]
    assert cut.left_out == sum(row.skipped or 1 for row in rest)
    assert cut.changes_left_out == sum(row.kind in ("changed", "removed", "added") for row in rest)
    assert sum(row.skipped or 1 for row in every.rows) == 41


def test_only_what_is_shown_of_a_comparison_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(diffs, "visible", lambda text: seen.append(text) or text)
    left, right = (f"{letter}\n" * 30_000 for letter in "ab")
    assert side_by_side(left, right, most=10).changes_left_out == 29_990
    assert len(seen) == 20


def test_every_line_of_both_is_in_a_whole_comparison() -> None:
    left = VALID_YAML + "# one\n# two\n"
    right = "# zero\n" + VALID_YAML.replace("160", "155")
    rows = side_by_side(left, right, whole=True).rows
    assert [row.left_number for row in rows if row.left_number] == list(
        range(1, len(lines_of(left)) + 1)
    )
    assert [row.right_number for row in rows if row.right_number] == list(
        range(1, len(lines_of(right)) + 1)
    )


def longest_common(left: list[str], right: list[str]) -> int:
    """How many lines both have in order, by the book: all prefixes against all prefixes."""
    lengths = [0] * (len(right) + 1)
    for one in left:
        before = 0
        for at, other in enumerate(right, start=1):
            longer = before + 1 if one == other else max(lengths[at], lengths[at - 1])
            before, lengths[at] = lengths[at], longer
    return lengths[-1]


LINES = st.lists(st.sampled_from("abcd"), max_size=12)


def assert_common(pairs: list[tuple[int, int]], left: list[str], right: list[str]) -> None:
    """Each pair is of equal lines, and no two cross."""
    assert all(left[i] == right[j] for i, j in pairs)
    assert [i for i, _ in pairs] == sorted({i for i, _ in pairs})
    assert [j for _, j in pairs] == sorted({j for _, j in pairs})


@given(LINES, LINES)
def test_as_many_lines_stand_beside_their_equals_as_can(left: list[str], right: list[str]) -> None:
    pairs = equal_lines(left, right)
    assert_common(pairs, left, right)
    assert len(pairs) == longest_common(left, right)


def filled(*lines: str) -> list[str]:
    """`lines` again and again, in as much text as a MoveSpec may have."""
    return list(lines) * (MAX_YAML_BYTES // sum(len(line) + 1 for line in lines))


class Line(str):
    """A line that counts how often any is compared."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        Line.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def permuted(count: int, step: int) -> list[str]:
    return [str(at * step % count) for at in range(count)]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (filled("#"), [line for at in range(6000) for line in ("#", f"#{at}")]),
        pytest.param(filled(""), filled("", "#"), marks=pytest.mark.long),
        pytest.param([*filled("a"), "x"], ["x", *filled("b", "a")], marks=pytest.mark.long),
        (permuted(11_003, 1), permuted(11_003, 4001)),
        pytest.param(permuted(11_003, 1), permuted(11_003, 11_002), marks=pytest.mark.long),
        # Every diagonal comes to the long run of equal lines at once.
        pytest.param(
            ["z", *permuted(601, 1), *["#"] * 25_000, "a"],
            ["a", *permuted(601, 77), *["#"] * 25_000, "z"],
            marks=pytest.mark.long,
        ),
    ],
    ids=["comments", "blank", "shifted", "permuted", "reversed", "late"],
)
def test_no_text_takes_more_than_the_steps_to_compare(left: list[str], right: list[str]) -> None:
    Line.compared = 0
    pairs = equal_lines([*map(Line, left)], [*map(Line, right)])
    # A step compares a pair, and the last may go on along one run. Each line is looked for once.
    assert Line.compared <= diffs.MAX_STEPS + 4 * (len(left) + len(right))
    assert_common(pairs, left, right)


def test_what_is_beyond_the_steps_counts_as_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    left = [*"same", *permuted(101, 1), *"end"]
    right = [*"same", *permuted(101, 7), *"end"]
    whole = len(equal_lines(left, right))
    monkeypatch.setattr(diffs, "MAX_STEPS", 300)

    pairs = equal_lines(left, right)

    assert_common(pairs, left, right)
    assert 7 < len(pairs) < whole
    assert pairs[:4] == [(at, at) for at in range(4)]
    assert pairs[-3:] == [(at, at) for at in range(105, 108)]


def test_a_line_that_one_text_alone_has_costs_no_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a text that was half rewritten is compared to its end."""
    left = [line for at in range(500) for line in (f"old {at}", f"kept {at}")]
    right = [line for at in range(500) for line in (f"new {at}", f"kept {at}")]
    monkeypatch.setattr(diffs, "MAX_STEPS", 600)
    assert len(equal_lines(left, right)) == 500
