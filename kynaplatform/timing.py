"""The times that a stream's parts wait for each other.

tests/realtime/test_timing.py states each relation that has to hold between them, and why.
"""

from datetime import timedelta
from typing import Final

# --- A session that is attached ---

# How long an attachment is believed to live without a word of its runtime.
LEASE: Final = timedelta(seconds=30)
# How often a runtime renews its leases, but for those that a checkpoint has just renewed.
RENEW_SECONDS: Final = 7.5
FRESH_LEASE_SECONDS: Final = 1.5
# A stored idle deadline is this late when it is written, and is written anew once it is less late
# than IDLE_MARGIN: so seldom, and not early while leases are renewed. A runtime that is killed
# takes with it what it has heard since it last wrote.
IDLE_SLACK: Final = timedelta(seconds=20)
IDLE_MARGIN: Final = timedelta(seconds=10)
# How long a finalizing session waits for the runtime that held it.
FINALIZING_GRACE: Final = timedelta(seconds=30)
# How long a session is left to a process that can read its state: during an upgrade some are of the
# version before, or of the one after.
READER_GRACE: Final = timedelta(minutes=10)
# How often a runtime or a worker writes that it lives. The platform was away where none has for
# longer than ABSENCE.
BEAT_SECONDS: Final = 5.0
ABSENCE: Final = timedelta(seconds=15)
# How often each worker sweeps: a status is about that late. A sweep that has not ended well for
# SWEEP_STANDS is an alert, and told to staff.
SWEEP_SECONDS: Final = 5.0
SWEEP_STANDS: Final = timedelta(seconds=30)
# By so much what two runtimes have measured of the database's clock may differ.
CLOCKS_DIFFER: Final = timedelta(seconds=1)
# For a client that attaches while its session is finalizing: to send again what was not answered.
RESEND_SECONDS: Final = 2.0

# --- A database that is away ---

# How long a socket waits for it, and a lease since it was last renewed.
DATABASE_DEADLINE_SECONDS: Final = 25.0
RETRY_SECONDS: Final = 0.25
# A connection that died without a word is found by asking it for something, as often.
PROBE_SECONDS: Final = 5.0
# Checkpoints that wait for longer, with none answered, make a runtime unready.
STALL_SECONDS: Final = 5.0

# --- A drain, from SIGTERM on ---

# Nobody waits for the database any more.
DRAIN_DATABASE_SECONDS: Final = 5.0
# Who begins to wait for it then waits this long; after that clients that do not read are cut off.
LAST_SECONDS: Final = 1.0
# uvicorn waits for no goodbye any more.
DRAIN_SECONDS: Final = 8
# The process has ended.
EXIT_SECONDS: Final = 10.0

# --- A socket ---

# For a request to arrive whole.
REQUEST_SECONDS: Final = 10.0
# How long a client may leave what it was sent unread.
SEND_SECONDS: Final = 10.0
# For a message to arrive whole; after the first of them it has a least pace, as is looked so often.
MESSAGE_SECONDS: Final = 128.0
MESSAGE_FIRST_SECONDS: Final = 10.0
PACE_SECONDS: Final = 1.0
# From the close that we sent, or the last byte that a client which is cut off may still read.
CLOSING_SECONDS: Final = 5.0
# A client whose messages can't be read any more has sent the last of them.
QUIET_SECONDS: Final = 0.5
# Between the `ping` messages that a client gets while it waits for an answer.
HEARTBEAT_SECONDS: Final = 15.0
# Between pongs of the protocol that nobody asked for, which show that the process is not frozen.
PULSE_SECONDS: Final = 3.0
