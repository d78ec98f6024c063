"""The database's time, by which everything is decided on all machines.

A process knows it from a measurement of at most a minute ago, plus the time since by its own
monotonic clock. By a fast clock of its own, a process would end sessions for good.
"""

import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.utils import timezone
from prometheus_client import Gauge

logger = logging.getLogger("kynaplatform.clock")

MEASURED_WITHIN_SECONDS: Final = 60.0
# A statement that took longer measures less precisely.
PRECISE_SECONDS: Final = 0.2
LOGGED_FROM_SECONDS: Final = 1.0

SKEW = Gauge(
    "kyna_clock_skew_seconds",
    "By how much this machine's clock is ahead of the database's.",
    multiprocess_mode="mostrecent",
)


@dataclass(frozen=True, slots=True)
class _Measurement:
    database_time: datetime
    at: float  # of `ticks`
    took: float  # in seconds; the error is up to half of it

    def is_kept(self, other: "_Measurement") -> bool:
        """Whether the newer `other` adds nothing to this one."""
        age = other.at - self.at
        if self.took > PRECISE_SECONDS:
            return age < MEASURED_WITHIN_SECONDS and other.took >= self.took
        return age < MEASURED_WITHIN_SECONDS / (1 if other.took > PRECISE_SECONDS else 2)


_last: _Measurement | None = None


def ticks() -> float:
    """Monotonic seconds, which go on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def now(measured_within: float = MEASURED_WITHIN_SECONDS) -> datetime:
    """The database's time, measured again if the last measurement is older, in seconds.

    Raises what a statement raises.
    """
    if _last is None or ticks() - _last.at > measured_within:
        _ask()
    return known_now()


def known_now() -> datetime:
    """As `now` without a statement, for an event loop: by the last measurement, however old.

    Before the first, this machine's own time.
    """
    last = _last
    if last is None:
        return timezone.now()  # noqa: TID251
    return last.database_time + timedelta(seconds=ticks() - last.at)


def measured(database_time: datetime, asked_at: float) -> None:
    """Take the clock_timestamp() of a statement sent at `asked_at`, by `ticks`."""
    global _last
    took = ticks() - asked_at
    found = _Measurement(database_time, asked_at + took / 2, took)
    if _last is not None and _last.is_kept(found):
        return
    _last = found
    skew = (timezone.now() - known_now()).total_seconds()  # noqa: TID251
    SKEW.set(skew)
    if abs(skew) > LOGGED_FROM_SECONDS:
        logger.warning(
            "this machine's clock is %(seconds).1f s %(side)s the database's, which counts",
            {"seconds": round(abs(skew), 1), "side": "ahead of" if skew > 0 else "behind"},
        )


def _ask() -> None:
    with connection.cursor() as cursor:
        asked_at = ticks()
        cursor.execute("SELECT clock_timestamp()")
        [database_time] = cursor.fetchone()
    measured(database_time, asked_at)
