"""Exact rolling windows: ProcessCounter counts in one process, RedisCounter across all of them.

A call counts a request under at least one limit, each key once, or under none of them if one is
full. Without `counting` it only looks. `now` is in seconds of any one clock: pass it to every call
on the same keys, or to none.
"""

import re
import threading
import time
from collections import OrderedDict, defaultdict, deque
from collections.abc import Sequence
from contextlib import suppress
from math import ceil
from typing import NamedTuple, cast

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from kynaplatform.dependencies import REDIS

SECOND = 1_000_000  # times are whole microseconds, which both counters compare exactly
MINUTE = 60 * SECOND
# A `now` that is further before the newest hit comes from a new clock.
MAX_STEP_BACK = MINUTE


class Limit(NamedTuple):
    """At most `quota` hits of `key` in any `window` microseconds; 0 refuses every hit.

    A request makes `hits` hits, and is admitted while one is left. `key` is `kind:name`, such as
    `project:<uuid>`; shorten a name that strangers choose. All limits of a kind have one window.

    With `shares` the limit is a fair share of a pool, which is the call's first limit, with the
    same quota and window. Each hit counts on both. The key may use `shares` of `shares + 1` parts
    of what the others leave of the pool; the last part is for newcomers. With 1, a key alone has
    half of the pool, and n busy keys have 1 / (n + 1) each.
    """

    key: str
    quota: int
    window: int = MINUTE
    shares: int = 0
    hits: int = 1


class Decision(NamedTuple):
    """The outcome of a hit, by the limit with the least left or the one that denies longest.

    `reset_seconds` is the wait until the oldest hit leaves the window, so that one more than
    `remaining` is admitted. It is 1 when nothing is counted, and the window under a quota of 0.
    `kind` and `window` are that limit's.
    """

    allowed: bool
    limit: int
    remaining: int
    reset_seconds: int
    kind: str
    window: int


class CounterUnavailable(Exception):
    """The counter is out of reach; a hit that timed out may have been counted."""


def parse_rate(rate: str, per: str = "minute") -> int:
    """Read `N/minute` as N; `0/minute` refuses every hit. Anything else is a ValueError."""
    match = re.fullmatch(rf"([0-9]{{1,9}})/{per}", rate)
    if match is None:
        raise ValueError(f"A rate is written N/{per}, such as 60/{per}, not {rate!r}.")
    return int(match[1])


class Usage(NamedTuple):
    """A limit's count: one more hit is admitted when the hit at `frees_at` leaves the window.

    `quota` of a fair share is its value at this moment.
    """

    used: int
    frees_at: int
    quota: int


def _quota_of(limit: Limit, used: int, pool: Limit, used_of_pool: int) -> int:
    """A share is at least 1: where the others leave nothing, the pool refuses."""
    if not limit.shares:
        return limit.quota
    left = pool.quota - (used_of_pool - used)
    return max(min(1, pool.quota), ceil(limit.shares * left / (limit.shares + 1)))


def _decide(allowed: bool, now: int, limits: Sequence[Limit], usages: Sequence[Usage]) -> Decision:
    remaining, minus_wait, quota, key, window = min(
        (
            max(0, quota - used),
            now - frees_at - limit.window if used or not quota else 0,
            quota,
            limit.key,
            limit.window,
        )
        for limit, (used, frees_at, quota) in zip(limits, usages, strict=True)
    )
    reset_seconds = max(1, -(minus_wait // SECOND))
    return Decision(allowed, quota, remaining, reset_seconds, key.partition(":")[0], window)


MAX_KEYS = 1 << 16


class ProcessCounter:
    """Counts the hits of this process alone, by the system's monotonic clock.

    Strangers choose keys, so of more than `max_keys` keys with one window it forgets the one whose
    last hit is the oldest.
    """

    def __init__(self, max_keys: int = MAX_KEYS) -> None:
        self._max_keys = max_keys
        # By window and key, each key's hits oldest first, the key hit longest ago first.
        self._times: defaultdict[int, OrderedDict[str, deque[int]]] = defaultdict(OrderedDict)
        self._lock = threading.Lock()

    def count(
        self, limits: Sequence[Limit], now: float | None = None, *, counting: bool = True
    ) -> Decision:
        with self._lock:
            moment = self._move_to(time.monotonic() if now is None else now)
            usages = self._usages(limits, moment)
            allowed = all(usage.used < usage.quota for usage in usages)
            if allowed and counting:
                for limit in limits:
                    self._append(limit, moment)
                usages = self._usages(limits, moment)
        return _decide(allowed, moment, limits, usages)

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
            quota = _quota_of(limit, used, limits[0], len(hits[0]))
            # Under a quota of 0, no hit's leaving admits one.
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
        if limit.key not in known and len(known) >= self._max_keys:
            known.popitem(last=False)
        known.setdefault(limit.key, deque()).extend([moment] * limit.hits)
        known.move_to_end(limit.key)


TIMEOUT_SECONDS = 0.5
REST_SECONDS = 5.0
PREFIX = "{kyna}:rate:"  # the braces keep all keys of one call in one slot of a cluster

# A key is the list of its hits' times, oldest first: 10 bytes each. Redis's clock may go back: a
# time before the newest hit becomes that hit's, unless it is over 60 s before it. A fair share is
# as in `_quota_of`. Returns allowed, now, and each limit's Usage, in one row.
SCRIPT = """
local farthest_back, counting, now = tonumber(ARGV[1]), ARGV[2] == '1', tonumber(ARGV[3])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
local function hit(key, index) return tonumber(redis.call('LINDEX', key, index)) end
-- In steps that double, since of a busy key one hit leaves for each that comes.
local function count_gone(key, used, edge)
  local low, high = 0, 1
  while high <= used and hit(key, high - 1) <= edge do low, high = high, 2 * high end
  high = math.min(high - 1, used)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if hit(key, middle) <= edge then low = middle + 1 else high = middle end
  end
  return low
end
local newest = {}
for i, key in ipairs(KEYS) do
  newest[i] = hit(key, -1)
  if newest[i] and newest[i] > now + farthest_back then
    redis.call('DEL', key)
    newest[i] = nil
  elseif newest[i] and newest[i] > now then
    now = newest[i]
  end
end
local answer, allowed, pool, pool_used = {1, now}, true, 0, 0
for i, key in ipairs(KEYS) do
  local quota, window = tonumber(ARGV[4 * i]), tonumber(ARGV[4 * i + 1])
  local shares = tonumber(ARGV[4 * i + 2])
  local used = newest[i] and redis.call('LLEN', key) or 0
  local gone = count_gone(key, used, now - window)
  if gone > 0 then redis.call('LTRIM', key, gone, -1) end
  used = used - gone
  if i == 1 then pool, pool_used = quota, used end
  if shares > 0 then
    local left = pool - (pool_used - used)
    quota = math.max(math.min(1, pool), math.ceil(shares * left / (shares + 1)))
  end
  if used >= quota then allowed = false end
  answer[3 * i] = used
  answer[3 * i + 1] = used > 0 and hit(key, math.max(0, used - quota)) or now
  answer[3 * i + 2] = quota
end
if allowed and counting then
  local time = string.format('%.0f', now)
  for i, key in ipairs(KEYS) do
    local window = tonumber(ARGV[4 * i + 1])
    for _ = 1, tonumber(ARGV[4 * i + 3]) do answer[3 * i] = redis.call('RPUSH', key, time) end
    local over = answer[3 * i] - answer[3 * i + 2]
    if over > 0 then answer[3 * i + 1] = hit(key, over) end
    -- Refreshing the expiry once per window keeps a key at least one window longer than its last
    -- hit, even if the clock went back.
    if not newest[i] or math.floor(newest[i] / window) < math.floor(now / window) then
      redis.call('PEXPIRE', key, (2 * window + farthest_back) / 1000)
    end
  end
end
answer[1] = allowed and 1 or 0
return answer
"""


class RedisCounter:
    """Counts in Redis by one script a call, on Redis's own clock unless `now` is passed.

    Raises CounterUnavailable when Redis does not answer within 0.5 s, or answers with an error
    (loading, read-only, out of memory). It never retries: the hit might count twice. For the next
    5 s no call asks Redis; then one call at a time does, and the others don't wait. Keys expire two
    windows and a minute after a hit, the first of each window. Give Redis `maxmemory-policy
    noeviction`: under any other, a full Redis forgets counts.
    """

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(
            url,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._script = self._redis.register_script(SCRIPT)
        self._is_away, self._rests_until = False, 0.0
        self._asking = threading.Lock()

    def count(
        self, limits: Sequence[Limit], now: float | None = None, *, counting: bool = True
    ) -> Decision:
        if not self._is_away:
            return self._ask(limits, now, counting)
        if time.monotonic() < self._rests_until or not self._asking.acquire(blocking=False):
            raise CounterUnavailable
        try:
            return self._ask(limits, now, counting)
        finally:
            self._asking.release()

    def take_back(self, limits: Sequence[Limit]) -> None:
        if self._is_away:
            return
        # A hit too many harms less than a refused request.
        with suppress(RedisError), self._redis.pipeline() as pipeline:
            for limit in limits:
                pipeline.rpop(PREFIX + limit.key, limit.hits)
            pipeline.execute()

    def _ask(self, limits: Sequence[Limit], now: float | None, counting: bool) -> Decision:
        moment = "" if now is None else int(now * SECOND)
        sizes = [size for _, *sizes in limits for size in sizes]
        try:
            counted = self._script(
                keys=[PREFIX + limit.key for limit in limits],
                args=[MAX_STEP_BACK, int(counting), moment, *sizes],
            )
        except RedisError as error:
            self._is_away, self._rests_until = True, time.monotonic() + REST_SECONDS
            REDIS.record_failure(error)
            raise CounterUnavailable from error
        self._is_away = False
        REDIS.record_recovery()
        allowed, decided_at, *numbers = cast("list[int]", counted)
        usages = list(map(Usage, numbers[::3], numbers[1::3], numbers[2::3]))
        return _decide(bool(allowed), decided_at, limits, usages)
