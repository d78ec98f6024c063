"""The application of `make run`: a web process that does not outlive granian's main one.

The guard sees to that as well, unless guard and supervisor are killed at the same moment.
"""

import asyncio
import os
import signal

from kynaplatform import rsgi
from local_stack.guard import die_with

__all__ = ["application"]


class Application(rsgi.Application):
    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        die_with(os.getppid(), signal.SIGKILL)
        super().__rsgi_init__(loop)


application = Application()
