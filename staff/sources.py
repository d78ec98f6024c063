"""YAML as staff read it: numbered lines with what validation says of them, and two side by side."""

import re
from collections.abc import Iterator
from itertools import takewhile
from typing import Any, Literal, NamedTuple

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString

from detection import Issue, Validation
from kynaplatform.api.names import visible

# Where a YAML parser begins a line, so that numbers are those of the issues.
LINE_BREAK = re.compile("\r\n|[\n\r]")
CONTEXT_LINES = 3
# Of the search for equal lines. An edit of a few hundred lines takes a tenth of them.
MOST_STEPS = 400_000

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


def side_by_side(left: str, right: str, *, whole: bool = False) -> list[Row]:
    """The lines of two texts beside each other; unless `whole`, with the unchanged left out.

    Empty when the texts have the same lines.
    """
    rows = list(_rows(lines_of(left), lines_of(right)))
    if all(row.kind == "same" for row in rows):
        return []
    return rows if whole else list(_around_changes(rows))


def _rows(left: list[str], right: list[str]) -> Iterator[Row]:
    i = j = 0
    for i_same, j_same in [*equal_lines(left, right), (len(left), len(right))]:
        while i < i_same and j < j_same:
            old, number, new = _marked(visible(left[i]), visible(right[j]), j + 1)
            yield Row("changed", i + 1, old, number, new)
            i, j = i + 1, j + 1
        for at in range(i, i_same):
            yield Row("removed", left_number=at + 1, left=visible(left[at]))
        for at in range(j, j_same):
            yield Row("added", right_number=at + 1, right=visible(right[at]))
        if i_same < len(left):
            yield Row("same", i_same + 1, visible(left[i_same]), j_same + 1, visible(right[j_same]))
        i, j = i_same + 1, j_same + 1


def equal_lines(left: list[str], right: list[str]) -> list[tuple[int, int]]:
    """The places of the lines that both texts have, in order: as many as there can be.

    The common beginning and end are set aside, then each line that the other text has nowhere,
    and the rest is searched in MOST_STEPS and at most one run of equal lines more. What is beyond
    them counts as changed.
    """
    shorter = min(len(left), len(right))
    start = sum(1 for _ in takewhile(lambda at: left[at] == right[at], range(shorter)))
    ends = range(1, shorter - start + 1)
    end = sum(1 for _ in takewhile(lambda at: left[-at] == right[-at], ends))
    i_stop, j_stop = len(left) - end, len(right) - end
    known, known_right = set(left[start:i_stop]), set(right[start:j_stop])
    old = [at for at in range(start, i_stop) if left[at] in known_right]
    new = [at for at in range(start, j_stop) if right[at] in known]
    found = _longest_common([left[at] for at in old], [right[at] for at in new])
    return [
        *((at, at) for at in range(start)),
        *((old[i], new[j]) for i, j in found),
        *zip(range(i_stop, len(left)), range(j_stop, len(right)), strict=True),
    ]


def _longest_common(left: list[str], right: list[str]) -> list[tuple[int, int]]:
    """Myers, "An O(ND) difference algorithm", 1986: with one more edit at a time, how far each
    diagonal comes. A diagonal is told by i - j, and keeps its runs of equal lines, last first.
    """
    furthest: dict[int, tuple[int, Any]] = {1: (0, None)}
    steps = edits = 0
    while True:
        for diagonal in range(-edits, edits + 1, 2):
            above = furthest.get(diagonal + 1, (-1, None))
            before = furthest.get(diagonal - 1, (-1, None))
            first, runs = above if above[0] > before[0] else (before[0] + 1, before[1])
            i, j = first, first - diagonal
            while i < len(left) and j < len(right) and left[i] == right[j]:
                i, j = i + 1, j + 1
            if i > first:
                runs = (first, first - diagonal, i - first, runs)
            furthest[diagonal] = i, runs
            steps += 1 + i - first
            if i >= len(left) and j >= len(right):
                return _pairs(runs)
            if steps > MOST_STEPS:
                best = max(furthest, key=lambda diagonal: 2 * furthest[diagonal][0] - diagonal)
                return _pairs(furthest[best][1])
        edits += 1


def _pairs(runs: Any) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    while runs:
        i, j, length, runs = runs
        pairs += ((i + at, j + at) for at in reversed(range(length)))
    return pairs[::-1]


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
    return (
        _mark("{}<del>{}</del>{}", old, start, end),
        number,
        _mark("{}<ins>{}</ins>{}", new, start, end),
    )


def _mark(shape: str, text: str, start: int, end: int) -> SafeString:
    stop = len(text) - end
    if start == stop:
        return escape(text)
    return format_html(shape, text[:start], text[start:stop], text[stop:])


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
