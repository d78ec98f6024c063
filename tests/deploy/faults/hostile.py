"""The load of hostile neighbours, at a low priority: it takes little time from the platform.

    python -m tests.deploy.faults.hostile LOAD

LOAD is a `Load` as JSON. It goes on until it is stopped, and prints each second, as JSON, how often
it has done what.
"""

import asyncio
import json
import os
import re
import ssl
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import uvloop

from clients.python.rest import SESSIONS
from dev.bench.stream import batch_texts

EXPORTERS = SENDERS = 8
# Eight exporters at this pace stay below 100 requests a minute, a project's default.
EXPORT_SECONDS = 5.0
BATCH_FRAMES, SESSION_FRAMES = 300, 18_000
PAUSE_SECONDS = 1.0
# Shorter than the sender waits for an answer.
SLOW_SECONDS = 9.5
MEASURES = (
    *(("joint", name) for name in ("knee", "hip", "elbow", "shoulder", "ankle")),
    *(("lean", name) for name in ("thigh", "shank", "upper_arm")),
)


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

    def deeds(self) -> Counter[str]:
        clients = {"exports": self.exporter, "batches": self.sender}
        names = [*self.receivers, *(name for name, token in clients.items() if token)]
        return Counter(dict.fromkeys(names, 0))


def main() -> None:
    run_last()
    load = Load(**json.loads(sys.argv[1]))
    uvloop.run(run(load, load.deeds()))


def run_last() -> None:
    """Take the processor only where nobody else wants it: a neighbour has machines of its own.

    With autogroups Linux shares the processor between sessions first, whatever their niceness.
    """
    os.nice(19)
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text("19")


async def run(load: Load, done: Counter[str]) -> None:
    for name, port in load.receivers.items():
        await asyncio.start_server(partial(receive, name, done), "127.0.0.1", port)
    tls = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=load.certificate), limit=0)
    texts = batch_texts(BATCH_FRAMES, SESSION_FRAMES) if load.sender else []
    async with aiohttp.ClientSession(connector=tls) as http, asyncio.TaskGroup() as tasks:
        for _ in range(EXPORTERS if load.exporter else 0):
            tasks.create_task(again_and_again(partial(export, http, load, done)))
        for number in range(SENDERS if load.sender else 0):
            sent = [with_fault(text) for text in texts] if number % 2 else texts
            tasks.create_task(again_and_again(partial(send, http, load, sent, done)))
        while True:
            print(json.dumps(done), flush=True)  # noqa: T201
            await asyncio.sleep(PAUSE_SECONDS)


async def again_and_again(work: Callable[[], Awaitable[float]]) -> None:
    """Do `work`, which says how many seconds to wait before the next time."""
    while True:
        seconds = PAUSE_SECONDS
        with suppress(aiohttp.ClientError, OSError):
            seconds = await work()
        await asyncio.sleep(seconds)


async def export(http: aiohttp.ClientSession, load: Load, done: Counter[str]) -> float:
    loop = asyncio.get_running_loop()
    next_at = loop.time() + EXPORT_SECONDS
    async with http.get(f"{load.url}/api/export", headers=bearer(load.exporter)) as response:
        await response.read()
        done["exports"] += response.status == 200
        return max(next_at - loop.time(), float(response.headers.get("Retry-After", 0)))


async def send(
    http: aiohttp.ClientSession, load: Load, texts: list[bytes], done: Counter[str]
) -> float:
    """Stream one session, each batch as soon as the one before is acknowledged."""
    creating = http.post(f"{load.url}{SESSIONS}", json=load.body, headers=bearer(load.sender))
    async with creating as response:
        created = await response.json()
        if response.status != 201:
            return PAUSE_SECONDS
    token = created["runtime_token"]
    async with http.ws_connect(created["stream_url"], headers=bearer(token)) as socket:
        await hear(socket, "session_update")
        for text in texts:
            await socket.send_frame(text, aiohttp.WSMsgType.TEXT)
            await hear(socket, "frame_ack")
            done["batches"] += 1
        await socket.send_str('{"type":"finalize"}')
        await hear(socket, "session_done")
    return 0.0


def with_fault(batch: bytes) -> bytes:
    """The batch with a fault in its last frame: all of its frames are then read one by one."""
    return b'"frame_sea":'.join(batch.rsplit(b'"frame_seq":', 1))


async def hear(socket: aiohttp.ClientWebSocketResponse, type_: str) -> None:
    """Read up to a message of this type. What is sent after a close raises ClientError."""
    async for message in socket:
        if f'"type":"{type_}"' in message.data:
            return


def bearer(token: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


async def receive(
    name: str, done: Counter[str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Read one message, answer it, and close."""
    with suppress(OSError, asyncio.IncompleteReadError):
        head = await reader.readuntil(b"\r\n\r\n")
        found = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        await reader.readexactly(int(found[1]) if found else 0)
        done[name] += 1
        await BEHAVIOURS[name](writer)
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


def expensive_movespec() -> str:
    """As many phases, criteria, steps, checks and cues as the language allows; JSON is YAML.

    Every measure is looked at on both sides in each frame, and a squat passes through all phases.
    """
    measures = [{kind: name, "side": "either"} for kind, name in MEASURES]
    knee, *others = every = [one | {"min": 0, "max": 180} for one in measures]
    bands = [knee | {"min": 11.25 * n, "max": 11.25 * (n + 1)} for n in range(16)]
    cue = {"message": "Chest up, and look ahead. " * 7 + "!"}
    movement = {
        "name": "expensive",
        "throughout": every,
        "phases": [{"name": f"p{n}", "criteria": [*others, bands[n]]} for n in range(16)],
        "sequence": [f"p{n}" for n in (*range(15, -1, -1), *range(1, 16), 14)],
        "checks": [{"name": f"c{n}", "least": {"max": 180}} | measures[n % 8] for n in range(16)],
        "feedback": [cue | every[n % 8] | {"when": f"p{n % 16}", "min": n} for n in range(32)],
    }
    setup = {"visible": "full_body", "start": every}
    detection = {"type": "repetition", "setup": setup, "movement": movement}
    return json.dumps({"name": "expensive", "version": "1", "detection": detection})


if __name__ == "__main__":
    main()
