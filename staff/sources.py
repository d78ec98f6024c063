"""YAML as staff read it: numbered lines with what validation says of them, and two side by side."""

import difflib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from django.utils.html import format_html
from django.utils.safestring import SafeString

from detection import Issue, Validation

# Where a YAML parser begins a line, so that numbers are those of the issues.
LINE_BREAK = re.compile("\r\n|[\n\r]")
# Beyond it, a text of equal lines would take the differ more than a second.
MOST_COMPARED_LINES = 2000
CONTEXT_LINES = 3

Kind = Literal["same", "changed", "removed", "added", "skipped"]


class Line(NamedTuple):
    number: int
    text: str
    issues: tuple[Issue, ...]


class Row(NamedTuple):
    """A line of either side; a side without one has no number. `skipped` counts left-out lines."""

    kind: Kind
    left_number: int | None = None
    left: str = ""
    right_number: int | None = None
    right: str = ""
    skipped: int = 0


def lines_of(yaml_source: str) -> list[str]:
    lines = LINE_BREAK.split(yaml_source)
    return lines[:-1] if lines[-1] == "" else lines


def numbered_lines(yaml_source: str, validation: Validation) -> list[Line]:
    issues = [*validation.errors, *validation.warnings]
    return [
        Line(number, visible(text), tuple(issue for issue in issues if issue.line == number))
        for number, text in enumerate(lines_of(yaml_source), start=1)
    ]


def visible(text: str) -> str:
    """`text` with what would not show, or would reorder what does, written as its code point."""
    return "".join(
        f"[U+{ord(character):04X}]"
        if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp") and character != "\t"
        else character
        for character in text
    )


def side_by_side(left: str, right: str, *, whole: bool = False) -> list[Row]:
    """The lines of two texts beside each other; unless `whole`, with the unchanged left out.

    Empty when the texts have the same lines.
    """
    rows = list(_rows(lines_of(left), lines_of(right)))
    if all(row.kind == "same" for row in rows):
        return []
    return rows if whole else list(_around_changes(rows))


def _rows(left: list[str], right: list[str]) -> Iterator[Row]:
    for tag, i, i_end, j, j_end in _changes(left, right):
        kept = min(i_end - i, j_end - j)
        for at in range(kept):
            old, new = visible(left[i + at]), visible(right[j + at])
            if tag == "equal":
                yield Row("same", i + at + 1, old, j + at + 1, new)
            else:
                yield Row("changed", i + at + 1, *_marked(old, new, j + at + 1))
        for at in range(i + kept, i_end):
            yield Row("removed", left_number=at + 1, left=visible(left[at]))
        for at in range(j + kept, j_end):
            yield Row("added", right_number=at + 1, right=visible(right[at]))


def _changes(left: list[str], right: list[str]) -> Sequence[tuple[str, int, int, int, int]]:
    if max(len(left), len(right)) > MOST_COMPARED_LINES:
        return [("replace", 0, len(left), 0, len(right))]
    return difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes()


def _marked(old: str, new: str, number: int) -> tuple[SafeString, int, SafeString]:
    """Both lines with what differs marked: the words between their common beginning and end."""
    shorter = min(len(old), len(new))
    start = next((at for at in range(shorter) if old[at] != new[at]), shorter)
    ends = range(shorter - start)
    end = next((at for at in ends if old[-1 - at] != new[-1 - at]), shorter - start)
    while start and old[start - 1].isalnum():
        start -= 1
    while end and old[-end].isalnum():
        end -= 1
    return _mark("del", old, start, end), number, _mark("ins", new, start, end)


def _mark(tag: str, text: str, start: int, end: int) -> SafeString:
    stop = len(text) - end
    if start == stop:
        return format_html("{}", text)
    marked = format_html(f"<{tag}>{{}}</{tag}>", text[start:stop])
    return format_html("{}{}{}", text[:start], marked, text[stop:])


def _around_changes(rows: list[Row]) -> Iterator[Row]:
    changed = [at for at, row in enumerate(rows) if row.kind != "same"]
    near = {
        at
        for one in changed
        for at in range(max(0, one - CONTEXT_LINES), min(len(rows), one + CONTEXT_LINES + 1))
    }
    skipped = 0
    for at, row in enumerate(rows):
        if at not in near:
            skipped += 1
            continue
        if skipped:
            yield Row("skipped", skipped=skipped)
            skipped = 0
        yield row
    if skipped:
        yield Row("skipped", skipped=skipped)
