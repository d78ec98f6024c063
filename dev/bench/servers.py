"""The servers that are measured: web, runtime, worker and beat, as production starts them."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from subprocess import Popen

import psutil

from dev.bench.scene import UNLIMITED
from dev.local_stack import processes
from dev.local_stack.environment import PROJECT, make_broker_folders
from dev.local_stack.ports import free_port, listens


def _serve(
    folder: Path, *command: str, port: int | None = None, **variables: str
) -> AbstractContextManager[Popen[bytes]]:
    """`python -m COMMAND`, ready once something listens on the port."""
    return processes.running(
        [sys.executable, "-m", *command],
        log=folder / f"{command[0]}.log",
        is_ready=lambda: port is None or listens(port),
        ready_seconds=120,
        signals=[(signal.SIGTERM, 12), (signal.SIGQUIT, 3)],
        cwd=PROJECT,
        env={**os.environ, **UNLIMITED, **variables},
    )


def served(guard: Popen[bytes]) -> psutil.Process:
    """The process that a guard guards, once it has started it."""
    while not (found := psutil.Process(guard.pid).children()):
        time.sleep(0.05)
    (process,) = found
    return process


class Server:
    """A server that listens on `port`, with the process that serves there."""

    def __init__(self, port: int, process: psutil.Process) -> None:
        self.port = port
        self.process = process

    def cpu_seconds(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def resident_kib(self) -> float:
        return float(self.process.memory_info().rss / 1024)


@contextmanager
def web_server(folder: Path, workers: int, threads: int) -> Iterator[Server]:
    port = free_port()
    words = ("kynaplatform", "api", "--port", str(port), "--monitor-port", "0")
    variables = {"WEB_PROCESSES": str(workers), "WEB_THREADS": str(threads)}
    with _serve(folder, *words, port=port, **variables) as guard:
        yield Server(port, served(guard))


@contextmanager
def runtime(folder: Path, *options: str) -> Iterator[Server]:
    """A runtime, with the options of `bench.partial_runtime`."""
    port = free_port()
    words = ("dev.bench.partial_runtime", *options)
    with _serve(folder, *words, port=port, REALTIME_PORT=str(port)) as guard:
        yield Server(port, served(guard))


@contextmanager
def celery(folder: Path, *words: str, **variables: str) -> Iterator[Popen[bytes]]:
    make_broker_folders(Path(os.environ["DATA_DIR"]))
    with _serve(folder, "celery", "-A", "kynaplatform", *words, port=None, **variables) as guard:
        yield guard
