"""Versions of a MoveSpec: snapshot, read, validate, release."""

from functools import partial

from detection import validate
from kynaplatform import clock
from kynaplatform.api import errors
from kynaplatform.api.operations import Result
from kynaplatform.api.pagination import PageQuery, paginate
from kynaplatform.api.views import ApiRequest, ApiViewSet
from movespecs.access import (
    READ,
    WRITE,
    MoveSpecId,
    MoveSpecOperation,
    VersionId,
    author_of,
    own_version,
    require_own,
    visible_movespec,
    visible_versions,
)
from movespecs.errors import MoveSpecArchived, MoveSpecInvalid, MoveSpecVersionWithdrawn
from movespecs.limits import LimitReached
from movespecs.releases import version_create, version_release
from movespecs.wire import (
    MoveSpecAnswer,
    ValidationResult,
    VersionAnswer,
    present_movespec,
    present_validation,
    present_version,
)


class VersionViewSet(ApiViewSet):
    tag, resource = "MoveSpecs", "movespec_version"

    @MoveSpecOperation(
        summary="List versions",
        scope=READ,
        returns=list[VersionAnswer],
        errors=(errors.NotFound,),
    )
    def list(self, request: ApiRequest, movespec_id: MoveSpecId, query: PageQuery) -> Result:
        """Newest first. Of another project's public MoveSpec: its released version."""
        own = request.principal.project_id
        movespec = visible_movespec(request, movespec_id)
        return paginate(
            request._request,
            visible_versions(movespec, own),
            query,
            partial(present_version, is_own=movespec.project_id == own),
            large="yaml_source",
        )

    @MoveSpecOperation(
        summary="Create a version",
        scope=WRITE,
        returns=VersionAnswer,
        status=201,
        also_status=200,
        errors=(errors.NotFound, MoveSpecArchived, MoveSpecInvalid, LimitReached),
    )
    def create(self, request: ApiRequest, movespec_id: MoveSpecId) -> Result:
        """Snapshot the draft. An unchanged draft answers 200 with the latest version."""
        require_own(request, movespec_id)
        version, is_new = version_create(
            movespec_id=movespec_id, author=author_of(request), now=clock.now()
        )
        answer = present_version(version, is_own=True)
        return Result(answer, status=201 if is_new else 200)

    @MoveSpecOperation(
        summary="Read a version",
        scope=READ,
        returns=VersionAnswer,
        errors=(errors.NotFound,),
    )
    def retrieve(
        self, request: ApiRequest, movespec_id: MoveSpecId, version_id: VersionId
    ) -> VersionAnswer:
        """Its YAML and its number; immutable but for the withdrawal."""
        own = request.principal.project_id
        movespec = visible_movespec(request, movespec_id)
        version = visible_versions(movespec, own).filter(id=version_id).first()
        is_own = movespec.project_id == own
        return present_version(errors.found(version, "movespec_version"), is_own=is_own)

    @MoveSpecOperation(
        summary="Validate a version",
        scope=WRITE,
        returns=ValidationResult,
        errors=(errors.NotFound,),
    )
    def validate(
        self, request: ApiRequest, movespec_id: MoveSpecId, version_id: VersionId
    ) -> ValidationResult:
        """The version's YAML under today's rules, with the role of each criterion."""
        version = own_version(request, movespec_id, version_id)
        return present_validation(
            validate(version.yaml_source), "movespec_version", version.id, clock.now()
        )

    @MoveSpecOperation(
        summary="Release a version",
        scope=WRITE,
        returns=MoveSpecAnswer,
        errors=(errors.NotFound, MoveSpecArchived, MoveSpecVersionWithdrawn, MoveSpecInvalid),
    )
    def release(
        self, request: ApiRequest, movespec_id: MoveSpecId, version_id: VersionId
    ) -> MoveSpecAnswer:
        """Every later session by `movespec_id` gets this version. An older one rolls back."""
        own_version(request, movespec_id, version_id)
        movespec = version_release(
            movespec_id=movespec_id,
            version_id=version_id,
            author=author_of(request),
            now=clock.now(),
        )
        return present_movespec(movespec, request.principal.project_id)
