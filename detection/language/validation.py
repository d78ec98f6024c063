"""The validation of YAML text, which gives a MoveSpec or the issues of the text."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from detection.language.checking import check
from detection.language.compiling import compile_movespec
from detection.language.declaration import MOVESPEC
from detection.language.issues import Issue, Mark, Report
from detection.language.rules import check_rules
from detection.language.warnings import warn
from detection.language.yaml_tree import read_document
from detection.spec import MoveSpec


@dataclass(frozen=True, slots=True)
class Validation:
    """The result of `validate`. `spec` is None exactly when there are errors; without any, `marks`
    has the place of each path of the document."""

    errors: tuple[Issue, ...]
    warnings: tuple[Issue, ...]
    spec: MoveSpec | None
    marks: Mapping[str, Mark] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return not self.errors


class MoveSpecInvalid(Exception):
    """A document has errors: `issues`, in the order of the text."""

    def __init__(self, issues: tuple[Issue, ...]) -> None:
        super().__init__(issues[0].message)
        self.issues = issues


def validate(yaml_source: str, *, is_new: bool = True) -> Validation:
    """Validate the text of a MoveSpec, of which a stored version is not new.

    Takes any text and never raises for what is in it; its time and memory are bounded whatever the
    text. Returns errors and warnings in the order of the text, with at most 100 errors, and the
    compiled MoveSpec when there are no errors. Warnings are worked out only then.
    """
    report = Report()
    root = read_document(yaml_source, report)
    if root is not None:
        document = check(root, MOVESPEC, "", report)
        if document is not None:
            check_rules(document, report, is_new=is_new)
        errors = report.errors()
        if not errors:
            spec = compile_movespec(document)
            warn(spec, report)
            return Validation((), report.warnings(), spec, report.marks)
    return Validation(report.errors(), (), None)


def compile(yaml_source: str) -> MoveSpec:  # noqa: A001 - as re.compile
    """The MoveSpec that a document means, be it a new one or a version that was stored before rules
    came. Raises MoveSpecInvalid when it has errors."""
    validation = validate(yaml_source, is_new=False)
    if validation.spec is None:
        raise MoveSpecInvalid(validation.errors)
    return validation.spec
