"""The times that a stream's parts wait for each other.

tests/realtime/test_timing.py states each relation that has to hold between them, and why.
"""

from datetime import timedelta
from typing import Final

# --- A session that is attached ---

# An attachment lives for this long after its runtime last renewed its lease.
LEASE: Final = timedelta(seconds=30)
# How often a runtime renews its leases, except those that a checkpoint has just renewed.
RENEW_SECONDS: Final = 7.5
FRESH_LEASE_SECONDS: Final = 1.5
# A stored idle deadline is written IDLE_SLACK late, and again once less than IDLE_MARGIN of that is
# left. So it is written rarely, and is never early while leases are renewed. What a runtime heard
# since its last write is lost if it is killed.
IDLE_SLACK: Final = timedelta(seconds=20)
IDLE_MARGIN: Final = timedelta(seconds=10)
# How long a finalizing session waits for the runtime that had it.
FINALIZING_GRACE: Final = timedelta(seconds=30)
# How long a session waits for a process that can read its state. During an upgrade, processes of
# two versions run.
READER_GRACE: Final = timedelta(minutes=10)
# How often a runtime or a worker writes its heartbeat. Without any for longer than ABSENCE, the
# platform was down.
BEAT_SECONDS: Final = 5.0
ABSENCE: Final = timedelta(seconds=15)
# How often each worker sweeps: a status is at most about that late. Without a successful sweep for
# SWEEP_STANDS, an alert fires and staff's first page shows it.
SWEEP_SECONDS: Final = 5.0
SWEEP_STANDS: Final = timedelta(seconds=30)
# How far two runtimes' measurements of the database's clock may differ.
CLOCKS_DIFFER: Final = timedelta(seconds=1)
# How long a client that attaches while its session is finalizing may resend unacknowledged frames.
RESEND_SECONDS: Final = 2.0

# --- A database that is away ---

# How long a socket waits for the database, and a lease since it was last renewed.
DATABASE_DEADLINE_SECONDS: Final = 25.0
RETRY_SECONDS: Final = 0.25
# How often a connection is probed, to find one that died silently.
PROBE_SECONDS: Final = 5.0
# A checkpoint statement that runs for longer makes a runtime unready.
STALL_SECONDS: Final = 5.0

# --- A drain, from SIGTERM on ---

# No socket waits for the database for longer.
DRAIN_DATABASE_SECONDS: Final = 5.0
# A wait that begins later lasts this long; then clients that do not read are disconnected.
LAST_SECONDS: Final = 1.0
# uvicorn stops waiting for close frames.
DRAIN_SECONDS: Final = 8
# The process has ended.
EXIT_SECONDS: Final = 10.0

# --- A socket ---

# A request must be complete by then.
REQUEST_SECONDS: Final = 10.0
# How long a client may leave unread what it was sent.
SEND_SECONDS: Final = 10.0
# A message must be complete after MESSAGE_SECONDS. After MESSAGE_FIRST_SECONDS it needs a minimum
# pace, checked every PACE_SECONDS.
MESSAGE_SECONDS: Final = 128.0
MESSAGE_FIRST_SECONDS: Final = 10.0
PACE_SECONDS: Final = 1.0
# How long a close handshake may take, or a client that is disconnected may still read.
CLOSING_SECONDS: Final = 5.0
# After so much silence, a client whose messages are no longer read has sent its last one.
QUIET_SECONDS: Final = 0.5
# Between the `ping` messages to a client that waits for an answer.
HEARTBEAT_SECONDS: Final = 15.0
# Between unsolicited pong frames, which show that the process is not frozen.
PULSE_SECONDS: Final = 3.0
