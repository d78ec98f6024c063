"""The creates a second of the web server.

    python -m dev.bench.create [--processes 1] [--threads 1,2,4] [--seconds 5] [--connections 8]
                           [--turns 1] [--throwaway]

Starts the production server for each number of threads. In a turn it sends, over kept connections:
plain creates, creates with parameters, subject, metadata and locale, creates with a new
Idempotency-Key, and replays of one key. The figures are of all turns together.

The run makes a database on the server of DATABASE_URL and drops it at the end. With DATABASE_URL
unset it starts an embedded server in a temporary folder, with fsync unless `--throwaway`. Server,
PostgreSQL and load share the machine: compare figures of one run only.
"""

import argparse
import asyncio
import json
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import uvloop

from dev.bench.command import percentiles, read_options, show
from dev.bench.scene import Scene, scene_for_run, web_server

WARM_UP_SECONDS = 1.0
# For whom a session is, and how it counts.
CONTEXT = {
    "parameters": {"depth": 95},
    "subject": "p_4711",
    "metadata": {"plan": "knee-week-3", "ward": "3"},
    "locale": "de-AT",
}


def main() -> None:
    options = read_options(
        __doc__, processes=1, threads="1,2,4", seconds=5.0, connections=8, turns=1
    )
    with scene_for_run(options.throwaway) as (folder, scene):
        for threads in map(int, options.threads.split(",")):
            measure(folder, scene, threads, options)


def measure(folder: Path, scene: Scene, threads: int, options: argparse.Namespace) -> None:
    kinds: dict[str, tuple[Callable[[], str | None], Mapping[str, Any]]] = {
        "plain": (lambda: None, {}),
        "with four fields": (lambda: None, CONTEXT),
        "with a new key": (lambda: uuid.uuid4().hex, {}),
        "replay": (lambda: "one", {}),
    }
    times: dict[str, list[float]] = {what: [] for what in kinds}
    with web_server(folder, options.processes, threads) as server:
        for _ in range(options.turns):
            for what, (key, more) in kinds.items():
                load(server.port, scene, key, WARM_UP_SECONDS, options.connections, more)
                times[what] += load(
                    server.port, scene, key, options.seconds, options.connections, more
                )
    for what, taken in times.items():
        per_second = len(taken) / (options.seconds * options.turns)
        show(f"{threads} threads, {what}", per_second=per_second, **percentiles(taken))


def load(
    port: int,
    scene: Scene,
    key: Callable[[], str | None],
    seconds: float,
    connections: int,
    more: Mapping[str, Any],
) -> list[float]:
    """The seconds that each create took; every connection sends its next one at once."""
    request = request_of(scene, more)
    times: list[float] = []

    async def create(ends_at: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (sent_at := time.perf_counter()) < ends_at:
            writer.write(request(key()))
            await read_created(reader)
            times.append(time.perf_counter() - sent_at)
        writer.close()

    async def create_all() -> None:
        ends_at = time.perf_counter() + seconds
        await asyncio.gather(*(create(ends_at) for _ in range(connections)))

    uvloop.run(create_all())
    return times


def request_of(scene: Scene, more: Mapping[str, Any]) -> Callable[[str | None], bytes]:
    """The request of a create, by its Idempotency-Key; `more` stands in its body too."""
    body = json.dumps(
        {
            "mode": "live",
            "project_id": str(scene.project_id),
            "movespec_id": str(scene.movespec_id),
            **more,
        }
    )
    head = (
        "POST /api/detection/sessions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {scene.token}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n"
    )

    def request(key: str | None) -> bytes:
        keyed = "" if key is None else f"Idempotency-Key: {key}\r\n"
        return f"{head}{keyed}\r\n{body}".encode()

    return request


async def read_created(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if head.split(maxsplit=2)[1] != b"201":
        raise SystemExit(head.decode())
    length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
    await reader.readexactly(int(length))


if __name__ == "__main__":
    main()
