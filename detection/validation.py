"""`validate` and `compile`: what the language tells of a text, and what the engine makes of it."""

from collections.abc import Mapping

from detection.changed_roles import changed_roles
from detection.language.parameters import check_values
from detection.language.validation import MoveSpecInvalid, Validation, read_movespec
from detection.role_warnings import with_role_warnings
from detection.spec import MoveSpec


def validate(
    yaml_source: str,
    *,
    is_new: bool = True,
    parameters: Mapping[str, float] | None = None,
    locale: str | None = None,
) -> Validation:
    """Validate the text of a MoveSpec, of which a stored version is not new.

    Takes any text and never raises for what is in it; its time and memory are bounded whatever the
    text. Returns errors and warnings in the order of the text, with at most 100 errors, and the
    compiled MoveSpec when there are no errors. Warnings are worked out only then.

    The MoveSpec has the numbers of `parameters`, else their defaults, and the messages of `locale`,
    a language tag. Raises ParameterInvalid for a number that a valid text does not take.
    """
    validation = read_movespec(yaml_source, is_new=is_new)
    if validation.spec is None:
        return validation
    if is_new and (errors := changed_roles(validation)):
        return Validation(errors, (), None)
    if is_new:
        validation = with_role_warnings(validation)
    return validation.with_values(check_parameters(validation, parameters or {}), locale)


def compile(  # noqa: A001 - as re.compile
    yaml_source: str,
    *,
    parameters: Mapping[str, float] | None = None,
    locale: str | None = None,
) -> MoveSpec:
    """The MoveSpec that a document means, be it a new one or a version that was stored before rules
    came, with the numbers of `parameters` and the messages of `locale`. Raises MoveSpecInvalid when
    it has errors, and ParameterInvalid for a number that it does not take."""
    validation = validate(yaml_source, is_new=False, parameters=parameters, locale=locale)
    if validation.spec is None:
        raise MoveSpecInvalid(validation.errors)
    return validation.spec


def check_parameters(validation: Validation, values: Mapping[str, float]) -> dict[str, float]:
    """The numbers that a session gives for the parameters of a valid document, as floats. Raises
    ParameterInvalid for the first that it can't give."""
    return check_values(validation.parameters, values)
