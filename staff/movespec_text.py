"""The YAML of a version or draft on a page: numbered lines, issues, and comparisons."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from itertools import takewhile
from typing import Any, Literal, NamedTuple
from urllib.parse import urlencode

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString

from common.names import visible
from detection import VIEWS, Issue, Validation, camera, placed_roles
from movespecs.accuracy import AccuracyCard, unmeasured
from movespecs.models import MoveSpecVersion
from staff.display import page_of

# The line breaks of YAML, so that lines have the numbers that issues name.
LINE_BREAK = re.compile("\r\n|[\n\r]")
CONTEXT_LINES = 3
MAX_COMPARED = 2_000

Kind = Literal["same", "changed", "removed", "added", "skipped"]


class DiffRow(NamedTuple):
    """A row of a comparison. A side without a line has no number. `skipped` counts hidden lines."""

    kind: Kind
    left_number: int | None = None
    left: str = ""
    right_number: int | None = None
    right: str = ""
    skipped: int = 0


class Difference(NamedTuple):
    """The first rows of a comparison, and how many lines after them there are, and differ."""

    rows: list[DiffRow]
    left_out: int = 0
    changes_left_out: int = 0


def lines_of(yaml_source: str) -> list[str]:
    lines = LINE_BREAK.split(yaml_source)
    return lines[:-1] if lines[-1] == "" else lines


def side_by_side(left: str, right: str, *, most: int | None = None) -> Difference:
    """Compare two texts line by line.

    Unchanged lines far from a change are left out. At most the first `most` rows are returned.
    """
    rows = list(_rows(lines_of(left), lines_of(right)))
    if all(row.kind == "same" for row in rows):
        return Difference([])
    rows = list(_around_changes(rows))
    # Only what is shown is made readable and marked.
    rest = rows[most:] if most is not None else []
    return Difference(
        [_readable(row) for row in rows[:most]],
        sum(row.skipped or 1 for row in rest),
        sum(row.kind in ("changed", "removed", "added") for row in rest),
    )


def _rows(left: list[str], right: list[str]) -> Iterator[DiffRow]:
    i = j = 0
    for i_same, j_same in [*equal_lines(left, right), (len(left), len(right))]:
        while i < i_same and j < j_same:
            yield DiffRow("changed", i + 1, left[i], j + 1, right[j])
            i, j = i + 1, j + 1
        for at in range(i, i_same):
            yield DiffRow("removed", left_number=at + 1, left=left[at])
        for at in range(j, j_same):
            yield DiffRow("added", right_number=at + 1, right=right[at])
        if i_same < len(left):
            yield DiffRow("same", i_same + 1, left[i_same], j_same + 1, right[j_same])
        i, j = i_same + 1, j_same + 1


def _readable(row: DiffRow) -> DiffRow:
    old, new = visible(row.left), visible(row.right)
    if row.kind == "changed":
        old, new = _marked(old, new)
    return row._replace(left=old, right=new)


def equal_lines(left: list[str], right: list[str]) -> list[tuple[int, int]]:
    """The indexes of lines that both texts have, in order.

    Between the common beginning and end at most MAX_COMPARED lines of each are compared. Further
    lines count as changed.
    """
    shorter = min(len(left), len(right))
    start = sum(1 for _ in takewhile(lambda at: left[at] == right[at], range(shorter)))
    ends = range(1, shorter - start + 1)
    end = sum(1 for _ in takewhile(lambda at: left[-at] == right[-at], ends))
    old = left[start : len(left) - end][:MAX_COMPARED]
    new = right[start : len(right) - end][:MAX_COMPARED]
    blocks = SequenceMatcher(None, old, new).get_matching_blocks()
    return [
        *((at, at) for at in range(start)),
        *((start + i + at, start + j + at) for i, j, length in blocks for at in range(length)),
        *((len(left) - at, len(right) - at) for at in range(end, 0, -1)),
    ]


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


def _around_changes(rows: list[DiffRow]) -> Iterator[DiffRow]:
    """The rows near a change, and how many are skipped between them."""
    shown = -1
    for at, row in enumerate(rows):
        near = rows[max(0, at - CONTEXT_LINES) : at + CONTEXT_LINES + 1]
        if any(one.kind != "same" for one in near):
            if skipped := at - shown - 1:
                yield DiffRow("skipped", skipped=skipped)
            yield row
            shown = at
    if skipped := len(rows) - shown - 1:
        yield DiffRow("skipped", skipped=skipped)


# How many lines a page shows. The longest text would make a page of 17 MB.
MAX_LINES = 2_000


class Line(NamedTuple):
    number: int
    text: str
    issues: tuple[Issue, ...]


class LineRole(NamedTuple):
    """What the criterion at a line does, and from which view it is seen."""

    line: int
    name: str
    sentence: str
    seen: str
    is_unmeasured: bool


def numbered_lines(
    yaml_source: str, issues: Iterable[Issue], *, most: int | None = None
) -> tuple[list[Line], int]:
    """The first `most` lines, each with its issues, and how many are left out."""
    of_line = defaultdict(list)
    for issue in issues:
        of_line[issue.line].append(issue)
    lines = lines_of(yaml_source)
    shown = [
        Line(number, visible(text), tuple(of_line[number]))
        for number, text in enumerate(lines[:most], start=1)
    ]
    return shown, len(lines) - len(shown)


def reading(
    yaml_source: str,
    validation: Validation,
    all_lines: str,
    *,
    every: bool = False,
    card: AccuracyCard | None = None,
) -> dict[str, Any]:
    """The variables of issues.html and text.html.

    `validation` is the text's, validated as a new one; `all_lines` is the address of the page with
    every line; `card` is the accuracy of a movement of the catalogue: its checks say whether they
    were measured.
    """
    issues = [*validation.errors, *validation.warnings]
    paths = validation.spec.check_paths if card and validation.spec else {}
    untried = {paths[name] for name in unmeasured(card, paths)}
    lines, left_out = numbered_lines(yaml_source, issues, most=None if every else MAX_LINES)
    return {
        "issues": issues,
        "lines": lines,
        "lines_left_out": left_out,
        "all_lines": all_lines,
        "camera": camera(validation.spec).sentence if validation.spec else "",
        "roles": [
            LineRole(
                mark.line,
                role.role,
                role.sentence,
                VIEWS[role.view],
                is_unmeasured=role.path in untried,
            )
            for role, mark in placed_roles(validation)
        ],
    }


def every_line_of(version: MoveSpecVersion, **parameters: Any) -> str:
    """The address of the version's page with all lines, and with the parameters `parameters`."""
    return f"{page_of(version)}?{urlencode({**parameters, 'all': 'yes'})}"


def comparison(
    left: MoveSpecVersion | None,
    right: MoveSpecVersion | None,
    *,
    every: bool = False,
) -> dict[str, Any]:
    """The variables of diff.html."""
    if left is None or right is None or left.id == right.id:
        return {}
    most = None if every else MAX_LINES
    return {
        "left": left,
        "right": right,
        "diff": side_by_side(left.yaml_source, right.yaml_source, most=most),
        "all_differences": every_line_of(right, against=left.id),
    }
