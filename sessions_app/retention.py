"""Retention of sessions and events, of idempotency keys, and of staff's logins and log.

Events leave by the DROP of their partition, once no session in it keeps them. Other events leave in
slices: those of an organization that keeps them for fewer days, and those from before the
partitions. A live session is never touched. Two runs may work at once, and a run may be killed: the
next does the rest.
"""

import logging
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, NamedTuple
from uuid import UUID

from django.conf import settings
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.sessions.models import Session
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Q

from common.keyset import first_id_of
from common.slices import delete_in_slices, update_in_slices
from kynaplatform.checks import MAX_RETENTION_DAYS, MIN_RETENTION_DAYS
from kynaplatform.database.connections import is_lock_timeout, is_out_of_reach
from projects.models import Project
from sessions_app.lifecycle import sessions_remove, within_a_batch
from sessions_app.models import DetectionEvent, DetectionSession, SessionQuerySet

logger = logging.getLogger(__name__)

# Sessions, and what to do with their ids.
Change = tuple[SessionQuerySet, Callable[[list[UUID]], object]]
IDEMPOTENCY_KEYS_KEPT: Final = timedelta(hours=25)
# A run ends after that, and the next one goes on: the worker has other work.
RUN_SECONDS: Final = 1_200
# How much longer than its partition's last day a session may stream: the maximum session length.
MAX_OUTLIVED: Final = timedelta(days=1)
# Partitions are made this long ahead: a worker may be away meanwhile.
AHEAD: Final = timedelta(days=14)
# With less ahead the task fails, so that its alert fires while there is time.
MIN_AHEAD: Final = timedelta(days=7)
DAY, WEEK = timedelta(days=1), timedelta(days=7)
# Up to this retention a partition has one day, else a week: it leaves once all of it is due.
MAX_DAYS_OF_DAILY: Final = 60
# A partition's lock, behind which others wait, times out after 200 ms and is tried again.
LOCK_TRIES, LOCK_PAUSE_SECONDS = 20, 0.5
_MONDAY: Final = datetime(2024, 1, 1, tzinfo=UTC)
_DATED: Final = """
SELECT relname, pg_get_expr(relpartbound, pg_class.oid)
FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = 'detection_event'::regclass
    AND relname ~ '^detection_event_[0-9]{4}_[0-9]{2}_[0-9]{2}$'
ORDER BY relname
"""


def forget_idempotency_keys(*, now: datetime) -> int:
    """Free the keys of sessions older than a day; safe to run twice at once."""
    old = DetectionSession.objects.filter(
        request_fingerprint__isnull=False, created_at__lt=now - IDEMPOTENCY_KEYS_KEPT
    )
    return update_in_slices(
        old.order_by("created_at"),
        lambda ids: DetectionSession.objects.filter(id__in=ids).update(
            idempotency_key=None, request_fingerprint=None
        ),
    )


def may_replay(signing_key_id: UUID, until: datetime) -> bool:
    """Whether an idempotency key names a token that this key signed `until` it retired."""
    return DetectionSession.objects.filter(
        request_fingerprint__isnull=False, created_at__lte=until, signing_key_id=signing_key_id
    ).exists()


def prune_staff_sessions(*, now: datetime) -> int:
    return delete_in_slices(Session.objects.filter(expire_date__lt=now).order_by("expire_date"))


def prune_staff_log(*, now: datetime) -> int:
    """Delete old entries of the staff's log, except those of deletions."""
    days = settings.STAFF_LOG_RETENTION_DAYS
    if days is None:
        return 0
    old = LogEntry.objects.filter(action_time__lt=now - timedelta(days=days))
    return delete_in_slices(old.exclude(action_flag=DELETION).order_by("action_time"))


class Kept(NamedTuple):
    """For how many days sessions and their events are kept; None: for good."""

    sessions: int | None
    events: int | None


def kept_of(own_days: int | None = None) -> Kept:
    """The retention of an organization with that many days of its own, or of the platform."""
    days = [one for one in (settings.RETENTION_DAYS, own_days) if one is not None]
    # More days than the limit may be stored from before there was one.
    sessions = min(*days, MAX_RETENTION_DAYS) if days else None
    events = [one for one in (settings.EVENTS_RETENTION_DAYS, sessions) if one is not None]
    return Kept(sessions, min(events, default=None))


class TooFewPartitions(Exception):
    """The partitions end soon, and another could not be made."""


class Partition(NamedTuple):
    """A partition of the sessions with ids from `first` on and below `end`."""

    name: str
    first: UUID
    end: UUID

    @property
    def ends_at(self) -> datetime:
        """Every session of it was created before."""
        return datetime.fromtimestamp((self.end.int >> 80) / 1000, UTC)

    @property
    def sessions(self) -> SessionQuerySet:
        return DetectionSession.objects.filter(id__gte=self.first, id__lt=self.end)


def dated_partitions() -> list[Partition]:
    """The partitions that have a day in their name, the earliest first."""
    with connection.cursor() as cursor:
        cursor.execute(_DATED)
        rows: list[tuple[str, str]] = cursor.fetchall()
    return [Partition(name, *map(UUID, re.findall(r"'([0-9a-f-]+)'", b))) for name, b in rows]


def event_partitions_make(*, now: datetime, kept_days: int | None) -> int:
    """Make the partitions of the next days; safe to run twice at once. Returns how many.

    It makes none of a time that has begun, whose sessions have events elsewhere already. Raises
    TooFewPartitions where the partitions end in less than seven days.
    """
    length = _length_of(kept_days)
    start = max([_next_boundary(now, DAY), *(one.ends_at for one in dated_partitions())])
    made = 0
    while start < now + AHEAD:
        end = _next_boundary(start, length)
        name = f"detection_event_{start:%Y_%m_%d}"
        bounds = first_id_of(start), first_id_of(end)
        if not _with_lock("event_partition_make(%s, %s, %s)", name, *bounds):
            if start < now + MIN_AHEAD:
                raise TooFewPartitions(f"Events have partitions until {start:%Y-%m-%d} alone.")
            break
        made += 1
        start = end
    return made


def _length_of(kept_days: int | None) -> timedelta:
    """The length of a new partition whose events are kept for so many days; None: for good."""
    return DAY if kept_days is not None and kept_days <= MAX_DAYS_OF_DAILY else WEEK


def _next_boundary(moment: datetime, length: timedelta) -> datetime:
    """The first day (or Monday) after the moment."""
    return moment + length - (moment - _MONDAY) % length


def event_partition_drop(partition: Partition) -> bool:
    """Drop the partition with its events. Returns False if the lock could not be had."""
    return _with_lock("event_partition_drop(%s)", partition.name)


def _with_lock(call: str, *parameters: str | UUID) -> bool:
    for _ in range(LOCK_TRIES):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SELECT {call}", parameters)
        except OperationalError as error:
            if not is_lock_timeout(error):
                raise
            time.sleep(LOCK_PAUSE_SECONDS)
        else:
            return True
    logger.warning("A partition of events is in use: it is left to the next run.")
    return False


def retention_apply(*, now: datetime) -> int:
    """Delete what is due by `now`, for RUN_SECONDS at most.

    It pauses for as long as it works, so that others have the database for half of the time.
    Returns how many sessions lost their events, and how many were deleted. What fails with one
    project, or one partition, is raised once all others are done.
    """
    until = time.monotonic() + RUN_SECONDS
    gone, failure = 0, None
    for whose, changes in _parts(now):
        if time.monotonic() >= until:
            break
        try:
            for due, change in changes():
                gone += _change_until(until, due, change)
        except Exception as error:
            if isinstance(error, OperationalError | InterfaceError) and is_out_of_reach(error):
                raise
            logger.exception("the retention of %(whose)s is for the next run", {"whose": whose})
            failure = error
    if failure is not None:
        raise failure
    return gone


def _parts(now: datetime) -> Iterator[tuple[str, Callable[[], Iterator[Change]]]]:
    for partition in dated_partitions():
        yield partition.name, partial(_changes_of_partition, partition, now)
    # In random order: the backlog of one project is not before all others in every run.
    projects = Project.objects.order_by("?").values_list("id", "organization__retention_days")
    for id_, days in projects:
        yield f"project {id_}", partial(_changes_of_project, id_, days, now)


def _change_until(
    until: float, due: SessionQuerySet, change: Callable[[list[UUID]], object]
) -> int:
    """Change the sessions in batches, except those that another has locked. Returns how many.

    The lock is that of a deletion: it would wait for what only refers to the sessions.
    """
    changed = 0
    while (began := time.monotonic()) < until:
        with transaction.atomic():
            ids = within_a_batch(due.select_for_update(skip_locked=True))
            if not ids:
                break
            change(ids)
        changed += len(ids)
        time.sleep(time.monotonic() - began)
    return changed


def _changes_of_partition(partition: Partition, now: datetime) -> Iterator[Change]:
    """Drop the partition if its sessions have lost their events, or are to by the platform's days.

    An organization's own days are fewer, and are applied in batches.
    """
    if partition.ends_at > now - timedelta(days=MIN_RETENTION_DAYS):
        return
    with_events = partition.sessions.filter(events_left_at__isnull=True)
    keeping = with_events
    if (days := kept_of().events) is not None:
        is_kept = Q(ended_at__isnull=True) | Q(ended_at__gte=now - timedelta(days=days))
        keeping = keeping.filter(is_kept)
    # The newest sessions keep their events longest. `exists` would drop the order.
    is_due = keeping.only("id").order_by("-id").first() is None
    if is_due and event_partition_drop(partition):
        yield with_events.ended(), partial(_note, now)


def _changes_of_project(project_id: UUID, own_days: int | None, now: datetime) -> Iterator[Change]:
    kept, platform = kept_of(own_days), kept_of()
    ended = DetectionSession.objects.ended().filter(project_id=project_id)

    def due_with_events(days: int) -> SessionQuerySet:
        until = now - timedelta(days=days)
        if days == platform.events:
            # Events wait for the rest of their partition, which leaves by a DROP.
            until -= _length_of(days) + MAX_OUTLIVED
        due = ended.filter(events_left_at__isnull=True, ended_at__lt=until)
        return due.order_by("ended_at")

    if kept.events is not None and kept.events != kept.sessions:
        yield due_with_events(kept.events), partial(_drop_events, now)
    if kept.sessions is not None:
        until = now - timedelta(days=kept.sessions)
        without = ended.filter(events_left_at__isnull=False)
        # None ends before it is created, so the index of created_at serves.
        due = without.filter(created_at__lt=until, ended_at__lt=until).order_by("created_at")
        yield due, sessions_remove
        yield due_with_events(kept.sessions), sessions_remove


def _drop_events(now: datetime, ids: list[UUID]) -> None:
    DetectionEvent.objects.filter(session_id__in=ids).delete()
    _note(now, ids)


def _note(now: datetime, ids: list[UUID]) -> None:
    """Note that these sessions have no events any more."""
    DetectionSession.objects.filter(id__in=ids).update(events_left_at=now)
