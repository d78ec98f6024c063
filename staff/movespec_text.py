"""The YAML of a version or draft on a page: numbered lines, issues, and comparisons."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import urlencode

from detection import VIEWS, Issue, Validation, camera, placed_roles, validate
from kynaplatform.api.names import visible
from movespecs.accuracy import AccuracyCard, unmeasured
from movespecs.models import MoveSpecVersion
from staff.diffs import lines_of, side_by_side
from staff.links import page_of
from staff.movespec_meaning import changes, meanings_of

# The most lines on a page, which would else be 17 MB for the longest text.
MAX_LINES = 2_000


class Line(NamedTuple):
    number: int
    text: str
    issues: tuple[Issue, ...]


class LineRole(NamedTuple):
    """What the criterion at a line does, and from where it is seen."""

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
    """The variables of issues.html and text.html. `validation` is that of the text as a new one,
    and `all_lines` is the address of every line. `card` is that of a movement of the catalogue,
    whose checks say whether they were measured."""
    issues = [*validation.errors, *validation.warnings]
    paths = validation.spec.check_paths if card and validation.spec else {}
    untried = {paths[name] for name in unmeasured(card, paths)}
    lines, left_out = numbered_lines(yaml_source, issues, most=None if every else MAX_LINES)
    return {
        "issues": issues,
        "lines": lines,
        "lines_left_out": left_out,
        "all_lines": all_lines,
        "meanings": meanings_of(validation),
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
    validation: Validation,
    *,
    whole: bool = False,
    every: bool = False,
) -> dict[str, Any]:
    """The variables of diff.html. `validation` is that of the text of `right` as a new one."""
    if left is None or right is None or left.id == right.id:
        return {}
    most = None if every else MAX_LINES
    parameters = {"against": left.id, **({"whole": "yes"} if whole else {})}
    old = validate(left.yaml_source, is_new=False)
    # A version of before a rule came is valid as a stored one alone.
    new = validation if validation.ok else validate(right.yaml_source, is_new=False)
    return {
        "changes": changes(meanings_of(old), meanings_of(new)) if old.ok and new.ok else None,
        "is_same": new.says_the_same_as(old),
        "left": left,
        "right": right,
        "diff": side_by_side(left.yaml_source, right.yaml_source, whole=whole, most=most),
        "all_differences": every_line_of(right, **parameters),
    }
