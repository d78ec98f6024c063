"""The export: a project's sessions with their events, as pages of JSON lines."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from django.http import HttpResponse

from kynaplatform import clock
from kynaplatform.api.bodies import JSON_LINES
from kynaplatform.api.errors import ValidationFailed
from kynaplatform.api.operations import Access, Operation
from kynaplatform.api.pagination import PageCursor, link_to_next
from kynaplatform.api.schemas import Query, said
from kynaplatform.api.views import ApiRequest, ApiViewSet
from sessions_app.export import ExportLine, Start, export_page
from sessions_app.models import DetectionSession

UNTIL = "Kyna-Export-Until"
HITS_OF_A_PAGE = 5


class ExportQuery(Query):
    from_: (
        Annotated[
            datetime,
            msgspec.Meta(tz=True),
            said("ISO 8601 with an offset or Z. Sessions that were created at it, or later."),
        ]
        | msgspec.UnsetType
    ) = msgspec.field(default=msgspec.UNSET, name="from")
    to: (
        Annotated[
            datetime,
            msgspec.Meta(tz=True),
            said("The same, itself excluded. Sessions that were created before it."),
        ]
        | msgspec.UnsetType
    ) = msgspec.UNSET
    cursor: PageCursor | msgspec.UnsetType = msgspec.UNSET


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
        page = export_page(
            sessions,
            organization_id=principal.organization_id,
            since=None if query.from_ is msgspec.UNSET else query.from_,
            until=None if query.to is msgspec.UNSET else query.to,
            start=_start_of(query),
            now=clock.now(),
        )
        headers = {}
        if page.next is None:
            headers[UNTIL] = msgspec.to_builtins(_in_utc(page.until))
        else:
            headers = link_to_next(request._request, "cursor", page.next.cursor)
        return HttpResponse(bytes(page.body), content_type=JSON_LINES, headers=headers)


def _start_of(query: ExportQuery) -> Start | None:
    """Raises ValidationFailed for what is no cursor of an export."""
    if query.cursor is msgspec.UNSET:
        return None
    try:
        return Start.of(query.cursor)
    except (ValueError, OverflowError):
        raise ValidationFailed({"cursor": ["Not a cursor of an export."]}) from None


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        # Of the first day that there is, or the last.
        first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
        return first if moment.year == 1 else last
