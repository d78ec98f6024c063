"""Rate limits of one process: its threads count in a dictionary, and it forgets with its end."""

import threading
import time
from collections import OrderedDict, defaultdict, deque
from collections.abc import Sequence

from . import FARTHEST_BACK, SECOND, Counter, Decision, Limit, Usage, check_limits, decide, quota_of

MAX_KEYS = 1 << 16

# The times of each key's hits, oldest first; of the keys, first the one hit longest ago.
Times = OrderedDict[str, deque[int]]


class ProcessCounter(Counter):
    """Counts the hits of this process alone.

    Of more than `most_keys` keys with one window it forgets the one whose last hit is the oldest,
    which then has its whole quota again: strangers choose keys, and memory has an end. Time is the
    system's monotonic clock, which nobody sets back. A `now` before the newest hit counts as the
    newest hit's time; over 60 s before it, as a new clock.
    """

    def __init__(self, most_keys: int = MAX_KEYS) -> None:
        self._most_keys = most_keys
        # By their window: so those without a hit in it come first, and are found.
        self._times: defaultdict[int, Times] = defaultdict(OrderedDict)
        self._newest = 0
        self._lock = threading.Lock()

    def count(self, limits: Sequence[Limit], now: float | None, *, counting: bool) -> Decision:
        check_limits(limits)
        with self._lock:
            moment = self._move_to(time.monotonic() if now is None else now)
            usages = self._usages(limits, moment)
            allowed = all(usage.used < usage.quota for usage in usages)
            if allowed and counting:
                for limit in limits:
                    self._append(limit, moment)
                usages = self._usages(limits, moment)
        return decide(allowed, moment, limits, usages)

    def take_back(self, limits: Sequence[Limit]) -> None:
        with self._lock:
            for limit in limits:
                known = self._times[limit.window]
                if times := known.get(limit.key):
                    for _ in range(min(limit.hits, len(times))):
                        times.pop()
                    if not times:
                        del known[limit.key]

    def _move_to(self, now: float) -> int:
        """Forget the keys without a hit in their window; return the time to count with."""
        moment = int(now * SECOND)
        if moment < self._newest - FARTHEST_BACK:
            self._times.clear()
        else:
            moment = max(moment, self._newest)
        self._newest = moment
        for window, times in self._times.items():
            while times:
                key = next(iter(times))
                if times[key][-1] > moment - window:
                    break
                del times[key]
        return moment

    def _usages(self, limits: Sequence[Limit], moment: int) -> list[Usage]:
        hits = [self._hits(limit, moment) for limit in limits]
        usages = []
        for limit, times in zip(limits, hits, strict=True):
            used = len(times)
            quota = quota_of(limit, used, limits[0], len(hits[0]))
            # Of a quota of 0 no hit's leaving admits one.
            frees_at = times[max(0, used - quota)] if used and quota else moment
            usages.append(Usage(used, frees_at, quota))
        return usages

    def _hits(self, limit: Limit, moment: int) -> Sequence[int]:
        known = self._times[limit.window]
        times = known.get(limit.key)
        if times is None:
            return ()
        while times and times[0] <= moment - limit.window:
            times.popleft()
        if not times:  # its last hit was taken back, so it stood behind fresher keys
            del known[limit.key]
        return times

    def _append(self, limit: Limit, moment: int) -> None:
        known = self._times[limit.window]
        times = known.get(limit.key)
        if times is None:
            if len(known) >= self._most_keys:
                known.popitem(last=False)
            times = known[limit.key] = deque()
        times.extend([moment] * limit.hits)
        known.move_to_end(limit.key)
