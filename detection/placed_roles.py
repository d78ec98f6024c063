"""The roles of a validated text, each with the place of its criterion."""

from collections.abc import Iterator

from detection.language.issues import Mark
from detection.language.validation import Validation
from detection.roles import Role, roles


def placed_roles(validation: Validation) -> Iterator[tuple[Role, Mark]]:
    """Each role and the line and column of its criterion; none where there are errors."""
    if validation.spec is not None:
        for role in roles(validation.spec):
            yield role, validation.marks[role.path]
