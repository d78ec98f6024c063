"""The export of a project's sessions with their events, in the order of their creation.

It ends before the first live session, and a minute before now: later sessions follow it, and none
is doubled, lost or unfinished. A session that is deleted while its page is made is omitted; one
whose events retention deletes meanwhile has fewer, or none.
"""

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, NamedTuple, Self, cast
from uuid import UUID

import msgspec
from django.db import connection
from django.db.models import Q

from common.keyset import encode_cursor, every_row, parse_cursor
from kynaplatform.api.errors import ValidationFailed
from kynaplatform.api.schemas import Answer, doc
from kynaplatform.api.views import encode
from sessions_app.checkpoints import NewEvent
from sessions_app.events import EventRecord, event_response
from sessions_app.listing import UNLISTED_COLUMNS
from sessions_app.models import DetectionSession, SessionQuerySet
from sessions_app.schemas import SessionRecord, session_response

MAX_PAGE_BYTES: Final = 1024 * 1024
# CPU time of this thread: a busy neighbour makes no page shorter.
MAX_WORK_SECONDS: Final = 0.1
# What one statement reads at most. The next page reads again what this one has no room for.
SESSIONS_AT_ONCE: Final = 100
EVENTS_AT_ONCE: Final = 500
# A session is seen once its create has committed, which is later than its `created_at`.
SEEN_WITHIN: Final = timedelta(minutes=1)
_EVENTS = """
SELECT sequence, frame_seq, ts_ms, type, payload::text FROM detection_event
WHERE session_id = %s AND sequence > %s AND sequence <= %s
ORDER BY sequence
"""
_CURSOR = re.compile(r"([A-Za-z0-9_-]{32})(?:\.([1-9][0-9]{0,9}))?")


class ExportLine(Answer):
    """A session that has ended, and its events, oldest first."""

    session: Annotated[SessionRecord, doc("The session, as a read of it shows it.")]
    events: Annotated[list[EventRecord], doc("Its events, as the stream sent them.")]
    continues: Annotated[
        bool,
        doc(
            "Whether the next line has further events of this session, with the same record: those "
            "of a session that one page has no room for.",
            False,
        ),
    ]


class Start(NamedTuple):
    """Where a page begins: after a session, or within it, after the event of a sequence."""

    created_at: datetime
    session_id: UUID
    sequence: int = 0

    @classmethod
    def of(cls, cursor: str) -> Self:
        """Raises ValidationFailed for a text that is no cursor of an export."""
        if found := _CURSOR.fullmatch(cursor):
            with suppress(ValueError, OverflowError):
                _, created_at, id_ = parse_cursor(f"newer,{found[1]}")
                return cls(created_at, id_, int(found[2] or 0))
        raise ValidationFailed({"cursor": ["Not a cursor of an export."]})

    @property
    def cursor(self) -> str:
        cursor = encode_cursor(self.created_at, self.session_id)
        return f"{cursor}.{self.sequence}" if self.sequence else cursor

    def following(self, sessions: SessionQuerySet) -> SessionQuerySet:
        """The sessions that follow; within a session it is the first of them."""
        way = "gte" if self.sequence else "gt"
        of_moment = Q(created_at__gt=self.created_at) | Q(**{f"id__{way}": self.session_id})
        return sessions.filter(Q(created_at__gte=self.created_at) & of_moment)


def export_page(
    sessions: SessionQuerySet,
    *,
    organization_id: UUID,
    since: datetime | None,
    until: datetime | None,
    start: Start | None,
    now: datetime,
) -> tuple[bytearray, Start | None, datetime]:
    """A page of `sessions`, which are of one project, from `start` on.

    It has those that were created since `since` and before `until`. It ends at MAX_PAGE_BYTES or
    after MAX_WORK_SECONDS, and has at least one session or event if there is any. Returns its
    lines and where the next one begins. Without a next one, it has all that were created before
    the moment that it also returns.
    """
    ends_at = time.thread_time() + MAX_WORK_SECONDS

    def has_room(size: int) -> bool:
        return size <= MAX_PAGE_BYTES and time.thread_time() < ends_at

    if start is not None:
        sessions = start.following(sessions)
    if since is not None:
        sessions = sessions.filter(created_at__gte=since)
    until = min(until or now, now - SEEN_WITHIN)
    live = sessions.live().filter(created_at__lt=until)
    # Without an order, by which the planner might read all sessions of the project.
    until = min(live.order_by().values_list("created_at", flat=True), default=until)
    if since is not None:
        until = max(since, until)
    body = bytearray()
    reached = start
    ordered = sessions.filter(created_at__lt=until).order_by("created_at", "id")
    for session in every_row(ordered.defer(*UNLISTED_COLUMNS), SESSIONS_AT_ONCE):
        line = ExportLine(session_response(session, organization_id), [], continues=False)
        text = encode(line) + b"\n"
        # Events stand before the last bracket.
        head, tail = text[: text.rindex(b"]")], text[text.rindex(b"]") :]
        events, size, is_full = list[bytes](), len(body) + len(text), False
        is_first = start is not None and start.session_id == session.id
        sequence = start.sequence if start and is_first else 0
        try:
            for event in _events_of(session, sequence):
                one = encode(event_response(session.id, event))
                size += len(one) + (1 if events else 0)
                # A line has one in any case.
                is_full = bool(events) and not has_room(size)
                if is_full:
                    break
                events.append(one)
                sequence = event.sequence
        except DetectionSession.DoesNotExist:
            continue
        if (is_full or not has_room(size)) and reached != start:
            # The session begins the next page.
            return body, reached, until
        body += head + b",".join(events) + (tail.replace(b"false", b"true") if is_full else tail)
        reached = Start(session.created_at, session.id, sequence if is_full else 0)
        if is_full:
            return body, reached, until
    return body, None, until


def _events_of(session: DetectionSession, sequence: int) -> Iterator[NewEvent]:
    """The events of a session after a sequence: sequences have no gap.

    Raises DoesNotExist for a session that was deleted since it was read.
    """
    while session.events_left_at is None and sequence < session.events_total:
        end = min(sequence + EVENTS_AT_ONCE, session.events_total)
        found = _slice_of(session, sequence, end)
        if len(found) < end - sequence:
            DetectionSession.objects.only("id").get(id=session.id)
        yield from found
        sequence = end


def _slice_of(session: DetectionSession, after: int, up_to: int) -> list[NewEvent]:
    """Events with their payloads as PostgreSQL writes them: nothing reads them."""
    with connection.cursor() as cursor:
        cursor.execute(_EVENTS, [session.id, after, up_to])
        rows: list[Any] = cursor.fetchall()
    return [
        NewEvent(sequence, frame_seq, ts_ms, type_, cast("Any", msgspec.Raw(text.encode())))
        for sequence, frame_seq, ts_ms, type_, text in rows
    ]
