"""Rate limits of several machines, counted in Redis."""

import threading
import time
from collections.abc import Sequence
from typing import cast

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from kynaplatform.dependencies import REDIS

from . import (
    FARTHEST_BACK,
    SECOND,
    Counter,
    CounterUnavailable,
    Decision,
    Limit,
    Usage,
    check_limits,
    decide,
)

TIMEOUT_SECONDS = 0.5
REST_SECONDS = 5.0
AWAY = "Redis, which counts requests, is out of reach."
PREFIX = "{kyna}:rate:"  # the braces keep all keys of one call in one slot of a cluster

# A key is the list of its hits' times, oldest first: 10 bytes each. No clock runs backwards here
# either: a time before the newest hit becomes the newest hit's, unless it is over 60 s before it.
# A fair share is `quota_of`. The answer is allowed, now, and each limit's Usage, in a row.
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
    -- Once a window is enough for a key to outlive its last hit by one, also after the clock has
    -- gone back.
    if not newest[i] or math.floor(newest[i] / window) < math.floor(now / window) then
      redis.call('PEXPIRE', key, (2 * window + farthest_back) / 1000)
    end
  end
end
answer[1] = allowed and 1 or 0
return answer
"""


class RedisCounter(Counter):
    """Counts in Redis by one script a call, on Redis's own clock unless `now` is passed.

    Raises CounterUnavailable when Redis does not answer within 0.5 s, or answers with an error
    (loading, read-only, out of memory). It never tries again: the hit might count twice. For 5 s
    after that no call asks, then one at a time whether Redis is back; the others wait for
    nothing. Keys expire two windows and a minute after a hit, the first of each window. Give Redis
    `maxmemory-policy noeviction`: under any other, a full Redis forgets counts.
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

    def count(self, limits: Sequence[Limit], now: float | None, *, counting: bool) -> Decision:
        check_limits(limits)
        if not self._is_away:
            return self._ask(limits, now, counting)
        if time.monotonic() < self._rests_until or not self._asking.acquire(blocking=False):
            raise CounterUnavailable(AWAY)
        try:
            return self._ask(limits, now, counting)
        finally:
            self._asking.release()

    def take_back(self, limits: Sequence[Limit]) -> None:
        if self._is_away:
            raise CounterUnavailable(AWAY)
        try:
            with self._redis.pipeline() as pipeline:
                for limit in limits:
                    pipeline.rpop(PREFIX + limit.key, limit.hits)
                pipeline.execute()
        except RedisError as error:
            raise CounterUnavailable(AWAY) from error

    def _ask(self, limits: Sequence[Limit], now: float | None, counting: bool) -> Decision:
        moment = "" if now is None else int(now * SECOND)
        sizes = [size for _, *sizes in limits for size in sizes]
        try:
            counted = self._script(
                keys=[PREFIX + limit.key for limit in limits],
                args=[FARTHEST_BACK, int(counting), moment, *sizes],
            )
        except RedisError as error:
            self._is_away, self._rests_until = True, time.monotonic() + REST_SECONDS
            REDIS.met(error)
            raise CounterUnavailable(AWAY) from error
        self._is_away = False
        REDIS.over()
        allowed, decided_at, *usages = cast("list[int]", counted)
        return decide(
            bool(allowed),
            decided_at,
            limits,
            list(map(Usage, usages[::3], usages[1::3], usages[2::3])),
        )
