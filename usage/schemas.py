"""The answer of the usage endpoints."""

from datetime import date, timedelta
from typing import Annotated, Final, NamedTuple
from uuid import UUID

import msgspec
from django.db import connection

from kynaplatform.api.schemas import Answer, DayRangeQuery, doc

FirstDay = Annotated[date, doc("The first day of UTC.", "2026-11-01")]
LastDay = Annotated[date, doc("The last day of UTC.", "2026-11-30")]


class UsageOfDay(Answer):
    date: Annotated[date, doc("The day of UTC.", "2026-11-29")]
    sessions: Annotated[int, doc("The sessions that ended on it, in any way.", 41)]
    accepted_frames: Annotated[int, doc("Their accepted frames.", 33292)]
    active_ms: Annotated[
        int, doc("Their frame time between accepted frames, gaps over 2 s left out.", 1109733)
    ]


class UsageAnswer(Answer):
    from_: FirstDay = msgspec.field(name="from")
    to: LastDay
    sessions: Annotated[int, doc("All days together.", 41)]
    accepted_frames: Annotated[int, doc("All days together.", 33292)]
    active_ms: Annotated[int, doc("All days together.", 1109733)]
    live_frames: Annotated[int, doc("The accepted frames of sessions in the mode `live`.", 30120)]
    days: Annotated[list[UsageOfDay], doc("Every day of the range, the earliest first.")]


def usage_answer(project_id: UUID, query: DayRangeQuery, today: date) -> UsageAnswer:
    """A project's usage; raises 422 for a bad range."""
    first, last = query.days(today)
    used = usage_of_project(project_id, first, last)
    return UsageAnswer(
        from_=first,
        to=last,
        sessions=sum(day.sessions for day in used.values()),
        accepted_frames=sum(day.accepted_frames for day in used.values()),
        active_ms=sum(day.active_ms for day in used.values()),
        live_frames=sum(day.live_frames for day in used.values()),
        days=[
            UsageOfDay(day, one.sessions, one.accepted_frames, one.active_ms)
            for day, one in used.items()
        ],
    )


# One statement reads rows and sums, so that a session that is being rolled up counts once.
_STATEMENT: Final = """
SELECT day, sum(sessions)::bigint, sum(accepted_frames)::bigint, sum(active_ms)::bigint,
    sum(live_frames)::bigint
FROM usage_so_far
WHERE project_id = %s AND day BETWEEN %s AND %s
GROUP BY day
"""


class Used(NamedTuple):
    sessions: int = 0
    accepted_frames: int = 0
    active_ms: int = 0
    live_frames: int = 0


def usage_of_project(project_id: UUID, first: date, last: date) -> dict[date, Used]:
    """The usage of each day from `first` to `last`, in order."""
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENT, [project_id, first, last])
        used = {day: Used(*sums) for day, *sums in cursor.fetchall()}
    days = (first + timedelta(days=after) for after in range((last - first).days + 1))
    return {day: used.get(day, Used()) for day in days}
