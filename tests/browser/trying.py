"""The platform as the page at /try needs it, and what somebody does there."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from local_stack.guard import children_of
from local_stack.ports import free_port
from tests.node import built_clients
from tests.server import RuntimeServer, runtime_server, web_server

FIGURE = "The built-in figure"
RUN_MS = 40_000


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


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return Runtime(tmp_path)


@pytest.fixture
def site(browser: Browser, signing_key: None, runtime: Runtime, tmp_path: Path) -> Iterator[str]:
    with platform(runtime, tmp_path) as base_url:
        yield base_url


@pytest.fixture
def page(visit: Callable[..., Page]) -> Page:
    """The page, which plays recordings eight times as fast."""
    page = visit(viewport={"width": 1280, "height": 900})
    page.goto("/try?speed=8")
    return page


def drawn(page: Page, canvas: str) -> int:
    """How many pixels of a canvas are not clear."""
    return int(
        page.locator(f"#{canvas}").evaluate(
            """canvas => {
              const {width, height} = canvas;
              const {data} = canvas.getContext("2d").getImageData(0, 0, width, height);
              return data.filter((value, index) => index % 4 === 3 && value > 0).length;
            }"""
        )
    )


def expect_summary(page: Page, heading: str) -> None:
    expect(page.locator("#summary-heading")).to_have_text(heading, timeout=RUN_MS)
    expect(page.locator("#summary-heading")).to_be_focused()


def notices(page: Page) -> list[str]:
    return page.locator("#notices .notice").all_inner_texts()


def start(page: Page, source: str = FIGURE, movement: str = "Squat") -> None:
    page.get_by_role("radio", name=movement).check()
    page.get_by_role("radio", name=source).check()
    page.get_by_role("button", name="Start").click()
