"""One websocket: the client's messages, the server's, and the orders that wake its task.

A message is read from the client only once the one before was served. So TCP slows down a client
that sends faster than it is served.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from kynaplatform import clock
from kynaplatform.timing import HEARTBEAT_SECONDS, SEND_SECONDS
from realtime import metrics
from realtime.fair_queue import Turn, Turns
from realtime.messages import ClientMessage, Ping, ServerMessage, decode, encode
from realtime.refusals import DOES_NOT_READ, DOES_NOT_READ_REASON, MessageInvalid

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class ClientGone(Exception):
    """The socket is closed: by the client, with its code, or because of what it did."""

    def __init__(self, code: int, is_by_client: bool = True) -> None:
        super().__init__(code)
        self.code = code
        self.is_by_client = is_by_client


class Order(Enum):
    """An order of the runtime to the task of one socket."""

    REREAD = "the session may have changed"
    TIME = "a deadline of the session may have passed"
    DRAIN = "this process ends"
    AWAY = "the database has been away for too long"


class Socket:
    """One websocket, over its ASGI callables. `next` gives its next message, or an order."""

    def __init__(
        self, scope: Mapping[str, Any], receive: Receive, send: Send, turns: Turns
    ) -> None:
        self._cut_transport: Callable[[int, str], None] = scope["extensions"]["kyna.cut"]
        self.has_left: Callable[[], bool] = scope["extensions"]["kyna.has_left"]
        self._is_writable: Callable[[], bool] = scope["extensions"]["kyna.is_writable"]
        self._is_receiving: Callable[[], bool] = scope["extensions"]["kyna.is_receiving"]
        self._is_cut = False
        self._receive = receive
        self._send = send
        self._wake = asyncio.Event()
        self.turn = Turn(turns, self._wake.set)
        self._orders: dict[Order, None] = {}
        self._message: dict[str, Any] | None = None
        self._pump: asyncio.Task[None] | None = None
        self._taken = asyncio.Event()
        self._heard_at = time.monotonic()

    def hear(self) -> None:
        """Note that the client has just shown that it is there."""
        self._heard_at = time.monotonic()

    def make_up(self, seconds: float) -> None:
        """The platform was away for so long, which is no silence of the client."""
        self._heard_at = min(time.monotonic(), self._heard_at + seconds)

    def last_message_at(self) -> datetime:
        """The time of the client's last message: now, while one waits or is under way."""
        if self._is_receiving():
            self.hear()
        silent = 0.0 if self.has_message() else time.monotonic() - self._heard_at
        return clock.known_now() - timedelta(seconds=silent)

    def order(self, order: Order) -> None:
        """Wake the socket's task with an order. One that waits already is given once."""
        self._orders[order] = None
        self._wake.set()

    async def accept(self, subprotocol: str | None, headers: list[tuple[bytes, bytes]]) -> None:
        if (await self._receive())["type"] != "websocket.connect":
            raise ClientGone(1006)
        await self._send_event(
            {"type": "websocket.accept", "subprotocol": subprotocol, "headers": headers}
        )
        self._pump = asyncio.create_task(self._take_in())

    async def next(self) -> ClientMessage | Order:
        """The next order, or else the client's next message.

        A message is given once the socket's turn has come among those of the process. Raises
        ClientGone once the client has closed and none of its messages is left, and MessageInvalid
        or BatchTooLarge.
        """
        while True:
            if self._orders:
                order = next(iter(self._orders))
                del self._orders[order]
                return order
            message = self._message
            if message is not None and (not self.has_message() or self.turn.has_come()):
                return self._take(message)
            self._wake.clear()
            await self._wake.wait()

    async def next_turn(self) -> None:
        """End the turn within a message, and return once the next one has come."""
        self.turn.pause()
        await self.turn.turns.defer()
        while not self.turn.has_come():
            self._wake.clear()
            await self._wake.wait()

    def waiting_message(self) -> ClientMessage | None:
        """Take the message that has arrived, if one has. Raises as `next` does."""
        return None if self._message is None else self._take(self._message)

    def _take(self, message: dict[str, Any]) -> ClientMessage:
        if message["type"] == "websocket.disconnect":
            raise ClientGone(message.get("code") or 1006, not message.get("kyna.cut_off"))
        self._message = None
        self._taken.set()
        text: str | None = message.get("text")
        if text is None:
            raise MessageInvalid("Messages are JSON text, not binary.")
        return decode(text)

    def has_message(self) -> bool:
        message = self._message  # read once: leases are renewed in another thread
        return message is not None and message["type"] == "websocket.receive"

    async def send(self, message: ServerMessage) -> None:
        """Send a message. Raises ClientGone; a client that has not read for 10 s is cut off."""
        await self._send_event({"type": "websocket.send", "text": encode(message)})

    async def close(self, code: int, reason: str) -> None:
        await self._send_event({"type": "websocket.close", "code": code, "reason": reason})

    def cut(self) -> None:
        """Cut off a client that does not read, which ends every wait to send to it."""
        self._is_cut = True
        self._cut_transport(DOES_NOT_READ, DOES_NOT_READ_REASON)

    async def stop(self) -> None:
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.gather(self._pump, return_exceptions=True)

    async def _take_in(self) -> None:
        while True:
            self._taken.clear()
            self._message = await self._receive()
            self._wake.set()
            if self._message["type"] == "websocket.disconnect":
                return
            self.hear()
            await self._taken.wait()

    async def _send_event(self, event: dict[str, Any]) -> None:
        try:
            if self._is_writable():
                await self._send(event)  # it waits for nothing
            else:
                async with asyncio.timeout(SEND_SECONDS):
                    await self._send(event)
        except TimeoutError:
            metrics.REFUSALS.labels(DOES_NOT_READ_REASON).inc()
            self.cut()
            raise ClientGone(DOES_NOT_READ, is_by_client=False) from None
        except OSError:  # uvicorn's ClientDisconnected
            code = DOES_NOT_READ if self._is_cut else 1006
            raise ClientGone(code, is_by_client=not self._is_cut) from None
        except RuntimeError:  # it closed just before the send
            raise ClientGone(1006) from None


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
