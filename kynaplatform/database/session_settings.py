"""PostgreSQL's settings of each connection, by the kind of its process.

They are options of the connection, or settings of a database role for each kind, which a pooler
can't lose.
"""

import os
from typing import Final

API: Final = "api"
# The pages, or all that is served in one process.
WEB: Final = "web"
RUNTIME: Final = "runtime"
WORKER: Final = "worker"
MIGRATE: Final = "migrate"

# Compiling a statement takes a second, longer than any of ours runs.
_EVERY_KIND: Final = {"timezone": "UTC", "jit": "off"}
# Waiting for a row blocks a thread, so the wait is short and the client retries. A frozen process
# loses its transaction, and with it its row locks.
_OF_THREADS: Final = {
    "lock_timeout": "1s",
    "statement_timeout": "15s",
    "idle_in_transaction_session_timeout": "15s",
}
_TIMEOUTS: Final = {
    # Its statements take milliseconds; a longer one blocks a thread that others need.
    API: _OF_THREADS | {"statement_timeout": "2s"},
    WEB: _OF_THREADS,
    RUNTIME: _OF_THREADS,
    WORKER: {
        "lock_timeout": "5s",
        "statement_timeout": "5min",
        "idle_in_transaction_session_timeout": "1min",
    },
    # Building an index may take long; waiting for a table blocks everyone behind.
    MIGRATE: {
        "lock_timeout": "3s",
        "statement_timeout": "0",
        "idle_in_transaction_session_timeout": "0",
    },
}
KINDS: Final = tuple(_TIMEOUTS)
# How long a database may stay silent: longer than its statements run. A runtime has deadlines of
# its own.
_SILENT_SECONDS: Final = {API: 5.0, WEB: 16.0, WORKER: 310.0}
# Set by a process's entry point, for it and its children; unset for workers, beat and commands.
VARIABLE: Final = "PROCESS_KIND"


def begin_as(kind: str) -> None:
    """Set this process's kind, before the settings are read."""
    os.environ[VARIABLE] = kind


def kind_of_process() -> str:
    return os.environ.get(VARIABLE) or WORKER


def silent_seconds() -> float | None:
    """How long this process waits for the silent database; None: forever."""
    return _SILENT_SECONDS.get(kind_of_process())


def session_settings(kind: str | None = None) -> dict[str, str]:
    """PostgreSQL's settings for a kind of process, by default this one's; application_name is shown
    by pg_stat_activity."""
    kind = kind or kind_of_process()
    return _EVERY_KIND | {"application_name": f"kyna_{kind}"} | _TIMEOUTS[kind]
