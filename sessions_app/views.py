"""The endpoints of sessions, of their export, and of the summary of a person."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated
from uuid import UUID

import msgspec
from django.http import HttpResponse

from kynaplatform import clock
from kynaplatform.api import errors
from kynaplatform.api.bodies import JSON_LINES
from kynaplatform.api.operations import (
    RUNTIME_SCOPE,
    Access,
    Operation,
    Principal,
    Result,
    Rows,
)
from kynaplatform.api.pagination import PageCursor, link_to_next, page_of, parsed_cursor
from kynaplatform.api.schemas import OrUnset, Query, Timestamp, doc
from kynaplatform.api.views import ApiRequest, ApiView, ApiViewSet
from kynaplatform.middleware import add_to_line
from movespecs.movement import angle_settings, cues_by_language, shown_movement
from sessions_app.admission import MOVESPEC_REFUSALS, created_response, session_admit
from sessions_app.context import validation_of_version
from sessions_app.events import EventRecord, event_id, event_response, events_after
from sessions_app.export import ExportLine, Start, export_page
from sessions_app.lifecycle import (
    SessionAlreadyEnded,
    session_cancel,
    session_erase,
    session_finalize,
)
from sessions_app.listing import SessionFilters, sessions_list
from sessions_app.models import DetectionSession, Status
from sessions_app.runtime_tokens import (
    RuntimeTokenAuthentication,
    RuntimeTokenExpired,
    RuntimeTokenInvalid,
    RuntimeTokenMissing,
)
from sessions_app.schemas import (
    EventQuery,
    SessionCreate,
    SessionCreated,
    SessionMovement,
    SessionQuery,
    SessionRecord,
    session_response,
    target_of,
)
from sessions_app.subject_summary import (
    SubjectSummary,
    SubjectSummaryQuery,
    cursor_after_day,
    day_of,
    subject_summary,
    summary_response,
)

SUPPORTED_CONTRACT_MAJOR = 1


class ContractVersionUnsupported(errors.ApiError):
    status, code = 409, "contract_version_unsupported"
    sentence = "This platform speaks contract version 1."
    example_details = {"supported_contract_major": 1}


def own_session(principal: Principal, session_id: UUID) -> DetectionSession | None:
    """A token of one session finds only that one."""
    if principal.session_id not in (None, session_id):
        return None
    own = DetectionSession.objects.filter(id=session_id, project_id=principal.project_id)
    return own.defer("engine_state").first()


OWN_SESSION = Rows("session", own_session)


class SessionViewSet(ApiViewSet):
    tag, resource = "Detection sessions", "session"
    access = {
        "create": Access("sessions:write"),
        "list": Access("sessions:read", one_session=True),
        "retrieve": Access("sessions:read", OWN_SESSION, one_session=True),
        "destroy": Access("data:erase", OWN_SESSION, one_session=True),
        "finalize": Access("sessions:write", OWN_SESSION, one_session=True),
        "cancel": Access("sessions:write", OWN_SESSION, one_session=True),
    }

    @Operation(
        summary="Create a detection session",
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
        errors=(ContractVersionUnsupported, errors.NotFound, *MOVESPEC_REFUSALS),
    )
    def create(self, request: ApiRequest, body: SessionCreate) -> Result:
        """Resolve a MoveSpec to its released version, or take a pinned one, and start a run.

        Open `stream_url` with `runtime_token` before the attach window ends. With an
        Idempotency-Key the same request gets the first answer again, byte for byte, for at
        least 24 hours; any number of simultaneous requests make one session.
        """
        if body.contract_major != SUPPORTED_CONTRACT_MAJOR:
            raise ContractVersionUnsupported(
                None, supported_contract_major=SUPPORTED_CONTRACT_MAJOR
            )
        now = clock.now()
        session, is_replay = session_admit(
            create=body,
            now=now,
            principal=request.principal,
            created_by=request.principal.credential_id,
            idempotency_key=request.idempotency_key,
        )
        add_to_line(request._request, session_id=session.id)
        created = created_response(session, request.principal.organization_id, now)
        return Result(created, headers={"Idempotent-Replayed": "true"} if is_replay else {})

    @Operation(summary="List detection sessions", returns=list[SessionRecord])
    def list(self, request: ApiRequest, query: SessionQuery) -> Result:
        """The project's sessions, newest first, as they are stored.

        A status may be 5 s behind a deadline that has passed.
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
            start=parsed_cursor(query.cursor),
            size=size,
        )
        present = partial(session_response, organization_id=request.principal.organization_id)
        return page_of(request._request, listed.rows, listed.older, present)

    @Operation(summary="Read a detection session")
    def retrieve(self, request: ApiRequest, session: DetectionSession) -> SessionRecord:
        """The session as it is stored.

        Its status may be 5 s behind a deadline that has passed. `ended_at` is that deadline, not
        the moment at which it was noticed.
        """
        return session_response(session, request.principal.organization_id)

    @Operation(
        summary="Delete a detection session", returns=None, status=204, errors=(errors.Conflict,)
    )
    def destroy(self, request: ApiRequest, session: DetectionSession) -> Result:
        """Erase a session that has ended, for good.

        Its events and what webhooks sent of it go along, and its idempotency key is free. What it
        used stays counted. One that has not ended is a 409: finalize or cancel it first.
        """
        session_erase(session_id=session.id, project_id=session.project_id, now=clock.now())
        return Result(None)

    @Operation(summary="Finalize a detection session", errors=(SessionAlreadyEnded,))
    def finalize(self, request: ApiRequest, session: DetectionSession) -> SessionRecord:
        """Complete the session once what was received is processed. Again: 200."""
        session_finalize(session_id=session.id, project_id=session.project_id, now=clock.now())
        return _record(session, request.principal)

    @Operation(summary="Cancel a detection session", errors=(SessionAlreadyEnded,))
    def cancel(self, request: ApiRequest, session: DetectionSession) -> SessionRecord:
        """End the session without a result. Again: 200."""
        session_cancel(session_id=session.id, project_id=session.project_id, now=clock.now())
        return _record(session, request.principal)


class SessionMovementView(ApiView):
    tag, resource = "Detection sessions", "session_movement"
    authentication_classes = (RuntimeTokenAuthentication,)
    access = {"get": Access(RUNTIME_SCOPE, OWN_SESSION, one_session=True)}

    @Operation(
        summary="Read what a page shows of a session's movement",
        errors=(RuntimeTokenMissing, RuntimeTokenInvalid, RuntimeTokenExpired),
    )
    def get(self, request: ApiRequest, session: DetectionSession) -> SessionMovement:
        """The movement that the session counts, with its parameters, for the page that streams.

        The bearer is the session's `runtime_token`, which a browser has anyway: no access token is
        needed. It has the cues of all languages and no YAML.
        """
        validation = validation_of_version(session.resolved_version_id)
        shown = shown_movement(validation.spec_with(session.parameters or {}))
        return SessionMovement(
            **msgspec.structs.asdict(shown),
            session_id=session.id,
            project_id=session.project_id,
            status=Status(session.status),
            target=target_of(session),
            cues=cues_by_language(validation),
            language=validation.language(session.locale) or session.locale,
            angle_settings=angle_settings(),
            stream_url=session.stream_url,
        )


class SessionEventViewSet(ApiViewSet):
    tag, resource = "Detection sessions", "session_event"
    access = {"list": Access("sessions:read", OWN_SESSION, one_session=True)}

    @Operation(summary="List the events of a detection session", returns=list[EventRecord])
    def list(self, request: ApiRequest, session: DetectionSession, query: EventQuery) -> Result:
        """The session's events, oldest first, each as the stream sends it.

        `after` goes on behind an event that is known; `type` leaves out all others. A page of a
        type looks at 2,000 events: it may be short or empty, and have a `Link` all the same. They
        are complete once the session's status is terminal.
        """
        events, end = events_after(
            session_id=session.id,
            after=query.after or None,
            type_=query.type or None,
            limit=query.limit,
        )
        return page_of(
            request._request,
            events,
            end,
            partial(event_response, session.id),
            cursor_of=lambda event: str(event_id(session.id, event.sequence)),
            parameter="after",
        )


def _record(session: DetectionSession, principal: Principal) -> SessionRecord:
    rows = DetectionSession.objects.defer("engine_state")
    changed = errors.get_or_404(rows, session.id, "session")
    return session_response(changed, principal.organization_id)


UNTIL = "Kyna-Export-Until"
HITS_OF_A_PAGE = 5


class ExportQuery(Query):
    from_: OrUnset[
        Annotated[
            Timestamp,
            doc("ISO 8601 with an offset or Z. Sessions that were created at it, or later."),
        ]
    ] = msgspec.field(default=msgspec.UNSET, name="from")
    to: OrUnset[
        Annotated[
            Timestamp, doc("The same, itself excluded. Sessions that were created before it.")
        ]
    ] = msgspec.UNSET
    cursor: OrUnset[PageCursor] = msgspec.UNSET


class ExportViewSet(ApiViewSet):
    tag, resource = "Detection sessions", "session"
    access = {"export": Access("sessions:read", one_session=True)}

    @Operation(
        summary="Export detection sessions with their events",
        returns=ExportLine,
        in_lines=True,
        headers=("Link", UNTIL),
        hits=HITS_OF_A_PAGE,
        one_at_a_time=True,
    )
    def export(self, request: ApiRequest, query: ExportQuery) -> HttpResponse:
        """The project's sessions that have ended, oldest first, as JSON lines: one a line.

        A page has at most 1 MiB, or what 100 ms of work give, and counts as five requests. Follow
        its `Link` until there is none. The export ends before the first session that is still
        live, and a minute before now. The last page says where, in `Kyna-Export-Until`: with that
        as `from`, the next export goes on without a gap, and has nothing twice.
        """
        principal = request.principal
        sessions = DetectionSession.objects.filter(project_id=principal.project_id)
        if principal.session_id is not None:
            sessions = sessions.filter(id=principal.session_id)
        body, following, until = export_page(
            sessions,
            organization_id=principal.organization_id,
            since=query.from_ or None,
            until=query.to or None,
            start=None if query.cursor is msgspec.UNSET else Start.of(query.cursor),
            now=clock.now(),
        )
        if following is None:
            headers = {UNTIL: msgspec.to_builtins(_in_utc(until))}
        else:
            headers = link_to_next(request._request, "cursor", following.cursor)
        return HttpResponse(bytes(body), content_type=JSON_LINES, headers=headers)


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        # On the first or the last day of the calendar.
        first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
        return first if moment.year == 1 else last


class SubjectViewSet(ApiViewSet):
    tag, resource = "Subjects", "subject"
    access = {"summarize": Access("sessions:read", one_session=True)}

    @Operation(
        summary="Summarize a person's sessions",
        returns=list[SubjectSummary],
        one_at_a_time=True,
    )
    def summarize(self, request: ApiRequest, query: SubjectSummaryQuery) -> Result:
        """What the sessions of a `subject` counted, by day of UTC or by session, newest first.

        A session is in the day on which it was created, once it has ended. Sessions that counted
        nothing, as without a frame, are left out. A page looks at `limit` sessions, by day at
        5,000: follow its `Link` until there is none. A day with more sessions than that goes on in
        the next page, with rows of the same `date`.
        """
        groups, older = subject_summary(
            query,
            project_id=request.principal.project_id,
            only=request.principal.session_id,
            today=clock.now().date(),
        )
        present = partial(summary_response, by=query.by)
        if query.by == "session":
            return page_of(request._request, groups, older, present)
        return page_of(request._request, groups, older, present, cursor_after_day, group_of=day_of)
