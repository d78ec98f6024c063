"""Detection sessions: create, read, list, their events, finalize, cancel, delete."""

from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

import msgspec
from django.db.models import QuerySet

from kynaplatform import clock
from kynaplatform.api import errors
from kynaplatform.api.operations import Operation, Result
from kynaplatform.api.pagination import page_of, start_of
from kynaplatform.api.principal import require_project
from kynaplatform.api.request_id import add_to_line
from kynaplatform.api.views import ApiRequest, ApiViewSet
from movespecs.errors import (
    MoveSpecArchived,
    MoveSpecForkRequired,
    MoveSpecNotReleased,
    MoveSpecVersionWithdrawn,
)
from sessions_app.admission import AdmissionRequest, session_admit
from sessions_app.errors import ContractVersionUnsupported, SessionAlreadyEnded
from sessions_app.event_counters import count_anew
from sessions_app.events import EventRecord, event_id, events_after, present_event
from sessions_app.lifecycle import session_cancel, session_finalize
from sessions_app.listing import sessions_list
from sessions_app.models import DetectionSession
from sessions_app.removal import session_erase
from sessions_app.session_filters import SessionFilters
from sessions_app.wire import (
    EventQuery,
    SessionCreate,
    SessionCreated,
    SessionQuery,
    SessionRecord,
    present_created,
    present_session,
)

SUPPORTED_CONTRACT_MAJOR = 1
SessionId = Annotated[UUID, "session"]


class SessionViewSet(ApiViewSet):
    tag, resource = "Detection sessions", "session"

    @Operation(
        summary="Create a detection session",
        scope="sessions:write",
        limit_family="sessions",
        proves_principal=True,
        example={
            "mode": "live",
            "project_id": "2541a341-c457-443b-b2f6-ff0f1ecac8b4",
            "movespec_id": "5b1cf7c1-2b55-4d0c-8a57-0f5c0c0b7c9e",
        },
        returns=SessionCreated,
        status=201,
        idempotent=True,
        replays=True,
        errors=(
            errors.ProjectMismatch,
            ContractVersionUnsupported,
            errors.IdempotencyKeyReused,
            errors.NotFound,
            MoveSpecArchived,
            MoveSpecForkRequired,
            MoveSpecNotReleased,
            MoveSpecVersionWithdrawn,
        ),
    )
    def create(self, request: ApiRequest, body: SessionCreate) -> Result:
        """Resolve a MoveSpec to its released version, or take a pinned one, and start a run.

        Open `stream_url` with `runtime_token` before the attach window ends. With an
        Idempotency-Key the same request gets the first answer again, byte for byte, for at
        least 24 hours; any number of simultaneous requests make one session.
        """
        if body.movespec_id is None and body.movespec_version_id is None:
            raise errors.ValidationFailed(
                {"body": ["Send movespec_id, movespec_version_id or both."]}
            )
        require_project(request.principal.project_id, body.project_id)
        if body.contract_major != SUPPORTED_CONTRACT_MAJOR:
            raise ContractVersionUnsupported(
                None, supported_contract_major=SUPPORTED_CONTRACT_MAJOR
            )
        now = clock.now()
        session, is_replay = session_admit(
            request=AdmissionRequest(
                **msgspec.structs.asdict(body),
                idempotency_key=request.idempotency_key,
                created_by=request.principal.credential_id,
            ),
            now=now,
            principal=request.principal,
        )
        add_to_line(request._request, session_id=session.id)
        created = present_created(session, request.principal.organization_id, now)
        return Result(created, headers={"Idempotent-Replayed": "true"} if is_replay else {})

    @Operation(
        summary="List detection sessions",
        scope="sessions:read",
        of_session=True,
        returns=list[SessionRecord],
    )
    def list(self, request: ApiRequest, query: SessionQuery) -> Result:
        """The project's sessions, newest first, as they are stored.

        A status may be 5 s behind a deadline that has passed. A page may be short, or empty, while
        a `Link` says that more follow.
        """
        filters = msgspec.to_builtins(query, builtin_types=[datetime])
        size, _ = filters.pop("limit"), filters.pop("cursor", None)
        only = request.principal.session_id
        listed = sessions_list(
            SessionFilters(
                project_id=request.principal.project_id,
                ids=(only, only) if only else None,
                **filters,
            ),
            start=start_of(query),
            size=size,
        )
        count_anew(listed.sessions)
        present = partial(present_session, organization_id=request.principal.organization_id)
        return page_of(request._request, listed.sessions, listed.older, present)

    @Operation(
        summary="Read a detection session",
        scope="sessions:read",
        of_session=True,
        returns=SessionRecord,
        errors=(errors.NotFound,),
    )
    def retrieve(self, request: ApiRequest, session_id: SessionId) -> SessionRecord:
        """The session as it is stored.

        Its status may be 5 s behind a deadline that has passed. `ended_at` is that deadline, not
        the moment at which it was noticed.
        """
        return _record(request, session_id)

    @Operation(
        summary="Delete a detection session",
        scope="data:erase",
        of_session=True,
        returns=None,
        status=204,
        errors=(errors.NotFound, errors.Conflict),
    )
    def destroy(self, request: ApiRequest, session_id: SessionId) -> Result:
        """Erase a session that has ended, for good.

        Its events and what webhooks sent of it go along, and its idempotency key is free. What it
        used stays counted. One that has not ended is a 409: finalize or cancel it first.
        """
        _require_own(request, session_id)
        session_erase(
            session_id=session_id, project_id=request.principal.project_id, now=clock.now()
        )
        return Result(None)

    @Operation(
        summary="Finalize a detection session",
        scope="sessions:write",
        of_session=True,
        returns=SessionRecord,
        errors=(errors.NotFound, SessionAlreadyEnded),
    )
    def finalize(self, request: ApiRequest, session_id: SessionId) -> SessionRecord:
        """Complete the session once what was received is processed. Again: 200."""
        _require_own(request, session_id)
        project_id = request.principal.project_id
        session_finalize(session_id=session_id, project_id=project_id, now=clock.now())
        return _record(request, session_id)

    @Operation(
        summary="Cancel a detection session",
        scope="sessions:write",
        of_session=True,
        returns=SessionRecord,
        errors=(errors.NotFound, SessionAlreadyEnded),
    )
    def cancel(self, request: ApiRequest, session_id: SessionId) -> SessionRecord:
        """End the session without a result. Again: 200."""
        _require_own(request, session_id)
        project_id = request.principal.project_id
        session_cancel(session_id=session_id, project_id=project_id, now=clock.now())
        return _record(request, session_id)


class SessionEventViewSet(ApiViewSet):
    tag, resource = "Detection sessions", "session_event"

    @Operation(
        summary="List the events of a detection session",
        scope="sessions:read",
        of_session=True,
        returns=list[EventRecord],
        errors=(errors.NotFound,),
    )
    def list(self, request: ApiRequest, session_id: SessionId, query: EventQuery) -> Result:
        """The session's events, oldest first, each as the stream sends it.

        `after` goes on behind an event that is known; `type` leaves out all others. A page of a
        type looks at 2,000 events: it may be short or empty, and have a `Link` all the same. They
        are complete once the session's status is terminal.
        """
        if not _mine(request, session_id).exists():
            raise errors.NotFound("session")
        after = None if query.after is msgspec.UNSET else query.after
        type_ = None if query.type is msgspec.UNSET else query.type
        found = events_after(session_id=session_id, after=after, type_=type_, limit=query.limit)
        return page_of(
            request._request,
            found.events,
            found.end,
            partial(present_event, session_id),
            cursor_of=lambda event: str(event_id(session_id, event.sequence)),
            parameter="after",
        )


def _require_own(request: ApiRequest, session_id: UUID) -> None:
    """Raise NotFound where the caller's token is for another session."""
    if request.principal.session_id not in (None, session_id):
        raise errors.NotFound("session")


def _mine(request: ApiRequest, session_id: UUID) -> QuerySet[DetectionSession]:
    _require_own(request, session_id)
    return DetectionSession.objects.filter(id=session_id, project_id=request.principal.project_id)


def _record(request: ApiRequest, session_id: SessionId) -> SessionRecord:
    mine = _mine(request, session_id).defer("engine_state")
    session = errors.found(mine.first(), "session")
    count_anew([session])
    return present_session(session, request.principal.organization_id)
