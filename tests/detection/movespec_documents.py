"""The documents that the tests of the language change one thing in."""

from typing import Any

from detection import Issue, validate
from detection.language.issues import Report
from detection.language.yaml_scalars import parse_number, plain_scalar_type
from detection.language.yaml_tree import Node, read_document

# The tests count on these lines and columns.
DOCUMENT = """\
name: squat
version: "1.0"
detection:
  type: repetition
  movement:
    name: squat
    phases:
      - name: standing
        criteria:
          - {joint: knee, angle_min: 160, side: both}
      - name: bottom
        criteria:
          - {joint: knee, side: front, angle_min: 60, angle_max: 100}
    sequence: [standing, bottom, standing]
    feedback:
      - {when: bottom, joint: hip, angle_max: 70, message: Chest up.}
"""
# Between its two phases one of so many degrees.
HALF = (
    "      - {name: half, criteria: [{joint: knee, side: both, angle_min: 120, angle_max: %d}]}\n"
)
CUE = "{when: bottom, joint: hip, angle_max: 70, message: Chest up.}"


def edit(old: str, new: str, document: str = DOCUMENT) -> str:
    assert document.count(old) == 1, f"{old!r} is not once in the document"
    return document.replace(old, new)


def with_half(angle_max: int) -> str:
    return edit(
        "    sequence: [standing, bottom, standing]",
        HALF % angle_max + "    sequence: [standing, half, bottom, half, standing]",
    )


def places(issues: tuple[Issue, ...]) -> list[tuple[str, str | None, int | None, int | None]]:
    return [(issue.code, issue.path, issue.line, issue.column) for issue in issues]


def errors_of(document: str) -> list[tuple[str, str | None, int | None, int | None]]:
    return places(validate(document).errors)


def message_of(document: str) -> str:
    (error,) = validate(document).errors
    return error.message


def core_values(yaml_source: str) -> Any:
    """The document as values of the YAML 1.2 core schema, as an editor's language server has it."""
    root = read_document(yaml_source, Report())
    assert root is not None
    return _value(root)


def _value(node: Node) -> Any:
    if node.kind == "list":
        return [_value(item) for item in node.items]
    if node.kind == "mapping":
        return {key: _value(value) for key, (_, value) in node.entries.items()}
    if not node.is_plain:
        return node.text
    return {
        "null": None,
        "boolean": node.text.lower() == "true",
        "number": parse_number(node.text),
        "text": node.text,
    }[plain_scalar_type(node.text)]
