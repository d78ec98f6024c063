"""One websocket: the client's messages, the server's, and the orders that wake its task.

A message is read only once the one before was served, so that TCP slows down a client that sends
faster than it is served.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from kynaplatform import clock
from kynaplatform.timing import HEARTBEAT_SECONDS, SEND_SECONDS
from realtime import messages, metrics
from realtime.fair_queue import Turn, Turns
from realtime.messages import ClientMessage, FrameBatch, Ping, ServerMessage
from realtime.refusals import DOES_NOT_READ, DOES_NOT_READ_REASON, MessageInvalid
from realtime.uvicorn_protocols import WebSocketProtocol

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class ClientGone(Exception):
    """The socket is closed with a code: by the client, or because of what the client did."""

    def __init__(self, code: int, is_by_client: bool = True) -> None:
        super().__init__(code)
        self.code = code
        self.is_by_client = is_by_client


class Order(Enum):
    """An order of the runtime to a socket's task."""

    REREAD = "the session may have changed"
    TIME = "a deadline of the session may have passed"
    DRAIN = "this process ends"
    AWAY = "the database has been away for too long"


class Socket:
    """One websocket, over its ASGI callables and its protocol."""

    def __init__(
        self, protocol: WebSocketProtocol, receive: Receive, send: Send, turns: Turns
    ) -> None:
        self.protocol = protocol
        self._is_cut = False
        self._is_packed = False
        self._receive = receive
        self._send = send
        self._wake = asyncio.Event()
        self.turn = Turn(turns, self._wake.set)
        self._orders: dict[Order, None] = {}
        self._message: dict[str, Any] | None = None
        self._reader: asyncio.Task[None] | None = None
        self._taken = asyncio.Event()
        # When the message came that is served now, and the next one; by time.monotonic.
        self.arrived_at = self._message_at = self._heard_at = time.monotonic()
        self._until_lost: asyncio.Timeout | None = None
        self._pinging: asyncio.TimerHandle
        self._ping: asyncio.Task[None] | None = None

    def note_activity(self) -> None:
        """Note a sign of life of the client."""
        self._heard_at = time.monotonic()

    def exclude_downtime(self, seconds: float) -> None:
        """Leave out of the client's silence a time in which the platform was away."""
        self._heard_at = min(time.monotonic(), self._heard_at + seconds)

    def last_message_at(self) -> datetime:
        """The time of the client's last message: now, if one is buffered or partly received."""
        if self.protocol.is_receiving():
            self.note_activity()
        silent = 0.0 if self.has_message() else time.monotonic() - self._heard_at
        return clock.known_now() - timedelta(seconds=silent)

    def order(self, order: Order) -> None:
        """Wake the socket's task with an order. An order that already waits is given once."""
        self._orders[order] = None
        self._wake.set()

    async def accept(self, subprotocol: str | None, headers: list[tuple[bytes, bytes]]) -> None:
        if (await self._receive())["type"] != "websocket.connect":
            raise ClientGone(1006)
        self._is_packed = subprotocol == messages.V2
        await self._send_event(
            {"type": "websocket.accept", "subprotocol": subprotocol, "headers": headers}
        )
        self._reader = asyncio.create_task(self._read())

    @asynccontextmanager
    async def while_connected(self) -> AsyncIterator[None]:
        """Cancel the block, and raise ClientGone, once the connection is lost."""
        is_lost = self._message is not None and not self.has_message()
        try:
            async with asyncio.timeout(0 if is_lost else None) as until_lost:
                self._until_lost = until_lost
                yield
        except TimeoutError:
            if not until_lost.expired():
                raise
            raise ClientGone(1006) from None
        finally:
            self._until_lost = None

    async def next(self) -> ClientMessage | Order:
        """The next order, or else the client's next message, once the socket's turn has come.

        Raises ClientGone once the client has closed and every message was given, and
        MessageInvalid or BatchTooLarge.
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
        """Let other sockets be read and served within a message, until the next turn has come."""
        self.turn.cost()
        self.turn.turns.hear_others()
        await self.turn.turns.defer()
        while not self.turn.has_come():
            self._wake.clear()
            await self._wake.wait()

    def waiting_message(self) -> ClientMessage | None:
        """The message that has arrived, if one has. Raises as `next` does."""
        return None if self._message is None else self._take(self._message)

    def _take(self, message: dict[str, Any]) -> ClientMessage:
        if message["type"] == "websocket.disconnect":
            raise ClientGone(message.get("code") or 1006, not message.get("kyna.cut_off"))
        self._message = None
        self.arrived_at = self._message_at
        self._taken.set()
        text: str | None = message.get("text")
        if text is None:
            if not self._is_packed:
                raise MessageInvalid("Messages are JSON text, not binary.")
            return messages.decode_packed(message["bytes"])
        decoded = messages.decode(text)
        if self._is_packed and isinstance(decoded, FrameBatch):
            raise MessageInvalid(f"The batches of {messages.V2} are binary, not JSON text.")
        return decoded

    def has_message(self) -> bool:
        message = self._message  # read once: leases are renewed in another thread
        return message is not None and message["type"] == "websocket.receive"

    async def send(self, message: ServerMessage) -> None:
        """Send a message. Raises ClientGone, also once the client has not read for 10 s."""
        await self._send_event({"type": "websocket.send", "text": messages.encode(message)})

    async def close(self, code: int, reason: str) -> None:
        await self._send_event({"type": "websocket.close", "code": code, "reason": reason})

    def cut(self) -> None:
        """Cut off a client that does not read, which ends every wait to send to it."""
        self._is_cut = True
        self.protocol.cut()

    async def stop(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)

    async def _read(self) -> None:
        while True:
            self._taken.clear()
            self._message = await self._receive()
            self._message_at = time.monotonic()
            self._wake.set()
            if self._message["type"] == "websocket.disconnect":
                if self._until_lost is not None:
                    self._until_lost.reschedule(0)
                return
            self.note_activity()
            await self._taken.wait()

    @contextmanager
    def heartbeat(self) -> Iterator[None]:
        """Send a ping every 15 s inside the block.

        An answer may wait behind the client's batches, so none is required before the next ping.
        """
        self._ping_later()
        try:
            yield
        finally:
            self._pinging.cancel()

    def _ping_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._pinging = loop.call_later(HEARTBEAT_SECONDS, self._begin_ping)

    def _begin_ping(self) -> None:
        self._ping_later()
        if self._ping is None or self._ping.done():
            self._ping = asyncio.create_task(self._send_ping())

    async def _send_ping(self) -> None:
        with suppress(ClientGone):  # the socket's task finds that too
            await self.send(Ping())

    async def _send_event(self, event: dict[str, Any]) -> None:
        try:
            if self.protocol.is_writable():
                await self._send(event)  # returns at once
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
        except RuntimeError:  # closed just before the send
            raise ClientGone(1006) from None
