"""`python -m kynaplatform`: the API, under granian, until SIGTERM.

WEB_PROCESSES processes of WEB_THREADS threads each. A fault of the settings or the application
ends it before it starts, with all that is wrong; a process that dies is started again.
"""

import argparse
import os

import django
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from kynaplatform.database_sessions import WEB, begin_as

APPLICATION = "kynaplatform.rsgi:application"
# Connections that a process holds: each has one, also one that sends nothing.
MOST_CONNECTIONS = 4096
# For a request's line and headers, also on a connection that was kept.
HEADER_SECONDS = 15
MOST_HEADER_BYTES = 64 * 1024
STOP_SECONDS = 20


def load(application: str) -> None:
    """Import `application`, so that its processes, which are forked, find it imported.

    SystemExit with every fault found: a process that met one would be started again for ever.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kynaplatform.settings")
    begin_as(WEB)
    try:
        django.setup()
    except ImproperlyConfigured as fault:
        raise SystemExit(str(fault)) from fault
    from kynaplatform.checks import refuse_to_start

    refuse_to_start()
    try:
        import_string(application.replace(":", "."))
    except ImportError as fault:
        raise SystemExit(f"--application is {application!r}: {fault}.") from fault


def serve(application: str, host: str, port: int | None, stop_seconds: int) -> None:
    """Serve `application`, as module:name, on `host` until a signal ends it.

    `port` is PORT where it is None.
    """
    load(application)
    from django.conf import settings

    Granian(
        application,
        address=host,
        port=settings.PORT if port is None else port,
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=HEADER_SECONDS * 1000, max_buffer_size=MOST_HEADER_BYTES
        ),
        websockets=False,
        workers=settings.WEB_PROCESSES,
        backlog=MOST_CONNECTIONS,
        backpressure=MOST_CONNECTIONS,
        respawn_failed_workers=True,
        workers_kill_timeout=stop_seconds,
        log_level=LogLevels(settings.LOG_LEVEL.lower()),
        log_dictconfig=settings.LOGGING,
    ).serve()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m kynaplatform", description="The API.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, help="default: PORT")
    parser.add_argument(
        "--stop-seconds",
        type=int,
        default=STOP_SECONDS,
        help="how long a request may still take after SIGTERM (default: 20)",
    )
    parser.add_argument(
        "--application", default=APPLICATION, help=f"module:name (default: {APPLICATION})"
    )
    given = parser.parse_args()
    serve(given.application, given.host, given.port, given.stop_seconds)
