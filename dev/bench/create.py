"""The creates a second of the web server.

    python -m dev.bench.create [--threads 1,2,4] [--seconds 5] [--connections 8] [--throwaway]

Starts the production server, of one process, for each number of threads. Over kept connections it
sends plain creates, creates with a new Idempotency-Key, and replays of one key.

The run makes a database on the server of DATABASE_URL and drops it at the end. With DATABASE_URL
unset it starts an embedded server in a temporary folder, with fsync unless `--throwaway`. Server,
PostgreSQL and load share the machine: compare figures of one run only.
"""

import asyncio
import json
import time
import uuid
from collections.abc import Callable

import uvloop

from dev.bench.command import percentiles, read_options, show
from dev.bench.scene import MOVEMENT, Scene, scene_for_run, web_server

WARM_UP_SECONDS = 1.0


def main() -> None:
    options = read_options(__doc__, threads="1,2,4", seconds=5.0, connections=8)
    keys: dict[str, Callable[[], str | None]] = {
        "plain": lambda: None,
        "with a new key": lambda: uuid.uuid4().hex,
        "replay": lambda: "one",
    }
    with scene_for_run(options.throwaway) as (folder, scene):
        for threads in map(int, options.threads.split(",")):
            with web_server(folder, threads) as server:
                for what, key in keys.items():
                    load(server.port, scene, key, WARM_UP_SECONDS, options.connections)
                    times = load(server.port, scene, key, options.seconds, options.connections)
                    per_second = len(times) / options.seconds
                    show(f"{threads} threads, {what}", per_second=per_second, **percentiles(times))


def load(
    port: int, scene: Scene, key: Callable[[], str | None], seconds: float, connections: int
) -> list[float]:
    """The seconds that each create took; every connection sends its next one at once."""
    times: list[float] = []

    async def create(ends_at: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (sent_at := time.perf_counter()) < ends_at:
            writer.write(request(scene, key()))
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            if head.split(maxsplit=2)[1] != b"201":
                raise SystemExit(head.decode())
            length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length))
            times.append(time.perf_counter() - sent_at)
        writer.close()

    async def create_all() -> None:
        ends_at = time.perf_counter() + seconds
        await asyncio.gather(*(create(ends_at) for _ in range(connections)))

    uvloop.run(create_all())
    return times


def request(scene: Scene, key: str | None) -> bytes:
    project_id = str(scene.project_id)
    body = json.dumps({"mode": "live", "project_id": project_id, "movement": MOVEMENT})
    keyed = "" if key is None else f"Idempotency-Key: {key}\r\n"
    return (
        "POST /api/detection/sessions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {scene.token}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n{keyed}\r\n{body}"
    ).encode()


if __name__ == "__main__":
    main()
