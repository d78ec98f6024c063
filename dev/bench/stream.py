"""The frames a second that one runtime takes, how late it acknowledges, and what it holds.

    python -m dev.bench.stream [--seconds 8] [--sockets 64] [--idle 1000] [--throwaway]

One runtime process on 127.0.0.1, with every acknowledgement durable. The sockets stream a figure
that does the catalogue's squat, with noise. First, for batches of 15 and of 4 frames, every socket
sends its next batch once the one before is acknowledged: what is sustained, in frames/s, in
sessions of 30 frames/s, and in frames for each second of a core that the runtime took. Then half of
those sessions send in their own time: how long an acknowledgement takes. Then the same without the
engine and without the checkpoint. Then `--idle` sessions attach and say nothing: memory of each,
and share of a core.

`core` is the runtime's own share of a core. `make compiled` before, or the engine's Python source
runs, as the first line says. The server of DATABASE_URL is used, in a database made for the run and
dropped at its end; with DATABASE_URL unset, an embedded one in a temporary folder, with fsync
unless `--throwaway`. Runtime, PostgreSQL and load share the machine: compare figures of one run
only.
"""

import argparse
import asyncio
import gc
import time

import uvloop

from detection import ENGINE_BUILD
from dev.bench.command import percentiles, read_options, show
from dev.bench.scene import Scene, scene_for_run
from dev.bench.servers import Server, runtime
from dev.bench.stream_load import ATTACHING_AT_ONCE, FRAMES_PER_SECOND, Load

WARM_UP_SECONDS = 1.5
BATCHES = (15, 4)


def main() -> None:
    options = read_options(__doc__, seconds=8.0, sockets=64, idle=1000)
    show(f"engine: {ENGINE_BUILD.name}")
    with scene_for_run(options.throwaway) as (folder, scene):
        # The load's own pauses would count as the runtime's.
        gc.collect()
        gc.freeze()
        for without in (None, "engine", "checkpoint"):
            for size in BATCHES:
                words = ("--without", without) if without else ()
                what = f"batches of {size}" + (f", no {without}" if without else "")
                with runtime(folder, *words) as server:
                    uvloop.run(measure(what, Load(server, scene, size), options))
        if options.idle:
            with runtime(folder) as server:
                uvloop.run(measure_idle(server, scene, options))


async def measure(what: str, load: Load, options: argparse.Namespace) -> None:
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
    show("idle", sessions=options.idle, kib_each=kib, core=core)


if __name__ == "__main__":
    main()
