"""The machine's Firefox, headless, driven by WebDriver BiDi.

Playwright can't: its contexts need a command that Firefox does not have yet
(`emulation.setMediaFeaturesOverride`).
"""

import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from dev.local_stack import processes
from tests.waiting import DEADLINE_SECONDS, eventually

PROGRAMS = ("firefox-esr", "firefox")
ADDRESS = re.compile(r"BiDi listening on (ws://\S+)")
# What a window tells by itself.
EVENTS = ["log.entryAdded", "network.fetchError", "network.responseCompleted"]
# A request of a page that was left meanwhile.
LEFT = "NS_BINDING_ABORTED"
KEYS = {
    "Tab": "\ue004",
    "Enter": "\ue006",
    "Escape": "\ue00c",
    "Down": "\ue015",
    "Control": "\ue009",
}
HEIGHT = 900


class Window:
    """One window of Firefox. `faults` has the errors of its pages, and the requests that failed."""

    def __init__(self, socket: ClientConnection) -> None:
        self.faults: list[str] = []
        self._socket = socket
        self._numbers = count(1)
        self._send("session.new", capabilities={})
        self._send("session.subscribe", events=EVENTS)
        # Of the first window Firefox thinks that nobody looks at it: its elements get no focus.
        self._here = {"context": self._send("browsingContext.create", type="window")["context"]}

    def goto(self, url: str) -> None:
        self._send("browsingContext.navigate", **self._here, url=url, wait="complete")

    def widen(self, width: int) -> None:
        viewport = {"width": width, "height": HEIGHT}
        self._send("browsingContext.setViewport", **self._here, viewport=viewport)

    def evaluate(self, expression: str) -> Any:
        """The value of an expression of JavaScript, which may be a promise."""
        answer = self._send(
            "script.evaluate",
            expression=f"Promise.resolve({expression}).then(it => JSON.stringify(it ?? null))",
            target=self._here,
            awaitPromise=True,
        )
        assert answer["type"] == "success", answer["exceptionDetails"]["text"]
        return json.loads(answer["result"]["value"])

    def expect(self, expression: str) -> None:
        """Fail where an expression does not come true."""
        eventually(lambda: self.evaluate(expression) is True, expression)

    def press(self, *keys: str) -> None:
        """Press each key, as `Enter`, `a`, or `Control+v`."""
        actions = []
        for key in keys:
            parts = [KEYS.get(part, part) for part in key.split("+")]
            actions += [{"type": "keyDown", "value": part} for part in parts]
            actions += [{"type": "keyUp", "value": part} for part in reversed(parts)]
        self._act(type="key", actions=actions)

    def click(self, element: str) -> None:
        """Click the middle of the element that an expression gives."""
        middle = self.evaluate(
            f"""(element => {{
              element.scrollIntoView({{block: "center"}});
              const {{x, y, width, height}} = element.getBoundingClientRect();
              return {{x: Math.round(x + width / 2), y: Math.round(y + height / 2)}};
            }})({element})"""
        )
        pointer = [{"type": "pointerMove", **middle}]
        pointer += [{"type": f"pointer{way}", "button": 0} for way in ("Down", "Up")]
        self._act(type="pointer", actions=pointer)

    def _act(self, **actions: Any) -> None:
        self._send(
            "input.performActions", **self._here, actions=[{"id": actions["type"], **actions}]
        )

    def _send(self, method: str, **params: Any) -> Any:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv(timeout=DEADLINE_SECONDS))
            if message["type"] == "event":
                self._note(message["method"], message["params"])
            elif message["id"] == number:
                assert message["type"] == "success", f"{method}: {message}"
                return message["result"]

    def _note(self, event: str, told: dict[str, Any]) -> None:
        if event == "log.entryAdded":
            if told["level"] in ("warn", "error"):
                self.faults.append(f"{told['level']}: {told['text']}")
        elif event == "network.fetchError":
            if told["errorText"] != LEFT:
                self.faults.append(f"{told['errorText']}: {told['request']['url']}")
        elif told["response"]["status"] >= 400:
            self.faults.append(f"{told['response']['status']}: {told['request']['url']}")


@contextmanager
def firefox(program: str, folder: Path) -> Iterator[Window]:
    """A window of a Firefox that has its profile and its log in `folder`."""
    log = folder / "firefox.log"
    profile = folder / "profile"
    profile.mkdir()
    with (
        processes.running(
            [
                program,
                "--headless",
                "--no-remote",
                "--profile",
                profile,
                "--remote-debugging-port=0",
            ],
            log=log,
            is_ready=lambda: ADDRESS.search(log.read_text(errors="replace")) is not None,
            ready_seconds=DEADLINE_SECONDS,
            signals=[(signal.SIGTERM, 5)],
            env=os.environ | {"HOME": str(folder)},
        ),
        connect(f"{ADDRESS.findall(log.read_text())[0]}/session", max_size=None) as socket,
    ):
        yield Window(socket)
