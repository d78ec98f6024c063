"""The difference of two texts, side by side and line by line."""

import re
from collections.abc import Iterator
from itertools import takewhile
from typing import Any, Literal, NamedTuple

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString

from kynaplatform.api.names import visible

# The line breaks of YAML, so that lines have the numbers that issues name.
LINE_BREAK = re.compile("\r\n|[\n\r]")
CONTEXT_LINES = 3
# The bound of the search for equal lines. An edit of a few hundred lines takes a tenth of it.
MAX_STEPS = 400_000

Kind = Literal["same", "changed", "removed", "added", "skipped"]


class Row(NamedTuple):
    """A row of a comparison. A side without a line has no number. `skipped` counts hidden lines."""

    kind: Kind
    left_number: int | None = None
    left: str = ""
    right_number: int | None = None
    right: str = ""
    skipped: int = 0


class Place(NamedTuple):
    """A row before it is rendered: the index of its line in either text."""

    kind: Kind
    left: int | None = None
    right: int | None = None
    skipped: int = 0


class Difference(NamedTuple):
    """The first rows of a comparison, and how many lines after them there are, and differ."""

    rows: list[Row]
    left_out: int = 0
    changes_left_out: int = 0


def lines_of(yaml_source: str) -> list[str]:
    lines = LINE_BREAK.split(yaml_source)
    return lines[:-1] if lines[-1] == "" else lines


def side_by_side(
    left: str, right: str, *, whole: bool = False, most: int | None = None
) -> Difference:
    """Compare two texts line by line.

    Unless `whole`, unchanged lines far from a change are left out. At most the first `most` rows
    are returned, and none if the texts have the same lines.
    """
    old, new = lines_of(left), lines_of(right)
    places = list(_places(old, new))
    if all(place.kind == "same" for place in places):
        return Difference([])
    if not whole:
        places = list(_around_changes(places))
    # Only what is shown is made readable and marked.
    rest = places[most:] if most is not None else []
    return Difference(
        [_row(old, new, place) for place in places[:most]],
        sum(place.skipped or 1 for place in rest),
        sum(place.kind in ("changed", "removed", "added") for place in rest),
    )


def _places(left: list[str], right: list[str]) -> Iterator[Place]:
    i = j = 0
    for i_same, j_same in [*equal_lines(left, right), (len(left), len(right))]:
        while i < i_same and j < j_same:
            yield Place("changed", i, j)
            i, j = i + 1, j + 1
        for at in range(i, i_same):
            yield Place("removed", left=at)
        for at in range(j, j_same):
            yield Place("added", right=at)
        if i_same < len(left):
            yield Place("same", i_same, j_same)
        i, j = i_same + 1, j_same + 1


def _row(left: list[str], right: list[str], place: Place) -> Row:
    kind, i, j, skipped = place
    if kind == "skipped":
        return Row(kind, skipped=skipped)
    old, new = ("" if i is None else visible(left[i])), ("" if j is None else visible(right[j]))
    if kind == "changed":
        old, new = _marked(old, new)
    return Row(kind, None if i is None else i + 1, old, None if j is None else j + 1, new)


def equal_lines(left: list[str], right: list[str]) -> list[tuple[int, int]]:
    """The indexes of the lines that both texts have, in order: as many as there can be.

    The common beginning and end are set aside, and so is each line that the other text lacks. The
    rest is searched for MAX_STEPS and at most one run of equal lines more. Lines beyond them
    count as changed.
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
    """The algorithm of Myers, "An O(ND) difference algorithm", 1986.

    It allows one edit more at a time, and keeps how far each diagonal i - j comes, with its runs of
    equal lines, the last first.
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
            if steps > MAX_STEPS:
                best = max(furthest, key=lambda diagonal: 2 * furthest[diagonal][0] - diagonal)
                return _pairs(furthest[best][1])
        edits += 1


def _pairs(runs: Any) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    while runs:
        i, j, length, runs = runs
        pairs += ((i + at, j + at) for at in reversed(range(length)))
    return pairs[::-1]


def _marked(old: str, new: str) -> tuple[SafeString, SafeString]:
    """Both lines, with the words between their common beginning and end marked."""
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
        _mark("{}<ins>{}</ins>{}", new, start, end),
    )


def _mark(shape: str, text: str, start: int, end: int) -> SafeString:
    stop = len(text) - end
    if start == stop:
        return escape(text)
    return format_html(shape, text[:start], text[start:stop], text[stop:])


def _around_changes(places: list[Place]) -> Iterator[Place]:
    changed = [at for at, place in enumerate(places) if place.kind != "same"]
    near = {
        at
        for one in changed
        for at in range(max(0, one - CONTEXT_LINES), min(len(places), one + CONTEXT_LINES + 1))
    }
    skipped = 0
    for at, place in enumerate(places):
        if at not in near:
            skipped += 1
            continue
        if skipped:
            yield Place("skipped", skipped=skipped)
            skipped = 0
        yield place
    if skipped:
        yield Place("skipped", skipped=skipped)
