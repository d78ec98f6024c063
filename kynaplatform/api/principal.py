"""The principal of the API, as its verified access token says."""

from dataclasses import dataclass
from uuid import UUID

from kynaplatform.api.errors import (
    HeldByAnother,
    OrganizationSuspended,
    ProjectSuspended,
)


@dataclass(frozen=True, slots=True)
class Quotas:
    """Requests per rolling minute that staff or the defaults grant."""

    project: int
    organization: int
    sessions: int
    movespecs: int


@dataclass(frozen=True, slots=True)
class Principal:
    """A machine with a live access token of one project, or of one of its sessions.

    `state` stands for all that the database says of it: while that is the same, so is the rest.
    """

    token_id: UUID
    state: str
    credential_id: UUID
    project_id: UUID
    organization_id: UUID
    scopes: frozenset[str]
    session_id: UUID | None
    quotas: Quotas
    organization_suspended: bool
    project_suspended: bool


class PrincipalChanged(HeldByAnother):
    """The principal's state is another than it was when it was read."""


def require_active(*, organization_suspended: bool, project_suspended: bool) -> None:
    """Raise OrganizationSuspended, or else ProjectSuspended."""
    if organization_suspended:
        raise OrganizationSuspended
    if project_suspended:
        raise ProjectSuspended
