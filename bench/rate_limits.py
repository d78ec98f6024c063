"""Print the µs of one hit of three keys, as a session creation makes, for 1, 2 and 4 processes.

    python -m bench.rate_limits [redis://…]

The time is the machine's for one hit: the run's duration over the hits of all processes. Without
Redis each process counts alone.
"""

import multiprocessing
import multiprocessing.synchronize
import os
import sys
import time

from kynaplatform.api.rate_limits import Counter, Limit
from kynaplatform.api.rate_limits.in_process import ProcessCounter
from kynaplatform.api.rate_limits.over_redis import RedisCounter

PROJECTS = 1_000


def make_counter(url: str | None) -> Counter:
    return ProcessCounter() if url is None else RedisCounter(url)


def work(url: str | None, run: str, hits: int, start: multiprocessing.synchronize.Barrier) -> None:
    counter = make_counter(url)
    limits = [
        [
            Limit(f"project:{run}-{n}", 100),
            Limit(f"organization:{run}-{n // 5}", 500),
            Limit(f"create:{run}-{n}", 10),
        ]
        for n in range(PROJECTS)
    ]
    start.wait()
    for n in range(hits):
        # The clock runs 1,000 times as fast: each project gets about 6 hits a minute of it, so
        # nearly all are admitted, and as many leave the window.
        counter.hit(limits[n % PROJECTS], now=time.monotonic() * 1_000)
    start.wait()


def measure(url: str | None, processes: int, hits: int) -> float:
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(processes + 1)
    run = os.urandom(4).hex()
    workers = [
        context.Process(target=work, args=(url, f"{run}-{n}", hits, start))
        for n in range(processes)
    ]
    for worker in workers:
        worker.start()
    start.wait()
    begun = time.perf_counter()
    start.wait()
    duration = time.perf_counter() - begun
    for worker in workers:
        worker.join()
    return duration / (hits * processes) * 1e6


def main() -> None:
    urls = sys.argv[1:2]
    for url, hits in [(None, 50_000), *((url, 5_000) for url in urls)]:
        for processes in (1, 2, 4):
            figure = measure(url, processes, hits)
            print(f"{url or 'alone':12} {processes} processes {figure:8.1f} µs a hit")  # noqa: T201


if __name__ == "__main__":
    main()
