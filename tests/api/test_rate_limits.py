import itertools
import math
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from kynaplatform.api.rate_limits import (
    MINUTE,
    PREFIX,
    CounterUnavailable,
    Decision,
    Limit,
    ProcessCounter,
)


def make_key(kind="project"):
    return f"{kind}:{uuid.uuid4()}"


def told(allowed, limit, remaining, reset_seconds, kind="project", window=MINUTE):
    """A decision by a limit of a project, or of another kind."""
    return Decision(allowed, limit, remaining, reset_seconds, kind, window)


def kept(counter):
    """How many keys a counter of one process remembers."""
    return sum(map(len, counter._times.values()))


def count_admitted(counter, limits, hits, now):
    return sum(counter.count(limits, now).allowed for _ in range(hits))


# One window


def test_a_hit_that_is_taken_back_counts_no_more(counter):
    limits = [Limit(make_key(), 2), Limit(make_key("organization"), 5)]
    for now in (1_000, 1_001):
        assert counter.count(limits, now).allowed
    assert not counter.count(limits, 1_002).allowed
    counter.take_back([limit._replace(hits=0) for limit in limits])
    assert not counter.count(limits, 1_002).allowed
    counter.take_back(limits)
    assert counter.count(limits, 1_003, counting=False) == told(True, 2, 1, 57)
    assert counter.count(limits[1:], 1_003, counting=False).remaining == 4
    assert counter.count(limits, 1_003).allowed
    for _ in range(3):
        counter.take_back(limits)
    assert counter.count(limits, 1_004, counting=False) == told(True, 2, 2, 1)


def test_a_request_of_several_hits_is_admitted_while_one_is_left(counter):
    once = Limit(make_key(), 7)
    five = once._replace(hits=5)
    assert counter.count([five], 1_000) == told(True, 7, 2, 60)
    assert counter.count([once], 1_010) == told(True, 7, 1, 50)
    assert counter.count([five], 1_020) == told(True, 7, 0, 40)
    assert counter.count([once], 1_030) == told(False, 7, 0, 30)
    counter.take_back([five])
    assert counter.count([once], 1_030, counting=False) == told(True, 7, 1, 30)
    assert counter.count([five], 1_060) == told(True, 7, 1, 10)


def test_redis_does_not_go_back_in_time(redis_counter):
    counter = redis_counter
    limits = [Limit(make_key(), 2)]
    assert count_admitted(counter, limits, hits=1, now=100) == 1
    assert counter.count(limits, 95) == told(True, 2, 0, 60)
    assert counter.count(limits, 40) == told(False, 2, 0, 60)
    assert counter.count(limits, 159) == told(False, 2, 0, 1)
    assert count_admitted(counter, limits, hits=3, now=160) == 2


def test_redis_takes_over_60_seconds_back_as_a_new_clock(redis_counter):
    counter = redis_counter
    limits = [Limit(make_key(), 1)]
    assert counter.count(limits, 100_000).allowed
    assert counter.count(limits, 50) == told(True, 1, 0, 60)
    assert counter.count(limits, 60) == told(False, 1, 0, 50)


# Against a model


class Model:
    """The definition: all times, in a list."""

    def __init__(self):
        self.times = {}

    def meet(self, limits, now, counting):
        live = {}
        for key, _, window, *_ in limits:
            oldest = now - window / 1_000_000
            live[key] = [each for each in self.times.get(key, []) if each > oldest]
        full = [limit for limit in limits if len(live[limit.key]) >= limit.quota]
        if not full and counting:
            for key, *_, hits in limits:
                live[key] += [now] * hits
                self.times.setdefault(key, []).extend([now] * hits)
        counts = []
        for key, quota, window, *_ in full or limits:
            times, seconds = live[key], window / 1_000_000
            wait = times[max(0, len(times) - quota)] + seconds - now if times and quota else 0
            counts.append(
                (max(0, quota - len(times)), -wait if quota else -seconds, quota, key, window)
            )
        remaining, minus_wait, quota, key, window = min(counts)
        wait, kind = max(1, math.ceil(-minus_wait)), key.partition(":")[0]
        return Decision(not full, quota, remaining, wait, kind, window)


calls = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 0.25, 1, 7.5, 29.75, 60, 61, 600, 601]),
        st.dictionaries(
            st.sampled_from("abcd"), st.sampled_from([0, 1, 2, 3, 5, 1_000_000]), min_size=1
        ),
        st.sampled_from([True, True, True, False]),
        st.sampled_from([1, 1, 5]),
    ),
    max_size=60,
)
WINDOWS = {"c": MINUTE // 2, "d": 10 * MINUTE}
eras = itertools.count(1)


@given(calls)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_it_meets_every_call_as_a_list_of_times_would(counter, calls):
    model, run, now = Model(), uuid.uuid4(), 100_000.0 * next(eras)
    for step, quotas, counting, hits in calls:
        now += step
        limits = [
            Limit(f"project:{run}-{name}", quota, WINDOWS.get(name, MINUTE), hits=hits)
            for name, quota in quotas.items()
        ]
        decision = counter.count(limits, now, counting=counting)
        assert decision == model.meet(limits, now, counting)


# Side by side


def test_it_admits_exactly_the_quota_to_8_threads(counter):
    limits = [Limit(make_key(), 1_000), Limit(make_key("organization"), 10_000)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(8) as pool:
            jobs = [pool.submit(count_admitted, counter, limits, 400, 100) for _ in range(8)]
            assert sum(job.result() for job in jobs) == 1_000
    finally:
        sys.setswitchinterval(interval)
    assert counter.count(limits[1:], 100, counting=False).remaining == 9_000


# Bounds


def test_a_flood_of_keys_keeps_no_more_than_it_may_and_the_oldest_are_forgotten():
    counter = ProcessCounter(max_keys=1_000)
    forgotten, hit_again = Limit(make_key("address"), 5), Limit(make_key("address"), 6)
    assert count_admitted(counter, [forgotten], hits=6, now=100) == 5
    assert count_admitted(counter, [hit_again], hits=5, now=100) == 5
    for n in range(999):
        assert counter.count([Limit(f"address:{n}", 60)], 101).allowed
    assert counter.count([hit_again], 102) == told(True, 6, 0, 58, "address")
    for n in range(999, 1_500):
        assert counter.count([Limit(f"address:{n}", 60)], 103).allowed
    assert kept(counter) == 1_000
    assert counter.count([forgotten], 104) == told(True, 5, 4, 60, "address")
    assert counter.count([hit_again], 104) == told(False, 6, 0, 56, "address")


# Redis


def test_redis_counts_by_its_own_clock(redis_counter, redis_url):
    limits, client = [Limit(make_key(), 2)], Redis.from_url(redis_url)
    before = client.time()
    assert redis_counter.count(limits) == told(True, 2, 1, 60)
    after = client.time()
    [stored] = client.lrange(PREFIX + limits[0].key, 0, -1)
    assert before <= divmod(int(stored), 1_000_000) <= after


def test_redis_keeps_only_live_hits_and_lets_keys_expire(redis_counter, redis_url):
    limits, client = [Limit(make_key(), 10)], Redis.from_url(redis_url)
    name = PREFIX + limits[0].key
    assert count_admitted(redis_counter, limits, hits=12, now=100) == 10
    assert client.llen(name) == 10
    assert redis_counter.count(limits, 160).allowed
    assert client.llen(name) == 1
    assert 120 < client.ttl(name) <= 180


def test_redis_that_lost_the_script_gets_it_again(redis_counter, redis_url):
    limits = [Limit(make_key(), 2)]
    assert redis_counter.count(limits, 100).allowed
    Redis.from_url(redis_url).script_flush()
    assert redis_counter.count(limits, 100) == told(True, 2, 0, 60)


def test_redis_that_answers_with_an_error_is_unavailable(redis_counter, redis_url):
    limits = [Limit(make_key(), 1)]
    Redis.from_url(redis_url).set(PREFIX + limits[0].key, "not a list", ex=60)
    with pytest.raises(CounterUnavailable):
        redis_counter.count(limits)


# Rates
