"""Versions of a MoveSpec: snapshot, read, validate, release."""

from functools import partial

from detection import validate
from kynaplatform import clock
from kynaplatform.api import errors
from kynaplatform.api.operations import Access, Result
from kynaplatform.api.pagination import PageQuery, paginate
from kynaplatform.api.views import ApiRequest, ApiViewSet
from movespecs.access import (
    OWN_MOVESPEC,
    READ,
    VERSION,
    VISIBLE_MOVESPEC,
    WRITE,
    MoveSpecOperation,
    author_of,
    visible_versions,
)
from movespecs.errors import MoveSpecArchived, MoveSpecInvalid, MoveSpecVersionWithdrawn
from movespecs.limits import LimitReached
from movespecs.models import MoveSpec, MoveSpecVersion
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
    access = {
        "list": Access(READ, VISIBLE_MOVESPEC),
        "create": Access(WRITE, OWN_MOVESPEC),
        "retrieve": Access(READ, VISIBLE_MOVESPEC, VERSION),
        "validate": Access(WRITE, OWN_MOVESPEC, VERSION),
        "release": Access(WRITE, OWN_MOVESPEC, VERSION),
    }

    @MoveSpecOperation(
        summary="List versions",
        returns=list[VersionAnswer],
        errors=(errors.NotFound,),
    )
    def list(self, request: ApiRequest, movespec: MoveSpec, query: PageQuery) -> Result:
        """Newest first. Of another project's public MoveSpec: its released version."""
        own = request.principal.project_id
        return paginate(
            request._request,
            visible_versions(movespec, own),
            query,
            partial(present_version, is_own=movespec.project_id == own),
            large="yaml_source",
        )

    @MoveSpecOperation(
        summary="Create a version",
        returns=VersionAnswer,
        status=201,
        also_status=200,
        errors=(errors.NotFound, MoveSpecArchived, MoveSpecInvalid, LimitReached),
    )
    def create(self, request: ApiRequest, movespec: MoveSpec) -> Result:
        """Snapshot the draft. An unchanged draft answers 200 with the latest version."""
        version, is_new = version_create(
            movespec_id=movespec.id, author=author_of(request), now=clock.now()
        )
        answer = present_version(version, is_own=True)
        return Result(answer, status=201 if is_new else 200)

    @MoveSpecOperation(
        summary="Read a version",
        returns=VersionAnswer,
        errors=(errors.NotFound,),
    )
    def retrieve(
        self, request: ApiRequest, movespec: MoveSpec, version: MoveSpecVersion
    ) -> VersionAnswer:
        """Its YAML and its number; immutable but for the withdrawal."""
        is_own = movespec.project_id == request.principal.project_id
        return present_version(version, is_own=is_own)

    @MoveSpecOperation(
        summary="Validate a version",
        returns=ValidationResult,
        errors=(errors.NotFound,),
    )
    def validate(
        self, request: ApiRequest, movespec: MoveSpec, version: MoveSpecVersion
    ) -> ValidationResult:
        """The version's YAML under today's rules, with the role of each criterion."""
        return present_validation(
            validate(version.yaml_source), "movespec_version", version.id, clock.now()
        )

    @MoveSpecOperation(
        summary="Release a version",
        returns=MoveSpecAnswer,
        errors=(errors.NotFound, MoveSpecArchived, MoveSpecVersionWithdrawn, MoveSpecInvalid),
    )
    def release(
        self, request: ApiRequest, movespec: MoveSpec, version: MoveSpecVersion
    ) -> MoveSpecAnswer:
        """Every later session by `movespec_id` gets this version. An older one rolls back."""
        released = version_release(
            movespec_id=movespec.id,
            version_id=version.id,
            author=author_of(request),
            now=clock.now(),
        )
        return present_movespec(released, request.principal.project_id)
