"""`python -m dev.local_stack.web`: both services on one port, as in `make run` without nginx."""

import argparse
import os
import signal
from collections.abc import Iterable
from typing import Any

from dev.local_stack.guard import die_with
from kynaplatform.database.session_settings import WEB
from kynaplatform.web_server import read_settings, serve

# Beside those of the API.
PAGES_THREADS = 3
STOP_SECONDS = 8


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m dev.local_stack.web")
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    read_settings(WEB)
    from django.conf import settings

    from kynaplatform.wsgi import api, is_of_api, pages

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        service = api if is_of_api(environ["PATH_INFO"]) else pages
        return service(environ, start_response)

    serve(
        application,
        host="127.0.0.1",
        port=port,
        monitor_port=0,
        processes=settings.WEB_PROCESSES,
        threads=settings.WEB_THREADS + PAGES_THREADS,
        stop_seconds=STOP_SECONDS,
        # The guard sees to it as well, unless guard and supervisor are killed at the same moment.
        in_each_process=lambda: die_with(os.getppid(), signal.SIGKILL),
    )


if __name__ == "__main__":
    main()
