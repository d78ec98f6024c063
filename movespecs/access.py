"""The access of a request to MoveSpecs: which it may see, and which it may change."""

from dataclasses import dataclass
from typing import cast
from uuid import UUID

import msgspec
from django.db.models import F, QuerySet

from kynaplatform.api.operations import Operation, Rows
from kynaplatform.api.principal import Principal
from kynaplatform.api.views import ApiRequest
from movespecs.authors import Author
from movespecs.models import (
    LISTED,
    LISTED_OF_PROJECT,
    UNLISTED_OF_PROJECT,
    MoveSpec,
    MoveSpecVersion,
    Visibility,
)
from movespecs.wire import MoveSpecQuery

READ = "movespecs:read"
WRITE = "movespecs:write"


@dataclass(kw_only=True)
class MoveSpecOperation(Operation):
    """An operation below /api/movespecs: all share one family of rate limits."""

    limit_family: str | None = "movespecs"


def author_of(request: ApiRequest) -> Author:
    return Author(credential_id=request.principal.credential_id)


def project_of(request: ApiRequest) -> UUID | None:
    """The principal's project; None without a bearer."""
    principal = cast("Principal | None", request.user)
    return principal.project_id if principal else None


def movespecs_found(viewer: UUID | None, query: MoveSpecQuery) -> list[QuerySet[MoveSpec]]:
    """The MoveSpecs that `viewer` finds in lists, in disjoint parts of one index each."""
    project_id = None if query.project_id is msgspec.UNSET else query.project_id
    movespecs = MoveSpec.objects.all()
    parts: list[QuerySet[MoveSpec]] = []
    if query.visibility != Visibility.PRIVATE:
        if project_id is None:
            parts.append(movespecs.filter(LISTED))
        else:
            parts.append(movespecs.filter(LISTED_OF_PROJECT, project_id=project_id))
    if query.visibility != Visibility.PUBLIC and viewer and project_id in (None, viewer):
        parts.append(movespecs.filter(UNLISTED_OF_PROJECT, project_id=viewer))
    return parts


def _own_movespec(principal: Principal, movespec_id: UUID) -> MoveSpec | None:
    """Another project's MoveSpec, public or not, answers like one that does not exist."""
    own = MoveSpec.objects.filter(id=movespec_id, project_id=principal.project_id)
    return own.select_related("project").first()


def _visible_movespec(principal: Principal | None, movespec_id: UUID) -> MoveSpec | None:
    movespecs = MoveSpec.objects.visible_to(principal.project_id if principal else None)
    return movespecs.filter(id=movespec_id).select_related("project").first()


def _version(principal: Principal, version_id: UUID, movespec: MoveSpec) -> MoveSpecVersion | None:
    return visible_versions(movespec, principal.project_id).filter(id=version_id).first()


def visible_versions(movespec: MoveSpec, project_id: UUID) -> QuerySet[MoveSpecVersion]:
    versions = MoveSpecVersion.objects.filter(movespec_id=movespec.id)
    if movespec.project_id == project_id:
        return versions
    return versions.filter(id=F("movespec__current_released_version_id"))


OWN_MOVESPEC = Rows("movespec", _own_movespec)
VISIBLE_MOVESPEC = Rows("movespec", _visible_movespec)
VERSION = Rows("movespec_version", _version)
# A replay of a fork is answered also after its source is gone: `movespec_fork` looks for that.
SOURCE_ID = Rows("movespec", lambda _, movespec_id: movespec_id)
