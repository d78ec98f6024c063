"""`python -m kynaplatform.await_server PORT`: wait until a server of this machine answers there.

Exits with 0 once /healthz answers, with 1 after 60 s. So `systemctl restart` ends when the server
serves, and the next one may be restarted.
"""

import sys
import time
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException

SECONDS = 60.0
POLL_SECONDS = 0.1


def main(port: int) -> int:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        with (
            suppress(OSError, HTTPException),
            closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection,
        ):
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return 0
        time.sleep(POLL_SECONDS)
    return 1


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1])))
