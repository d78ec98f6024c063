"""`validate` and `compile`: what a text means, or the issues of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from detection.engine.driving import find_motions
from detection.language.compiling import (
    compile_movespec,
    declared_parameters,
    language_for,
    references_in,
    text_for,
)
from detection.language.declaration import MOVESPEC
from detection.language.issues import Issue, Mark, Report, in_order
from detection.language.rules import PARAMETERS, check_rules, unknown_parameter
from detection.language.yaml_tree import Node, read_document
from detection.roles import Role, roles
from detection.spec import MOVEMENT, NOT_READY, Measure, MoveSpec, Parameter
from detection.warnings import warnings_of

# The words that became reserved after versions had been stored.
_RESERVED_LATER = frozenset({NOT_READY})


@dataclass(frozen=True, slots=True)
class Validation:
    """The result of `validate`. `spec` is None exactly when there are errors. Without errors,
    `marks` has the place of each path of the document, and `parameters` those that a session may
    give."""

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
        """The tags of the languages of a valid document's messages, in its order; none where each
        message is one text."""
        tags = [tag for one in self._messages() if isinstance(one, Mapping) for tag in one]
        return tuple(dict.fromkeys(tags))

    def language(self, locale: str | None) -> str | None:
        """The tag of `languages` that a locale gets; None where each message is one text."""
        return language_for(self.languages, locale) if self.languages else None

    def messages(self, locale: str | None = None) -> list[str]:
        """The messages of a valid document that a locale gets, each once."""
        return list(dict.fromkeys(text_for(one, locale) for one in self._messages()))

    def _messages(self) -> list[Any]:
        """Texts, and texts by their languages."""
        cues = self._document["detection"]["movement"]["feedback"]
        return [cue["message"] for cue in cues]

    def spec_with(self, numbers: Mapping[str, float], locale: str | None = None) -> MoveSpec:
        """The MoveSpec of a valid document, with the messages of a locale and these numbers of its
        parameters, each within its bounds."""
        return compile_movespec(self._document, numbers, locale)

    def units(self) -> dict[str, str]:
        """The unit of each parameter that stands for something: `ms` or `°`."""
        return {
            one.name: "ms"
            if one.path.endswith("_ms") or one.path.startswith(f"{MOVEMENT}.tempo.")
            else "°"
            for one in references_in(self._document)
        }


class MoveSpecInvalid(Exception):
    """A document has errors: `issues`, in the order of the text."""

    def __init__(self, issues: tuple[Issue, ...]) -> None:
        super().__init__(issues[0].message)
        self.issues = issues


class ParameterInvalid(ValueError):
    """A session gave a number that the MoveSpec does not take: of an unknown parameter, or out of
    its bounds. `name` is the parameter's, `message` a sentence for whoever gave the number."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name
        self.message = message


def validate(
    yaml_source: str,
    *,
    is_new: bool = True,
    parameters: Mapping[str, float] | None = None,
    locale: str | None = None,
) -> Validation:
    """Validate the text of a MoveSpec. A stored version is not new: older rules hold for it, and
    it has no warnings.

    Takes any text and never raises for what is in it; its time and memory are bounded whatever the
    text. Returns errors and warnings in the order of the text, with at most 100 errors, and the
    compiled MoveSpec when there are no errors. Warnings are worked out only then.

    The MoveSpec has the numbers of `parameters`, else their defaults, and the messages of `locale`,
    a language tag. Raises ParameterInvalid for a number that a valid text does not take.
    """
    report = Report()
    document: Any = None
    root = read_document(yaml_source, report)
    if root is not None:
        if not is_new:
            report.freed_words = _RESERVED_LATER.intersection(_names_of_phases(root))
        document = MOVESPEC.check(root, "", report)
        if document is not None:
            check_rules(document, report, is_new=is_new)
    if errors := report.errors():
        return Validation(errors, (), None)
    spec = compile_movespec(document, {})
    known = tuple(one for one in declared_parameters(document).values() if one is not None)
    validation = Validation((), (), spec, report.marks, known, document)
    if is_new:
        for path, message in _changed_roles(validation):
            report.error("roles_change", message, path)
        if errors := report.errors():
            return Validation(errors, (), None)
        found = (*warnings_of(spec), *_unused_parameters(validation))
        warnings = (report.issue(code, text, "warning", path) for code, text, path in found)
        validation = replace(validation, warnings=in_order(warnings))
    numbers = check_parameters(validation, parameters or {})
    if not numbers and locale is None:
        return validation
    return replace(validation, spec=validation.spec_with(numbers, locale))


def compile(  # noqa: A001 - as re.compile
    yaml_source: str, *, parameters: Mapping[str, float] | None = None, locale: str | None = None
) -> MoveSpec:
    """The MoveSpec of a new document or a stored version, with the numbers of `parameters` and the
    messages of `locale`. Raises MoveSpecInvalid when it has errors, and ParameterInvalid for a
    number that it does not take."""
    validation = validate(yaml_source, is_new=False, parameters=parameters, locale=locale)
    if validation.spec is None:
        raise MoveSpecInvalid(validation.errors)
    return validation.spec


def check_parameters(validation: Validation, values: Mapping[str, float]) -> dict[str, float]:
    """The numbers that a session gives for the parameters of a valid document, as floats: 100 and
    100.0 are the same. Raises ParameterInvalid for the first that it can't give."""
    by_name = {parameter.name: parameter for parameter in validation.parameters}
    checked = {}
    for name, value in values.items():
        parameter = by_name.get(name)
        if parameter is None:
            raise ParameterInvalid(name, unknown_parameter(name, by_name))
        if not parameter.minimum <= value <= parameter.maximum:
            bounds = f"from {parameter.minimum:g} to {parameter.maximum:g}"
            raise ParameterInvalid(name, f"{name} must be {bounds}, not {value:g}.")
        checked[name] = value + 0.0
    return checked


def placed_roles(validation: Validation) -> Iterator[tuple[Role, Mark]]:
    """Each role and the line and column of its criterion; none where there are errors."""
    if validation.spec is not None:
        for role in roles(validation.spec):
            yield role, validation.marks[role.path]


def _names_of_phases(root: Node) -> Iterator[str]:
    node = root
    for key in ("detection", "movement", "phases"):
        if key not in node.entries:
            return
        node = node.entries[key][1]
    for phase in node.items:
        if "name" in phase.entries:
            yield phase.entries["name"][1].text


def _unused_parameters(validation: Validation) -> Iterator[tuple[str, str, str]]:
    used = {reference.name for reference in references_in(validation._document)}
    for one in validation.parameters:
        if one.name not in used:
            message = (
                f"Nothing uses the parameter {one.name}: write ${one.name} where it is to stand."
            )
            yield "unused_parameter", message, f"{PARAMETERS}.{one.name}"


def _changed_roles(validation: Validation) -> list[tuple[str, str]]:
    """The path and sentence of each end of a parameter that changes what carries the movement; if
    no single one does, of several at once."""
    spec, parameters = validation.spec, validation.parameters
    if spec is None or not parameters:
        return []
    usual = _carried(spec)

    def fault(where: str, numbers: Mapping[str, float]) -> str:
        found = _carried(validation.spec_with(numbers))
        for measure in (*usual, *found):
            if usual.get(measure) != found.get(measure):
                return (
                    f"With {where} the {measure.replace('_', ' ')} does not carry the movement as"
                    " it does by the defaults: narrow min and max."
                )
        return ""

    faults = [
        (f"{PARAMETERS}.{one.name}", message)
        for one in parameters
        for end in dict.fromkeys((one.minimum, one.maximum))
        if (message := fault(f"{one.name} at {end:g}", {one.name: end}))
    ]
    if faults or len(parameters) < 2:
        return faults
    # The widest bands overlap first, and the narrowest are nested first.
    least = {one.name: one.minimum for one in parameters}
    greatest = {one.name: one.maximum for one in parameters}
    lower = {r.name for r in references_in(validation._document) if r.path.endswith("min")}
    for where, numbers in (
        ("all parameters at their min", least),
        ("all parameters at their max", greatest),
        ("the widest bands", {n: (least if n in lower else greatest)[n] for n in least}),
        ("the narrowest bands", {n: (greatest if n in lower else least)[n] for n in least}),
    ):
        if message := fault(where, numbers):
            return [(PARAMETERS, message)]
    return []


def _carried(spec: MoveSpec) -> dict[Measure, tuple[frozenset[str], frozenset[str]]]:
    """The measures that carry the movement, with the phases at the low end and at the high one."""
    return {
        angle.measure: (angle.low_phases, angle.high_phases)
        for motion in find_motions(spec)
        for angle in motion.angles
    }
