"""Who waits for a Redis that says nothing, and when all ask it again"""

import contextlib
import os
import signal
import socket
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dev.local_stack import processes
from dev.local_stack.guard import children_of
from dev.local_stack.ports import free_port, listens
from kynaplatform.api import rate_limits
from kynaplatform.api.rate_limits import CounterUnavailable, Limit, RedisCounter
from tests.plugin import installed
from tests.waiting import eventually

LIMITS = [Limit("project:a", 10)]
CALLS = 8


@pytest.fixture(autouse=True)
def _no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "REST_SECONDS", 0.0)


def test_one_call_at_a_time_waits_for_a_redis_that_did_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        counter = RedisCounter(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        with pytest.raises(CounterUnavailable):
            counter.count(LIMITS)
        together = threading.Barrier(CALLS)

        def is_refused(_: int) -> bool:
            together.wait()
            with pytest.raises(CounterUnavailable):
                counter.count(LIMITS)
            return True

        with ThreadPoolExecutor(CALLS) as threads:
            assert all(threads.map(is_refused, range(CALLS)))
        silent.setblocking(False)
        tries = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                silent.accept()[0].close()
                tries += 1
    # The first, and who asks whether it is back; one more where a thread came late.
    assert 2 <= tries <= 3


def test_all_calls_ask_a_redis_that_answers_again(tmp_path: Path) -> None:
    program = installed("redis-server")
    port = free_port()
    options = ["--bind", "127.0.0.1", "--port", str(port), "--dir", str(tmp_path), "--save", ""]
    server = processes.start([program, *options], env={}, stdout=subprocess.DEVNULL)
    try:
        eventually(lambda: listens(port), "Redis listens")
        [redis] = children_of(server.pid)
        counter = RedisCounter(f"redis://127.0.0.1:{port}/0")
        os.kill(redis, signal.SIGSTOP)
        with pytest.raises(CounterUnavailable):
            counter.count(LIMITS, counting=False)
        os.kill(redis, signal.SIGCONT)
        assert counter.count(LIMITS).remaining == 9
        with ThreadPoolExecutor(CALLS) as threads:
            hits = threads.map(lambda _: counter.count(LIMITS).remaining, range(CALLS))
        assert sorted(hits) == [*range(1, 9)]
    finally:
        processes.stop(server, signals=[(signal.SIGTERM, 5)])


def test_nobody_asks_while_it_rests_and_it_is_met_by_who_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    met: list[BaseException] = []
    monkeypatch.setattr(rate_limits, "REST_SECONDS", 60.0)
    monkeypatch.setattr(rate_limits.REDIS, "record_failure", met.append)
    counter = RedisCounter(f"redis://127.0.0.1:{free_port()}/0")
    for _ in range(5):
        with pytest.raises(CounterUnavailable):
            counter.count(LIMITS)
    assert len(met) == 1
