"""`python -m kynaplatform api` or `pages`: the service for machines or for people, until SIGTERM.

nginx stands in front of them: see docs/operations.md. Faults of the settings end it before it
starts, with a list of all of them.
"""

import argparse

from kynaplatform.database.session_settings import API, WEB
from kynaplatform.web_server import STOP_SECONDS, read_settings, serve

# nginx admits at most five logins, downloads and public pages at once.
PAGES_THREADS = 6
# Added to a service's port for its monitors' port.
TO_MONITOR_PORT = 1000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m kynaplatform")
    parser.add_argument("service", choices=("api", "pages"), help="for machines, or for people")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, help="default: PORT of api, PAGES_PORT of pages")
    parser.add_argument(
        "--monitor-port",
        type=int,
        help="of /healthz, /readyz and /metrics, in threads of their own; 0: none "
        f"(default: the port + {TO_MONITOR_PORT})",
    )
    parser.add_argument(
        "--stop-seconds",
        type=int,
        default=STOP_SECONDS,
        help=f"how long a request may still take after SIGTERM (default: {STOP_SECONDS})",
    )
    given = parser.parse_args()
    is_api = given.service == "api"
    read_settings(API if is_api else WEB)
    from django.conf import settings

    from kynaplatform.wsgi import api, pages

    port = given.port
    if port is None:
        port = settings.PORT if is_api else settings.PAGES_PORT
    serve(
        api if is_api else pages,
        host=given.host,
        port=port,
        monitor_port=port + TO_MONITOR_PORT if given.monitor_port is None else given.monitor_port,
        processes=settings.WEB_PROCESSES if is_api else 1,
        threads=settings.WEB_THREADS if is_api else PAGES_THREADS,
        stop_seconds=given.stop_seconds,
    )


if __name__ == "__main__":
    main()
