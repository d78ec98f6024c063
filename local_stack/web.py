"""The application of `make run`: a web process that does not outlive granian's main one.

The guard sees to that as well, unless guard and supervisor are killed at the same moment.
"""

import os
import signal

from kynaplatform.rsgi import application
from local_stack.guard import die_with

__all__ = ["application"]

die_with(os.getppid(), signal.SIGKILL)
