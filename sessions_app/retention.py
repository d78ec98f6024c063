"""Retention of sessions and events, of idempotency keys, and of staff's logins and log.

Events leave by their partition, once all of it is due. What no partition takes along in time leaves
in slices: events of an organization with fewer days, and of sessions from before the partitions.
A live session is never touched. Two runs may work at once, and a run may be killed: the next does
the rest.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from django.conf import settings
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.sessions.models import Session
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q, QuerySet

from common.slices import SLICE, update_in_slices
from kynaplatform.checks import MAX_RETENTION_DAYS, MIN_RETENTION_DAYS
from kynaplatform.database.connections import is_out_of_reach
from projects.models import Project
from sessions_app.event_partitions import (
    Partition,
    dated_partitions,
    event_partition_drop,
    length_of,
)
from sessions_app.models import DetectionEvent, DetectionSession
from sessions_app.removal import MAX_SESSIONS, sessions_remove, within_a_batch

IDEMPOTENCY_KEYS_KEPT = timedelta(hours=25)


def forget_idempotency_keys(*, now: datetime, slice_size: int = SLICE) -> int:
    """Free the keys of sessions older than a day; safe to run twice at once."""
    old = DetectionSession.objects.filter(
        request_fingerprint__isnull=False, created_at__lt=now - IDEMPOTENCY_KEYS_KEPT
    )
    return update_in_slices(
        old.order_by("created_at"),
        lambda ids: DetectionSession.objects.filter(id__in=ids).update(
            idempotency_key=None, request_fingerprint=None
        ),
        slice_size,
    )


def may_replay(signing_key_id: UUID, until: datetime) -> bool:
    """Whether an idempotency key names a token that this key signed `until` it retired."""
    return DetectionSession.objects.filter(
        request_fingerprint__isnull=False, created_at__lte=until, signing_key_id=signing_key_id
    ).exists()


def prune_staff_sessions(*, now: datetime, slice_size: int = SLICE) -> int:
    """Delete the browser sessions of staff that have expired."""
    return update_in_slices(
        Session.objects.filter(expire_date__lt=now).order_by("expire_date"),
        lambda keys: Session.objects.filter(session_key__in=keys).delete(),
        slice_size,
    )


def prune_staff_log(*, now: datetime, slice_size: int = SLICE) -> int:
    """Delete the entries of the staff's log that are due, but for those that tell of a deletion."""
    days = settings.STAFF_LOG_RETENTION_DAYS
    if days is None:
        return 0
    due = LogEntry.objects.filter(action_time__lt=now - timedelta(days=days))
    return update_in_slices(
        due.exclude(action_flag=DELETION).order_by("action_time"),
        lambda ids: LogEntry.objects.filter(id__in=ids).delete(),
        slice_size,
    )


logger = logging.getLogger(__name__)

# A run ends after that, and the next one goes on: the worker has other work.
RUN_SECONDS: Final = 1_200
# A session that outlives the day of its partition does so by its longest, at most a day.
LONGEST: Final = timedelta(days=1)


class Kept(NamedTuple):
    """For how many days sessions and their events are kept; None: for good."""

    sessions: int | None
    events: int | None


def kept_of(own_days: int | None = None) -> Kept:
    """The retention of an organization with that many days of its own, or of the platform."""
    if own_days is not None:
        # What was stored before there was a limit.
        own_days = min(own_days, MAX_RETENTION_DAYS)
    sessions = _least(settings.RETENTION_DAYS, own_days)
    return Kept(sessions, _least(settings.EVENTS_RETENTION_DAYS, sessions))


def retention_apply(
    *,
    now: datetime,
    seconds: float = RUN_SECONDS,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Delete what is due by `now`, for `seconds` at most.

    It pauses for as long as it works, so that others have the database for half of the time.
    Returns the number of sessions that were deleted, or lost their events. What fails with one
    project, or one partition, is raised once all others are done.
    """
    pace = _Pace(seconds, sleep)
    gone = 0
    for partition in dated_partitions():
        if not pace.is_over and _is_due(partition, now):
            with pace.apart(partition.name):
                if event_partition_drop(partition):
                    gone += _follow(partition, now, pace)
    # By chance: the backlog of one is not before all others in every run.
    projects = Project.objects.order_by("?")
    for project_id, own_days in list(projects.values_list("id", "organization__retention_days")):
        with pace.apart(f"project {project_id}"):
            gone += _of_project(project_id, own_days, now, pace)
    if pace.failure is not None:
        raise pace.failure
    return gone


class _Pace:
    def __init__(self, seconds: float, sleep: Callable[[float], None]) -> None:
        self._ends_at = time.monotonic() + seconds
        self._sleep = sleep
        self.failure: Exception | None = None

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._ends_at

    @contextmanager
    def apart(self, whose: str) -> Iterator[None]:
        """Keep a failure for the end, but for that of a database that is away."""
        try:
            yield
        except Exception as error:
            if isinstance(error, OperationalError | InterfaceError) and is_out_of_reach(error):
                raise
            logger.exception("the retention of %(whose)s is for the next run", {"whose": whose})
            self.failure = error

    def chunks(self, chunk: Callable[[], int]) -> Iterator[int]:
        """What `chunk` returns, until it finds nothing or the run is over."""
        while not self.is_over:
            began = time.monotonic()
            if not (found := chunk()):
                return
            yield found
            self._sleep(time.monotonic() - began)


def _is_due(partition: Partition, now: datetime) -> bool:
    """Whether each session of the partition has lost its events, or is to by the platform's days.

    An organization's own days are fewer, and are served in batches.
    """
    if partition.ends_at > now - timedelta(days=MIN_RETENTION_DAYS):
        return False
    still = Q(ended_at__isnull=True)
    if (days := kept_of().events) is None:
        still = Q()
    else:
        still |= Q(ended_at__gte=now - timedelta(days=days))
    # The last ones, which keep it, are found first. `exists` would drop the order.
    having = _sessions_of(partition).filter(still, events_left_at__isnull=True)
    return having.only("id").order_by("-id").first() is None


def _sessions_of(partition: Partition) -> QuerySet[DetectionSession]:
    return DetectionSession.objects.filter(id__gte=partition.first, id__lt=partition.behind)


def _follow(partition: Partition, now: datetime, pace: _Pace) -> int:
    """Delete the sessions of a dropped partition that are due, and note of others that theirs left.

    A run that was killed before is made up for by the batches.
    """
    behind_id = UUID(int=partition.first.int - 1)
    days = kept_of().sessions

    def chunk() -> int:
        nonlocal behind_id
        rows = _sessions_of(partition).filter(id__gt=behind_id).order_by("id")
        ids = list(rows.values_list("id", flat=True)[:MAX_SESSIONS])
        if not ids:
            return 0
        if days is not None:
            due = rows.filter(id__in=ids, ended_at__lt=now - timedelta(days=days))
            sessions_remove(list(due.values_list("id", flat=True)))
        _note(ids, now)
        behind_id = ids[-1]
        return len(ids)

    return sum(pace.chunks(chunk))


def _of_project(project_id: UUID, own_days: int | None, now: datetime, pace: _Pace) -> int:
    kept, platform = kept_of(own_days), kept_of()
    gone = 0
    of_project = DetectionSession.objects.ended().filter(project_id=project_id)
    if kept.events is not None and kept.events != kept.sessions:
        until = now - timedelta(days=kept.events) - _patience(kept.events, platform.events)
        due = of_project.filter(events_left_at__isnull=True, ended_at__lt=until)
        gone += sum(pace.chunks(lambda: _chunk(due.order_by("ended_at"), _drop_events(now))))
    if kept.sessions is not None:
        until = now - timedelta(days=kept.sessions)
        without = of_project.filter(events_left_at__isnull=False)
        # None ends before it is created: so the index of created_at serves.
        due = without.filter(created_at__lt=until, ended_at__lt=until)
        gone += sum(pace.chunks(lambda: _chunk(due.order_by("created_at"), sessions_remove)))
        until -= _patience(kept.sessions, platform.events)
        due = of_project.filter(events_left_at__isnull=True, ended_at__lt=until)
        gone += sum(pace.chunks(lambda: _chunk(due.order_by("ended_at"), sessions_remove)))
    return gone


def _patience(days: int, days_of_partitions: int | None) -> timedelta:
    """How long events wait for the rest of their partition, which leaves by a DROP."""
    if days != days_of_partitions:
        return timedelta()
    return length_of(days) + LONGEST


def _chunk(due: QuerySet[DetectionSession], change: Callable[[list[UUID]], object]) -> int:
    """Change the first of the sessions that nobody else does; how many those were."""
    with transaction.atomic():
        # As a deletion does: it would wait for what only refers to them.
        locked = due.select_for_update(skip_locked=True)
        ids = within_a_batch(locked.values_list("id", "events_total")[:MAX_SESSIONS])
        if ids:
            change(ids)
    return len(ids)


def _drop_events(now: datetime) -> Callable[[list[UUID]], None]:
    def drop(ids: list[UUID]) -> None:
        DetectionEvent.objects.filter(session_id__in=ids).delete()
        _note(ids, now)

    return drop


def _note(ids: list[UUID], now: datetime) -> None:
    ended = DetectionSession.objects.ended().filter(id__in=ids)
    ended.filter(events_left_at__isnull=True).update(events_left_at=now)


def _least(*days: int | None) -> int | None:
    return min((each for each in days if each is not None), default=None)
