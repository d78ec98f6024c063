"""The relations between the constants of kynaplatform/timing.py, and with those of who waits."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from clients.python.connection import OPEN_SECONDS, SILENT_SECONDS
from kynaplatform import timing
from kynaplatform.clock import PRECISE_SECONDS
from kynaplatform.database.session_settings import (
    _SILENT_SECONDS,
    RUNTIME,
    WORKER,
    session_settings,
)
from kynaplatform.metrics.readiness import ASK_SECONDS

ROOT = Path(__file__).resolve().parents[2]


def database_seconds(name: str) -> float:
    return float(session_settings(RUNTIME)[name].removesuffix("s"))


def said_seconds(path: str, pattern: str) -> float:
    """The one number that `pattern` finds, however often, in a file that is not Python."""
    [seconds] = set(re.findall(pattern, (ROOT / path).read_text()))
    return float(seconds)


LOCK_SECONDS = database_seconds("lock_timeout")
STATEMENT_SECONDS = database_seconds("statement_timeout")
LEASE_SECONDS = timing.LEASE.total_seconds()
GRACE_SECONDS = timing.FINALIZING_GRACE.total_seconds()
SLACK_SECONDS = timing.IDLE_SLACK.total_seconds()
MARGIN_SECONDS = timing.IDLE_MARGIN.total_seconds()
# Of the documented client and that in JavaScript, which attach by it as well.
OTHERS_SILENT_SECONDS = min(
    said_seconds("docs/streaming.md", r"\bSILENT_SECONDS = (\d+)"),
    said_seconds("clients/web/src/connection.ts", r"\bSILENT_MS = (\d+)_000;"),
)

# Each is less than what follows it.
RELATIONS = {
    "a stored idle deadline is renewed before it would be early": [
        timing.FRESH_LEASE_SECONDS + timing.RENEW_SECONDS,
        MARGIN_SECONDS,
        SLACK_SECONDS,
    ],
    "a runtime lets go of its sessions before their leases have run out": [
        timing.FRESH_LEASE_SECONDS + timing.DATABASE_DEADLINE_SECONDS + timing.LAST_SECONDS,
        LEASE_SECONDS,
    ],
    "a renewal that a silent database holds up to its end leaves time for another": [
        LOCK_SECONDS,
        STATEMENT_SECONDS,
        timing.DATABASE_DEADLINE_SECONDS - timing.RENEW_SECONDS,
    ],
    "two sweeps that fail are no alert": [
        3 * timing.SWEEP_SECONDS,
        timing.SWEEP_STANDS.total_seconds(),
    ],
    "one heartbeat that is missing is no absence": [
        2 * timing.BEAT_SECONDS,
        timing.ABSENCE.total_seconds(),
    ],
    "what waits for a row asks for it more than once": [
        LOCK_SECONDS + timing.RETRY_SECONDS,
        timing.DATABASE_DEADLINE_SECONDS / 2,
    ],
    "a runtime is unready before its sockets are closed for the database": [
        timing.STALL_SECONDS,
        timing.DATABASE_DEADLINE_SECONDS,
    ],
    "a locked row makes no runtime unready": [
        LOCK_SECONDS + timing.RETRY_SECONDS,
        timing.STALL_SECONDS,
    ],
    "a dead connection to LISTEN is found while a lease lasts": [
        2 * timing.PROBE_SECONDS + timing.RETRY_SECONDS,
        LEASE_SECONDS,
    ],
    "a drain is the database's, then the clients', then uvicorn's, then over": [
        timing.DRAIN_DATABASE_SECONDS,
        timing.DRAIN_DATABASE_SECONDS + timing.LAST_SECONDS,
        timing.DRAIN_SECONDS,
        timing.EXIT_SECONDS,
        said_seconds("deploy/systemd/kynaplatform-realtime@.service", r"TimeoutStopSec=(\d+)s"),
    ],
    "compose waits for the end of a drain": [
        timing.EXIT_SECONDS,
        said_seconds("compose.yaml", r"stop_grace_period: (\d+)s"),
    ],
    "a database ends a worker's statement before the worker takes it for silent": [
        60 * float(session_settings(WORKER)["statement_timeout"].removesuffix("min")),
        _SILENT_SECONDS[WORKER],
    ],
    "a readiness that is asked for is answered within a drain": [
        ASK_SECONDS,
        timing.DRAIN_DATABASE_SECONDS,
    ],
    "who attaches to a finalizing session has time to send again before it is given up": [
        timing.RESEND_SECONDS,
        GRACE_SECONDS,
    ],
    "a state is left to another version's engine for longer than to its own runtime": [
        LEASE_SECONDS + GRACE_SECONDS,
        timing.READER_GRACE.total_seconds(),
    ],
    "two precise measurements of the clock differ by less than two attaches must": [
        PRECISE_SECONDS,
        timing.CLOCKS_DIFFER.total_seconds(),
    ],
    "a proxy hears a runtime three times before it takes it for frozen, and asks another before "
    "the client gives the attach up": [
        3 * timing.PULSE_SECONDS,
        said_seconds("deploy/nginx.conf", r"proxy_read_timeout (\d+)s;\n\s+proxy_send_timeout"),
        min(OPEN_SECONDS, OTHERS_SILENT_SECONDS),
    ],
    "a client that waits for an answer is told to wait before it takes the server for frozen": [
        timing.HEARTBEAT_SECONDS,
        min(SILENT_SECONDS, OTHERS_SILENT_SECONDS),
    ],
    "what a client that is refused still sends is over before its socket is": [
        timing.QUIET_SECONDS,
        timing.CLOSING_SECONDS,
    ],
}


@pytest.mark.parametrize("why", RELATIONS)
def test_constants_are_in_their_relation(why: str) -> None:
    seconds = RELATIONS[why]
    assert all(less < more for less, more in pairwise(seconds)), seconds
