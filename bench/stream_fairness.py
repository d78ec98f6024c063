"""Measure how others are served while some sockets send as fast as they are acknowledged.

    python bench/stream_fairness.py [--seconds 6] [--bystanders 40] [--throwaway] [--json]

One runtime process on 127.0.0.1. Fast sockets send batches of 300 frames, or of 2 MiB that are
slow to read and all rejected; bystanders send 30 frames/s each, in batches of 4 and of 15. Each
row is measured by turns and without them, and each load also alone: first what the fast sockets
are acknowledged for, then how long the bystanders wait for an acknowledgement.

    what                           fast batches/s   bystanders' p50   p99   longest, ms

Runtime, PostgreSQL and load share the machine: compare figures of one run only.
"""

import argparse
import asyncio
import dataclasses
import gc
import json
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scene import Scene, scene_for_run  # noqa: E402
from stream import runtime  # noqa: E402
from stream_load import Load, masked  # noqa: E402

FAST_FRAMES = 300
FAST_SESSION_FRAMES = 18_000
SIZES = (4, 15)
FAST_SOCKETS = (0, 1, 8)
MOST_SECONDS, MOST_BYSTANDERS = 60.0, 200


@dataclasses.dataclass(frozen=True)
class Figure:
    what: str
    fast_per_second: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    longest_ms: float | None = None


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=6.0, help="of each measure (default 6)")
    parser.add_argument("--bystanders", type=int, default=40, help="default 40")
    parser.add_argument("--throwaway", action="store_true", help="embedded database without fsync")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    options = parser.parse_args()
    if not (0 < options.seconds <= MOST_SECONDS and 0 < options.bystanders <= MOST_BYSTANDERS):
        parser.error(f"at most {MOST_SECONDS:.0f} seconds, {MOST_BYSTANDERS} bystanders")
    with scene_for_run(options.throwaway) as (folder, scene):
        gc.collect()
        gc.freeze()
        for figure in measure(folder, scene, options):
            show(figure, as_json=options.json)


def measure(folder: Path, scene: Scene, options: argparse.Namespace) -> Iterator[Figure]:
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
                        yield asyncio.run(figure_of(what, fast, sockets, size, options))


async def figure_of(
    what: str, fast: Load, sockets: int, size: int | None, options: argparse.Namespace
) -> Figure:
    bystanders = Load(fast.server, fast.scene, size or SIZES[0])
    others = await bystanders.attach_many(options.bystanders if size else 0)
    opened = await fast.attach_many(sockets)
    times, waited = await asyncio.gather(
        fast.stream_fast(opened, options.seconds + 1),
        bystanders.stream_paced(others, options.seconds),
    )
    percentiles = statistics.quantiles(waited, n=100) if waited else []
    return Figure(
        what=what,
        fast_per_second=round(len(times) / (options.seconds + 1), 1) if times else None,
        p50_ms=round(percentiles[49] * 1e3, 1) if waited else None,
        p99_ms=round(percentiles[98] * 1e3, 1) if waited else None,
        longest_ms=round(max(waited) * 1e3, 1) if waited else None,
    )


def slow_batch() -> bytes:
    """What takes longest to read of what was found: 298 "frames" of values that are no numbers."""
    frame = f'{{"x":[{",".join(["NaN"] * 1740)}]}}'
    return f'{{"type":"frame_batch","batch_seq":1,"frames":[{",".join([frame] * 298)}]}}'.encode()


def show(figure: Figure, *, as_json: bool) -> None:
    if as_json:
        text = json.dumps(dataclasses.asdict(figure))
    else:
        fast, *waits = (
            "-" if value is None else f"{value:.1f}" for value in dataclasses.astuple(figure)[1:]
        )
        text = f"{figure.what:46}{fast:>9}/s" + "".join(f"{wait:>9}" for wait in waits)
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
