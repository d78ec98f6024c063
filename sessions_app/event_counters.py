"""The counters of a session's events: repetitions by event_key, and interruptions.

They are stored with the events. Code from before the counters stores events alone. So a session
also has the number of its counted events. If that is not all of them, they are counted anew.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from django.db import connection

from sessions_app.models import DetectionSession, EventType

_RECOUNT = """
SELECT event.session_id, event.type, event.payload ->> 'event_key', count(*)
FROM unnest(%s::uuid[], %s::bigint[]) AS given (session_id, events_total)
JOIN detection_event AS event
    ON event.session_id = given.session_id AND event.sequence <= given.events_total
WHERE event.type IN ('event_completed', 'event_interrupted')
GROUP BY 1, 2, 3
"""


class Countable(Protocol):
    @property
    def type(self) -> str: ...
    @property
    def payload(self) -> dict[str, Any]: ...


class Counts(NamedTuple):
    repetitions: dict[str, int]
    interrupted: int


def counts_of(events: Iterable[Countable]) -> Counts:
    repetitions: Counter[str] = Counter()
    interrupted = 0
    for event in events:
        if event.type == EventType.EVENT_COMPLETED:
            repetitions[event.payload["event_key"]] += 1
        interrupted += event.type == EventType.EVENT_INTERRUPTED
    return Counts(dict(repetitions), interrupted)


def is_counted(session: DetectionSession) -> bool:
    return session.counted_events_total == session.events_total


def count_anew(sessions: Iterable[DetectionSession]) -> None:
    """Count the stored events of those of `sessions` whose counters miss some."""
    stale = {session.id: session for session in sessions if not is_counted(session)}
    if not stale:
        return
    for session in stale.values():
        session.repetitions, session.interrupted_total = {}, 0
    totals = [session.events_total for session in stale.values()]
    with connection.cursor() as cursor:
        cursor.execute(_RECOUNT, [list(stale), totals])
        rows: list[tuple[UUID, str, str | None, int]] = cursor.fetchall()
    for session_id, type_, event_key, count in rows:
        if type_ == EventType.EVENT_INTERRUPTED:
            stale[session_id].interrupted_total = count
        elif event_key is not None:
            stale[session_id].repetitions[event_key] = count
    for session in stale.values():
        session.counted_events_total = session.events_total


def store_counts_anew(session: DetectionSession) -> None:
    """Count and store, for a session whose row the caller has locked."""
    count_anew([session])
    session.save(update_fields=["repetitions", "interrupted_total", "counted_events_total"])
