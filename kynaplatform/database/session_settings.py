"""The bounds that the database holds each connection to, by the kind of its process.

One table for both ways to it: options that a connection is opened with, and settings of a database
role of its own for each kind, which a pooler that hands connections on can't lose.
"""

import os
from typing import Final

API: Final = "api"
# The pages, or all that is served in one process.
WEB: Final = "web"
RUNTIME: Final = "runtime"
WORKER: Final = "worker"
MIGRATE: Final = "migrate"

# To compile a statement takes a second, and more than any of ours runs for.
_EVERY_KIND: Final = {"timezone": "UTC", "jit": "off"}
# Whoever waits for one row holds a thread meanwhile, so it waits briefly and is told to try again.
# A process that stands still in a transaction loses it, and with it the rows that it has locked.
_OF_THREADS: Final = {
    "lock_timeout": "1s",
    "statement_timeout": "15s",
    "idle_in_transaction_session_timeout": "15s",
}
_TIMEOUTS: Final = {
    # What it reads or writes takes milliseconds. What takes longer holds a thread that others need.
    API: _OF_THREADS | {"statement_timeout": "2s"},
    WEB: _OF_THREADS,
    RUNTIME: _OF_THREADS,
    WORKER: {
        "lock_timeout": "5s",
        "statement_timeout": "5min",
        "idle_in_transaction_session_timeout": "1min",
    },
    # Making an index takes as long as it takes; waiting for a table stops all who come after.
    MIGRATE: {
        "lock_timeout": "3s",
        "statement_timeout": "0",
        "idle_in_transaction_session_timeout": "0",
    },
}
KINDS: Final = tuple(_TIMEOUTS)
# For how long a database may say nothing: it ends a statement itself before. A runtime has
# deadlines of its own.
_SILENT_SECONDS: Final = {API: 5.0, WEB: 16.0, WORKER: 310.0}
# Set by what starts a process, for it and its children. Without: a worker, beat or a command.
VARIABLE: Final = "PROCESS_KIND"


def begin_as(kind: str) -> None:
    """This process is of that kind; before the settings are read."""
    os.environ[VARIABLE] = kind


def kind_of_process() -> str:
    return os.environ.get(VARIABLE) or WORKER


def silent_seconds() -> float | None:
    """For how long this process waits for a word of the database; None is without end."""
    return _SILENT_SECONDS.get(kind_of_process())


def session_settings(kind: str | None = None) -> dict[str, str]:
    """PostgreSQL's settings of the connections of a kind of process; without one, of this one.

    The name is what pg_stat_activity shows of them.
    """
    kind = kind or kind_of_process()
    return _EVERY_KIND | {"application_name": f"kyna_{kind}"} | _TIMEOUTS[kind]
