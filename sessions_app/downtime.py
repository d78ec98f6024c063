"""Downtime of the platform: time in which nobody could reach a session counts for no client.

Runtimes and workers write the time into one row every BEAT_SECONDS, `alive_at`. Where it is older
than ABSENCE, the database was away, or all of these processes were. Whoever is about to apply a
deadline extends all deadlines by that time first.
"""

import logging
from datetime import datetime
from functools import partial
from typing import Any

from django.db import connection, transaction

from kynaplatform import clock
from kynaplatform.timing import ABSENCE

logger = logging.getLogger("kynaplatform.absences")

# It extends the attach window and the idle limit, but neither the maximum session length nor the
# reader grace period. The row's lock makes it once: the second process reads the time that the
# first has written. It skips locked sessions: their lock's holder is about to write the deadline.
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
# At most once a second, however many processes beat.
_BEAT = """
INSERT INTO platform_heartbeat (id, alive_at) VALUES (1, %(now)s)
ON CONFLICT (id) DO UPDATE SET alive_at = EXCLUDED.alive_at
WHERE platform_heartbeat.alive_at < EXCLUDED.alive_at - interval '1 second'
"""
# Until then, in `clock.ticks`, this process need not read the heartbeat again.
_present_until = 0.0


def make_up_for_downtime(now: datetime) -> None:
    """Extend idle limits and attach windows by a downtime that has just ended, if there was one.

    Call it before your transaction, if any, locks a session. It is one small read at most every
    ABSENCE.
    """
    if clock.ticks() < _present_until:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT alive_at FROM platform_heartbeat WHERE id = 1")
        # Without a row no process has written one yet.
        [alive_at] = cursor.fetchone() or [now]
        if alive_at < now - ABSENCE:
            alive_at = now
            parameters: dict[str, Any] = {"now": now, "absence": ABSENCE}
            cursor.execute(_MAKE_UP, parameters)
            # No row where another process was first.
            for since, sessions in cursor.fetchall():
                get = "1 open session gets" if sessions == 1 else f"{sessions} open sessions get"
                logger.log(
                    logging.WARNING if sessions else logging.INFO,
                    "The platform was away for %(seconds).0f s; %(sessions)s that much more time.",
                    {"seconds": (now - since).total_seconds(), "sessions": get},
                )
    # `now` may be of a while ago.
    present_for = alive_at + ABSENCE - max(now, min(clock.known_now(), alive_at + ABSENCE))
    until = clock.ticks() + present_for.total_seconds()
    transaction.on_commit(partial(_is_present, until))


def beat(*, now: datetime) -> None:
    make_up_for_downtime(now)
    with connection.cursor() as cursor:
        cursor.execute(_BEAT, {"now": now})


def _is_present(until: float) -> None:
    global _present_until
    _present_until = until
