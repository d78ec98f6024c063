"""`python -m realtime [--host 127.0.0.1]`: one runtime, on REALTIME_PORT, until SIGTERM.

On SIGTERM or Ctrl-C received frames are stored and acknowledged, every socket is closed 1012, and
the process exits with 0 within 10 s.
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
    """uvicorn's server, without ending the process by the signal that stopped it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, setattr, self, "should_exit", True)
        yield


def main(host: str = "127.0.0.1") -> None:
    """Serve on `host` until a signal, and exit with 0."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kynaplatform.settings")
    begin_as(RUNTIME)
    django.setup()
    from django.conf import settings

    from kynaplatform.checks import refuse_to_start
    from kynaplatform.logs import log_engine_build
    from realtime.app import Application
    from realtime.uvicorn_protocols import HttpProtocol, WebSocketProtocol

    refuse_to_start()
    log_engine_build()
    # As many open files as the machine allows this process.
    max_files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (max_files, max_files))
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
        # Only proxies listed in TRUSTED_PROXIES may set X-Forwarded-For.
        proxy_headers=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        log_config=None,
        access_log=False,
        server_header=False,
    )
    # A full collection through all that was imported stops every socket for 50 ms.
    gc.collect()
    gc.freeze()
    # One through 300 sessions stops them for 90 ms. Engines are freed by their reference counts, so
    # that only some 80 objects of each closed connection wait for a collection.
    gc.set_threshold(700, 10, 50)
    Server(config).run()
    # A thread that waits for a silent database would keep the process alive.
    logging.shutdown()
    os._exit(0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m realtime", description="A realtime runtime.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    main(parser.parse_args().host)
