"""The heartbeat: `ping` messages to a client that waits for an answer."""

import asyncio

from kynaplatform.timing import HEARTBEAT_SECONDS
from realtime.messages import Ping
from realtime.socket import ClientGone, Socket


class Heartbeat:
    """A ping every 15 s inside its `with` block, with at most one unanswered."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._is_unanswered = False
        self._timer: asyncio.TimerHandle | None = None
        self._pings: set[asyncio.Task[None]] = set()

    def __enter__(self) -> None:
        self._wait()

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def answered(self) -> None:
        self._is_unanswered = False

    def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(HEARTBEAT_SECONDS, self._beat)

    def _beat(self) -> None:
        self._wait()
        if not self._is_unanswered:
            self._is_unanswered = True
            ping = asyncio.get_running_loop().create_task(self._ping())
            self._pings.add(ping)
            ping.add_done_callback(self._pings.discard)

    async def _ping(self) -> None:
        try:
            await self._socket.send(Ping())
        except ClientGone:
            return  # the task that serves the socket finds that too
