"""The sessions that the web server creates a second, and what PostgreSQL alone could.

    python -m dev.bench.create [--processes 1] [--threads 1,2,4] [--seconds 5] [--connections 8]
                           [--turns 1] [--throwaway]

For each number of threads the production server starts. Over that many kept connections, for that
many seconds each, it gets: plain creates, creates with parameters, subject, metadata and locale,
creates with a new Idempotency-Key, and replays of one key. That is a turn; what is told is of all
turns together. Then pgbench sends PostgreSQL the same statement, over as many connections as
the server has threads. `of_limit` is the server's share of that.

The server of DATABASE_URL is used, in a database made for the run and dropped at its end; with
DATABASE_URL unset, an embedded one in a temporary folder. `--throwaway` starts the embedded one
without fsync. Server, PostgreSQL and load share the machine: compare figures of one run only.
"""

import argparse
import asyncio
import json
import re
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import uvloop

from dev.bench.command import percentiles, read_options, show
from dev.bench.scene import Scene, scene_for_run
from dev.bench.servers import web_server
from dev.local_stack.postgres import binaries

WARM_UP_SECONDS = 1.0
# For whom a session is, and how it counts.
CONTEXT = {
    "parameters": {"depth": 95},
    "subject": "p_4711",
    "metadata": {"plan": "knee-week-3", "ward": "3"},
    "locale": "de-AT",
}
# They stand in the statement for what is new in each.
ID, KEY = "an id", "a key"


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
    limits = {}
    for what, of_statement in (("plain", None), ("with a new key", KEY)):
        script = folder / "create.sql"
        script.write_text(statements(scene, of_statement))
        limits[what] = limit_of_postgresql(script, threads * options.processes, options.seconds)
        show(f"{threads} threads, PostgreSQL, {what}", per_second=limits[what])
    for what, taken in times.items():
        per_second = len(taken) / (options.seconds * options.turns)
        limit = limits["plain" if what in ("plain", "with four fields") else "with a new key"]
        show(
            f"{threads} threads, {what}",
            per_second=per_second,
            **percentiles(taken),
            of_limit=per_second / limit,
        )


def load(
    port: int,
    scene: Scene,
    key: Callable[[], str | None],
    seconds: float,
    connections: int,
    more: Mapping[str, Any] | None = None,
) -> list[float]:
    """The seconds that each create took; every connection sends its next one at once."""
    request = request_of(scene, more or {})
    times: list[float] = []

    async def create(ends_at: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (sent_at := time.perf_counter()) < ends_at:
            writer.write(request(key()))
            await read_response(reader, 201)
            times.append(time.perf_counter() - sent_at)
        writer.close()

    async def create_all() -> None:
        ends_at = time.perf_counter() + seconds
        await asyncio.gather(*(create(ends_at) for _ in range(connections)))

    uvloop.run(create_all())
    return times


def request_of(
    scene: Scene, more: Mapping[str, Any] = MappingProxyType({})
) -> Callable[[str | None], bytes]:
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


async def read_response(reader: asyncio.StreamReader, *statuses: int) -> int:
    """Read a response whole, which is to have one of these statuses; returns it."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status = int(head.split(maxsplit=2)[1])
    if status not in statuses:
        raise SystemExit(head.decode())
    length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
    await reader.readexactly(int(length))
    return status


def limit_of_postgresql(script: Path, connections: int, seconds: float) -> float:
    """The runs of the script a second that PostgreSQL does, over as many connections."""
    from django.conf import settings

    words = ["--no-vacuum", "--protocol=prepared", f"--file={script}", f"--client={connections}"]
    words += [f"--jobs={connections}", f"--time={max(1, round(seconds))}"]
    printed = subprocess.run(  # noqa: S603
        [binaries() / "pgbench", *words, settings.DATABASE_URL],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    (per_second,) = re.findall(r"^tps = ([\d.]+)", printed, re.MULTILINE)
    return float(per_second)


def statements(scene: Scene, key: str | None) -> str:
    """A create's statement, as a script of pgbench."""
    from django.db import connection
    from django.utils import timezone
    from psycopg import ClientCursor

    from projects.principals import principal_read
    from sessions_app.admission import _STATEMENT

    now = timezone.now()
    values = {
        "id": ID,
        "project_id": scene.project_id,
        "token_id": scene.token_id,
        "principal_state": principal_read(scene.token_id, now).state,
        "movespec_id": scene.movespec_id,
        "version_id": None,
        "mode": "live",
        "contract_major": 1,
        "created_at": now,
        "deadline_at": now,
        "created_by": uuid.uuid4(),
        "idempotency_key": key,
        "request_fingerprint": bytes(32) if key else None,
        "signing_key_id": uuid.uuid4(),
        "runtime_token_expires_at": now,
        "stream_url": "ws://127.0.0.1:8001/api/detection/stream",
    }
    cursor = ClientCursor(connection.connection)
    admission = cursor.mogrify(_STATEMENT.sql, values)
    admission = admission.replace(f"'{ID}'", "gen_random_uuid()").replace(f"'{KEY}'", ":key")
    return f"\\set key random(1, {2**63 - 1})\n{admission};\n"


if __name__ == "__main__":
    main()
