"""Numbered lines, and two texts side by side."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detection import validate
from movespecs.drafts import MAX_YAML_BYTES
from staff import movespec_text
from staff.movespec_text import Difference, DiffRow, LineMatcher, lines_of, reading, side_by_side
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

    shown = reading(text, validate(text), "")

    (line,) = [line for line in shown["lines"] if line["issues"]]
    assert shown["lines_left_out"] == 0
    assert "joint: kne," in line["text"]
    assert line["number"] == line["issues"][0].line == 13


def test_equal_texts_have_no_rows() -> None:
    assert side_by_side("a\nb\n", "a\nb") == Difference([])


def test_changed_added_and_removed_lines_stand_beside_each_other() -> None:
    rows = side_by_side("same\nangle: 100\nold\nend\n", "same\nangle: 95\nend\nnew\n").rows

    assert rows == [
        DiffRow("same", 1, "same", 1, "same"),
        DiffRow("changed", 2, "angle: <del>100</del>", 2, "angle: <ins>95</ins>"),
        DiffRow("removed", left_number=3, left="old"),
        DiffRow("same", 4, "end", 3, "end"),
        DiffRow("added", right_number=4, right="new"),
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


@pytest.mark.parametrize("most", [1, 9])
def test_what_is_left_out_of_a_comparison_is_counted(most: int) -> None:
    left = "\n".join(str(number) for number in range(40))
    right = left.replace("10\n", "ten\n").replace("30\n", "").replace("39", "39\nforty")
    every = side_by_side(left, right)

    cut = side_by_side(left, right, most=most)

    assert (every.left_out, every.changes_left_out) == (0, 0)
    assert cut.rows == every.rows[:most]
    assert cut.left_out == sum(row.skipped or 1 for row in every.rows[most:])
    assert cut.changes_left_out == 3 - (most == 9)


def equal_lines(left: list[str], right: list[str]) -> list[tuple[int, int]]:
    blocks = LineMatcher(None, left, right).get_matching_blocks()
    return [(i + at, j + at) for i, j, length in blocks for at in range(length)]


LINES = st.lists(st.sampled_from("abcd"), max_size=12)


def assert_common(pairs: list[tuple[int, int]], left: list[str], right: list[str]) -> None:
    """Each pair is of equal lines, and no two cross."""
    assert all(left[i] == right[j] for i, j in pairs)
    assert [i for i, _ in pairs] == sorted({i for i, _ in pairs})
    assert [j for _, j in pairs] == sorted({j for _, j in pairs})


@given(LINES, LINES)
def test_lines_stand_beside_their_equals(left: list[str], right: list[str]) -> None:
    assert_common(equal_lines(left, right), left, right)


def test_a_line_that_moved_down_is_seen_as_the_same() -> None:
    assert equal_lines(list("abcd"), list("axbcd")) == [(0, 0), (1, 2), (2, 3), (3, 4)]


@pytest.mark.parametrize("words", ["#", "ab", "abcdefghijkl"])
def test_the_longest_texts_are_compared_at_once(words: str) -> None:
    count = MAX_YAML_BYTES // 2
    left = [words[at % len(words)] for at in range(count)]
    right = [words[at * 7 % len(words)] for at in range(count - 3)]
    began = process_time()
    assert_common(equal_lines(left, right), left, right)
    assert process_time() - began < 5


def test_what_is_beyond_the_bound_counts_as_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(movespec_text, "MAX_COMPARED", 2)
    assert equal_lines(list("same1234end"), list("sameX234Yend")) == [
        *((at, at) for at in range(4)), (5, 5), (8, 9), (9, 10), (10, 11),
    ]  # fmt: skip
