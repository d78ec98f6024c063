"""The events of a session as clients see them, the same at REST and on the stream."""

from collections.abc import Collection
from typing import Annotated, Any, Final, cast
from uuid import UUID

from django.db import connection
from django.db.models import Q

from kynaplatform.api.errors import ValidationFailed
from kynaplatform.api.schemas import Answer, doc
from sessions_app.checkpoints import NewEvent
from sessions_app.models import DetectionEvent, DetectionSession, EventType

# The frame_seq of an event that a clock decided. Frames begin at 1.
NO_FRAME: Final = 0
# The most events of the session that a page of one type reads.
MAX_SCANNED: Final = 2_000


# Frames cause events in their own order, and every sixteenth event is indexed. So a frame's events
# lie between the last indexed event of an earlier frame and the first of a later one.
_OF_FRAMES: Final = """
SELECT event.sequence
FROM (
    SELECT given.frame_seq,
        COALESCE((
            SELECT earlier.sequence FROM detection_event AS earlier
            WHERE earlier.session_id = %(session_id)s::uuid AND mod(earlier.sequence, 16) = 0
                AND earlier.frame_seq > 0 AND earlier.frame_seq < given.frame_seq
            ORDER BY earlier.frame_seq DESC LIMIT 1
        ), 0) AS earlier,
        COALESCE((
            SELECT later.sequence FROM detection_event AS later
            WHERE later.session_id = %(session_id)s::uuid AND mod(later.sequence, 16) = 0
                AND later.frame_seq > given.frame_seq
            ORDER BY later.frame_seq LIMIT 1
        ), 2147483647) AS later
    FROM unnest(%(frame_seqs)s::bigint[]) AS given (frame_seq)
    OFFSET 0  -- or all events of the session would be joined with them
) AS caused, LATERAL (
    SELECT event.sequence FROM detection_event AS event
    WHERE event.session_id = %(session_id)s::uuid AND event.sequence > caused.earlier
        AND event.sequence < caused.later AND event.frame_seq = caused.frame_seq
    OFFSET 0
) AS event
"""


class EventRecord(Answer):
    """An event. `ts_ms` is the deciding frame's timestamp, or when a clock lost the pose."""

    event_id: Annotated[UUID, doc("The event.", "69e5a962-81e8-405d-b532-91ede04e756b")]
    session_id: Annotated[UUID, doc("Its session.", "69e5a962-81e8-405d-b532-91ede04e756a")]
    ts_ms: Annotated[float, doc("The time of it, as the client's frames tell time.", 2166)]
    type: Annotated[EventType, doc("What was detected.", "event_completed")]
    payload: Annotated[
        dict[str, Any],
        doc(
            "By type: `shape_key` and `confidence`; `event_key`, `score`, `number`, `side` and "
            "`metrics`; `reason`, `number`, `side`, `path` and `by`; or `level` and `message`.",
            {"event_key": "squat", "score": 1.0, "number": 1, "side": None, "metrics": {}},
        ),
    ]


def event_id(session_id: UUID, sequence: int) -> UUID:
    """The id of a session's event. With the session's id it gives the sequence back."""
    return UUID(int=session_id.int ^ sequence)


def whole_ts(ts_ms: float) -> int | float:
    """The timestamp as a client will have sent it: a whole number is an int."""
    whole = int(ts_ms)
    return whole if whole == ts_ms else ts_ms


def event_response(session_id: UUID, event: DetectionEvent | NewEvent) -> EventRecord:
    return EventRecord(
        event_id=event_id(session_id, event.sequence),
        session_id=session_id,
        ts_ms=whole_ts(event.ts_ms),
        type=cast(EventType, event.type),
        payload=event.payload,
    )


def events_after(
    *, session_id: UUID, after: UUID | None, limit: int, type_: str | None = None
) -> tuple[list[DetectionEvent], DetectionEvent | None]:
    """Up to `limit` events of a session, oldest first, after the one with the id `after`.

    Returns them and the event that the next page follows, if there are more. With `type_`, only
    events of that type, among the next MAX_SCANNED. Raises ValidationFailed when `after` is no
    event of this session.
    """
    events = DetectionEvent.objects.filter(session_id=session_id)
    known = 0
    if after is not None:
        known = session_id.int ^ after.int
        # Retention may have deleted the event, the last one of the reader's page.
        left = DetectionSession.objects.filter(
            id=session_id, events_left_at__isnull=False, events_total__gte=known
        )
        if not events.filter(sequence=known).exists() and not (known > 0 and left.exists()):
            raise ValidationFailed({"after": ["Not an event of this session."]})
    if type_ is None:
        found = events_after_sequence(session_id=session_id, sequence=known, limit=limit + 1)
    else:
        end = known + MAX_SCANNED
        looked_at = events.filter(sequence__gt=known, sequence__lte=end)
        found = list(looked_at.filter(type=type_).order_by("sequence")[: limit + 1])
        if len(found) <= limit and events.filter(sequence=end + 1).exists():
            return found, DetectionEvent(session_id=session_id, sequence=end)
    return found[:limit], found[limit - 1] if len(found) > limit else None


def events_after_sequence(*, session_id: UUID, sequence: int, limit: int) -> list[DetectionEvent]:
    """Up to `limit` events of a session after that sequence, oldest first."""
    # Sequences have no gap, so any plan reads only these rows.
    events = DetectionEvent.objects.filter(
        session_id=session_id, sequence__gt=sequence, sequence__lte=sequence + limit
    )
    return list(events.order_by("sequence"))


def events_caused(
    *, session_id: UUID, frame_seqs: Collection[int], clock_ms: float | None = None
) -> list[DetectionEvent]:
    """The events that these frames and this clock of a session caused, in their order.

    A clock's events are the last ones before it; if it caused none, they are an earlier clock's.
    """
    events = DetectionEvent.objects.filter(session_id=session_id)
    sequences: list[int] = []
    if frame_seqs:
        with connection.cursor() as cursor:
            cursor.execute(_OF_FRAMES, {"session_id": session_id, "frame_seqs": list(frame_seqs)})
            sequences = [sequence for (sequence,) in cursor.fetchall()]
    causes = Q(sequence__in=sequences)
    if clock_ms is not None:
        by_clocks = events.filter(frame_seq=NO_FRAME, ts_ms__lte=clock_ms)
        last = by_clocks.order_by("-sequence").values("ts_ms")[:1]
        causes |= Q(frame_seq=NO_FRAME, ts_ms=last)
    return list(events.filter(causes).order_by("sequence"))
