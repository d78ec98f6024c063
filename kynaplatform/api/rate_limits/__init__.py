"""Exact rolling windows: `in_process` counts in one process, `over_redis` across them."""

import re
from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

SECOND = 1_000_000  # times are whole microseconds, which both counters compare exactly
MINUTE = 60 * SECOND
# A `now` that is further before the newest hit is of a new clock.
FARTHEST_BACK = MINUTE


class Limit(NamedTuple):
    """At most `quota` hits of `key` in any `window` microseconds; 0 refuses every hit.

    A request makes that many `hits`, and is admitted while one is left.

    `key` is `kind:name`, such as `project:<uuid>`; shorten a name that strangers choose. A kind has
    one window.

    With `shares` it is a fair share: the first limit of the call is a pool, of the same quota and
    window, on which each hit of this key counts too. The share is `shares` parts of what the others
    leave of the pool, of `shares + 1`; the last part is for whoever comes next. So it grows while
    they are idle: with 1 a key alone has half of the pool, and n busy ones have 1 / (n + 1) each.
    """

    key: str
    quota: int
    window: int = MINUTE
    shares: int = 0
    hits: int = 1


class Decision(NamedTuple):
    """The outcome of a hit, by the limit with the least left or the one that denies longest.

    `reset_seconds` is the wait until one more than `remaining` is admitted: until the oldest hit
    leaves the window. It is 1 when nothing is counted, and the window under a quota of 0.
    `kind` and `window` are that limit's.
    """

    allowed: bool
    limit: int
    remaining: int
    reset_seconds: int
    kind: str
    window: int


class Counter:
    """`hit` and `peek` raise ValueError for no limits, or for the same key twice.

    `now` is in seconds of any one clock. Pass it to every call on the same keys, or to none.
    """

    def hit(self, limits: Sequence[Limit], now: float | None = None) -> Decision:
        """Count a request under every limit, or under none of them if one is full."""
        return self.count(limits, now, counting=True)

    def peek(self, limits: Sequence[Limit], now: float | None = None) -> Decision:
        """Tell whether a request would be admitted, and what is left before it. Count nothing."""
        return self.count(limits, now, counting=False)

    def count(self, limits: Sequence[Limit], now: float | None, *, counting: bool) -> Decision:
        raise NotImplementedError

    def take_back(self, limits: Sequence[Limit]) -> None:
        """Count a request of a moment ago no more: the newest hits under every limit."""
        raise NotImplementedError


class CounterUnavailable(Exception):
    """The counter is out of reach; a hit that timed out may have been counted."""


def parse_rate(rate: str, per: str = "minute") -> int:
    """Read `N/minute` as N; `0/minute` refuses every hit. Anything else is a ValueError."""
    match = re.fullmatch(rf"([0-9]{{1,9}})/{per}", rate)
    if match is None:
        raise ValueError(f"A rate is written N/{per}, such as 60/{per}, not {rate!r}.")
    return int(match[1])


class Usage(NamedTuple):
    """A limit's count as a counter found it.

    `frees_at` is the time of the hit whose leaving admits one, of `quota`: for a fair share as it
    is at this moment.
    """

    used: int
    frees_at: int
    quota: int


def check_limits(limits: Sequence[Limit]) -> None:
    if not limits or len({limit.key for limit in limits}) != len(limits):
        raise ValueError("A hit needs at least one limit, and no key twice.")


def quota_of(limit: Limit, used: int, pool: Limit, used_of_pool: int) -> int:
    """The quota of a limit, and of a fair share as it is with so many hits of it and of the pool.

    At least 1 of a share: where the others leave nothing, it is the pool that is full.
    """
    if not limit.shares:
        return limit.quota
    left = pool.quota - (used_of_pool - used)
    return max(min(1, pool.quota), ceil(limit.shares * left / (limit.shares + 1)))


def decide(allowed: bool, now: int, limits: Sequence[Limit], usages: Sequence[Usage]) -> Decision:
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
