"""The frames a second that one runtime accepts, its latency, and its memory.

    python -m dev.bench.stream [--seconds 8] [--sockets 64] [--idle 1000] [--throwaway]

One runtime process on 127.0.0.1, with every acknowledgement durable. The sockets stream a figure
that does the catalogue's squat, with noise. First, in batches of 15 and 4 frames of `kyna.v1`, and
of 15 and 30 of `kyna.v2`, every socket sends its next batch once the one before is acknowledged.
This gives the sustained frames/s, sessions of 30 frames/s, and frames for each second of a core
that the runtime used. Then half of those sessions send at 30 frames/s, which gives the latency of
an acknowledgement. Then the same without the engine, and without the checkpoint. Then `--idle`
sessions attach and send nothing, which gives the memory of each and the share of a core.

`core` is the runtime's own share of a core. The first line names the engine's build: run `make
compiled` first. The run makes a database on the server of DATABASE_URL and drops it at the end.
With DATABASE_URL unset it starts an embedded server in a temporary folder, with fsync unless
`--throwaway`. Runtime, PostgreSQL and load share the machine: compare figures of one run only.
"""

import argparse
import asyncio
import gc
import struct
import time
from collections.abc import Sequence

import uvloop

from clients.python.wire import FrameBatch, encode, packed, wire_frame
from detection import ENGINE_BUILD
from dev.bench.command import percentiles, read_options, show
from dev.bench.scene import MOVEMENT, Scene, Server, runtime, scene_for_run

WARM_UP_SECONDS = 1.5
V1, V2 = "kyna.v1", "kyna.v2"
BATCHES = ((V1, 15), (V1, 4), (V2, 15), (V2, 30))
FRAMES_PER_SECOND = 30
# The frames of one session. After them a socket goes on with another session.
MAX_FRAMES = 1800
ATTACHING_AT_ONCE = 16


def main() -> None:
    options = read_options(__doc__, seconds=8.0, sockets=64, idle=1000)
    show(f"engine: {ENGINE_BUILD.name}")
    with scene_for_run(options.throwaway) as (folder, scene):
        # The load's own pauses would count as the runtime's.
        gc.collect()
        gc.freeze()
        for without in (None, "engine", "checkpoint"):
            for protocol, size in BATCHES:
                words = ("--without", without) if without else ()
                what = f"{protocol}, batches of {size}" + (f", no {without}" if without else "")
                with runtime(folder, *words) as server:
                    uvloop.run(measure(what, Load(server, scene, protocol, size), options))
        if options.idle:
            with runtime(folder) as server:
                uvloop.run(measure_idle(server, scene, options))


async def measure(what: str, load: "Load", options: argparse.Namespace) -> None:
    await load.sustained(options.sockets, WARM_UP_SECONDS)
    cpu = load.server.cpu_seconds()
    times = await load.sustained(options.sockets, options.seconds)
    core = (load.server.cpu_seconds() - cpu) / options.seconds
    frames = round(len(times) * load.size / options.seconds)
    half = round(frames / FRAMES_PER_SECOND / 2)
    waits = percentiles(await load.paced(half, options.seconds))
    show(
        what,
        frames_per_second=frames,
        frames_a_core=round(frames / core),
        sessions=frames // FRAMES_PER_SECOND,
        core=core,
        **waits,
    )


async def measure_idle(server: Server, scene: Scene, options: argparse.Namespace) -> None:
    load = Load(server, scene, *BATCHES[0])
    # What a runtime makes once is there before the first figure is taken.
    for socket in await load.attach_many(ATTACHING_AT_ONCE):
        socket.close()
    await asyncio.sleep(1)
    before = server.resident_kib()
    sockets = await load.attach_many(options.idle)
    await asyncio.sleep(2)
    kib = (server.resident_kib() - before) / options.idle
    cpu, started = server.cpu_seconds(), time.monotonic()
    await asyncio.sleep(max(20.0, options.seconds))
    core = (server.cpu_seconds() - cpu) / (time.monotonic() - started)
    for socket in sockets:
        socket.close()
    show("idle", sessions=options.idle, kib_each=kib, core=core)


class Load:
    """Sockets that stream the same frames, made once: masked with zeros, they are sent as are."""

    def __init__(self, server: Server, scene: Scene, protocol: str, size: int) -> None:
        self.server = server
        self.scene = scene
        self.protocol = protocol
        self.size = size
        self.messages = [
            masked(packed(batch) if protocol == V2 else encode(batch).encode(), protocol == V2)
            for batch in frame_batches(size)
        ]

    async def attach_many(self, count: int) -> list["Socket"]:
        created = await asyncio.to_thread(create_sessions, self.scene, count)
        gate = asyncio.Semaphore(ATTACHING_AT_ONCE)

        async def attach(url: str) -> Socket:
            async with gate:
                return await Socket.open(self.server.port, url, self.protocol)

        return list(await asyncio.gather(*map(attach, created)))

    async def sustained(self, sockets: int, seconds: float) -> list[float]:
        """Seconds that each batch took, every socket sending as soon as it may."""
        opened = await self.attach_many(sockets)
        ends_at = time.perf_counter() + seconds
        times: list[float] = []

        async def stream(socket: Socket) -> None:
            number = 0
            while (sent_at := time.perf_counter()) < ends_at:
                if number == len(self.messages):
                    socket.close()
                    (socket,) = await self.attach_many(1)
                    number = 0
                    continue
                socket.send(self.messages[number])
                number += 1
                await socket.acknowledged()
                times.append(time.perf_counter() - sent_at)
            socket.close()

        await asyncio.gather(*map(stream, opened))
        return times

    async def paced(self, sessions: int, seconds: float) -> list[float]:
        """The same, with each session at 30 frames/s and out of step with the others."""
        opened = await self.attach_many(sessions)
        await asyncio.sleep(1)
        interval = self.size / FRAMES_PER_SECOND
        started = time.perf_counter() + 0.1
        times: list[float] = []

        async def stream(index: int, socket: Socket) -> None:
            begins_at = started + interval * index / len(opened)
            for number in range(min(len(self.messages), int(seconds / interval))):
                due_at = begins_at + number * interval
                await asyncio.sleep(due_at - time.perf_counter())
                sent_at = time.perf_counter()
                socket.send(self.messages[number])
                await socket.acknowledged()
                times.append(time.perf_counter() - sent_at)

        await asyncio.gather(*(stream(index, socket) for index, socket in enumerate(opened)))
        # All at once and not each after its last batch: closes are a load of their own.
        for socket in opened:
            socket.close()
        return times


class Socket:
    """A websocket, as much of it as the load needs."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int, path: str, protocol: str) -> "Socket":
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            f"Sec-WebSocket-Protocol: {protocol}\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise SystemExit(head.decode())
        socket = cls(reader, writer)
        await socket._read_until(b'"session_update"')
        return socket

    def send(self, message: bytes) -> None:
        self._writer.write(message)

    async def acknowledged(self) -> None:
        await self._read_until(b'"frame_ack"')

    async def _read_until(self, word: bytes) -> None:
        message = b""
        while word not in message:
            if b'"type":"error"' in message:
                raise SystemExit(message.decode())
            _, length = await self._reader.readexactly(2)
            if length == 126:
                length = int.from_bytes(await self._reader.readexactly(2))
            message = await self._reader.readexactly(length)

    def close(self) -> None:
        self._writer.transport.abort()


def masked(message: bytes, is_binary: bool) -> bytes:
    opcode, length = 0x82 if is_binary else 0x81, len(message)
    form, kind = ("!BBH", 126) if length < 65536 else ("!BBQ", 127)
    return struct.pack(form, opcode, 0x80 | kind, length) + bytes(4) + message


def frame_batches(size: int) -> list[FrameBatch]:
    from dev.poses.figure import perform

    repetitions = MAX_FRAMES // 75  # of two and a half seconds each
    poses = perform("squat", repetitions=repetitions, fps=FRAMES_PER_SECOND)[:MAX_FRAMES]
    frames = [wire_frame(pose, seq) for seq, pose in enumerate(poses, 1)]
    return [
        FrameBatch(number, frames[start : start + size])
        for number, start in enumerate(range(0, len(frames) - size + 1, size), 1)
    ]


def create_sessions(scene: Scene, count: int) -> Sequence[str]:
    from django.utils import timezone

    from projects.models import Project
    from sessions_app.admission import session_admit
    from sessions_app.models import Mode
    from sessions_app.runtime_tokens import runtime_token
    from sessions_app.schemas import SessionCreate

    now = timezone.now()
    organization_id = Project.objects.get(id=scene.project_id).organization_id
    create = SessionCreate(project_id=scene.project_id, mode=Mode.LIVE, movement=MOVEMENT)
    paths = []
    for _ in range(count):
        session, _ = session_admit(create=create, now=now, principal=None)
        token = runtime_token(session, organization_id, now)
        paths.append(f"/api/detection/stream/{session.id}?runtime_token={token}")
    return paths


if __name__ == "__main__":
    main()
