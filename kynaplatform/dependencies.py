"""Outages of the services that this process needs: reported at once, every 30 s, and at their end.

However many callers wait and retry, an outage is one line per REPORT_SECONDS; each failure is also
a line at DEBUG. A database whose disk is full is within reach, and reported as such.
"""

import logging
import threading
import time
from typing import Final

logger = logging.getLogger("kynaplatform.outages")

REPORT_SECONDS: Final = 30.0
MAX_ERROR_CHARACTERS: Final = 300
# Without failures for this long, the disk counts as usable again. There is no other sign: what is
# stored meanwhile may need no more room.
FULL_SECONDS: Final = 60.0
DISK_FULL: Final = "53100"


class Outage:
    """The outages of one dependency, in any thread; one that flickers is two lines per 30 s."""

    def __init__(self, dependency: str) -> None:
        self._dependency = dependency
        self._lock = threading.Lock()
        self._since: float | None = None
        self._is_reported = False
        self._quiet_until = 0.0
        self._failures = 0
        self._full_until = 0.0

    @property
    def has_full_disk(self) -> bool:
        """Whether the last failures began with a full disk, which may also end the database."""
        return time.monotonic() < self._full_until

    def record_failure(self, error: BaseException) -> None:
        now = time.monotonic()
        with self._lock:
            is_full = is_disk_full(error)
            if is_full or self.has_full_disk:
                self._full_until = now + FULL_SECONDS
            if not is_full and self._since is None:
                self._since = now
            self._failures += 1
            failures, is_due = self._failures, now >= self._quiet_until
            if is_due:
                self._quiet_until = now + REPORT_SECONDS
                self._is_reported, self._failures = self._is_reported or not is_full, 0
        logger.log(
            logging.WARNING if is_due else logging.DEBUG,
            "%(dependency)s %(fault)s (failures: %(failures)d): %(error)s",
            {
                "dependency": self._dependency,
                "fault": "has a full disk" if is_full else "is out of reach",
                "failures": failures,
                "error": " ".join(str(error).split())[:MAX_ERROR_CHARACTERS]
                or type(error).__name__,
            },
        )

    def record_recovery(self) -> None:
        """Costs nothing without an outage."""
        if self._since is None:
            return
        with self._lock:
            since, is_reported = self._since, self._is_reported
            self._since, self._is_reported, self._failures = None, False, 0
        if since is not None and is_reported:
            logger.warning(
                "%(dependency)s is back after %(seconds).1f s",
                {"dependency": self._dependency, "seconds": round(time.monotonic() - since, 1)},
            )


def is_disk_full(error: BaseException) -> bool:
    """Whether PostgreSQL could not write for want of room, by its error or Django's wrapper."""
    return DISK_FULL in (getattr(one, "sqlstate", None) for one in (error, error.__cause__))


DATABASE: Final = Outage("the database")
# A runtime's LISTEN may use another address, so other connections don't end its outage.
LISTENER: Final = Outage("the listener's database")
REDIS: Final = Outage("Redis")
BROKER: Final = Outage("the broker")
