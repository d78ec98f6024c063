"""A person over time: what the summaries of their sessions tell together, by day or by session."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, ClassVar, Final, Literal, NamedTuple
from uuid import UUID

import msgspec
from django.db import connection

from common.keyset import Place, cursor_at
from kynaplatform.api.errors import ValidationFailed
from kynaplatform.api.pagination import PageCursor, PageLimit
from kynaplatform.api.schemas import Answer, DayRangeQuery, said
from sessions_app.context import fault_of_subject
from sessions_app.schemas import Subject
from sessions_app.summary import CheckSummary, MeasureSummary, MovementSummary, Quality, quality_of

By = Literal["day", "session"]
# Of a page by day. A day with more goes on in the next page.
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
LIMIT %(most)s
"""
_decode = msgspec.json.Decoder(dict[str, MovementSummary]).decode


class MeasureTotal:
    """One measure of several sessions.

    The `best` of a session is its most where more is farther, its least where less is, and None
    where nothing is. Where sessions differ in that, as of two versions, there is no best of all.
    """

    __slots__ = (
        "_completed",
        "_farthest",
        "_is_least",
        "_is_most",
        "_mean",
        "_nearest",
        "uncertain",
    )

    def __init__(self) -> None:
        self._completed, self._mean = 0, 0.0
        self._nearest: float | None = None
        self._farthest: float | None = None
        self._is_most = self._is_least = True
        self.uncertain = False

    def add(self, measure: MeasureSummary, completed: int) -> None:
        self._completed += completed
        self._mean += measure.mean * completed
        self.uncertain |= measure.uncertain
        if (best := measure.best) is None:
            return
        self._is_most &= best >= measure.most
        self._is_least &= best <= measure.least
        self._nearest = best if self._nearest is None else min(self._nearest, best)
        self._farthest = best if self._farthest is None else max(self._farthest, best)

    @property
    def best(self) -> float | None:
        if self._is_most:
            return self._farthest
        return self._nearest if self._is_least else None

    @property
    def mean(self) -> float:
        return round(self._mean / self._completed, 1)


@dataclass(slots=True)
class Summed:
    """What some sessions have counted of one movement; the newest of them has the id and time."""

    created_at: datetime
    id: UUID
    event_key: str
    sessions: int = 0
    completed: int = 0
    active_ms: float = 0.0
    attempts: dict[str, int] = field(default_factory=dict)
    measures: dict[str, MeasureTotal] = field(default_factory=dict)
    checks: dict[str, CheckSummary] = field(default_factory=dict)
    # None where no session has one.
    by_side: dict[str, int] | None = None
    longest_ms: float | None = None
    total_ms: float | None = None
    countable_share: float | None = None

    def add(self, told: MovementSummary, active_ms: float, quality: Quality | None) -> None:
        self.sessions += 1
        self.completed += told.completed
        self.active_ms += active_ms
        if told.by_side is not None:
            sums = self.by_side or {}
            self.by_side = {side: sums.get(side, 0) + n for side, n in told.by_side.items()}
        if told.longest_ms is not None:
            self.longest_ms = max(self.longest_ms or 0.0, told.longest_ms)
        if told.total_ms is not None:
            self.total_ms = (self.total_ms or 0.0) + told.total_ms
        if quality is not None:
            share = quality.countable_share
            least = self.countable_share
            self.countable_share = share if least is None else min(least, share)
        for reason, count in told.attempts.items():
            self.attempts[reason] = self.attempts.get(reason, 0) + count
        for name, check in told.checks.items():
            of_all = self.checks.setdefault(name, CheckSummary(0, 0))
            of_all.met += check.met
            of_all.missed += check.missed
        if told.completed:
            for name, measure in told.measures.items():
                self.measures.setdefault(name, MeasureTotal()).add(measure, told.completed)


class Found(NamedTuple):
    """A page, the newest first, and where the next one starts if there may be one."""

    rows: list[Summed]
    older: Place | None


def subject_summary(
    *,
    project_id: UUID,
    subject: str,
    only: UUID | None,
    first: date,
    last: date,
    by: By,
    start: Place | None,
    most: int,
) -> Found:
    """What the sessions of a subject counted that were created from `first` to `last`, in UTC.

    With `only`, that session alone.

    A page has the newest `most` sessions after `start`. By day it has whole days, but for one that
    has more by itself: that one goes on in the next page.
    """
    since = datetime.combine(first, time(), UTC)
    until, until_id = datetime.combine(last, time.max, UTC), _LAST_ID
    if start is not None and start.created_at <= until:
        until, until_id = start.created_at, start.id
    parameters: dict[str, Any] = {
        "subject": subject,
        "only": only,
        "project_id": project_id,
        "since": since,
        "until": until,
        "until_id": until_id,
        "most": most,
    }
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENT, parameters)
        found: list[Any] = cursor.fetchall()
    rows: dict[tuple[Any, str], Summed] = {}
    for created_at, id_, active_ms, counted, signs in found:
        if counted is None:
            continue
        quality = quality_of({"quality": msgspec.json.decode(signs)}) if signs else None
        period = id_ if by == "session" else created_at.astimezone(UTC).date()
        for event_key, told in _decode(counted).items():
            if (row := rows.get((period, event_key))) is None:
                row = rows[period, event_key] = Summed(created_at, id_, event_key)
            row.add(told, active_ms, quality)
    if len(found) < most:
        return Found([*rows.values()], None)
    last_at, last_id = found[-1][:2]
    if by == "session":
        return Found([*rows.values()], Place("older", last_at, last_id))
    return _whole_days([*rows.values()], last_at, last_id)


def day_of(row: Summed) -> date:
    return row.created_at.astimezone(UTC).date()


def cursor_behind_day(end: Summed | Place) -> str:
    """The cursor behind a row's day, whose sessions may be in several rows; or of a place."""
    place = _behind(day_of(end)) if isinstance(end, Summed) else end
    return cursor_at(place.created_at, place.id)


def _behind(day: date) -> Place:
    return Place("older", datetime.combine(day, time(), UTC), _FIRST_ID)


def _whole_days(rows: list[Summed], last_at: datetime, last_id: UUID) -> Found:
    """The days before the one that the page may have cut; that one's part if it is alone."""
    cut = last_at.astimezone(UTC).date()
    whole = [row for row in rows if day_of(row) > cut]
    if whole:
        return Found(whole, _behind(cut + timedelta(days=1)))
    return Found(rows, Place("older", last_at, last_id))


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


def summary_response(row: Summed, by: By) -> SubjectSummary:
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
