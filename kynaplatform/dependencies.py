"""Outages of what this process needs of others: told at once, then now and then, and the end.

However many wait for it and try again, it is a line each EVERY_SECONDS. Each failure is a line at
DEBUG. A database whose disk is full is within reach, and is told apart.
"""

import logging
import threading
import time
from typing import Final

logger = logging.getLogger("kynaplatform.outages")

EVERY_SECONDS: Final = 30.0
LONGEST: Final = 300
# A process without failures for so long takes the disk for usable. It has no other sign: what is
# stored meanwhile may need no more room.
FULL_SECONDS: Final = 60.0
DISK_FULL: Final = "53100"


class Outage:
    """Outages of one dependency, in any thread. One that comes and goes is two lines each 30 s."""

    def __init__(self, dependency: str) -> None:
        self._dependency = dependency
        self._lock = threading.Lock()
        self._since: float | None = None
        self._is_told = False
        self._told_until = 0.0
        self._failures = 0
        self._full_until = 0.0

    @property
    def has_full_disk(self) -> bool:
        """Whether the last failures began with a disk that is full: the database may end by it."""
        return time.monotonic() < self._full_until

    def met(self, error: BaseException) -> None:
        """Someone could not reach it."""
        now = time.monotonic()
        with self._lock:
            is_full = is_disk_full(error)
            if is_full or self.has_full_disk:
                self._full_until = now + FULL_SECONDS
            if not is_full and self._since is None:
                self._since = now
            self._failures += 1
            failures, is_due = self._failures, now >= self._told_until
            if is_due:
                self._told_until = now + EVERY_SECONDS
                self._is_told, self._failures = self._is_told or not is_full, 0
        logger.log(
            logging.WARNING if is_due else logging.DEBUG,
            "%(dependency)s %(fault)s (failures: %(failures)d): %(error)s",
            {
                "dependency": self._dependency,
                "fault": "has a full disk" if is_full else "is out of reach",
                "failures": failures,
                "error": _in_short(error),
            },
        )

    def over(self) -> None:
        """Someone has reached it. Costs nothing where nobody has failed to."""
        if self._since is None:
            return
        with self._lock:
            since, is_told = self._since, self._is_told
            self._since, self._is_told, self._failures = None, False, 0
        if since is not None and is_told:
            logger.warning(
                "%(dependency)s is back after %(seconds).1f s",
                {
                    "dependency": self._dependency,
                    "seconds": round(time.monotonic() - since, 1),
                },
            )


def is_disk_full(error: BaseException) -> bool:
    """True where PostgreSQL could not write for want of room, by its error or Django's of it."""
    return DISK_FULL in (getattr(one, "sqlstate", None) for one in (error, error.__cause__))


def _in_short(error: BaseException) -> str:
    return " ".join(str(error).split())[:LONGEST] or type(error).__name__


DATABASE: Final = Outage("the database")
# A runtime's, which may be at another address: other connections don't end its outage.
LISTENER: Final = Outage("the listener's database")
REDIS: Final = Outage("Redis")
BROKER: Final = Outage("the broker")
