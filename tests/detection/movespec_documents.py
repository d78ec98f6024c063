"""The documents that the tests of the language change one thing in."""

from typing import Any

from detection import Issue, MoveSpec, validate
from detection.language.issues import Report
from detection.language.yaml_tree import Node, parse_number, plain_scalar_type, read_document

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
# A repetition with all that its author may say.
RICH = """\
name: row
version: "1"
detection:
  type: repetition
  parameters:
    depth: {default: 100, min: 60, max: 130, description: Elbow at the top.}
    pause: {default: 300, min: 0, max: 2000}
  setup: {visible: full_body, view: side, start: [{lean: trunk, max: 80, tolerance: 5}]}
  movement:
    name: row
    judge: bands
    count: each_side
    throughout: [{lean: trunk, min: 20, tolerance: 5, grace_ms: 200}]
    phases:
      - {name: down, criteria: [{joint: elbow, min: 150}]}
      - {name: half, criteria: [{joint: elbow, min: 120, max: 140}]}
      - {name: up, criteria: [{joint: elbow, max: 110, tolerance: 3}]}
    sequence:
      - down
      - {phase: half, optional: true}
      - {phase: up, hold_ms: $pause, within_ms: 4000}
      - down
    checks:
      - {name: high, when: up, joint: elbow, least: {max: $depth}, required: true}
      - {name: straight, joint: elbow, most: {min: 150}}
    feedback:
      - {when: up, joint: elbow, least: {min: 90}, key: higher, message: {en: Higher, de-AT: Höher}}
      - {when: not_ready, reason: view, every: 2, min_gap_ms: 5000, message: Turn sideways.}
      - {when: interrupted, reason: too_slow, message: Faster.}
"""
# A posture to hold.
HOLD = """\
name: plank
version: "1"
detection:
  type: hold
  movement:
    name: plank
    target_ms: 30000
    phases:
      - {name: plank, criteria: [{lean: trunk, min: 60}, {joint: hip, min: 150}]}
"""
CUE = "{when: bottom, joint: hip, angle_max: 70, message: Chest up.}"


def edit(old: str, new: str, document: str = DOCUMENT) -> str:
    assert document.count(old) == 1, f"{old!r} is not once in the document"
    return document.replace(old, new)


def with_half(angle_max: int) -> str:
    return edit(
        "    sequence: [standing, bottom, standing]",
        HALF % angle_max + "    sequence: [standing, half, bottom, half, standing]",
    )


def with_checks(*checks: str) -> str:
    lines = "".join(f"      - {check}\n" for check in checks)
    return edit("    sequence", f"    checks:\n{lines}    sequence")


def with_parameter(parameter: str) -> str:
    """With a parameter `depth` for the greatest angle of the bottom."""
    document = edit("angle_max: 100", "angle_max: $depth")
    return edit("  movement:", f"  parameters:\n    depth: {parameter}\n  movement:", document)


def places(issues: tuple[Issue, ...]) -> list[tuple[str, str | None, int | None, int | None]]:
    return [(issue.code, issue.path, issue.line, issue.column) for issue in issues]


def errors_of(document: str) -> list[tuple[str, str | None, int | None, int | None]]:
    return places(validate(document).errors)


def spec_of(document: str, **options: Any) -> MoveSpec:
    """The MoveSpec of a new document, which must be valid."""
    validation = validate(document, **options)
    assert validation.errors == ()
    assert validation.spec is not None
    return validation.spec


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
