"""uvicorn's HTTP protocol, with bounds on the clients that have not attached yet.

So what is not known to be a client fills no memory.
"""

import asyncio
import uuid
from http import HTTPStatus
from typing import Any, Final

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from websockets.datastructures import Headers
from websockets.http11 import Response
from websockets.typing import StatusLike

from kynaplatform.api.errors import (
    ApiError,
    InternalError,
    MalformedRequest,
    MethodNotAllowed,
)
from kynaplatform.timing import REQUEST_SECONDS
from realtime.client_bounds import unattached

MAX_HEADER_BYTES: Final = 32 * 1024


class HttpProtocol(HttpToolsProtocol):
    """An HTTP connection, cut when its request is too large or does not come whole in time."""

    _deadline: asyncio.TimerHandle | None = None
    _received = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        unattached.add(transport)
        self._await_request()

    def _await_request(self) -> None:
        self._received = 0
        self._deadline = self.loop.call_later(REQUEST_SECONDS, self.transport.abort)

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        if self._received > MAX_HEADER_BYTES:
            self.transport.abort()
            return
        super().data_received(data)

    def on_headers_complete(self) -> None:
        self._stop_deadline()
        super().on_headers_complete()

    def handle_websocket_upgrade(self) -> None:
        """Refuse as well what only the websocket's own parser refuses: it would wait for more."""
        if self.url.isascii():
            super().handle_websocket_upgrade()
            protocol: Any = self.transport.get_protocol()
            if protocol.handshake_initiated:
                return
        self.send_400_response("The request could not be read.")

    def send_400_response(self, msg: str) -> None:
        self.transport.write(refusal(HTTPStatus.BAD_REQUEST, msg).serialize())
        self.transport.close()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing():
            self._stop_deadline()
            self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_deadline()
        unattached.discard(self.transport)
        super().connection_lost(exc)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def refusal(status: StatusLike, sentence: str) -> Response:
    """The response to a request that never reaches the application."""
    error: ApiError
    match HTTPStatus(status):
        case HTTPStatus.METHOD_NOT_ALLOWED:
            error = MethodNotAllowed()
        case HTTPStatus.INTERNAL_SERVER_ERROR:
            error = InternalError()
        case _:
            error = MalformedRequest(sentence)
    body = msgspec.json.encode(error.body())
    headers = Headers(
        {
            "Connection": "close",
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "X-Request-ID": uuid.uuid4().hex,
        }
    )
    return Response(int(status), HTTPStatus(status).phrase, headers, body)
