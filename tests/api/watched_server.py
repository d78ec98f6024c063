"""`python -m tests.api.watched_server`: the API as production serves it, and what it keeps."""

import argparse
from collections.abc import Iterable
from typing import Any

from kynaplatform.database.session_settings import API
from kynaplatform.web_server import read_settings, serve
from tests import watched


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    read_settings(API)
    from kynaplatform.wsgi import api

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] != watched.PATH:
            return api(environ, start_response)
        body = watched.answer()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    serve(
        application, host="127.0.0.1", port=port, monitor_port=0, processes=1, threads=2,
        stop_seconds=5,
    )  # fmt: skip


if __name__ == "__main__":
    main()
