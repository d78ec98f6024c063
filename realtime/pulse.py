"""A websocket that shows all the time that its process is not frozen.

A pong that nobody asked for (RFC 6455, 5.5.3) wants no answer. So it goes on
while a client is not read from, and a proxy may take a short silence for a process that stands
still: deploy/nginx.conf does after 10 s.
"""

import asyncio
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from kynaplatform.timing import PULSE_SECONDS


class PulsingProtocol(WebSocketsSansIOProtocol):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pulse: asyncio.TimerHandle | None = None

    def start_keepalive(self) -> None:
        super().start_keepalive()
        self._pulse = self.loop.call_later(PULSE_SECONDS, self._beat)

    def stop_keepalive(self) -> None:
        super().stop_keepalive()
        if self._pulse is not None:
            self._pulse.cancel()

    def _beat(self) -> None:
        if self.close_sent or self.conn.close_sent is not None or self.transport.is_closing():
            return
        if self.writable.is_set():
            self.conn.send_pong(b"")
            self.transport.write(b"".join(self.conn.data_to_send()))
        self._pulse = self.loop.call_later(PULSE_SECONDS, self._beat)
