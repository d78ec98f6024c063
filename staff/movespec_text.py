"""The YAML of a version or draft on a page: numbered lines, issues, and comparisons."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from difflib import Match, SequenceMatcher
from itertools import zip_longest
from typing import Any, Literal, NamedTuple
from urllib.parse import urlencode

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString

from common.names import visible
from detection import VIEWS, Validation, camera, placed_roles
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
    """The lines at and near a change; no rows for the same lines. At most `most` are returned."""
    rows = list(_rows(lines_of(left), lines_of(right)))
    # Only what is shown is made readable and marked.
    rest = rows[most:] if most is not None else []
    return Difference(
        [_readable(row) for row in rows[:most]],
        sum(row.skipped or 1 for row in rest),
        sum(row.kind in ("changed", "removed", "added") for row in rest),
    )


class LineMatcher(SequenceMatcher[str]):
    """Beyond MAX_COMPARED lines between the common beginning and end, lines count as changed."""

    a: list[str]
    b: list[str]

    def get_matching_blocks(self) -> list[Match]:
        old, new = self.a, self.b
        start, end = _common_ends(old, new)
        between = SequenceMatcher(
            None,
            old[start : len(old) - end][:MAX_COMPARED],
            new[start : len(new) - end][:MAX_COMPARED],
        )
        blocks = between.get_matching_blocks()[:-1]
        return [
            Match(0, 0, start),
            *(Match(start + i, start + j, length) for i, j, length in blocks),
            Match(len(old) - end, len(new) - end, end),
            Match(len(old), len(new), 0),
        ]


def _rows(left: list[str], right: list[str]) -> Iterator[DiffRow]:
    """The rows near a change, and how many are skipped between them."""
    shown = 0
    for group in LineMatcher(None, left, right).get_grouped_opcodes(CONTEXT_LINES):
        if skipped := group[0][1] - shown:
            yield DiffRow("skipped", skipped=skipped)
        for tag, *lines in group:
            for i, j in zip_longest(range(*lines[:2]), range(*lines[2:])):
                if j is None:
                    yield DiffRow("removed", left_number=i + 1, left=left[i])
                elif i is None:
                    yield DiffRow("added", right_number=j + 1, right=right[j])
                else:
                    kind: Kind = "same" if tag == "equal" else "changed"
                    yield DiffRow(kind, i + 1, left[i], j + 1, right[j])
        shown = group[-1][2]
    if shown and (skipped := len(left) - shown):
        yield DiffRow("skipped", skipped=skipped)


def _readable(row: DiffRow) -> DiffRow:
    """The row, with the words between the common beginning and end of changed lines marked."""
    old, new = visible(row.left), visible(row.right)
    if row.kind == "changed":
        start, end = _common_ends(old, new)
        while start and old[start - 1].isalnum():
            start -= 1
        while end and old[-end].isalnum():
            end -= 1
        old, new = _mark("del", old, start, end), _mark("ins", new, start, end)
    return row._replace(left=old, right=new)


def _common_ends(left: Sequence[str], right: Sequence[str]) -> tuple[int, int]:
    """The lengths of the common beginning and, after that, of the common end."""
    shorter = min(len(left), len(right))
    start = next((at for at in range(shorter) if left[at] != right[at]), shorter)
    ends = range(shorter - start)
    return start, next((at for at in ends if left[-1 - at] != right[-1 - at]), shorter - start)


def _mark(tag: str, text: str, start: int, end: int) -> SafeString:
    stop = len(text) - end
    if start == stop:
        return escape(text)
    shape = f"{{}}<{tag}>{{}}</{tag}>{{}}"
    return format_html(shape, text[:start], text[start:stop], text[stop:])


# How many lines a page shows. The longest text would make a page of 17 MB.
MAX_LINES = 2_000


def reading(
    yaml_source: str,
    validation: Validation,
    all_lines: str,
    *,
    every: bool = False,
    card: AccuracyCard | None = None,
) -> dict[str, Any]:
    """The variables of issues.html and text.html.

    `all_lines` is the address of the page with every line. The checks of a movement of the
    catalogue, with its `card`, say whether they were measured.
    """
    issues = [*validation.errors, *validation.warnings]
    paths = validation.spec.check_paths if card and validation.spec else {}
    untried = {paths[name] for name in unmeasured(card, paths)}
    of_line = defaultdict(list)
    for issue in issues:
        of_line[issue.line].append(issue)
    lines = lines_of(yaml_source)
    shown = lines if every else lines[:MAX_LINES]
    return {
        "issues": issues,
        "lines": [
            {"number": number, "text": visible(text), "issues": of_line[number]}
            for number, text in enumerate(shown, start=1)
        ],
        "lines_left_out": len(lines) - len(shown),
        "all_lines": all_lines,
        "camera": camera(validation.spec).sentence if validation.spec else "",
        "roles": [
            {
                "line": mark.line,
                "name": role.role,
                "sentence": role.sentence,
                "seen": VIEWS[role.view],
                "is_unmeasured": role.path in untried,
            }
            for role, mark in placed_roles(validation)
        ],
    }


def every_line_of(version: MoveSpecVersion, **parameters: Any) -> str:
    """The address of the version's page with all lines, and with the parameters `parameters`."""
    return f"{page_of(version)}?{urlencode({**parameters, 'all': 'yes'})}"


def comparison(
    left: MoveSpecVersion | None, right: MoveSpecVersion | None, *, every: bool = False
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
