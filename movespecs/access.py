"""The access of a request to MoveSpecs: which it may see, and which it may change."""

from dataclasses import dataclass
from typing import Annotated, cast
from uuid import UUID

import msgspec
from django.db.models import F, QuerySet

from kynaplatform.api import errors
from kynaplatform.api.operations import Operation
from kynaplatform.api.principal import Principal
from kynaplatform.api.views import ApiRequest
from movespecs.authors import Author
from movespecs.models import (
    LISTED,
    LISTED_OF_PROJECT,
    UNLISTED_OF_PROJECT,
    MoveSpec,
    MoveSpecDraft,
    MoveSpecVersion,
    Visibility,
)
from movespecs.wire import MoveSpecQuery

READ = "movespecs:read"
WRITE = "movespecs:write"
MoveSpecId = Annotated[UUID, "movespec"]
VersionId = Annotated[UUID, "movespec_version"]


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


def visible_movespec(request: ApiRequest, movespec_id: UUID) -> MoveSpec:
    movespecs = MoveSpec.objects.visible_to(project_of(request)).select_related("project")
    return errors.found(movespecs.filter(id=movespec_id).first(), "movespec")


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


def require_own(request: ApiRequest, movespec_id: UUID) -> None:
    """Another project's MoveSpec, public or not, answers like one that does not exist."""
    own = MoveSpec.objects.filter(project_id=request.principal.project_id)
    if not own.filter(id=movespec_id).exists():
        raise errors.NotFound("movespec")


def own_draft(request: ApiRequest, movespec_id: UUID) -> MoveSpecDraft:
    require_own(request, movespec_id)
    return MoveSpecDraft.objects.get(movespec_id=movespec_id)


def own_version(request: ApiRequest, movespec_id: UUID, version_id: UUID) -> MoveSpecVersion:
    require_own(request, movespec_id)
    versions = MoveSpecVersion.objects.filter(movespec_id=movespec_id, id=version_id)
    return errors.found(versions.first(), "movespec_version")


def visible_versions(movespec: MoveSpec, project_id: UUID) -> QuerySet[MoveSpecVersion]:
    versions = MoveSpecVersion.objects.filter(movespec_id=movespec.id)
    if movespec.project_id == project_id:
        return versions
    return versions.filter(id=F("movespec__current_released_version_id"))
