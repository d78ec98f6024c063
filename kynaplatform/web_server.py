"""A service's application under granian, as the processes of one server."""

import gc
import os
import sys
from collections.abc import Callable
from typing import Any
from wsgiref.types import WSGIApplication

import django
from django.core.exceptions import ImproperlyConfigured
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from kynaplatform.database.session_settings import begin_as

# Connections that a process holds: each has one, also one that sends nothing.
MAX_CONNECTIONS = 4096
# For a request's line and headers, also on a connection that was kept.
HEADER_SECONDS = 15
MAX_HEADER_BYTES = 64 * 1024
# A thread that has nothing to do ends after it, and its database connection with it.
IDLE_SECONDS = 600
# A thread that waits for the interpreter gets it after this time. With Python's own 5 ms, an export
# would hold up every other thread after each of its statements.
SWITCH_SECONDS = 0.0005
STOP_SECONDS = 20


def read_settings(kind: str) -> None:
    """Make the settings those of a process of that kind; SystemExit with every fault found.

    It comes before the applications are imported: they are found imported by the processes that
    are forked. One that met a fault would be started again for ever.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kynaplatform.settings")
    begin_as(kind)
    try:
        django.setup()
    except ImproperlyConfigured as fault:
        raise SystemExit(str(fault)) from fault
    from kynaplatform.checks import refuse_to_start

    refuse_to_start()


def serve(
    application: WSGIApplication,
    *,
    host: str,
    port: int,
    monitor_port: int,
    processes: int,
    threads: int,
    stop_seconds: int = STOP_SECONDS,
    in_each_process: Callable[[], None] = lambda: None,
) -> None:
    """Serve `application` on `host` until a signal ends it.

    Monitors have a port of their own, and threads; 0 is none. A process that dies is started
    again.
    """
    from django.conf import settings

    from kynaplatform.monitor_server import MonitorServer
    from kynaplatform.wsgi import monitors

    try:
        monitor_server = MonitorServer(host, monitor_port) if monitor_port else None
    except (OSError, OverflowError) as error:
        raise SystemExit(f"Monitors can't be answered on port {monitor_port}: {error}.") from error

    def begin(_target: Any) -> WSGIApplication:
        in_each_process()
        sys.setswitchinterval(SWITCH_SECONDS)
        # What was imported is never garbage, and need not be looked through for it.
        gc.freeze()
        if monitor_server is not None:
            monitor_server.begin(monitors)
        return application

    Granian(
        "kynaplatform",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=HEADER_SECONDS * 1000, max_buffer_size=MAX_HEADER_BYTES
        ),
        websockets=False,
        workers=processes,
        blocking_threads=threads,
        blocking_threads_idle_timeout=IDLE_SECONDS,
        backlog=MAX_CONNECTIONS,
        backpressure=MAX_CONNECTIONS,
        respawn_failed_workers=True,
        workers_kill_timeout=stop_seconds,
        log_level=LogLevels(settings.LOG_LEVEL.lower()),
        log_dictconfig=settings.LOGGING,
    ).serve(target_loader=begin)
