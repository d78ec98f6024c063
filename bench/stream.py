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
import gc
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scene import UNLIMITED, Scene, scene_for_run  # noqa: E402
from stream_load import ATTACHING_AT_ONCE, FRAMES_PER_SECOND, Load, Server  # noqa: E402

READY_SECONDS = 30.0
WARM_UP_SECONDS = 1.5
BATCHES = (15, 4)
MOST_SECONDS, MOST_SOCKETS, MOST_IDLE = 60.0, 256, 5_000


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


def main() -> None:
    options = read_options()
    with scene_for_run(options.throwaway) as (folder, scene):
        # The load's own pauses would count as the runtime's.
        gc.collect()
        gc.freeze()
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


async def figure_of(what: str, load: Load, options: argparse.Namespace) -> Figure:
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
