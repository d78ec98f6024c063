"""A person over time: the summaries of their sessions, added up by day or by session."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, ClassVar, Final, Literal
from uuid import UUID

import msgspec
from django.db import connection

from common.keyset import Cursor, encode_cursor
from kynaplatform.api.pagination import PageCursor, PageLimit, parsed_cursor
from kynaplatform.api.schemas import Answer, DayRangeQuery, OrUnset, doc
from sessions_app.context import Subject, require_context
from sessions_app.summary import CheckSummary, MeasureSummary, MovementSummary, quality_of

By = Literal["day", "session"]
# Sessions of a page by day.
MAX_SESSIONS: Final = 5_000
_FIRST_ID, _LAST_ID = UUID(int=0), UUID(int=2**128 - 1)
_STATEMENT: Final = """
SELECT created_at, id, COALESCE((summary ->> 'active_ms')::float8, 0),
    CASE jsonb_typeof(summary -> 'counted') WHEN 'object' THEN summary -> 'counted' END,
    CASE jsonb_typeof(summary -> 'quality') WHEN 'object' THEN summary -> 'quality' END
FROM detection_session
WHERE subject = %(subject)s AND project_id = %(project_id)s
    AND created_at >= %(since)s AND created_at <= %(until)s
    AND (created_at, id) < (%(until)s, %(until_id)s)
    AND (%(only)s::uuid IS NULL OR id = %(only)s::uuid)
ORDER BY created_at DESC, id DESC
LIMIT %(limit)s
"""
_decode = msgspec.json.Decoder(dict[str, MovementSummary]).decode


@dataclass(slots=True)
class Group:
    """The summaries of one movement, on a day or in a session; the newest has the id and time."""

    created_at: datetime
    id: UUID
    event_key: str
    summaries: list[MovementSummary] = field(default_factory=list)
    active_ms: float = 0.0
    countable_shares: list[float] = field(default_factory=list)


class SubjectSummaryQuery(DayRangeQuery, kw_only=True):
    texts: ClassVar = frozenset({"subject"})

    subject: Annotated[Subject, doc("The person's id, as the creates gave it.", "p_4711")]
    by: Annotated[By, doc("What is put together.", "day")] = "day"
    limit: PageLimit = 100
    cursor: OrUnset[PageCursor] = msgspec.UNSET

    def __post_init__(self) -> None:
        require_context(subject=self.subject)


def subject_summary(
    query: SubjectSummaryQuery, *, project_id: UUID, only: UUID | None, today: date
) -> tuple[list[Group], Cursor | None]:
    """A page of what `query` asks for, the newest first, and where the next one starts if any does.

    `only` narrows the sessions to one. By day a page has whole days; a day with more sessions than
    MAX_SESSIONS goes on in the next page. Raises 422 for a bad range or cursor.
    """
    first, last = query.days(today)
    until, until_id = datetime.combine(last, time.max, UTC), _LAST_ID
    start = parsed_cursor(query.cursor)
    if start is not None and start.created_at <= until:
        until, until_id = start.created_at, start.id
    limit = query.limit if query.by == "session" else MAX_SESSIONS
    parameters: dict[str, Any] = {
        "subject": query.subject,
        "only": only,
        "project_id": project_id,
        "since": datetime.combine(first, time(), UTC),
        "until": until,
        "until_id": until_id,
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENT, parameters)
        found: list[Any] = cursor.fetchall()
    groups: dict[tuple[Any, str], Group] = {}
    for created_at, id_, active_ms, counted, signs in found:
        if counted is None:
            continue
        quality = quality_of({"quality": msgspec.json.decode(signs)}) if signs else None
        for event_key, summary in _decode(counted).items():
            group = Group(created_at, id_, event_key)
            period = id_ if query.by == "session" else day_of(group)
            group = groups.setdefault((period, event_key), group)
            group.summaries.append(summary)
            group.active_ms += active_ms
            if quality is not None:
                group.countable_shares.append(quality.countable_share)
    in_order = [*groups.values()]
    if len(found) < limit:
        return in_order, None
    end = Cursor("older", *found[-1][:2])
    if query.by == "day":
        # The limit may have cut the last day. Without it the page has whole days.
        whole = [group for group in in_order if day_of(group) > day_of(end)]
        if whole:
            return whole, _before(day_of(end) + timedelta(days=1))
    return in_order, end


def day_of(row: Group | Cursor) -> date:
    return row.created_at.astimezone(UTC).date()


def cursor_after_day(end: Group | Cursor) -> str:
    """The cursor after a group's day, whose sessions may be in several groups; or of a cursor."""
    cursor = _before(day_of(end)) if isinstance(end, Group) else end
    return encode_cursor(cursor.created_at, cursor.id)


def _before(day: date) -> Cursor:
    return Cursor("older", datetime.combine(day, time(), UTC), _FIRST_ID)


class MeasureOverTime(Answer, omit_defaults=True):
    """One measure over the repetitions of all sessions, in degrees."""

    best: Annotated[
        float | None,
        doc("The farthest of all; null for what carries nothing, or not the same way.", 84.2),
    ]
    mean: Annotated[
        float, doc("The mean of the sessions' means, weighted by their completions.", 91.7)
    ]
    uncertain: Annotated[
        bool, doc("True where a repetition was filmed from where its degrees don't hold.")
    ] = False


class SubjectSummary(Answer):
    """What was counted of one movement, on a day or in a session."""

    date: Annotated[date, doc("The day of UTC on which it was created.", "2026-11-29")]
    session_id: Annotated[
        UUID | None,
        doc("The session; null by day.", None, "69e5a962-81e8-405d-b532-91ede04e756a"),
    ]
    event_key: Annotated[str, doc("The movement.", "squat")]
    sessions: Annotated[int, doc("How many sessions these are.", 2)]
    completed: Annotated[int, doc("How many repetitions or holds were completed.", 24)]
    attempts: Annotated[
        dict[str, int], doc("How many did not count, by their reason.", {"not_reached": 2})
    ]
    active_ms: Annotated[
        int, doc("The frame time between accepted frames, gaps over 2 s left out.", 61200)
    ]
    measures: Annotated[
        dict[str, MeasureOverTime],
        doc("By name, such as `joint.knee`.", {"joint.knee": {"best": 84.2, "mean": 91.7}}),
    ]
    checks: Annotated[
        dict[str, CheckSummary],
        doc(
            "How often each check was met and missed, by its name.",
            {"depth": {"met": 20, "missed": 4}},
        ),
    ]
    by_side: Annotated[
        dict[str, int] | None,
        doc("The completions of each side; null where sides are not counted apart.", None),
    ]
    longest_ms: Annotated[int | None, doc("The longest hold; null for repetitions.", None)]
    total_ms: Annotated[int | None, doc("All holds together; null for repetitions.", None)]
    countable_share: Annotated[
        float | None,
        doc("The least of the sessions; null where none is known.", 0.97),
    ]


def summary_response(group: Group, by: By) -> SubjectSummary:
    summaries = group.summaries
    longest = [one.longest_ms for one in summaries if one.longest_ms is not None]
    totals = [one.total_ms for one in summaries if one.total_ms is not None]
    by_side = [one.by_side for one in summaries if one.by_side is not None]
    checks: dict[str, CheckSummary] = {}
    measures: dict[str, list[tuple[MeasureSummary, int]]] = {}
    for summary in summaries:
        for name, check in summary.checks.items():
            of_all = checks.setdefault(name, CheckSummary(0, 0))
            of_all.met += check.met
            of_all.missed += check.missed
        for name, measure in summary.measures.items() if summary.completed else ():
            measures.setdefault(name, []).append((measure, summary.completed))
    return SubjectSummary(
        date=day_of(group),
        session_id=group.id if by == "session" else None,
        event_key=group.event_key,
        sessions=len(summaries),
        completed=sum(one.completed for one in summaries),
        attempts=_added_up([one.attempts for one in summaries]),
        active_ms=round(group.active_ms),
        measures={name: _over_time(each) for name, each in measures.items()},
        checks=checks,
        by_side=_added_up(by_side) if by_side else None,
        longest_ms=round(max(longest)) if longest else None,
        total_ms=round(sum(totals)) if totals else None,
        countable_share=min(group.countable_shares, default=None),
    )


def _added_up(counts: list[dict[str, int]]) -> dict[str, int]:
    return {name: sum(one.get(name, 0) for one in counts) for one in counts for name in one}


def _over_time(measures: list[tuple[MeasureSummary, int]]) -> MeasureOverTime:
    """One measure of several sessions, each with how many repetitions it completed.

    The `best` of a session is its most where more is farther, its least where less is, and None
    where nothing is. Where sessions differ in that, as of two versions, there is no best of all.
    """
    bests = [(one.best, one) for one, _ in measures if one.best is not None]
    best = None
    if all(best >= one.most for best, one in bests):
        best = max((best for best, _ in bests), default=None)
    elif all(best <= one.least for best, one in bests):
        best = min(best for best, _ in bests)
    mean = sum(one.mean * completed for one, completed in measures) / sum(n for _, n in measures)
    return MeasureOverTime(best, round(mean, 1), any(one.uncertain for one, _ in measures))
