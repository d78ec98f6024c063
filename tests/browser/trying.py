"""The platform as the page at /try needs it, and what somebody does there."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from django.utils import timezone
from playwright.sync_api import Page, expect

from dev.local_stack.guard import children_of
from dev.local_stack.ports import free_port
from projects.models import Project
from sessions_app.models import DetectionSession
from tests.server import RuntimeServer, runtime_server
from tests.waiting import DEADLINE_SECONDS
from tryout.project import PROJECT_ID, demo_account

FIGURE = "The built-in figure"
RUN_MS = 40_000


class Runtime:
    """A runtime that may be killed, and started again on its port."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._running = ExitStack()
        self.server: RuntimeServer | None = None
        self.url = f"ws://127.0.0.1:{self._port}/api/detection/stream"

    def start(self) -> None:
        self.server = self._running.enter_context(runtime_server(self._folder, port=self._port))

    def kill(self) -> None:
        assert self.server is not None
        [runtime] = children_of(self.server.process.pid)
        os.kill(runtime, signal.SIGKILL)
        self.server.process.wait(DEADLINE_SECONDS)
        self.stop()

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        assert self.server is not None
        [runtime] = children_of(self.server.process.pid)
        os.kill(runtime, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(runtime, signal.SIGCONT)

    def stop(self) -> None:
        self._running.close()
        self.server = None


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


def use_up_sessions(page: Page) -> int:
    """As staff do who slow the page down: the next session is refused. Returns how many there are.

    The minute that is counted may have some of an earlier test.
    """
    demo_account(now=timezone.now())
    Project.objects.filter(id=PROJECT_ID).update(rate_limit_sessions=1)
    status = 201
    while status == 201:
        status = page.request.post("/try/sessions", data={"movement": "squat"}).status
    assert status == 429
    return DetectionSession.objects.count()


def rows(page: Page, table: str) -> list[list[str]]:
    return [
        row.locator("td").all_inner_texts()
        for row in page.locator(f"#{table} tr:not(.details)").all()
    ]


def unfold(page: Page) -> None:
    """Show the experimental movements and the options."""
    page.locator("#choices details").evaluate_all("all => all.forEach(one => { one.open = true; })")


def start(page: Page, source: str = FIGURE, movement: str = "Squat") -> None:
    unfold(page)
    page.get_by_role("radio", name=movement).check()
    page.get_by_role("radio", name=source).check()
    page.get_by_role("button", name="Start").click()
