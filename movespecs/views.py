"""MoveSpecs and their drafts: create, edit, validate, fork, archive."""

from functools import partial
from typing import cast
from uuid import UUID

import msgspec
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from detection import validate
from kynaplatform import clock
from kynaplatform.api import errors
from kynaplatform.api.bodies import TextBody
from kynaplatform.api.operations import Access, Operation, Principal, Result, Rows
from kynaplatform.api.pagination import PageQuery, paginate
from kynaplatform.api.views import ApiRequest, ApiViewSet
from movespecs.catalogue import CATALOGUE_PROJECT
from movespecs.drafts import draft_replace, movespec_archive, movespec_create, movespec_edit
from movespecs.errors import (
    LimitReached,
    MoveSpecArchived,
    MoveSpecInvalid,
    MoveSpecNotReleased,
    MoveSpecVersionWithdrawn,
)
from movespecs.forks import movespec_fork
from movespecs.models import (
    LISTED,
    LISTED_OF_PROJECT,
    UNLISTED_OF_PROJECT,
    Author,
    MoveSpec,
    MoveSpecQuerySet,
    MoveSpecVersion,
    Release,
    Visibility,
)
from movespecs.releases import version_create, version_release
from movespecs.schemas import (
    EXAMPLE_YAML,
    DraftAnswer,
    DraftReplace,
    MoveSpecAnswer,
    MoveSpecCreate,
    MoveSpecEdit,
    MoveSpecFork,
    MoveSpecQuery,
    ValidationResult,
    VersionAnswer,
    draft_response,
    movespec_response,
    validation_response,
    version_response,
)

READ = "movespecs:read"
WRITE = "movespecs:write"


# All share one family of rate limits.
MoveSpecOperation = partial(Operation, limit_family="movespecs")


def author_of(request: ApiRequest) -> Author:
    return Author(credential_id=request.principal.credential_id)


def project_of(request: ApiRequest) -> UUID | None:
    """The principal's project; None without a bearer."""
    principal = cast("Principal | None", request.user)
    return principal.project_id if principal else None


def movespecs_found(viewer: UUID | None, query: MoveSpecQuery) -> list[MoveSpecQuerySet]:
    """The MoveSpecs that `viewer` finds in lists, in disjoint parts of one index each."""
    project_id = None if query.project_id is msgspec.UNSET else query.project_id
    movespecs = MoveSpec.objects.all()
    parts: list[MoveSpecQuerySet] = []
    if query.visibility != Visibility.PRIVATE:
        of_project = Q(LISTED_OF_PROJECT, project_id=project_id)
        parts.append(movespecs.filter(LISTED if project_id is None else of_project))
    if query.visibility != Visibility.PUBLIC and viewer and project_id in (None, viewer):
        parts.append(movespecs.filter(UNLISTED_OF_PROJECT, project_id=viewer))
    return parts


def _own_movespec(principal: Principal, movespec_id: UUID) -> MoveSpec | None:
    """Another project's MoveSpec, public or not, answers like one that does not exist."""
    own = MoveSpec.objects.filter(id=movespec_id, project_id=principal.project_id)
    return own.with_answer().first()


def _visible_movespec(principal: Principal | None, movespec_id: UUID) -> MoveSpec | None:
    movespecs = MoveSpec.objects.visible_to(principal.project_id if principal else None)
    return movespecs.filter(id=movespec_id).with_answer().first()


def _version(principal: Principal, version_id: UUID, movespec: MoveSpec) -> MoveSpecVersion | None:
    return visible_versions(movespec, principal.project_id).filter(id=version_id).first()


def visible_versions(movespec: MoveSpec, project_id: UUID) -> QuerySet[MoveSpecVersion]:
    versions = MoveSpecVersion.objects.filter(movespec_id=movespec.id)
    if movespec.project_id == project_id:
        return versions
    if movespec.project_id == CATALOGUE_PROJECT:
        return versions.filter(Exists(Release.objects.filter(to_version=OuterRef("pk"))))
    return versions.filter(id=F("movespec__current_released_version_id"))


OWN_MOVESPEC = Rows("movespec", _own_movespec)
VISIBLE_MOVESPEC = Rows("movespec", _visible_movespec)
VERSION = Rows("movespec_version", _version)
# A replay of a fork is answered also after its source is gone: `movespec_fork` looks for that.
SOURCE_ID = Rows("movespec", lambda _, movespec_id: movespec_id)


class MoveSpecViewSet(ApiViewSet):
    tag, resource = "MoveSpecs", "movespec"
    access = {
        "list": Access(READ, is_optional=True),
        "create": Access(WRITE),
        "retrieve": Access(READ, VISIBLE_MOVESPEC, is_optional=True),
        "partial_update": Access(WRITE, OWN_MOVESPEC),
        "archive": Access(WRITE, OWN_MOVESPEC),
        "fork": Access(WRITE, SOURCE_ID),
    }

    @MoveSpecOperation(summary="List MoveSpecs", returns=list[MoveSpecAnswer])
    def list(self, request: ApiRequest, query: MoveSpecQuery) -> Result:
        """Public MoveSpecs and the caller's own, newest first; archived ones are left out.

        Without a bearer, or for another project's `project_id`, only public ones.
        """
        viewer = project_of(request)
        return paginate(
            request._request,
            [part.with_answer() for part in movespecs_found(viewer, query)],
            query,
            partial(movespec_response, viewer=viewer),
            large="description",
        )

    @MoveSpecOperation(
        summary="Create a MoveSpec",
        example={"name": "Squat", "description": "Counts squats."},
        status=201,
        errors=(LimitReached,),
    )
    def create(self, request: ApiRequest, body: MoveSpecCreate) -> MoveSpecAnswer:
        """A private MoveSpec with an empty draft, in the token's project."""
        movespec = movespec_create(
            project_id=request.principal.project_id,
            name=body.name,
            description=body.description,
            author=author_of(request),
            now=clock.now(),
        )
        return movespec_response(movespec, request.principal.project_id)

    @MoveSpecOperation(summary="Read a MoveSpec")
    def retrieve(self, request: ApiRequest, movespec: MoveSpec) -> MoveSpecAnswer:
        """One's own or a public MoveSpec; archived ones too."""
        return movespec_response(movespec, project_of(request))

    @MoveSpecOperation(
        summary="Edit a MoveSpec",
        example={"visibility": "public"},
        errors=(MoveSpecArchived, errors.Conflict),
    )
    def partial_update(
        self, request: ApiRequest, movespec: MoveSpec, body: MoveSpecEdit
    ) -> MoveSpecAnswer:
        """Change name, description or visibility."""
        edited = movespec_edit(
            movespec_id=movespec.id, changes=msgspec.to_builtins(body), now=clock.now()
        )
        return movespec_response(edited, request.principal.project_id)

    @MoveSpecOperation(summary="Archive a MoveSpec")
    def archive(self, request: ApiRequest, movespec: MoveSpec) -> MoveSpecAnswer:
        """Out of lists, and no change or new session from now on. Again: the same answer."""
        archived = movespec_archive(movespec_id=movespec.id, now=clock.now())
        return movespec_response(archived, request.principal.project_id)

    @MoveSpecOperation(
        summary="Fork a MoveSpec",
        example={"release": True},
        returns=MoveSpecAnswer,
        status=201,
        idempotent=True,
        replays=True,
        errors=(
            MoveSpecArchived,
            MoveSpecNotReleased,
            MoveSpecInvalid,
            LimitReached,
        ),
    )
    def fork(self, request: ApiRequest, movespec: UUID, body: MoveSpecFork) -> Result:
        """A new MoveSpec in the token's project whose draft is the source's released YAML.

        With `release` its version 1 is made and released too, all or nothing: sessions take it.
        A replay with the same Idempotency-Key answers with the same MoveSpec as it is now.
        """
        fork, is_replay = movespec_fork(
            source_id=movespec,
            project_id=request.principal.project_id,
            body=body,
            idempotency_key=request.idempotency_key,
            author=author_of(request),
            now=clock.now(),
        )
        return Result(
            movespec_response(fork, request.principal.project_id),
            headers={"Idempotent-Replayed": "true"} if is_replay else {},
        )


class DraftViewSet(ApiViewSet):
    tag, resource = "MoveSpecs", "movespec_draft"
    access = {
        "retrieve": Access(READ, OWN_MOVESPEC),
        "update": Access(WRITE, OWN_MOVESPEC),
        "validate": Access(WRITE, OWN_MOVESPEC),
    }

    @MoveSpecOperation(summary="Read a draft")
    def retrieve(self, request: ApiRequest, movespec: MoveSpec) -> DraftAnswer:
        """The text as it was last put, valid or not."""
        return draft_response(movespec.draft)

    @MoveSpecOperation(
        summary="Replace a draft",
        text_body=TextBody("application/yaml", "yaml_source"),
        example={"yaml_source": EXAMPLE_YAML},
        errors=(MoveSpecArchived,),
    )
    def update(self, request: ApiRequest, movespec: MoveSpec, body: DraftReplace) -> DraftAnswer:
        """Put the whole YAML, in JSON or as the text itself: any of at most 65,536 UTF-8 bytes."""
        return draft_response(
            draft_replace(
                movespec_id=movespec.id,
                yaml_source=body.yaml_source,
                author=author_of(request),
                now=clock.now(),
            )
        )

    @MoveSpecOperation(summary="Validate a draft")
    def validate(self, request: ApiRequest, movespec: MoveSpec) -> ValidationResult:
        """Every error and warning with its line and column; 200 also when it is not ok.

        `roles` says what each criterion does, so that one can tell what will count.
        """
        draft = movespec.draft
        return validation_response(validate(draft.yaml_source), "draft", draft.id, clock.now())


class VersionViewSet(ApiViewSet):
    tag, resource = "MoveSpecs", "movespec_version"
    access = {
        "list": Access(READ, VISIBLE_MOVESPEC),
        "create": Access(WRITE, OWN_MOVESPEC),
        "retrieve": Access(READ, VISIBLE_MOVESPEC, VERSION),
        "validate": Access(WRITE, OWN_MOVESPEC, VERSION),
        "release": Access(WRITE, OWN_MOVESPEC, VERSION),
    }

    @MoveSpecOperation(summary="List versions", returns=list[VersionAnswer])
    def list(self, request: ApiRequest, movespec: MoveSpec, query: PageQuery) -> Result:
        """Newest first. Of another project's public MoveSpec: its released version."""
        own = request.principal.project_id
        return paginate(
            request._request,
            visible_versions(movespec, own),
            query,
            partial(version_response, is_own=movespec.project_id == own),
            large="yaml_source",
        )

    @MoveSpecOperation(
        summary="Create a version",
        returns=VersionAnswer,
        status=201,
        also_status=200,
        errors=(MoveSpecArchived, MoveSpecInvalid, LimitReached),
    )
    def create(self, request: ApiRequest, movespec: MoveSpec) -> Result:
        """Snapshot the draft. An unchanged draft answers 200 with the latest version."""
        version, is_new = version_create(
            movespec_id=movespec.id, author=author_of(request), now=clock.now()
        )
        answer = version_response(version, is_own=True)
        return Result(answer, status=201 if is_new else 200)

    @MoveSpecOperation(summary="Read a version")
    def retrieve(
        self, request: ApiRequest, movespec: MoveSpec, version: MoveSpecVersion
    ) -> VersionAnswer:
        """Its YAML and its number; immutable but for the withdrawal."""
        is_own = movespec.project_id == request.principal.project_id
        return version_response(version, is_own=is_own)

    @MoveSpecOperation(summary="Validate a version")
    def validate(
        self, request: ApiRequest, movespec: MoveSpec, version: MoveSpecVersion
    ) -> ValidationResult:
        """The version's YAML under today's rules, with the role of each criterion."""
        return validation_response(
            validate(version.yaml_source), "movespec_version", version.id, clock.now()
        )

    @MoveSpecOperation(
        summary="Release a version",
        errors=(MoveSpecArchived, MoveSpecVersionWithdrawn, MoveSpecInvalid),
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
        return movespec_response(released, request.principal.project_id)
