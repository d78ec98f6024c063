"""The platform as the page at /try needs it, and what somebody does there."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from playwright.sync_api import Page

from local_stack.guard import children_of
from local_stack.ports import free_port
from tests.node import built_clients
from tests.server import RuntimeServer, runtime_server, web_server

FIGURE = "The built-in figure"


class Runtime:
    """A runtime that may be killed, and started again on its port."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._running = ExitStack()
        self._server: RuntimeServer | None = None
        self.url = f"ws://127.0.0.1:{self._port}/api/detection/stream"

    def start(self) -> None:
        self._server = self._running.enter_context(runtime_server(self._folder, port=self._port))

    def kill(self) -> None:
        assert self._server is not None
        [runtime] = children_of(self._server.process.pid)
        os.kill(runtime, signal.SIGKILL)
        self._server.process.wait(10)
        self.stop()

    def stop(self) -> None:
        self._running.close()


@contextmanager
def platform(runtime: Runtime, folder: Path, **environment: str) -> Iterator[str]:
    """The base URL of a web server whose page is built, and whose streams are the runtime's."""
    built_clients()
    environment["PUBLIC_STREAM_URL"] = runtime.url
    with web_server(folder, environment=environment) as base_url:
        runtime.start()
        try:
            yield base_url
        finally:
            runtime.stop()


def start(page: Page, source: str = FIGURE, movement: str = "Squat") -> None:
    page.get_by_role("radio", name=movement).check()
    page.get_by_role("radio", name=source).check()
    page.get_by_role("button", name="Start").click()
