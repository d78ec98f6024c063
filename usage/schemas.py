"""The answer of the endpoints of usage."""

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec

from kynaplatform.api.schemas import Answer, DayRangeQuery, said
from usage.days import usage_of_project

FirstDay = Annotated[date, said("The first day of UTC.", "2026-11-01")]
LastDay = Annotated[date, said("The last day of UTC.", "2026-11-30")]


class UsageOfDay(Answer):
    date: Annotated[date, said("The day of UTC.", "2026-11-29")]
    sessions: Annotated[int, said("The sessions that ended on it, in any way.", 41)]
    accepted_frames: Annotated[int, said("Their accepted frames.", 33292)]
    active_ms: Annotated[
        int,
        said("Their frame time between accepted frames, gaps over 2 s left out.", 1109733),
    ]


class UsageAnswer(Answer):
    from_: FirstDay = msgspec.field(name="from")
    to: LastDay
    sessions: Annotated[int, said("All days together.", 41)]
    accepted_frames: Annotated[int, said("All days together.", 33292)]
    active_ms: Annotated[int, said("All days together.", 1109733)]
    live_frames: Annotated[int, said("The accepted frames of sessions in the mode `live`.", 30120)]
    days: Annotated[list[UsageOfDay], said("Every day of the range, the earliest first.")]


def usage_answer(project_id: UUID, query: DayRangeQuery, today: date) -> UsageAnswer:
    """What a project has used; raises 422 for a range that can't be."""
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
