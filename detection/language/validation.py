"""The validation of YAML text, which gives a MoveSpec or the issues of the text."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from detection.language.checking import check
from detection.language.compiling import compile_movespec, parameters_of
from detection.language.declaration import MOVESPEC
from detection.language.issues import Issue, Mark, Report
from detection.language.parameters import declared_parameters, references_in, warn_of_unused
from detection.language.rules import check_rules
from detection.language.warnings import warn
from detection.language.yaml_tree import Node, read_document
from detection.spec import MOVEMENT, NOT_READY, MoveSpec, Parameter

# The words that were reserved once there were stored versions.
_RESERVED_LATER = frozenset({NOT_READY})


@dataclass(frozen=True, slots=True)
class Validation:
    """The result of `validate`. `spec` is None exactly when there are errors; without any, `marks`
    has the place of each path of the document, and `parameters` what a session may give."""

    errors: tuple[Issue, ...]
    warnings: tuple[Issue, ...]
    spec: MoveSpec | None
    marks: Mapping[str, Mark] = field(default_factory=dict)
    parameters: tuple[Parameter, ...] = ()
    _document: Any = field(default=None, repr=False)

    @property
    def ok(self) -> bool:
        return not self.errors

    @property
    def languages(self) -> tuple[str, ...]:
        """The tags of the languages that messages of a valid document are in, in its order; none
        where each is one text."""
        cues = self._document["detection"]["movement"]["feedback"]
        messages = [cue.get("message") for cue in cues]
        tags = [tag for one in messages if isinstance(one, Mapping) for tag in one]
        return tuple(dict.fromkeys(tags))

    def says_the_same_as(self, other: "Validation") -> bool:
        """Whether both are of valid documents that differ in layout and comments alone."""
        return self.ok and other.ok and self._document == other._document

    def spec_with(self, numbers: Mapping[str, float], locale: str | None = None) -> MoveSpec:
        """The MoveSpec of a valid document with these numbers, each of a parameter that it has and
        within its bounds, and with the messages of a locale."""
        return compile_movespec(self._document, numbers, locale)

    def lower_bounds(self) -> frozenset[str]:
        """The parameters that stand for a least bound anywhere."""
        return frozenset(
            reference.name
            for reference in references_in(self._document)
            if reference.path.endswith("min")
        )

    def units(self) -> dict[str, str]:
        """The unit of each parameter that stands for something: `ms` or `°`."""
        return {
            reference.name: "ms" if _is_time(reference.path) else "°"
            for reference in references_in(self._document)
        }

    def with_values(self, numbers: Mapping[str, float], locale: str | None) -> "Validation":
        if not numbers and locale is None:
            return self
        return replace(self, spec=self.spec_with(numbers, locale))


class MoveSpecInvalid(Exception):
    """A document has errors: `issues`, in the order of the text."""

    def __init__(self, issues: tuple[Issue, ...]) -> None:
        super().__init__(issues[0].message)
        self.issues = issues


def read_movespec(yaml_source: str, *, is_new: bool) -> Validation:
    """The validation of a text by all that the language alone can tell."""
    root, report = _read(yaml_source, is_new=is_new)
    if root is not None:
        document = check(root, MOVESPEC, "", report)
        if document is not None:
            check_rules(document, report, is_new=is_new)
        errors = report.errors()
        if not errors:
            spec = compile_movespec(document, {})
            warn(spec, report)
            warn_of_unused(document, declared_parameters(document), report)
            parameters = parameters_of(document)
            return Validation((), report.warnings(), spec, report.marks, parameters, document)
    return Validation(report.errors(), (), None)


def _read(yaml_source: str, *, is_new: bool) -> tuple[Node | None, Report]:
    report = Report()
    root = read_document(yaml_source, report)
    if root is not None and not is_new:
        report.freed_words = _RESERVED_LATER.intersection(_names_of_phases(root))
    return root, report


def _is_time(path: str) -> bool:
    return path.endswith("_ms") or path.startswith(f"{MOVEMENT}.tempo.")


def _names_of_phases(root: Node) -> Iterator[str]:
    node = root
    for key in ("detection", "movement", "phases"):
        if key not in node.entries:
            return
        node = node.entries[key][1]
    for phase in node.items:
        if "name" in phase.entries:
            yield phase.entries["name"][1].text
