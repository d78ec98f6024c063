"""Usage: of what the caller may see, and of a project."""

from datetime import date, timedelta
from typing import Annotated, Final
from uuid import UUID

import msgspec
from django.db import connection

from kynaplatform import clock
from kynaplatform.api.operations import Access, Operation, Rows
from kynaplatform.api.schemas import Answer, DayRangeQuery, doc
from kynaplatform.api.views import ApiRequest, ApiViewSet


class UsageOfDay(Answer):
    date: Annotated[date, doc("The day of UTC.", "2026-11-29")]
    sessions: Annotated[int, doc("The sessions that ended on it, in any way.", 41)]
    accepted_frames: Annotated[int, doc("Their accepted frames.", 33292)]
    active_ms: Annotated[
        int, doc("Their frame time between accepted frames, gaps over 2 s left out.", 1109733)
    ]


class UsageAnswer(Answer):
    from_: Annotated[date, doc("The first day of UTC.", "2026-11-01")] = msgspec.field(name="from")
    to: Annotated[date, doc("The last day of UTC.", "2026-11-30")]
    sessions: Annotated[int, doc("All days together.", 41)]
    accepted_frames: Annotated[int, doc("All days together.", 33292)]
    active_ms: Annotated[int, doc("All days together.", 1109733)]
    live_frames: Annotated[int, doc("The accepted frames of sessions in the mode `live`.", 30120)]
    days: Annotated[list[UsageOfDay], doc("Every day of the range, the earliest first.")]


# One statement reads rows and sums, so that a session that is being rolled up counts once.
_STATEMENT: Final = """
SELECT day, sum(sessions)::bigint, sum(accepted_frames)::bigint, sum(active_ms)::bigint,
    sum(live_frames)::bigint
FROM usage_so_far
WHERE project_id = %s AND day BETWEEN %s AND %s
GROUP BY day
"""


def usage_answer(project_id: UUID, query: DayRangeQuery, today: date) -> UsageAnswer:
    """A project's usage of each day, in order; raises 422 for a bad range."""
    first, last = query.days(today)
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENT, [project_id, first, last])
        used = {day: sums for day, *sums in cursor.fetchall()}
    of_days = [
        (day, *used.get(day, (0, 0, 0, 0)))
        for day in (first + timedelta(days=after) for after in range((last - first).days + 1))
    ]
    _, sessions, frames, active_ms, live_frames = zip(*of_days, strict=True)
    return UsageAnswer(
        from_=first,
        to=last,
        sessions=sum(sessions),
        accepted_frames=sum(frames),
        active_ms=sum(active_ms),
        live_frames=sum(live_frames),
        days=[UsageOfDay(*of_day) for *of_day, _ in of_days],
    )


READ = "usage:read"
OWN_PROJECT = Rows("project", lambda principal, id_: id_ if id_ == principal.project_id else None)


class UsageViewSet(ApiViewSet):
    tag, resource = "Usage", "usage"
    access = {"retrieve": Access(READ), "of_project": Access(READ, OWN_PROJECT)}

    @Operation(summary="Read usage", one_at_a_time=True)
    def retrieve(self, request: ApiRequest, query: DayRangeQuery) -> UsageAnswer:
        """What the projects have used that your credential may see: its own.

        A session counts on the day of UTC on which it ended, however it ended. Today's numbers
        grow; a day's are final 48 hours after it.
        """
        return usage_answer(request.principal.project_id, query, clock.now().date())

    @Operation(summary="Read the usage of a project", one_at_a_time=True)
    def of_project(self, request: ApiRequest, project: UUID, query: DayRangeQuery) -> UsageAnswer:
        """What one project has used, by the same rules."""
        return usage_answer(project, query, clock.now().date())
