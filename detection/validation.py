"""From YAML text to a MoveSpec, or to what keeps it from being one."""

from dataclasses import dataclass

from detection.advice import warn
from detection.checking import check
from detection.compile import compile_movespec
from detection.issues import Issue, Report
from detection.language import MOVESPEC
from detection.nodes import read_document
from detection.rules import check_rules
from detection.spec import MoveSpec


@dataclass(frozen=True, slots=True)
class Validation:
    """What `validate` found. `spec` is None exactly when there are errors."""

    errors: tuple[Issue, ...]
    warnings: tuple[Issue, ...]
    spec: MoveSpec | None

    @property
    def ok(self) -> bool:
        return not self.errors


def validate(yaml_source: str) -> Validation:
    """Read a MoveSpec document and say what is wrong with it.

    Takes any text and never raises for what is in it; its time and memory are bounded whatever the
    text. Returns errors and warnings in the order of the text, with at most 100 errors, and the
    compiled MoveSpec when there are no errors. Warnings are worked out only then.
    """
    report = Report()
    root = read_document(yaml_source, report)
    if root is not None:
        document = check(root, MOVESPEC, "", report)
        if document is not None:
            check_rules(document, report)
        errors = report.errors()
        if not errors:
            spec = compile_movespec(document)
            warn(spec, report)
            return Validation((), report.warnings(), spec)
    return Validation(report.errors(), (), None)
