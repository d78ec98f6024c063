"""Measure how many sessions a second the web server creates, and what PostgreSQL alone could.

    python bench/create.py [--processes 1] [--threads 1,2,4] [--seconds 5] [--connections 8]
                           [--throwaway] [--json]

For each number of threads it starts the production server (granian) on 127.0.0.1 and sends it,
over that many kept connections, for that many seconds each: plain creates, creates with a new
Idempotency-Key, and replays of one key. Then, with as many connections as the server has
threads, PostgreSQL's own limit for the same two prepared statements, plain and with a key.

    threads  what        creates/s  p50 ms  p99 ms  of PostgreSQL's limit

The server of DATABASE_URL is used, in a database made for the run and dropped at its end; with
DATABASE_URL unset, an embedded one in a temporary folder. `--throwaway` starts the embedded one
without fsync. Server, PostgreSQL and load share the machine: compare figures of one run only.
"""

import argparse
import contextlib
import dataclasses
import json
import multiprocessing
import multiprocessing.synchronize
import os
import selectors
import signal
import socket
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scene import UNLIMITED, Scene, scene_for_run  # noqa: E402

WARM_UP_SECONDS = 1.0
READY_SECONDS = 30.0
MOST_SECONDS, MOST_CONNECTIONS, MOST_THREADS = 60.0, 64, 16


@dataclasses.dataclass(frozen=True)
class Figure:
    threads: int
    what: str
    per_second: float
    p50_ms: float
    p99_ms: float
    of_limit: float | None


def main() -> None:
    options = read_options()
    with scene_for_run(options.throwaway) as (folder, scene):
        for threads in options.threads:
            for figure in measure(folder, scene, threads, options):
                show(figure, as_json=options.json)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--processes", type=int, default=1, help="web processes (default 1)")
    parser.add_argument("--threads", default="1,2,4", help="threads of each, several with commas")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measure (default 5)")
    parser.add_argument("--connections", type=int, default=8, help="of the load (default 8)")
    parser.add_argument("--throwaway", action="store_true", help="embedded database without fsync")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    options = parser.parse_args()
    options.threads = [int(text) for text in options.threads.split(",")]
    in_bounds = (
        0 < options.seconds <= MOST_SECONDS
        and 0 < options.connections <= MOST_CONNECTIONS
        and all(0 < threads * options.processes <= MOST_THREADS for threads in options.threads)
    )
    if not in_bounds:
        parser.error(
            f"at most {MOST_SECONDS:.0f} seconds, {MOST_CONNECTIONS} connections, and "
            f"{MOST_THREADS} threads in all"
        )
    return options


def measure(
    folder: Path, scene: Scene, threads: int, options: argparse.Namespace
) -> Iterator[Figure]:
    answered: dict[str, list[float]] = {}
    with web_server(folder, options.processes, threads) as port:
        for what, key in (
            ("plain", lambda: None),
            ("idempotent", lambda: uuid.uuid4().hex),
            ("replay", lambda: "one"),
        ):
            load(port, scene, key, WARM_UP_SECONDS, options.connections)
            answered[what] = load(port, scene, key, options.seconds, options.connections)
    limits = {}
    for what in ("plain", "idempotent"):
        times = limit_of_postgresql(scene, what, threads * options.processes, options.seconds)
        limits[what] = len(times) / options.seconds
        yield figure(threads, f"PostgreSQL {what}", times, options.seconds, None)
    for what, times in answered.items():
        limit = limits["plain" if what == "plain" else "idempotent"]
        yield figure(threads, what, times, options.seconds, limit)


def figure(
    threads: int, what: str, times: list[float], seconds: float, limit: float | None
) -> Figure:
    percentiles = statistics.quantiles(times, n=100)
    per_second = len(times) / seconds
    return Figure(
        threads=threads,
        what=what,
        per_second=round(per_second, 1),
        p50_ms=round(percentiles[49] * 1e3, 2),
        p99_ms=round(percentiles[98] * 1e3, 2),
        of_limit=None if limit is None else round(per_second / limit, 3),
    )


def show(figure: Figure, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(dataclasses.asdict(figure)), flush=True)  # noqa: T201
        return
    share = "" if figure.of_limit is None else f"{figure.of_limit:6.3f}"
    print(  # noqa: T201
        f"{figure.threads} threads  {figure.what:22}{figure.per_second:8.0f}/s"
        f"  p50 {figure.p50_ms:6.2f} ms  p99 {figure.p99_ms:6.2f} ms  {share}",
        flush=True,
    )


@contextlib.contextmanager
def web_server(folder: Path, workers: int, threads: int) -> Iterator[int]:
    from local_stack import processes
    from local_stack.ports import free_port, listens

    port = free_port()
    with (folder / "web.log").open("wb") as log:
        process = processes.start(
            [
                sys.executable,
                "-m",
                "kynaplatform",
                "api",
                "--port",
                str(port),
                "--monitor-port",
                "0",
            ],
            cwd=ROOT,
            env={
                **os.environ,
                **UNLIMITED,
                "WEB_PROCESSES": str(workers),
                "WEB_THREADS": str(threads),
            },
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit((folder / "web.log").read_text())
            time.sleep(0.05)
        yield port
    finally:
        processes.stop(process, signals=[(signal.SIGTERM, 10)])


def load(
    port: int, scene: Scene, key: Callable[[], str | None], seconds: float, connections: int
) -> list[float]:
    """The seconds that each create took; every connection sends its next one at once."""
    body = json.dumps(
        {
            "mode": "live",
            "project_id": str(scene.project_id),
            "movespec_id": str(scene.movespec_id),
        }
    )
    head = (
        "POST /api/detection/sessions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {scene.token}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n"
    )

    def request() -> bytes:
        made = key()
        keyed = "" if made is None else f"Idempotency-Key: {made}\r\n"
        return f"{head}{keyed}\r\n{body}".encode()

    times: list[float] = []
    sent_at: dict[socket.socket, float] = {}
    with contextlib.ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        for _ in range(connections):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            selector.register(client, selectors.EVENT_READ)
            sent_at[client] = time.perf_counter()
            client.sendall(request())
        end = time.perf_counter() + seconds
        while sent_at:
            for ready, _ in selector.select():
                client = ready.fileobj  # type: ignore[assignment]
                read_created(client)
                now = time.perf_counter()
                started = sent_at.pop(client)
                if now < end:
                    times.append(now - started)
                    sent_at[client] = time.perf_counter()
                    client.sendall(request())
    return times


def read_created(client: socket.socket) -> None:
    answer = client.recv(65536)
    head, _, body = answer.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
    while len(body) < length:
        body += client.recv(65536)
    if not head.startswith(b"HTTP/1.1 201"):
        raise SystemExit(answer.decode())


def limit_of_postgresql(scene: Scene, what: str, connections: int, seconds: float) -> list[float]:
    """The seconds of each pair of statements, sent by as many processes as connections."""
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(connections)
    with context.Pool(connections, initializer=keep_barrier, initargs=(start,)) as pool:
        work = [(scene, what == "idempotent", seconds)] * connections
        return [
            taken for times in pool.starmap(run_statements, work, chunksize=1) for taken in times
        ]


_start: multiprocessing.synchronize.Barrier


def keep_barrier(start: multiprocessing.synchronize.Barrier) -> None:
    global _start
    _start = start


def run_statements(scene: Scene, with_key: bool, seconds: float) -> list[float]:
    import django

    django.setup()
    import psycopg
    from django.conf import settings
    from django.utils import timezone

    from projects.authentication import _STATE
    from sessions_app.admission import _STATEMENT

    options: Any = settings.DATABASES["default"]["OPTIONS"]
    now = timezone.now()
    values = {
        "project_id": scene.project_id,
        "movespec_id": scene.movespec_id,
        "version_id": None,
        "mode": "live",
        "contract_major": 1,
        "created_at": now,
        "deadline_at": now,
        "signing_key_id": uuid.uuid4(),
        "runtime_token_expires_at": now,
        "stream_url": "ws://127.0.0.1:8001/api/detection/stream",
        "request_fingerprint": bytes(32) if with_key else None,
    }
    times: list[float] = []
    with psycopg.connect(
        settings.DATABASE_URL, autocommit=True, prepare_threshold=0, options=options["options"]
    ) as database:
        cursor = database.cursor()

        def pair() -> None:
            cursor.execute(_STATE, [scene.token_id])
            cursor.fetchone()
            key = uuid.uuid4().hex if with_key else None
            cursor.execute(_STATEMENT, {**values, "id": uuid.uuid4(), "idempotency_key": key})
            cursor.fetchone()

        for _ in range(20):
            pair()
        _start.wait()
        now_at = time.perf_counter()
        end = now_at + seconds
        while now_at < end:
            pair()
            done_at = time.perf_counter()
            times.append(done_at - now_at)
            now_at = done_at
    return times


if __name__ == "__main__":
    main()
