"""The µs of one hit of three keys, as a session creation makes, for 1, 2 and 4 processes.

    python -m bench.rate_limits [redis://…]

The time is the machine's for one hit: a process's time of a hit, divided by the processes. Without
Redis each process counts alone.
"""

import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from statistics import mean

from bench.command import show
from kynaplatform.api.rate_limits import Limit
from kynaplatform.api.rate_limits.in_process import ProcessCounter
from kynaplatform.api.rate_limits.over_redis import RedisCounter

PROJECTS = 1_000


def seconds_of_hits(url: str | None, hits: int) -> float:
    counter = RedisCounter(url) if url else ProcessCounter()
    run = os.urandom(4).hex()
    limits = [
        [
            Limit(f"project:{run}-{n}", 100),
            Limit(f"organization:{run}-{n // 5}", 500),
            Limit(f"create:{run}-{n}", 10),
        ]
        for n in range(PROJECTS)
    ]
    started = time.perf_counter()
    for n in range(hits):
        # The clock runs 1,000 times as fast: each project gets about 6 hits a minute of it, so
        # nearly all are admitted, and as many leave the window.
        counter.hit(limits[n % PROJECTS], now=time.monotonic() * 1_000)
    return time.perf_counter() - started


def main() -> None:
    for url, hits in [(None, 50_000), *((url, 5_000) for url in sys.argv[1:2])]:
        for processes in (1, 2, 4):
            with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
                seconds = mean(pool.map(seconds_of_hits, [url] * processes, [hits] * processes))
            show(f"{url or 'alone'}, {processes} processes", µs=seconds / hits / processes * 1e6)


if __name__ == "__main__":
    main()
