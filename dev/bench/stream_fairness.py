"""The service that others get while some sockets send as fast as they are acknowledged.

    python -m dev.bench.stream_fairness [--seconds 6] [--bystanders 40] [--throwaway]

One runtime process on 127.0.0.1. Fast sockets send batches of 300 frames, or of 2 MiB that are
slow to read and all rejected; bystanders send 30 frames/s each, in batches of 4 and of 15. Each
row is measured by turns and without them, and each load also alone: first what the fast sockets
are acknowledged for, then how long the bystanders wait for an acknowledgement.

Runtime, PostgreSQL and load share the machine: compare figures of one run only.
"""

import argparse
import asyncio
import gc
from pathlib import Path

import uvloop

from dev.bench.command import percentiles, read_options, show
from dev.bench.scene import Scene, scene_for_run
from dev.bench.servers import runtime
from dev.bench.stream_load import Load, masked

FAST_FRAMES = 300
FAST_SESSION_FRAMES = 18_000
SIZES = (4, 15)
FAST_SOCKETS = (0, 1, 8)


def main() -> None:
    options = read_options(__doc__, seconds=6.0, bystanders=40)
    with scene_for_run(options.throwaway) as (folder, scene):
        gc.collect()
        gc.freeze()
        measure_all(folder, scene, options)


def measure_all(folder: Path, scene: Scene, options: argparse.Namespace) -> None:
    good: list[bytes] | None = None
    for kind in ("300 frames", "2 MiB at fault"):
        for sockets in FAST_SOCKETS:
            for size in (*SIZES, None) if sockets else SIZES:
                for arguments in ((), ("--without", "turns")):
                    with runtime(folder, *arguments) as server:
                        fast = Load(server, scene, FAST_FRAMES, FAST_SESSION_FRAMES, good)
                        good = fast.messages
                        if kind != "300 frames":
                            fast.messages = [masked(slow_batch())] * 1000
                        what = f"{sockets} of {kind}" + (f", batches of {size}" if size else "")
                        what += ", no turns" if arguments else ""
                        uvloop.run(measure(what, fast, sockets, size, options))


async def measure(
    what: str, fast: Load, sockets: int, size: int | None, options: argparse.Namespace
) -> None:
    bystanders = Load(fast.server, fast.scene, size or SIZES[0])
    others = await bystanders.attach_many(options.bystanders if size else 0)
    opened = await fast.attach_many(sockets)
    times, waits = await asyncio.gather(
        fast.stream_fast(opened, options.seconds + 1),
        bystanders.stream_paced(others, options.seconds),
    )
    show(
        what,
        fast_per_second=len(times) / (options.seconds + 1) if times else None,
        **percentiles(waits),
        longest_ms=max(waits) * 1e3 if waits else None,
    )


def slow_batch() -> bytes:
    """The slowest to read that was found: 298 "frames" of values that are no numbers."""
    frame = f'{{"x":[{",".join(["NaN"] * 1740)}]}}'
    return f'{{"type":"frame_batch","batch_seq":1,"frames":[{",".join([frame] * 298)}]}}'.encode()


if __name__ == "__main__":
    main()
