"""Rate limits of one process: its threads count in a dictionary, and it forgets with its end."""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Sequence

from . import SECOND, WINDOW, Decision, Limit, Usage, check_limits, decide

MOST_KEYS = 1 << 16


class ProcessCounter:
    """Counts the hits of this process alone.

    Of more than `most_keys` keys it forgets the one whose last hit is the oldest, which then has
    its whole quota again: strangers choose keys, and memory has an end. Time is the system's
    monotonic clock, which nobody sets back. A `now` before the newest hit counts as the newest
    hit's time; over 60 s before it, as a new clock.
    """

    def __init__(self, most_keys: int = MOST_KEYS) -> None:
        self._most_keys = most_keys
        # The times of each key's hits, oldest first; of the keys, first the one hit longest ago.
        self._times: OrderedDict[str, deque[int]] = OrderedDict()
        self._newest = 0
        self._lock = threading.Lock()

    def hit(self, limits: Sequence[Limit], now: float | None = None) -> Decision:
        return self._count(limits, now, counting=True)

    def peek(self, limits: Sequence[Limit], now: float | None = None) -> Decision:
        return self._count(limits, now, counting=False)

    def _count(self, limits: Sequence[Limit], now: float | None, *, counting: bool) -> Decision:
        check_limits(limits)
        with self._lock:
            moment = self._move_to(time.monotonic() if now is None else now)
            usages = [self._usage(limit, moment) for limit in limits]
            allowed = all(usage.used < usage.quota for usage in usages)
            if allowed and counting:
                for limit in limits:
                    self._append(limit.key, moment)
                usages = [usage._replace(used=usage.used + 1) for usage in usages]
        return decide(allowed, moment, usages)

    def _move_to(self, now: float) -> int:
        """Forget the keys without a hit in the window; return the time to count with."""
        moment = int(now * SECOND)
        if moment < self._newest - WINDOW:
            self._times.clear()
        else:
            moment = max(moment, self._newest)
        self._newest = moment
        while self._times:
            key = next(iter(self._times))
            if self._times[key][-1] > moment - WINDOW:
                break
            del self._times[key]
        return moment

    def _usage(self, limit: Limit, moment: int) -> Usage:
        times = self._times.get(limit.key)
        if times is None:
            return Usage(limit.quota, 0, moment)
        while times[0] <= moment - WINDOW:
            times.popleft()
        used = len(times)
        # Of a quota of 0 no hit's leaving admits one.
        frees_at = times[max(0, used - limit.quota)] if limit.quota else moment
        return Usage(limit.quota, used, frees_at)

    def _append(self, key: str, moment: int) -> None:
        times = self._times.get(key)
        if times is None:
            if len(self._times) >= self._most_keys:
                self._times.popitem(last=False)
            times = self._times[key] = deque()
        times.append(moment)
        self._times.move_to_end(key)
