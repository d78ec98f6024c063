"""The export of a project's sessions with their events, in the order of their creation.

It ends before the first live session, and a minute before now: later sessions follow it, and none
is doubled, lost or unfinished. A session that is deleted while its page is made is omitted; one
whose events retention deletes meanwhile has fewer, or none.
"""

import re
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import product
from typing import Annotated, Any, Final, NamedTuple, Self
from uuid import UUID

import msgspec
from django.db import connection
from django.db.models import Q

from common.keyset import encode_cursor, parse_cursor
from kynaplatform.api.errors import ValidationFailed
from kynaplatform.api.schemas import Answer, doc
from kynaplatform.api.views import encode
from sessions_app.checkpoints import NewEvent
from sessions_app.events import EventRecord, event_response
from sessions_app.listing import UNLISTED_COLUMNS
from sessions_app.models import LIVE_STATUSES, DetectionSession, Mode, SessionQuerySet
from sessions_app.schemas import SessionRecord, session_response

MAX_PAGE_BYTES: Final = 1024 * 1024
# CPU time of this thread: a busy neighbour makes no page shorter.
MAX_WORK_SECONDS: Final = 0.1
# What one statement reads at most. The next page reads again what this one has no room for.
SESSIONS_AT_ONCE: Final = 100
EVENTS_AT_ONCE: Final = 500
# A session is seen once its create has committed, which is later than its `created_at`.
SEEN_WITHIN: Final = timedelta(minutes=1)
# By the key of each part, whatever the plan was made on.
_EVENTS = """
SELECT event.*
FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[]) AS part (session_id, after, up_to)
CROSS JOIN LATERAL (
    SELECT session_id, sequence, frame_seq, ts_ms, type, payload::text
    FROM detection_event
    WHERE session_id = part.session_id AND sequence > part.after AND sequence <= part.up_to
    ORDER BY sequence
    LIMIT part.up_to - part.after
) AS event
ORDER BY event.session_id, event.sequence
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
        try:
            found = _CURSOR.fullmatch(cursor)
            if found is not None:
                _, created_at, id_ = parse_cursor(f"newer,{found[1]}")
                return cls(created_at, id_, int(found[2] or 0))
        except (ValueError, OverflowError):
            pass
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


class Page(NamedTuple):
    """The lines of a page, and where the next one begins if there is one.

    Without a next page, every session that was created before `until` is exported.
    """

    body: bytearray
    next: Start | None
    until: datetime


class _Line:
    """A session's line at the end of a page's body, while events are added."""

    def __init__(
        self, body: bytearray, session: DetectionSession, organization_id: UUID, ends_at: float
    ) -> None:
        line = ExportLine(session_response(session, organization_id), [], continues=False)
        text = encode(line) + b"\n"
        # Events stand before the last bracket.
        end_of_events = text.rindex(b"]")
        self._body, self._session, self._sequence, self._ends_at = body, session, 0, ends_at
        self._begins_at, self._tail = len(body), text[end_of_events:]
        body += text[:end_of_events]

    def has_room(self, more: bytes = b"") -> bool:
        """Whether the page's bytes and time allow it."""
        size = len(self._body) + len(more) + len(self._tail)
        return size <= MAX_PAGE_BYTES and time.thread_time() < self._ends_at

    def add(self, event: NewEvent) -> bool:
        """Add the event if there is room: a line has one in any case."""
        text = encode(event_response(self._session.id, event))
        if self._sequence:
            text = b"," + text
            if not self.has_room(text):
                return False
        self._body += text
        self._sequence = event.sequence
        return True

    def remove(self) -> None:
        del self._body[self._begins_at :]

    def end(self, *, continues: bool) -> Start:
        self._body += self._tail.replace(b"false", b"true") if continues else self._tail
        session = self._session
        return Start(session.created_at, session.id, self._sequence if continues else 0)


def export_page(
    sessions: SessionQuerySet,
    *,
    organization_id: UUID,
    since: datetime | None,
    until: datetime | None,
    start: Start | None,
    now: datetime,
) -> Page:
    """A page of `sessions`, which are of one project, from `start` on.

    It has those that were created since `since` and before `until`. It ends at MAX_PAGE_BYTES or
    after MAX_WORK_SECONDS, and has at least one session or event if there is any.
    """
    ends_at = time.thread_time() + MAX_WORK_SECONDS
    if since is not None:
        sessions = sessions.filter(created_at__gte=since)
    until = _first_live(sessions, min(until or now, now - SEEN_WITHIN), start)
    if since is not None:
        until = max(since, until)
    body = bytearray()
    reached, line = start, None
    for part, events in _with_events(sessions.filter(created_at__lt=until), start):
        if events is None:
            if line is not None:
                line.remove()
            line = None
            continue
        line = line or _Line(body, part.session, organization_id, ends_at)
        is_full = not all(map(line.add, events))
        if not is_full and part.up_to < part.session.events_total:
            continue
        if (is_full or not line.has_room()) and reached != start:
            # The session begins the next page.
            line.remove()
            return Page(body, reached, until)
        reached = line.end(continues=is_full)
        if is_full:
            return Page(body, reached, until)
        line = None
    return Page(body, None, until)


def _first_live(sessions: SessionQuerySet, until: datetime, start: Start | None) -> datetime:
    """When the first live session was created; `until` if there is none before."""
    live = (start.following(sessions) if start else sessions).live().filter(created_at__lt=until)
    # In each an index has the first one first.
    first = [
        live.filter(status=status, mode=mode)
        .order_by("created_at")
        .values_list("created_at", flat=True)[:1]
        for status, mode in product(LIVE_STATUSES, Mode.values)
    ]
    return min(first[0].union(*first[1:], all=True), default=until)


class _Part(NamedTuple):
    """The events of a session after a sequence, up to another."""

    session: DetectionSession
    after: int
    up_to: int


def _with_events(
    sessions: SessionQuerySet, start: Start | None
) -> Iterator[tuple[_Part, list[NewEvent] | None]]:
    """Each session from `start` on, in parts with their events; None once it was deleted."""
    ordered = sessions.defer(*UNLISTED_COLUMNS).order_by("created_at", "id")
    after, some = start, None
    while some is None or len(some) == SESSIONS_AT_ONCE:
        some = list((after.following(ordered) if after else ordered)[:SESSIONS_AT_ONCE])
        for parts in _parts(some, start):
            events = _events_of(parts)
            deleted = _deleted(parts, events)
            for part in parts:
                id_ = part.session.id
                yield part, None if id_ in deleted else events.get(id_, [])
        if some:
            after = Start(some[-1].created_at, some[-1].id)


def _parts(sessions: list[DetectionSession], start: Start | None) -> Iterator[list[_Part]]:
    """The parts of `sessions` that have EVENTS_AT_ONCE together: sequences have no gap."""
    parts: list[_Part] = []
    free = EVENTS_AT_ONCE
    for session in sessions:
        total = session.events_total
        is_first = start is not None and start.session_id == session.id
        up_to = min(start.sequence, total) if start and is_first else 0
        while True:
            after, up_to = up_to, min(up_to + free, total)
            parts.append(_Part(session, after, up_to))
            free -= up_to - after
            if up_to == total:
                break
            yield parts
            parts, free = [], EVENTS_AT_ONCE
    if parts:
        yield parts


def _events_of(parts: list[_Part]) -> dict[UUID, list[NewEvent]]:
    """The events by their session. Payloads stay as PostgreSQL writes them: nothing reads them."""
    known = [part for part in parts if part.up_to > part.after]
    events: dict[UUID, list[NewEvent]] = {}
    if not known:
        return events
    columns = zip(*((part.session.id, part.after, part.up_to) for part in known), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_EVENTS, [*map(list, columns)])
        for session_id, sequence, frame_seq, ts_ms, type_, text in cursor.fetchall():
            payload: Any = msgspec.Raw(text.encode())
            event = NewEvent(sequence, frame_seq, ts_ms, type_, payload)
            events.setdefault(session_id, []).append(event)
    return events


def _deleted(parts: list[_Part], events: dict[UUID, list[NewEvent]]) -> set[UUID]:
    """The sessions that were deleted before their events were read."""
    short = {
        part.session.id
        for part in parts
        if part.session.events_left_at is None
        and len(events.get(part.session.id, ())) < part.up_to - part.after
    }
    if not short:
        return short
    there = DetectionSession.objects.filter(id__in=short)
    return short - set(there.values_list("id", flat=True))
