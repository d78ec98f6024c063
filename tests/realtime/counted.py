"""`python -m tests.realtime.counted`: the runtime, which at SIGUSR1 logs what it has in memory."""

import asyncio
import gc
import logging
import signal
from typing import Any

import django

COUNTED = (
    *("Connection", "Socket", "WebSocketProtocol", "HttpProtocol"),
    *("Attached", "Progress", "Engine"),
)


def count(*_: Any) -> None:
    from realtime.client_bounds import unattached

    gc.collect()
    held = dict.fromkeys(COUNTED, 0)
    for one in gc.get_objects():
        name = type(one).__name__
        if name in held and type(one).__module__.startswith(("realtime", "detection")):
            held[name] += 1
    held["unattached"] = len(unattached)
    held["task"] = len(asyncio.all_tasks(asyncio.get_running_loop()))
    told = " ".join(f"{name}={number}" for name, number in held.items())
    logging.getLogger("kynaplatform.realtime").info("held %s", told)


if __name__ == "__main__":
    django.setup()
    from realtime.__main__ import Server, main

    capture_signals = Server.capture_signals

    def capture_and_count(self: Server) -> Any:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, count)
        return capture_signals(self)

    Server.capture_signals = capture_and_count  # type: ignore[method-assign]
    main()
