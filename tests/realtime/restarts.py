"""A PostgreSQL that is restarted, or crashes, under a test."""

import signal

from django.db import connection

from dev.local_stack.postgres import EmbeddedPostgres
from tests.waiting import DEADLINE_SECONDS


def restart(server: EmbeddedPostgres, how: signal.Signals) -> None:
    assert server.process is not None
    server.process.send_signal(how)
    server.process.wait(DEADLINE_SECONDS)
    server.start()
    connection.close()
