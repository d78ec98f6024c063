"""Measure how many frames a second one runtime takes, how late it answers, and what it holds.

    python bench/stream.py [--seconds 8] [--sockets 32] [--idle 1000] [--throwaway] [--json]
                           [--profile FILE]

One runtime process on 127.0.0.1, with every acknowledgement durable. First, for batches of 15
and of 4 frames, every socket sends its next batch once the one before is acknowledged: what is
sustained, in frames/s and in sessions of 30 frames/s. Then half of those sessions send in their
own time: how long an acknowledgement takes. Then the same without the engine and without the
checkpoint. Then `--idle` sessions attach and say nothing: memory of each, and share of a core.

    what                          frames/s  sessions  core    p50 ms  p99 ms at half load

`core` is the runtime's own share of a core. The server of DATABASE_URL is used, in a database
made for the run and dropped at its end; with DATABASE_URL unset, an embedded one in a temporary
folder, with fsync unless `--throwaway`. Runtime, PostgreSQL and load share the machine: compare
figures of one run only.
"""

import argparse
import asyncio
import contextlib
import dataclasses
import json
import os
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scene import UNLIMITED, Scene, make_scene, own_database  # noqa: E402

READY_SECONDS = 30.0
WARM_UP_SECONDS = 1.5
FRAMES_PER_SECOND = 30
BATCHES = (15, 4)
# Of one session; a socket goes on with another session after them.
MOST_FRAMES = 1800
MOST_SECONDS, MOST_SOCKETS, MOST_IDLE = 60.0, 256, 5_000
ATTACHING_AT_ONCE = 16


@dataclasses.dataclass(frozen=True)
class Figure:
    what: str
    frames_per_second: float
    sessions: float
    core: float
    p50_ms: float | None = None
    p99_ms: float | None = None


@dataclasses.dataclass(frozen=True)
class IdleFigure:
    what: str
    sessions: int
    kib_each: float
    core: float


@dataclasses.dataclass(frozen=True)
class Server:
    port: int
    pid: int

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_kib(self) -> int:
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])


def main() -> None:
    options = read_options()
    with tempfile.TemporaryDirectory(prefix="kynaplatform-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # as root, the embedded PostgreSQL runs as nobody
        with own_database(folder, options.throwaway):
            scene = make_scene()
            for figure in measure(folder, scene, options):
                show(figure, as_json=options.json)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=8.0, help="of each measure (default 8)")
    parser.add_argument("--sockets", type=int, default=32, help="of the load (default 32)")
    parser.add_argument("--idle", type=int, default=1000, help="idle sessions (default 1000)")
    parser.add_argument("--throwaway", action="store_true", help="embedded database without fsync")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument("--profile", type=Path, help="only profile, batches of 15, into FILE")
    options = parser.parse_args()
    if not (
        0 < options.seconds <= MOST_SECONDS
        and 0 < options.sockets <= MOST_SOCKETS
        and 0 <= options.idle <= MOST_IDLE
    ):
        parser.error(
            f"at most {MOST_SECONDS:.0f} seconds, {MOST_SOCKETS} sockets, {MOST_IDLE} idle"
        )
    return options


def measure(
    folder: Path, scene: Scene, options: argparse.Namespace
) -> Iterator[Figure | IdleFigure]:
    if options.profile:
        with runtime(folder, "--profile", str(options.profile)) as server:
            loaded = Load(server, scene, BATCHES[0])
            asyncio.run(loaded.sustained(options.sockets, options.seconds))
        return
    for without in (None, "engine", "checkpoint"):
        for size in BATCHES:
            arguments = () if without is None else ("--without", without)
            with runtime(folder, *arguments) as server:
                what = f"batches of {size}" + (f", no {without}" if without else "")
                yield asyncio.run(figure_of(what, Load(server, scene, size), options))
    if options.idle:
        with runtime(folder) as server:
            yield asyncio.run(idle_figure(server, scene, options))


async def figure_of(what: str, load: "Load", options: argparse.Namespace) -> Figure:
    await load.sustained(options.sockets, WARM_UP_SECONDS)
    cpu = load.server.cpu_seconds()
    times = await load.sustained(options.sockets, options.seconds)
    core = (load.server.cpu_seconds() - cpu) / options.seconds
    frames = len(times) * load.size / options.seconds
    half = round(frames / FRAMES_PER_SECOND / 2)
    percentiles = statistics.quantiles(await load.paced(half, options.seconds), n=100)
    return Figure(
        what=what,
        frames_per_second=round(frames),
        sessions=round(frames / FRAMES_PER_SECOND),
        core=round(core, 2),
        p50_ms=round(percentiles[49] * 1e3, 1),
        p99_ms=round(percentiles[98] * 1e3, 1),
    )


async def idle_figure(server: Server, scene: Scene, options: argparse.Namespace) -> IdleFigure:
    load = Load(server, scene, BATCHES[0])
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
    return IdleFigure("idle", options.idle, round(kib, 1), round(core, 3))


class Load:
    """Sockets that stream the same frames, made once: masked with zeros, they are sent as are."""

    def __init__(self, server: Server, scene: Scene, size: int) -> None:
        self.server = server
        self.scene = scene
        self.size = size
        self._messages = [masked(text) for text in batch_texts(size)]

    async def attach_many(self, count: int) -> list["Socket"]:
        created = await asyncio.to_thread(create_sessions, self.scene, count)
        gate = asyncio.Semaphore(ATTACHING_AT_ONCE)

        async def attach(url: str) -> Socket:
            async with gate:
                return await Socket.open(self.server.port, url)

        return list(await asyncio.gather(*map(attach, created)))

    async def sustained(self, sockets: int, seconds: float) -> list[float]:
        """Seconds that each batch took, every socket sending as soon as it may."""
        opened = await self.attach_many(sockets)
        ends_at = time.perf_counter() + seconds
        times: list[float] = []

        async def stream(socket: Socket) -> None:
            number = 0
            while (sent_at := time.perf_counter()) < ends_at:
                if number == len(self._messages):
                    socket.close()
                    (socket,) = await self.attach_many(1)
                    number = 0
                    continue
                socket.send(self._messages[number])
                number += 1
                await socket.acknowledged()
                times.append(time.perf_counter() - sent_at)
            socket.close()

        await asyncio.gather(*map(stream, opened))
        return times

    async def paced(self, sessions: int, seconds: float) -> list[float]:
        """The same with each session at its own 30 frames/s, out of step with the others."""
        opened = await self.attach_many(sessions)
        await asyncio.sleep(1)
        interval = self.size / FRAMES_PER_SECOND
        started = time.perf_counter() + 0.1
        times: list[float] = []

        async def stream(index: int, socket: Socket) -> None:
            begins_at = started + interval * index / len(opened)
            for number in range(min(len(self._messages), int(seconds / interval))):
                due_at = begins_at + number * interval
                await asyncio.sleep(due_at - time.perf_counter())
                sent_at = time.perf_counter()
                socket.send(self._messages[number])
                await socket.acknowledged()
                times.append(time.perf_counter() - sent_at)
            socket.close()

        await asyncio.gather(*(stream(index, socket) for index, socket in enumerate(opened)))
        return times


class Socket(asyncio.Protocol):
    """As much of a websocket as the load needs."""

    def __init__(self) -> None:
        self._received = b""
        self._is_open = False
        self._acks = asyncio.Semaphore(0)
        self._first = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(cls, port: int, path: str) -> "Socket":
        loop = asyncio.get_running_loop()
        _, socket = await loop.create_connection(cls, "127.0.0.1", port)
        socket._transport.write(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        await socket._first
        return socket

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._is_open:
            head, end, rest = self._received.partition(b"\r\n\r\n")
            if not end:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                raise SystemExit(head.decode())
            self._is_open, self._received = True, rest
        while (message := self._take()) is not None:
            if b'"frame_ack"' in message:
                self._acks.release()
            elif not self._first.done():
                if b'"session_update"' not in message:
                    raise SystemExit(message.decode())
                self._first.set_result(None)

    def _take(self) -> bytes | None:
        """The next whole message; control frames pass for one."""
        if len(self._received) < 2:
            return None
        length, start = self._received[1], 2
        if length == 126:
            if len(self._received) < 4:
                return None
            (length,), start = struct.unpack("!H", self._received[2:4]), 4
        if len(self._received) < start + length:
            return None
        message = self._received[start : start + length]
        self._received = self._received[start + length :]
        return message

    def send(self, message: bytes) -> None:
        self._transport.write(message)

    async def acknowledged(self) -> None:
        await self._acks.acquire()

    def close(self) -> None:
        self._transport.abort()


def masked(text: bytes) -> bytes:
    length = len(text)
    if length < 65536:
        head = struct.pack("!BBH", 0x81, 0x80 | 126, length)
    else:
        head = struct.pack("!BBQ", 0x81, 0x80 | 127, length)
    return head + bytes(4) + text


def batch_texts(size: int) -> list[bytes]:
    from detection import LANDMARK_NAMES
    from poses.figure import perform

    frames: list[dict[str, Any]] = [
        {
            "timestamp_ms": frame.timestamp_ms,
            "pose_schema": "mediapipe_pose_landmarker/v1",
            "landmarks": [
                {"name": name, "x": point.x, "y": point.y, "z": point.z, "visibility": 0.99}
                for name, point in zip(LANDMARK_NAMES, frame.landmarks, strict=True)
            ],
            "confidence": 0.9,
            "frame_seq": seq,
        }
        for seq, frame in enumerate(
            perform("squat", repetitions=24, fps=FRAMES_PER_SECOND)[:MOST_FRAMES], 1
        )
    ]
    return [
        json.dumps(
            {"type": "frame_batch", "batch_seq": number, "frames": frames[start : start + size]},
            separators=(",", ":"),
        ).encode()
        for number, start in enumerate(range(0, len(frames) - size + 1, size), 1)
    ]


def create_sessions(scene: Scene, count: int) -> Sequence[str]:
    """The path and query of each session's stream."""
    from django.utils import timezone

    from projects.models import Project
    from sessions_app.admission import AdmissionRequest, session_admit
    from sessions_app.runtime_tokens import runtime_token

    now = timezone.now()
    organization_id: UUID = Project.objects.get(id=scene.project_id).organization_id
    paths = []
    for _ in range(count):
        session, _ = session_admit(
            request=AdmissionRequest(
                project_id=scene.project_id,
                mode="live",
                contract_major=1,
                movespec_id=scene.movespec_id,
                movespec_version_id=None,
                idempotency_key=None,
            ),
            now=now,
        )
        token = runtime_token(session, organization_id, now)
        paths.append(f"/api/detection/stream/{session.id}?runtime_token={token}")
    return paths


@contextlib.contextmanager
def runtime(folder: Path, *arguments: str) -> Iterator[Server]:
    from local_stack import processes
    from local_stack.guard import children_of
    from local_stack.ports import free_port, listens

    port = free_port()
    with (folder / "runtime.log").open("wb") as log:
        process = processes.start(
            [sys.executable, str(ROOT / "bench" / "stream_server.py"), *arguments],
            cwd=ROOT,
            env={**os.environ, **UNLIMITED, "REALTIME_PORT": str(port)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit((folder / "runtime.log").read_text())
            time.sleep(0.05)
        (pid,) = children_of(process.pid)
        yield Server(port, pid)
    finally:
        processes.stop(process, signals=[(signal.SIGTERM, 12)])


def show(figure: Figure | IdleFigure, *, as_json: bool) -> None:
    if as_json:
        text = json.dumps(dataclasses.asdict(figure))
    elif isinstance(figure, IdleFigure):
        text = (
            f"{figure.what:28}{figure.sessions:9} sessions  {figure.kib_each:.1f} KiB each"
            f"  {figure.core:.3f} of a core"
        )
    else:
        text = (
            f"{figure.what:28}{figure.frames_per_second:9.0f}/s{figure.sessions:7.0f}"
            f"  core {figure.core:4.2f}"
            f"  p50 {figure.p50_ms:6.1f} ms  p99 {figure.p99_ms:6.1f} ms"
        )
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
