"""The query and the answer of a person's summary."""

from datetime import UTC, date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

import msgspec

from kynaplatform.api.errors import ValidationFailed
from kynaplatform.api.pagination import PageCursor, PageLimit
from kynaplatform.api.schemas import Answer, DayRangeQuery, said
from sessions_app.context import fault_of_subject
from sessions_app.counted import CheckSummary
from sessions_app.schemas import Subject
from sessions_app.subject_summary import By, Summed


class SubjectSummaryQuery(DayRangeQuery, kw_only=True):
    texts: ClassVar = frozenset({"subject"})

    subject: Annotated[Subject, said("The person's id, as the creates gave it.", "p_4711")]
    by: Annotated[Literal["day", "session"], said("What is put together.", "day")] = "day"
    limit: PageLimit = 100
    cursor: PageCursor | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        if fault := fault_of_subject(self.subject):
            raise ValidationFailed({"subject": [fault]})


class MeasureOverTime(Answer, omit_defaults=True):
    """One measure over the repetitions of all sessions, in degrees."""

    best: Annotated[
        float | None,
        said("The farthest of all; null for what carries nothing, or not the same way.", 84.2),
    ]
    mean: Annotated[
        float, said("The mean of the sessions' means, weighted by their completions.", 91.7)
    ]
    uncertain: Annotated[
        bool, said("True where a repetition was filmed from where its degrees don't hold.")
    ] = False


class SubjectSummary(Answer):
    """What was counted of one movement, on a day or in a session."""

    date: Annotated[date, said("The day of UTC on which it was created.", "2026-11-29")]
    session_id: Annotated[
        UUID | None,
        said("The session; null by day.", None, "69e5a962-81e8-405d-b532-91ede04e756a"),
    ]
    event_key: Annotated[str, said("The movement.", "squat")]
    sessions: Annotated[int, said("How many sessions these are.", 2)]
    completed: Annotated[int, said("How many repetitions or holds were completed.", 24)]
    attempts: Annotated[
        dict[str, int], said("How many did not count, by their reason.", {"not_reached": 2})
    ]
    active_ms: Annotated[
        int, said("The frame time between accepted frames, gaps over 2 s left out.", 61200)
    ]
    measures: Annotated[
        dict[str, MeasureOverTime],
        said("By name, such as `joint.knee`.", {"joint.knee": {"best": 84.2, "mean": 91.7}}),
    ]
    checks: Annotated[
        dict[str, CheckSummary],
        said(
            "How often each check was met and missed, by its name.",
            {"depth": {"met": 20, "missed": 4}},
        ),
    ]
    by_side: Annotated[
        dict[str, int] | None,
        said("The completions of each side; null where sides are not counted apart.", None),
    ]
    longest_ms: Annotated[int | None, said("The longest hold; null for repetitions.", None)]
    total_ms: Annotated[int | None, said("All holds together; null for repetitions.", None)]
    countable_share: Annotated[
        float | None,
        said("The least of the sessions; null where none is known.", 0.97),
    ]


def present_summary(row: Summed, by: By) -> SubjectSummary:
    return SubjectSummary(
        date=row.created_at.astimezone(UTC).date(),
        session_id=row.id if by == "session" else None,
        event_key=row.event_key,
        sessions=row.sessions,
        completed=row.completed,
        attempts=row.attempts,
        active_ms=round(row.active_ms),
        measures={
            name: MeasureOverTime(one.best, one.mean, one.uncertain)
            for name, one in row.measures.items()
        },
        checks=row.checks,
        by_side=row.by_side,
        longest_ms=None if row.longest_ms is None else round(row.longest_ms),
        total_ms=None if row.total_ms is None else round(row.total_ms),
        countable_share=row.countable_share,
    )
