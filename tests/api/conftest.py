"""Counters of rate limits, and a clock for them that tests set."""

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from kynaplatform.api import rate_limits
from kynaplatform.api.rate_limits import ProcessCounter, RedisCounter
from kynaplatform.api.throttling import request_counter


@pytest.fixture
def limits_clock(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """Counters of this test's own, whose time is `limits_clock.now` in seconds."""
    clock = SimpleNamespace(now=1_000.0)
    settings.REDIS_URL = ""
    request_counter.cache_clear()
    stopped = SimpleNamespace(**{**vars(time), "monotonic": lambda: clock.now})
    monkeypatch.setattr(rate_limits, "time", stopped)
    yield clock
    request_counter.cache_clear()


@pytest.fixture
def redis_counter(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> RedisCounter:
    # A busy machine may keep Redis from answering for half a second.
    monkeypatch.setattr(rate_limits, "TIMEOUT_SECONDS", 30)
    return RedisCounter(redis_url)


@pytest.fixture(params=["process", "redis"])
def counter(request: pytest.FixtureRequest) -> ProcessCounter | RedisCounter:
    if request.param == "process":
        return ProcessCounter()
    return request.getfixturevalue("redis_counter")
