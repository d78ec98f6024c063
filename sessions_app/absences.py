"""Absences of the platform: time in which nobody could reach a session counts for no client.

Runtimes and workers write the time into one row every BEAT_SECONDS, `alive_at`. Where it is older
than ABSENCE, the database was away, or all of these processes were. Whoever is about to apply a
deadline after it extends all that an absence moves, by how long it lasted, before it goes on.
"""

import logging
from datetime import datetime
from functools import partial
from typing import Any

from django.db import connection, transaction

from kynaplatform import clock
from kynaplatform.timing import ABSENCE

logger = logging.getLogger("kynaplatform.absences")

# The attach window ends what is created, the idle limit what streams, unless the longest session
# comes before it: that is not moved, nor is what a process that can read a state is waited for.
# The row's lock makes it once: whoever comes second finds the time that the first has written. It
# waits for no session's row: whoever holds one is about to write its deadline, or holds up all.
_MAKE_UP = """
WITH absent AS (
    SELECT alive_at AS since FROM platform_heartbeat
    WHERE id = 1 AND alive_at < %(now)s::timestamptz - %(absence)s::interval
    FOR UPDATE
),
ended AS (
    UPDATE platform_heartbeat SET alive_at = %(now)s::timestamptz
    FROM absent WHERE id = 1 RETURNING absent.since
),
moved AS (
    SELECT session.id, LEAST(
        session.longest_until,
        session.deadline_at + (%(now)s::timestamptz - GREATEST(ended.since, session.created_at))
    ) AS deadline_at
    FROM ended, detection_session AS session
    WHERE session.deadline_at > ended.since AND session.status IN ('created', 'streaming')
        AND session.unreadable_since IS NULL
    FOR NO KEY UPDATE OF session SKIP LOCKED
),
extended AS (
    UPDATE detection_session AS session SET deadline_at = moved.deadline_at
    FROM moved WHERE session.id = moved.id
    RETURNING 1
)
SELECT since, (SELECT count(*) FROM extended) FROM ended
"""
# Not by each of many processes within the same second.
_BEAT = """
INSERT INTO platform_heartbeat (id, alive_at) VALUES (1, %(now)s)
ON CONFLICT (id) DO UPDATE SET alive_at = EXCLUDED.alive_at
WHERE platform_heartbeat.alive_at < EXCLUDED.alive_at - interval '1 second'
"""
# Until then this process need not look again, in `clock.ticks`: it has read that somebody lived.
_present_until = 0.0


def make_up_for_absence(now: datetime) -> None:
    """Extend idle limits and attach windows by an absence that has just ended, if there was one.

    In the caller's transaction, if it has one, and then before that locks a session. It is one
    small read at most every ABSENCE.
    """
    if clock.ticks() < _present_until:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT alive_at FROM platform_heartbeat WHERE id = 1")
        # Without a row no process has written one yet.
        [alive_at] = cursor.fetchone() or [now]
        if alive_at < now - ABSENCE:
            _make_up(cursor, now)
            alive_at = now
    # `now` may be of a while ago.
    present_for = alive_at + ABSENCE - max(now, min(clock.known_now(), alive_at + ABSENCE))
    until = clock.ticks() + present_for.total_seconds()
    transaction.on_commit(partial(_is_present, until))


def _make_up(cursor: Any, now: datetime) -> None:
    cursor.execute(_MAKE_UP, {"now": now, "absence": ABSENCE})
    # Nothing where another process was first.
    for since, sessions in cursor.fetchall():
        seconds = (now - since).total_seconds()
        logger.log(
            logging.WARNING if sessions else logging.INFO,
            "The platform was away for %(seconds).0f s; %(sessions)s that much more time.",
            {
                "seconds": seconds,
                "sessions": "1 open session gets"
                if sessions == 1
                else f"{sessions} open sessions get",
            },
        )


def beat(now: datetime) -> None:
    """Write that this process lives, after it has made up for an absence."""
    make_up_for_absence(now)
    with connection.cursor() as cursor:
        cursor.execute(_BEAT, {"now": now})


def _is_present(until: float) -> None:
    global _present_until
    _present_until = until
