"""A person over time: what the summaries of their sessions tell together, by day or by session."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from django.db import connection

from kynaplatform.api.keyset import Place

By = Literal["day", "session"]
# Of a page by day; of a day with more the newest.
MOST_SESSIONS: Final = 5_000
_FIRST_ID, _LAST_ID = UUID(int=0), UUID(int=2**128 - 1)
# What sessions are put together by.
_PERIODS: Final[dict[By, str]] = {"day": "date_trunc('day', created_at, 'UTC')", "session": "id"}
# The `best` of a session is its most where more is farther, its least where less is, and null where
# nothing is. Where sessions differ in that, as of two versions, there is no best of all.
_STATEMENT: Final = """
WITH found AS (
    SELECT id, created_at, summary
    FROM detection_session
    WHERE subject = %(subject)s AND project_id = %(project_id)s
        AND created_at >= %(since)s AND created_at <= %(until)s
        AND (created_at, id) < (%(until)s, %(until_id)s)
    ORDER BY created_at DESC, id DESC
    LIMIT %(most)s
),
counted AS (
    SELECT found.id, found.created_at, {period} AS period, event.key AS event_key,
        event.value AS told, (event.value ->> 'completed')::bigint AS completed,
        COALESCE((found.summary ->> 'active_ms')::float8, 0) AS active_ms
    FROM found, jsonb_each(found.summary -> 'counted') AS event
    WHERE jsonb_typeof(found.summary -> 'counted') = 'object'
),
attempts AS (
    SELECT period, event_key, jsonb_object_agg(reason, attempts) AS attempts
    FROM (
        SELECT period, event_key, one.key AS reason, sum(one.value::bigint)::bigint AS attempts
        FROM counted, jsonb_each_text(told -> 'attempts') AS one
        GROUP BY period, event_key, one.key
    ) AS by_reason
    GROUP BY period, event_key
),
measured AS (
    SELECT period, event_key, one.key AS name, completed,
        (one.value ->> 'mean')::float8 AS mean, (one.value ->> 'best')::float8 AS best,
        (one.value ->> 'least')::float8 AS least, (one.value ->> 'most')::float8 AS most
    FROM counted, jsonb_each(told -> 'measures') AS one
    WHERE completed > 0
),
measures AS (
    SELECT period, event_key,
        jsonb_object_agg(name, jsonb_build_object('best', best, 'mean', mean)) AS measures
    FROM (
        SELECT period, event_key, name,
            round((sum(mean * completed) / sum(completed))::numeric, 1) AS mean,
            CASE
                WHEN NOT bool_or(best < most) THEN max(best)
                WHEN NOT bool_or(best > least) THEN min(best)
            END AS best
        FROM measured
        GROUP BY period, event_key, name
    ) AS by_name
    GROUP BY period, event_key
),
summed AS (
    SELECT period, event_key, max(created_at) AS created_at,
        (array_agg(id ORDER BY created_at DESC, id DESC))[1] AS id, count(*) AS sessions,
        sum(completed)::bigint AS completed, round(sum(active_ms))::bigint AS active_ms
    FROM counted
    GROUP BY period, event_key
),
ends AS (
    SELECT count(*) AS count, min(created_at) AS created_at,
        (array_agg(id ORDER BY created_at, id))[1] AS id
    FROM found
)
SELECT ends.count, ends.created_at, ends.id, summed.created_at, summed.id, summed.event_key,
    summed.sessions, summed.completed, COALESCE(attempts.attempts, '{{}}'), summed.active_ms,
    COALESCE(measures.measures, '{{}}')
FROM ends
LEFT JOIN summed ON TRUE
LEFT JOIN attempts USING (period, event_key)
LEFT JOIN measures USING (period, event_key)
ORDER BY summed.created_at DESC, summed.id DESC, summed.event_key
"""


class Summed(NamedTuple):
    """What some sessions have counted of one movement; the newest of them has the id and time."""

    created_at: datetime
    id: UUID
    event_key: str
    sessions: int
    completed: int
    attempts: str
    active_ms: int
    measures: str


class Found(NamedTuple):
    """A page, the newest first, and where the next one starts if there may be one."""

    rows: list[Summed]
    older: Place | None


def subject_summary(
    *,
    project_id: UUID,
    subject: str,
    first: date,
    last: date,
    by: By,
    start: Place | None,
    most: int,
) -> Found:
    """What the sessions of a subject counted that were created from `first` to `last`, in UTC.

    A page has the newest `most` sessions after `start`. By day it has whole days, but for one that
    has more by itself.
    """
    since = datetime.combine(first, time(), UTC)
    until, until_id = datetime.combine(last, time.max, UTC), _LAST_ID
    if start is not None and start.created_at <= until:
        until, until_id = start.created_at, start.id
    parameters: dict[str, Any] = {
        "subject": subject,
        "project_id": project_id,
        "since": since,
        "until": until,
        "until_id": until_id,
        "most": most,
    }
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENT.format(period=_PERIODS[by]), parameters)
        told: list[Any] = cursor.fetchall()
    count, last_at, last_id = told[0][:3]
    rows = [Summed(*row[3:]) for row in told if row[3] is not None]
    if count < most:
        return Found(rows, None)
    if by == "session":
        return Found(rows, Place("older", last_at, last_id))
    return _whole_days(rows, last_at)


def _whole_days(rows: list[Summed], last_at: datetime) -> Found:
    """The days before the one that the page may have cut; that one if it is the only one."""
    cut = last_at.astimezone(UTC).date()
    whole = [row for row in rows if row.created_at.astimezone(UTC).date() > cut]
    begun = datetime.combine(cut, time(), UTC)
    if whole:
        return Found(whole, Place("older", begun + timedelta(days=1), _FIRST_ID))
    return Found(rows, Place("older", begun, _FIRST_ID))
