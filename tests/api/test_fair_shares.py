"""Fair shares of a pool, which grow while others are idle, in one process and over Redis"""

import uuid

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kynaplatform.api.rate_limits import MINUTE, Decision, Limit

WINDOW = 10 * MINUTE


class Pool:
    """A pool of its own, of which addresses have shares."""

    def __init__(self, quota):
        self.quota, self.run = quota, uuid.uuid4()

    def limits(self, *names, shares=1):
        pool = Limit(f"pool:{self.run}", self.quota, WINDOW)
        of_each = [Limit(f"share:{self.run}-{name}", self.quota, WINDOW, shares) for name in names]
        return [pool, *of_each]


def admitted(counter, limits, hits=100, now=1_000):
    return sum(counter.count(limits, now).allowed for _ in range(hits))


def told(allowed, limit, remaining, reset_seconds, kind="share"):
    return Decision(allowed, limit, remaining, reset_seconds, kind, WINDOW)


def test_a_key_alone_has_half_and_is_told_what_is_left_of_it(counter):
    pool = Pool(60)
    assert counter.count(pool.limits("gym"), 1_000, counting=False) == told(True, 30, 30, 1)
    assert counter.count(pool.limits("gym"), 1_000) == told(True, 30, 29, 600)
    assert admitted(counter, pool.limits("gym"), now=1_001) == 29
    assert counter.count(pool.limits("gym"), 1_002) == told(False, 30, 0, 598)


def test_whoever_comes_next_has_half_of_the_rest(counter):
    pool = Pool(60)
    shares = [admitted(counter, pool.limits(name)) for name in "abcdef"]
    assert shares == [30, 15, 8, 4, 2, 1]
    assert counter.count(pool.limits("g"), 1_000) == told(False, 60, 0, 600, "pool")


def test_a_key_within_a_larger_one_has_no_more_than_each_allows(counter):
    pool = Pool(60)

    def limits(address):
        return [*pool.limits(address), *pool.limits("network", shares=2)[1:]]

    assert admitted(counter, limits("abuser")) == 30
    assert admitted(counter, limits("neighbour")) == 10
    assert admitted(counter, pool.limits("elsewhere")) == 10


@given(
    quota=st.integers(0, 12),
    calls=st.lists(
        st.tuples(st.sampled_from("abcd"), st.sampled_from([0, 1, 200, 600])), max_size=40
    ),
    shares=st.sampled_from([1, 2, 3]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_it_admits_who_has_less_than_is_free(counter, quota, calls, shares):
    """With one share. With more, who has less than so many times what is free."""
    pool, now, hits = Pool(quota), 1_000.0, []
    for name, step in calls:
        now += step
        hits = [(one, at) for one, at in hits if at > now - 600]
        own = sum(one == name for one, _ in hits)
        may = own < shares * (quota - len(hits))
        decision = counter.count(pool.limits(name, shares=shares), now)
        assert decision.allowed is may
        if may:
            hits.append((name, now))


# Side by side
