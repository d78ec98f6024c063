"""MoveSpecs: create, edit, validate, version, release, fork, archive."""

from uuid import UUID

import msgspec
from django.db.models import F, QuerySet
from django.utils import timezone

from detection import validate
from kynaplatform.api import errors
from kynaplatform.api.caller import Caller
from kynaplatform.api.pagination import MOST_PER_PAGE, Page, paginate
from kynaplatform.api.views import ApiRequest, ApiViewSet, Reply, operation
from movespecs.authors import Author
from movespecs.drafts import (
    MOST_YAML_BYTES,
    draft_replace,
    movespec_archive,
    movespec_create,
    movespec_edit,
)
from movespecs.forks import movespec_fork
from movespecs.models import MoveSpec, MoveSpecDraft, MoveSpecVersion, Visibility
from movespecs.releases import version_create, version_release
from movespecs.wire import (
    DraftAnswer,
    DraftReplace,
    MoveSpecAnswer,
    MoveSpecCreate,
    MoveSpecEdit,
    MoveSpecFork,
    MoveSpecQuery,
    ValidationResult,
    VersionAnswer,
    VersionQuery,
    present_draft,
    present_movespec,
    present_validation,
    present_version,
)

READ = "movespecs:read"
WRITE = "movespecs:write"
FAMILY = "movespecs"


class MoveSpecViewSet(ApiViewSet):
    tag, resource = "MoveSpecs", "movespec"

    @operation(
        summary="List MoveSpecs",
        bearer="optional",
        scope=READ,
        limit_family=FAMILY,
        query=MoveSpecQuery,
        returns=list[MoveSpecAnswer],
    )
    def list(self, request: ApiRequest) -> Page:
        """Public MoveSpecs and the caller's own, newest first; archived ones are left out.

        Without a bearer, or for another project's `project_id`, only public ones.
        """
        query: MoveSpecQuery = request.query
        own = request.caller.project_id if request.caller else None
        movespecs = MoveSpec.objects.visible_to(own).filter(archived_at__isnull=True)
        if query.project_id is not msgspec.UNSET:
            movespecs = movespecs.filter(project_id=query.project_id)
        if query.visibility == "public":
            movespecs = movespecs.public()
        elif query.visibility == "private":
            movespecs = movespecs.exclude(visibility=Visibility.PUBLIC, delisted_at__isnull=True)
        return paginate(
            request._request,
            movespecs.select_related("project"),
            query,
            present_movespec,
            default_limit=MOST_PER_PAGE,
        )

    @operation(
        summary="Create a MoveSpec",
        scope=WRITE,
        limit_family=FAMILY,
        body=MoveSpecCreate,
        example={"name": "Squat", "description": "Counts squats."},
        returns=MoveSpecAnswer,
        status=201,
        errors=(errors.ProjectMismatch,),
    )
    def create(self, request: ApiRequest) -> MoveSpecAnswer:
        """A private MoveSpec with an empty draft, in the token's project."""
        body: MoveSpecCreate = request.body
        _require_project(request.caller, body.project_id)
        movespec = movespec_create(
            project_id=request.caller.project_id,
            name=body.name,
            description=body.description,
            author=_author(request),
            now=timezone.now(),
        )
        return present_movespec(movespec)

    @operation(
        summary="Read a MoveSpec",
        bearer="optional",
        scope=READ,
        limit_family=FAMILY,
        returns=MoveSpecAnswer,
        errors=(errors.NotFound,),
    )
    def retrieve(self, request: ApiRequest, movespec_id: UUID) -> MoveSpecAnswer:
        """One's own or a public MoveSpec; archived ones too."""
        return present_movespec(_visible(request, movespec_id))

    @operation(
        summary="Edit a MoveSpec",
        scope=WRITE,
        limit_family=FAMILY,
        body=MoveSpecEdit,
        example={"visibility": "public"},
        returns=MoveSpecAnswer,
        errors=(errors.NotFound, errors.MoveSpecArchived, errors.Conflict),
    )
    def partial_update(self, request: ApiRequest, movespec_id: UUID) -> MoveSpecAnswer:
        """Change name, description or visibility."""
        _require_own(request, movespec_id)
        movespec_edit(
            movespec_id=movespec_id,
            changes=msgspec.to_builtins(request.body),
            now=timezone.now(),
        )
        return present_movespec(_visible(request, movespec_id))

    @operation(
        summary="Archive a MoveSpec",
        scope=WRITE,
        limit_family=FAMILY,
        returns=MoveSpecAnswer,
        errors=(errors.NotFound,),
    )
    def archive(self, request: ApiRequest, movespec_id: UUID) -> MoveSpecAnswer:
        """Out of lists, and no change or new session from now on. Again: the same answer."""
        _require_own(request, movespec_id)
        movespec_archive(movespec_id=movespec_id, now=timezone.now())
        return present_movespec(_visible(request, movespec_id))

    @operation(
        summary="Fork a MoveSpec",
        scope=WRITE,
        limit_family=FAMILY,
        body=MoveSpecFork,
        example={"project_id": "2541a341-c457-443b-b2f6-ff0f1ecac8b4", "name": "My squat"},
        returns=MoveSpecAnswer,
        status=201,
        idempotent=True,
        replays=True,
        errors=(
            errors.ProjectMismatch,
            errors.IdempotencyKeyReused,
            errors.NotFound,
            errors.MoveSpecArchived,
            errors.MoveSpecNotReleased,
        ),
    )
    def fork(self, request: ApiRequest, movespec_id: UUID) -> Reply:
        """A new MoveSpec in the token's project whose draft is the source's released YAML.

        A replay with the same Idempotency-Key answers with the same MoveSpec as it is now.
        """
        body: MoveSpecFork = request.body
        _require_project(request.caller, body.project_id)
        fork, is_replay = movespec_fork(
            source_id=movespec_id,
            project_id=request.caller.project_id,
            name=body.name,
            description=body.description,
            idempotency_key=request.idempotency_key,
            author=_author(request),
            now=timezone.now(),
        )
        return Reply(
            present_movespec(fork),
            headers={"Idempotent-Replayed": "true"} if is_replay else {},
        )


class DraftViewSet(ApiViewSet):
    tag, resource = "MoveSpecs", "movespec_draft"

    @operation(
        summary="Read a draft",
        scope=READ,
        limit_family=FAMILY,
        returns=DraftAnswer,
        errors=(errors.NotFound,),
    )
    def retrieve(self, request: ApiRequest, movespec_id: UUID) -> DraftAnswer:
        """The text as it was last put, valid or not."""
        return present_draft(_own_draft(request, movespec_id))

    @operation(
        summary="Replace a draft",
        scope=WRITE,
        limit_family=FAMILY,
        body=DraftReplace,
        example={"yaml_source": 'name: squat\nversion: "1.0"\ndetection: …\n'},
        returns=DraftAnswer,
        errors=(errors.NotFound, errors.MoveSpecArchived),
    )
    def update(self, request: ApiRequest, movespec_id: UUID) -> DraftAnswer:
        """Put the whole YAML: any text of at most 65,536 UTF-8 bytes is kept."""
        yaml_source = request.body.yaml_source
        if len(yaml_source.encode()) > MOST_YAML_BYTES:
            raise errors.ValidationFailed(
                {"yaml_source": [f"Expected at most {MOST_YAML_BYTES} UTF-8 bytes."]}
            )
        _require_own(request, movespec_id)
        return present_draft(
            draft_replace(
                movespec_id=movespec_id,
                yaml_source=yaml_source,
                author=_author(request),
                now=timezone.now(),
            )
        )

    @operation(
        summary="Validate a draft",
        scope=WRITE,
        limit_family=FAMILY,
        returns=ValidationResult,
        errors=(errors.NotFound,),
    )
    def validate(self, request: ApiRequest, movespec_id: UUID) -> ValidationResult:
        """Every error and warning with its line and column; 200 also when it is not ok."""
        draft = _own_draft(request, movespec_id)
        return present_validation(validate(draft.yaml_source), "draft", draft.id, timezone.now())


class VersionViewSet(ApiViewSet):
    tag, resource = "MoveSpecs", "movespec_version"

    @operation(
        summary="List versions",
        scope=READ,
        limit_family=FAMILY,
        query=VersionQuery,
        returns=list[VersionAnswer],
        errors=(errors.NotFound,),
    )
    def list(self, request: ApiRequest, movespec_id: UUID) -> Page:
        """Newest first. Of another project's public MoveSpec: its released version."""
        return paginate(
            request._request,
            _visible_versions(request, movespec_id),
            request.query,
            present_version,
        )

    @operation(
        summary="Create a version",
        scope=WRITE,
        limit_family=FAMILY,
        returns=VersionAnswer,
        status=201,
        also_status=200,
        errors=(errors.NotFound, errors.MoveSpecArchived, errors.MoveSpecInvalid),
    )
    def create(self, request: ApiRequest, movespec_id: UUID) -> Reply:
        """Snapshot the draft. An unchanged draft answers 200 with the latest version."""
        _require_own(request, movespec_id)
        version, is_new = version_create(
            movespec_id=movespec_id, author=_author(request), now=timezone.now()
        )
        return Reply(present_version(version), status=201 if is_new else 200)

    @operation(
        summary="Read a version",
        scope=READ,
        limit_family=FAMILY,
        returns=VersionAnswer,
        errors=(errors.NotFound,),
    )
    def retrieve(self, request: ApiRequest, movespec_id: UUID, version_id: UUID) -> VersionAnswer:
        """Its YAML and its number; immutable but for the withdrawal."""
        version = _visible_versions(request, movespec_id).filter(id=version_id).first()
        if version is None:
            raise errors.NotFound("movespec_version")
        return present_version(version)

    @operation(
        summary="Validate a version",
        scope=WRITE,
        limit_family=FAMILY,
        returns=ValidationResult,
        errors=(errors.NotFound,),
    )
    def validate(
        self, request: ApiRequest, movespec_id: UUID, version_id: UUID
    ) -> ValidationResult:
        """The version's YAML under today's rules."""
        version = _own_version(request, movespec_id, version_id)
        return present_validation(
            validate(version.yaml_source), "movespec_version", version.id, timezone.now()
        )

    @operation(
        summary="Release a version",
        scope=WRITE,
        limit_family=FAMILY,
        returns=MoveSpecAnswer,
        errors=(
            errors.NotFound,
            errors.MoveSpecArchived,
            errors.MoveSpecVersionWithdrawn,
            errors.MoveSpecInvalid,
        ),
    )
    def release(self, request: ApiRequest, movespec_id: UUID, version_id: UUID) -> MoveSpecAnswer:
        """Every later session by `movespec_id` gets this version. An older one rolls back."""
        _own_version(request, movespec_id, version_id)
        version_release(
            movespec_id=movespec_id,
            version_id=version_id,
            author=_author(request),
            now=timezone.now(),
        )
        return present_movespec(_visible(request, movespec_id))


def _author(request: ApiRequest) -> Author:
    return Author(credential_id=request.caller.credential_id)


def _require_project(caller: Caller, project_id: UUID | None) -> None:
    if project_id is not None and project_id != caller.project_id:
        raise errors.ProjectMismatch


def _visible(request: ApiRequest, movespec_id: UUID) -> MoveSpec:
    own = request.caller.project_id if request.caller else None
    movespecs = MoveSpec.objects.visible_to(own).select_related("project")
    movespec = movespecs.filter(id=movespec_id).first()
    if movespec is None:
        raise errors.NotFound("movespec")
    return movespec


def _require_own(request: ApiRequest, movespec_id: UUID) -> None:
    """Another project's MoveSpec, public or not, answers like one that does not exist."""
    own = MoveSpec.objects.filter(project_id=request.caller.project_id)
    if not own.filter(id=movespec_id).exists():
        raise errors.NotFound("movespec")


def _own_draft(request: ApiRequest, movespec_id: UUID) -> MoveSpecDraft:
    _require_own(request, movespec_id)
    return MoveSpecDraft.objects.get(movespec_id=movespec_id)


def _own_version(request: ApiRequest, movespec_id: UUID, version_id: UUID) -> MoveSpecVersion:
    _require_own(request, movespec_id)
    version = MoveSpecVersion.objects.filter(movespec_id=movespec_id, id=version_id).first()
    if version is None:
        raise errors.NotFound("movespec_version")
    return version


def _visible_versions(request: ApiRequest, movespec_id: UUID) -> QuerySet[MoveSpecVersion]:
    versions = MoveSpecVersion.objects.filter(movespec_id=movespec_id)
    if _visible(request, movespec_id).project_id == request.caller.project_id:
        return versions
    return versions.filter(id=F("movespec__current_released_version_id"))
