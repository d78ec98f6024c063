"""`python -m realtime [--host 127.0.0.1]`: one runtime, on REALTIME_PORT, until SIGTERM.

SIGTERM or Ctrl-C: what was received is made durable and acknowledged, every socket is closed
1012, and the process exits with 0 within 10 s.
"""

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import resource
import signal
from collections.abc import Iterator
from typing import Final

import django
import uvicorn

from kynaplatform.database.session_settings import RUNTIME, begin_as
from kynaplatform.timing import DRAIN_SECONDS

BACKLOG: Final = 2048
MAX_TRANSPORT_BYTES: Final = 4 * 1024 * 1024


class Server(uvicorn.Server):
    """uvicorn's server, which exits with 0. uvicorn's own ends by the signal that stopped it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        yield

    def _stop(self) -> None:
        self.should_exit = True


def main(host: str = "127.0.0.1") -> None:
    """Serve on `host` until a signal ends it, and end the process with 0."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kynaplatform.settings")
    begin_as(RUNTIME)
    django.setup()
    from django.conf import settings

    from kynaplatform.checks import refuse_to_start
    from kynaplatform.logs import log_engine_build
    from realtime.app import Application
    from realtime.http_protocol import HttpProtocol
    from realtime.websocket_protocol import WebSocketProtocol

    refuse_to_start()
    log_engine_build()
    allow_many_sockets()
    config = uvicorn.Config(
        Application(),
        host=host,
        port=settings.REALTIME_PORT,
        http=HttpProtocol,
        ws=WebSocketProtocol,
        loop="uvloop",
        lifespan="on",
        backlog=BACKLOG,
        ws_max_size=MAX_TRANSPORT_BYTES,
        ws_per_message_deflate=False,
        # Whose X-Forwarded-For is believed, TRUSTED_PROXIES says alone.
        proxy_headers=False,
        ws_ping_interval=None,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        log_config=None,
        access_log=False,
        server_header=False,
    )
    # What was imported stays: a full collection that looked through it took every socket 50 ms.
    gc.collect()
    gc.freeze()
    # One that looks through 300 sessions takes every socket 90 ms. An engine is freed with its last
    # reference, so that little is left: some 80 objects of each connection that has closed.
    gc.set_threshold(700, 10, 50)
    Server(config).run()
    # A thread that waits for a database that doesn't answer would keep the process.
    logging.shutdown()
    os._exit(0)


def allow_many_sockets() -> None:
    """Raise the limit of open files to the most that the machine allows this process."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m realtime", description="A realtime runtime.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    main(parser.parse_args().host)
