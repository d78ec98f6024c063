"""Two runtimes that are killed, and started again."""

import contextlib
import os
import signal
from pathlib import Path

from dev.local_stack.guard import children_of
from dev.local_stack.ports import free_port
from tests.server import RuntimeServer, runtime_server
from tests.waiting import DEADLINE_SECONDS


class Supervisor:
    """Two runtimes side by side, each started again on its port after it was killed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ports = [free_port(), free_port()]
        self._running = [contextlib.ExitStack(), contextlib.ExitStack()]
        self._servers: list[RuntimeServer] = []
        for number in (0, 1):
            self._servers.append(self._start(number))

    @property
    def stream_urls(self) -> list[str]:
        return [server.url for server in self._servers]

    def kill(self, number: int) -> None:
        """`kill -9`, and start it again."""
        [runtime] = children_of(self._servers[number].process.pid)
        os.kill(runtime, signal.SIGKILL)
        self._servers[number].process.wait(DEADLINE_SECONDS)
        self._servers[number] = self._start(number)

    def stop(self) -> None:
        for stack in self._running:
            stack.close()

    def _start(self, number: int) -> RuntimeServer:
        self._running[number].close()
        return self._running[number].enter_context(
            runtime_server(self._folder, port=self._ports[number])
        )
