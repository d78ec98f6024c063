"""The memory that each kind of process takes, idle and under load.

    python -m dev.bench.memory [--sessions 300] [--seconds 8] [--throwaway]

An API of two processes, a runtime, a worker of two, a sender of webhooks and beat start on a
database made for the run.
The load is creates over 8 connections, then `--sessions` that stream 30 frames/s each, in batches
of 15. Memory is proportional (PSS): what processes share is divided among them. It is in MiB, of
the first process of each kind and of those that this one started.
"""

import time

import psutil
import uvloop

from dev.bench.command import read_options, show
from dev.bench.create import load as create_load
from dev.bench.scene import scene_for_run
from dev.bench.servers import celery, runtime, served, web_server
from dev.bench.stream_load import Load

WARM_UP_SECONDS = 5.0
CONNECTIONS, BATCH = 8, 15
SENDER = ("--pool=solo", "--queues=webhooks", "--hostname=webhooks@%h")


def main() -> None:
    options = read_options(__doc__, sessions=300, seconds=8.0)
    with (
        scene_for_run(options.throwaway) as (folder, scene),
        web_server(folder, 2, 2) as web,
        runtime(folder) as stream,
        celery(folder, "worker", "--concurrency=2") as worker,
        celery(folder, "worker", *SENDER, WORKER_METRICS_PORT="0") as sender,
        celery(folder, "beat", "--pidfile=", f"--schedule={folder}/beat") as beat,
    ):
        time.sleep(WARM_UP_SECONDS)
        kinds = {"web": web.process, "runtime": stream.process}
        kinds |= {"worker": served(worker), "sender": served(sender), "beat": served(beat)}
        show_memory("idle", kinds)
        create_load(web.port, scene, lambda: None, options.seconds, CONNECTIONS)
        uvloop.run(Load(stream, scene, BATCH).paced(options.sessions, options.seconds))
        show_memory("under load", kinds)


def show_memory(when: str, kinds: dict[str, psutil.Process]) -> None:
    for kind, first in kinds.items():
        processes = enumerate((first, *first.children()), 1)
        sizes = {f"process_{n}": one.memory_full_info().pss / 2**20 for n, one in processes}
        show(f"{kind}, {when}", **sizes)


if __name__ == "__main__":
    main()
