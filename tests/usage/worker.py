"""A worker that sweeps and rolls up without a pause, until it is killed: `python -m`."""

import contextlib
import time

import django

django.setup()

from django.db import Error, connection  # noqa: E402

from kynaplatform import clock  # noqa: E402
from sessions_app.session_sweep import expire_sessions  # noqa: E402
from usage.rollup import roll_up  # noqa: E402

CHUNK = 3


def work() -> None:
    while True:
        with contextlib.suppress(Error):
            expire_sessions(now=clock.now(), slice_size=CHUNK)
            roll_up(CHUNK)
        connection.close()
        time.sleep(0.2)


if __name__ == "__main__":
    work()
