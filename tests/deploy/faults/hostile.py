"""The load of hostile neighbours, at a low priority: it takes little time from the platform.

    python -m tests.deploy.faults.hostile LOAD

LOAD is a `Load` as JSON. It says "ready." and goes on until it is stopped.
"""

import asyncio
import json
import os
import re
import ssl
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import aiohttp
import uvloop

from bench.stream_load import batch_texts
from client.rest import SESSIONS

EXPORTERS = SENDERS = 8
# Eight exporters at this pace stay below 100 requests a minute, a project's default.
EXPORT_SECONDS = 5.0
BATCH_FRAMES, SESSION_FRAMES = 300, 18_000
PAUSE_SECONDS = 1.0
# Shorter than the sender waits for an answer.
SLOW_SECONDS = 9.5
MEASURES = (
    *("joint: knee", "joint: hip", "joint: elbow", "joint: shoulder", "joint: ankle"),
    *("lean: thigh", "lean: shank", "lean: upper_arm"),
)
PHASES, STEPS, CHECKS, CUES = 16, 32, 16, 32


@dataclass(frozen=True)
class Load:
    """`exporter` and `sender` are access tokens. A sender creates sessions with `body`."""

    url: str
    certificate: str
    # The port of each behaviour.
    receivers: dict[str, int] = field(default_factory=dict)
    exporter: str | None = None
    sender: str | None = None
    body: dict[str, Any] = field(default_factory=dict)

    def command(self) -> list[str]:
        return [sys.executable, "-m", __spec__.name, json.dumps(asdict(self))]


def main() -> None:
    os.nice(10)
    uvloop.run(run(Load(**json.loads(sys.argv[1]))))


async def run(load: Load) -> None:
    for name, port in load.receivers.items():
        await asyncio.start_server(partial(receive, BEHAVIOURS[name]), "127.0.0.1", port)
    tls = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=load.certificate), limit=0)
    texts = batch_texts(BATCH_FRAMES, SESSION_FRAMES) if load.sender else []
    async with aiohttp.ClientSession(connector=tls) as http, asyncio.TaskGroup() as tasks:
        if load.exporter:
            for _ in range(EXPORTERS):
                tasks.create_task(again_and_again(partial(export, http, load)))
        if load.sender:
            for _ in range(SENDERS):
                tasks.create_task(again_and_again(partial(send, http, load, texts)))
        tasks.create_task(asyncio.Event().wait())
        print("ready.", flush=True)  # noqa: T201


async def again_and_again(work: Callable[[], Awaitable[float]]) -> None:
    """Do `work`, which says how many seconds to wait before the next time."""
    while True:
        seconds = PAUSE_SECONDS
        with suppress(aiohttp.ClientError, OSError):
            seconds = await work()
        await asyncio.sleep(seconds)


# --- Clients -----------------------------------------------------------------------------


async def export(http: aiohttp.ClientSession, load: Load) -> float:
    loop = asyncio.get_running_loop()
    next_at = loop.time() + EXPORT_SECONDS
    async with http.get(f"{load.url}/api/export", headers=bearer(load.exporter)) as response:
        await response.read()
        return max(next_at - loop.time(), float(response.headers.get("Retry-After", 0)))


async def send(http: aiohttp.ClientSession, load: Load, texts: list[bytes]) -> float:
    """Stream one session, each batch as soon as the one before is acknowledged."""
    creating = http.post(f"{load.url}{SESSIONS}", json=load.body, headers=bearer(load.sender))
    async with creating as response:
        created = await response.json()
        if response.status != 201:
            return PAUSE_SECONDS
    headers = bearer(created["runtime_token"])
    async with http.ws_connect(created["stream_url"], headers=headers) as socket:
        await hear(socket, "session_update")
        for text in texts:
            await socket.send_frame(text, aiohttp.WSMsgType.TEXT)
            await hear(socket, "frame_ack")
        await socket.send_str('{"type":"finalize"}')
        await hear(socket, "session_done")
    return 0.0


async def hear(socket: aiohttp.ClientWebSocketResponse, type_: str) -> None:
    """Read up to a message of this type. What is sent after a close raises ClientError."""
    async for message in socket:
        if f'"type":"{type_}"' in message.data:
            return


def bearer(token: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


# --- Receivers ---------------------------------------------------------------------------

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


async def receive(
    answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Read one message, answer it, and close."""
    with suppress(OSError, asyncio.IncompleteReadError):
        head = await reader.readuntil(b"\r\n\r\n")
        found = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        await reader.readexactly(int(found[1]) if found else 0)
        await answer(writer)
        await writer.drain()
    writer.close()


def endless(beginning: bytes, more: bytes) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(beginning)
        while True:
            writer.write(more)
            await writer.drain()

    return answer


async def end_within_headers(writer: asyncio.StreamWriter) -> None:
    """A megabyte of bytes that an error text would write as four characters each."""
    writer.write(OK + (b"x: " + b"\xff" * 4000 + b"\r\n") * 250)


async def answer_late(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(SLOW_SECONDS)
    writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")


async def close_at_once(_: asyncio.StreamWriter) -> None:
    pass


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
BEHAVIOURS: dict[str, Answer] = {
    "huge headers": end_within_headers,
    "endless 1xx": endless(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 100),
    "slow": answer_late,
    "closing": close_at_once,
    "endless body": endless(CHUNKED, b"10000\r\n" + b"x" * 65_536 + b"\r\n"),
    "endless chunk extension": endless(CHUNKED + b"1;", b"x" * 65_536),
}


# --- The most expensive document ---------------------------------------------------------


def expensive_movespec() -> str:
    """As many phases, criteria, steps, checks and cues as the language allows.

    Every measure is looked at on both sides in each frame, and a squat passes through all phases.
    """
    every = [f"{{{measure}, side: either, min: 0, max: 180}}" for measure in MEASURES]
    width = 180 / PHASES
    phases = (
        [*every[1:], f"{{joint: knee, side: either, min: {width * n}, max: {width * (n + 1)}}}"]
        for n in range(PHASES)
    )
    down_and_up = [*range(PHASES - 1, -1, -1), *range(1, PHASES), PHASES - 2][:STEPS]
    checks = (
        f"{{name: c{n}, {MEASURES[n % 8]}, side: either, least: {{min: 0, max: 180}}}}"
        for n in range(CHECKS)
    )
    cues = (
        f"{{when: p{n % PHASES}, {MEASURES[n % 8]}, side: either, min: {n}, max: 180,"
        f" message: {'Chest up. ' * 19}}}"
        for n in range(CUES)
    )
    return "\n".join(
        [
            'name: expensive\nversion: "1"\ndetection:\n  type: repetition',
            f"  setup: {{visible: full_body, start: [{', '.join(every)}]}}",
            f"  movement:\n    name: expensive\n    throughout: [{', '.join(every)}]\n    phases:",
            *(f"    - {{name: p{n}, criteria: [{', '.join(of)}]}}" for n, of in enumerate(phases)),
            f"    sequence: [{', '.join(f'p{n}' for n in down_and_up)}]",
            *("    checks:", *(f"    - {check}" for check in checks)),
            *("    feedback:", *(f"    - {cue}" for cue in cues), ""),
        ]
    )


if __name__ == "__main__":
    main()
