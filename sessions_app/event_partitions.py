"""The partitions of events, each of the sessions that were created in some days.

`detection_event` is partitioned by the id of its session, which begins with its time, so that old
events leave by a DROP. An event never lacks a partition: `detection_event_other` takes what lies in
no other. `detection_event_before` and `detection_event_random` have what was stored before.
"""

import logging
import re
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from django.db import OperationalError, connection, transaction

from common.keyset import first_id_of
from kynaplatform.database.connections import is_lock_timeout

logger = logging.getLogger(__name__)

# Partitions are made so long before they are needed. A worker may be away meanwhile.
AHEAD: Final = timedelta(days=14)
# With less ahead the task fails, so that its alert fires while there is time.
MIN_AHEAD: Final = timedelta(days=7)
DAY, WEEK = timedelta(days=1), timedelta(days=7)
# Up to so long a retention a partition has one day, else a week: it leaves once all of it is due.
DAYS_OF_DAYS: Final = 60
# A lock that others wait behind is waited for 200 ms, and asked for again after a pause. The rest
# is the next run's.
TRIES, PAUSE_SECONDS = 20, 0.5
_MONDAY: Final = datetime(2024, 1, 1, tzinfo=UTC)
_DATED: Final = """
SELECT relname, pg_get_expr(relpartbound, pg_class.oid)
FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = 'detection_event'::regclass
    AND relname ~ '^detection_event_[0-9]{4}_[0-9]{2}_[0-9]{2}$'
ORDER BY relname
"""


class TooFewPartitions(Exception):
    """The partitions end soon, and another was not to be had."""


class Partition(NamedTuple):
    """A partition of the sessions with ids from `first` on and below `behind`."""

    name: str
    first: UUID
    behind: UUID

    @property
    def ends_at(self) -> datetime:
        """No session of it was created then, or later."""
        return datetime.fromtimestamp((self.behind.int >> 80) / 1000, UTC)


def dated_partitions() -> list[Partition]:
    """The partitions that have a day in their name, the earliest first."""
    with connection.cursor() as cursor:
        cursor.execute(_DATED)
        rows: list[tuple[str, str]] = cursor.fetchall()
    bounds = ((name, re.findall(r"'([0-9a-f-]+)'", bound)) for name, bound in rows)
    return [Partition(name, UUID(first), UUID(behind)) for name, (first, behind) in bounds]


def length_of(kept_days: int | None) -> timedelta:
    """The length of a new partition whose events are kept for so many days; None: for good."""
    return DAY if kept_days is not None and kept_days <= DAYS_OF_DAYS else WEEK


def event_partitions_make(*, now: datetime, kept_days: int | None) -> int:
    """Make the partitions of the next days; safe to run twice at once. Returns how many.

    None is made of a time that has begun: sessions of that time have events elsewhere already.
    Raises TooFewPartitions where those that there are end in less than seven days.
    """
    length = length_of(kept_days)
    partitions = dated_partitions()
    start = _next_boundary(now, DAY)
    if partitions:
        start = max(start, partitions[-1].ends_at)
    made = 0
    while start < now + AHEAD:
        end = _next_boundary(start, length)
        partition = Partition(_name_of(start.date()), first_id_of(start), first_id_of(end))
        if not _with_lock("event_partition_make(%s, %s, %s)", *partition):
            if start < now + MIN_AHEAD:
                raise TooFewPartitions(f"Events have partitions until {start:%Y-%m-%d} alone.")
            break
        made += 1
        start = end
    return made


def event_partition_drop(partition: Partition) -> bool:
    """Drop the partition with its events. Whether it is gone: else a lock was not to be had."""
    return _with_lock("event_partition_drop(%s)", partition.name)


def _with_lock(
    call: str, *parameters: str | UUID, sleep: Callable[[float], None] = time.sleep
) -> bool:
    for _ in range(TRIES):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SELECT {call}", parameters)
        except OperationalError as error:
            if not is_lock_timeout(error):
                raise
            sleep(PAUSE_SECONDS)
        else:
            return True
    logger.warning("A partition of events is in use: it is left to the next run.")
    return False


def _next_boundary(moment: datetime, length: timedelta) -> datetime:
    """The first day (or Monday) after the moment."""
    return moment + length - (moment - _MONDAY) % length


def _name_of(day: date) -> str:
    return f"detection_event_{day:%Y_%m_%d}"
