"""Measure what memory each kind of process takes, idle and under load.

    python bench/memory.py [--sessions 300] [--seconds 8] [--throwaway]

An API of two processes, a runtime, a worker of two and beat start on a database made for the run.
The load is creates over 8 connections, then `--sessions` that stream 30 frames/s each, in batches
of 15. Memory is proportional (PSS): what processes share is divided among them.

    kind  MiB idle, of each process  MiB under load, of each process
"""

import argparse
import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from create import load as create_load  # noqa: E402
from create import web_server  # noqa: E402
from scene import UNLIMITED, scene_for_run  # noqa: E402
from stream import runtime  # noqa: E402
from stream_load import Load  # noqa: E402

MOST_SESSIONS, MOST_SECONDS = 1000, 60.0
WARM_UP_SECONDS = 5.0
CONNECTIONS, BATCH = 8, 15


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sessions", type=int, default=300, help="that stream (default 300)")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each load (default 8)")
    parser.add_argument("--throwaway", action="store_true", help="embedded database without fsync")
    options = parser.parse_args()
    if not (0 < options.sessions <= MOST_SESSIONS and 0 < options.seconds <= MOST_SECONDS):
        parser.error(f"at most {MOST_SESSIONS} sessions, {MOST_SECONDS:.0f} seconds")
    with (
        scene_for_run(options.throwaway) as (folder, scene),
        web_server(folder, 2, 2) as port,
        runtime(folder) as server,
        celery(folder, "worker", "--concurrency=2"),
        celery(folder, "beat", "--pidfile=", f"--schedule={folder}/beat"),
    ):
        time.sleep(WARM_UP_SECONDS)
        idle = memory_by_kind()
        create_load(port, scene, lambda: None, options.seconds, CONNECTIONS)
        asyncio.run(Load(server, scene, BATCH).paced(options.sessions, options.seconds))
        loaded = memory_by_kind()
    for kind in idle:
        print(f"{kind:8}{told(idle[kind]):>28}{told(loaded[kind]):>28}")  # noqa: T201


def told(sizes: list[float]) -> str:
    return " + ".join(f"{size:.0f}" for size in sizes)


@contextlib.contextmanager
def celery(folder: Path, name: str, *options: str) -> Iterator[None]:
    from local_stack import processes
    from local_stack.environment import make_broker_folders

    make_broker_folders(Path(os.environ["DATA_DIR"]))
    with (folder / f"{name}.log").open("wb") as log:
        process = processes.start(
            [sys.executable, "-m", "celery", "-A", "kynaplatform", name, *options],
            cwd=ROOT,
            env={**os.environ, **UNLIMITED},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield
    finally:
        processes.stop(process, signals=[(signal.SIGTERM, 10), (signal.SIGQUIT, 3)])


def memory_by_kind() -> dict[str, list[float]]:
    """The MiB of each process that this one started, the first of a kind first."""
    from local_stack.guard import children_of

    kinds = {"kynaplatform\0--port": "web", "stream_server": "runtime", "worker": "worker"}
    kinds["beat"] = "beat"
    found: dict[str, list[float]] = {}
    for guard in children_of(os.getpid()):
        for first in children_of(guard):
            command = Path(f"/proc/{first}/cmdline").read_text()
            for word, kind in kinds.items():
                if word in command:
                    found[kind] = [proportional(pid) for pid in (first, *children_of(first))]
                    break
    return found


def proportional(pid: int) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    (kib,) = re.findall(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return int(kib) / 1024


if __name__ == "__main__":
    main()
