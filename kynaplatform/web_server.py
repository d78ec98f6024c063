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
# An idle thread ends after this time, and its database connection with it.
IDLE_SECONDS = 600
# When a waiting thread gets the interpreter. With Python's default of 5 ms, an export would delay
# every other thread after each of its statements.
SWITCH_SECONDS = 0.0005
STOP_SECONDS = 20


def read_settings(kind: str) -> None:
    """Set up Django for a process of that kind; SystemExit with every fault found.

    Call it before the applications are imported and processes are forked: a forked process that
    met a fault would be restarted forever.
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

    Monitors have their own port and threads; port 0 disables them. Dead processes are restarted.
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
        # Imported objects are never garbage: don't scan them.
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
