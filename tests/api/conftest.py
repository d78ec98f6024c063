"""A clock for rate limits, which tests turn by hand."""

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from kynaplatform.api import rate_limits
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
