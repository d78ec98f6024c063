"""MoveSpecs and their drafts: create, edit, validate, fork, archive."""

from functools import partial
from uuid import UUID

import msgspec

from detection import validate
from kynaplatform import clock
from kynaplatform.api import errors
from kynaplatform.api.bodies import TextBody
from kynaplatform.api.operations import Access, Result
from kynaplatform.api.pagination import paginate
from kynaplatform.api.views import ApiRequest, ApiViewSet
from movespecs.access import (
    OWN_MOVESPEC,
    READ,
    SOURCE_ID,
    VISIBLE_MOVESPEC,
    WRITE,
    MoveSpecOperation,
    author_of,
    movespecs_found,
    project_of,
)
from movespecs.drafts import (
    draft_replace,
    movespec_archive,
    movespec_create,
    movespec_edit,
)
from movespecs.errors import MoveSpecArchived, MoveSpecInvalid, MoveSpecNotReleased
from movespecs.forks import movespec_fork
from movespecs.limits import LimitReached
from movespecs.models import MoveSpec
from movespecs.wire import (
    EXAMPLE_YAML,
    DraftAnswer,
    DraftReplace,
    MoveSpecAnswer,
    MoveSpecCreate,
    MoveSpecEdit,
    MoveSpecFork,
    MoveSpecQuery,
    ValidationResult,
    present_draft,
    present_movespec,
    present_validation,
)


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

    @MoveSpecOperation(
        summary="List MoveSpecs",
        returns=list[MoveSpecAnswer],
    )
    def list(self, request: ApiRequest, query: MoveSpecQuery) -> Result:
        """Public MoveSpecs and the caller's own, newest first; archived ones are left out.

        Without a bearer, or for another project's `project_id`, only public ones.
        """
        viewer = project_of(request)
        return paginate(
            request._request,
            [part.select_related("project") for part in movespecs_found(viewer, query)],
            query,
            partial(present_movespec, viewer=viewer),
            large="description",
        )

    @MoveSpecOperation(
        summary="Create a MoveSpec",
        example={"name": "Squat", "description": "Counts squats."},
        returns=MoveSpecAnswer,
        status=201,
        errors=(errors.ProjectMismatch, LimitReached),
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
        return present_movespec(movespec, request.principal.project_id)

    @MoveSpecOperation(
        summary="Read a MoveSpec",
        returns=MoveSpecAnswer,
        errors=(errors.NotFound,),
    )
    def retrieve(self, request: ApiRequest, movespec: MoveSpec) -> MoveSpecAnswer:
        """One's own or a public MoveSpec; archived ones too."""
        return present_movespec(movespec, project_of(request))

    @MoveSpecOperation(
        summary="Edit a MoveSpec",
        example={"visibility": "public"},
        returns=MoveSpecAnswer,
        errors=(errors.NotFound, MoveSpecArchived, errors.Conflict),
    )
    def partial_update(
        self, request: ApiRequest, movespec: MoveSpec, body: MoveSpecEdit
    ) -> MoveSpecAnswer:
        """Change name, description or visibility."""
        edited = movespec_edit(
            movespec_id=movespec.id, changes=msgspec.to_builtins(body), now=clock.now()
        )
        return present_movespec(edited, request.principal.project_id)

    @MoveSpecOperation(
        summary="Archive a MoveSpec",
        returns=MoveSpecAnswer,
        errors=(errors.NotFound,),
    )
    def archive(self, request: ApiRequest, movespec: MoveSpec) -> MoveSpecAnswer:
        """Out of lists, and no change or new session from now on. Again: the same answer."""
        archived = movespec_archive(movespec_id=movespec.id, now=clock.now())
        return present_movespec(archived, request.principal.project_id)

    @MoveSpecOperation(
        summary="Fork a MoveSpec",
        example={"release": True},
        returns=MoveSpecAnswer,
        status=201,
        idempotent=True,
        replays=True,
        errors=(
            errors.ProjectMismatch,
            errors.IdempotencyKeyReused,
            errors.NotFound,
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
            name=body.name,
            description=body.description,
            release=body.release,
            idempotency_key=request.idempotency_key,
            author=author_of(request),
            now=clock.now(),
        )
        return Result(
            present_movespec(fork, request.principal.project_id),
            headers={"Idempotent-Replayed": "true"} if is_replay else {},
        )


class DraftViewSet(ApiViewSet):
    tag, resource = "MoveSpecs", "movespec_draft"
    access = {
        "retrieve": Access(READ, OWN_MOVESPEC),
        "update": Access(WRITE, OWN_MOVESPEC),
        "validate": Access(WRITE, OWN_MOVESPEC),
    }

    @MoveSpecOperation(
        summary="Read a draft",
        returns=DraftAnswer,
        errors=(errors.NotFound,),
    )
    def retrieve(self, request: ApiRequest, movespec: MoveSpec) -> DraftAnswer:
        """The text as it was last put, valid or not."""
        return present_draft(movespec.draft)

    @MoveSpecOperation(
        summary="Replace a draft",
        text_body=TextBody("application/yaml", "yaml_source"),
        example={"yaml_source": EXAMPLE_YAML},
        returns=DraftAnswer,
        errors=(errors.NotFound, MoveSpecArchived),
    )
    def update(self, request: ApiRequest, movespec: MoveSpec, body: DraftReplace) -> DraftAnswer:
        """Put the whole YAML, in JSON or as the text itself: any of at most 65,536 UTF-8 bytes."""
        return present_draft(
            draft_replace(
                movespec_id=movespec.id,
                yaml_source=body.yaml_source,
                author=author_of(request),
                now=clock.now(),
            )
        )

    @MoveSpecOperation(
        summary="Validate a draft",
        returns=ValidationResult,
        errors=(errors.NotFound,),
    )
    def validate(self, request: ApiRequest, movespec: MoveSpec) -> ValidationResult:
        """Every error and warning with its line and column; 200 also when it is not ok.

        `roles` says what each criterion does, so that one can tell what will count.
        """
        draft = movespec.draft
        return present_validation(validate(draft.yaml_source), "draft", draft.id, clock.now())
