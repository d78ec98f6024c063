"""The ASGI application of a runtime: the stream, and health, readiness and metrics."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from django.conf import settings
from prometheus_client import CONTENT_TYPE_LATEST

from detection import ENGINE_BUILD
from kynaplatform import logs
from kynaplatform.api import errors
from kynaplatform.api.error_answers import as_api_error
from kynaplatform.api.platform_views import require_metrics_access
from kynaplatform.metrics.exposition import exposition_of, process_exposition
from kynaplatform.metrics.readiness import OK
from kynaplatform.service_manager import tell
from realtime.attach import SUBPROTOCOLS, handshake, log_refused
from realtime.runtime import Runtime
from realtime.socket import ClientGone, Receive, Send, Socket

REQUEST_ID: Final = b"x-request-id"


class Application:
    """`GET /healthz`, `/readyz` and `/metrics` as the API has them, and the stream's websocket."""

    def __init__(self) -> None:
        self._runtime = Runtime()
        self._stream_path = urlsplit(settings.PUBLIC_STREAM_URL).path + "/"

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "lifespan":
                await self._live(scope, receive, send)
            case "websocket":
                await self._stream(scope, receive, send)
            case "http":
                await self._answer(scope, send)

    async def _live(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        await receive()
        self._runtime.start()
        scope["state"]["drain"] = self._runtime.drain
        await send({"type": "lifespan.startup.complete"})
        tell("READY=1")
        await receive()
        self._runtime.drain()
        await self._runtime.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _stream(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        request_id = _set_request_id(scope)
        if not path.startswith(self._stream_path):
            await receive()
            error = errors.NotFound("path")
            log_refused(handshake(scope, ""), error.status, error)
            # An HTTP response in place of accepting the websocket.
            await _send_error(
                lambda event: send({**event, "type": f"websocket.{event['type']}"}),
                error,
                request_id,
            )
            return
        web_socket = Socket(scope["extensions"]["kyna"], receive, send, self._runtime.turns)
        try:
            await web_socket.accept(
                next((one for one in SUBPROTOCOLS if one in scope["subprotocols"]), None),
                [(REQUEST_ID, request_id)],
            )
            opening = handshake(scope, path.removeprefix(self._stream_path))
            await self._runtime.serve(web_socket, opening)
        except ClientGone:
            return
        finally:
            await web_socket.stop()

    async def _answer(self, scope: Mapping[str, Any], send: Send) -> None:
        request_id = _set_request_id(scope)
        try:
            body, content_type = await self._body(scope)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets the one body
            await _send_error(send, as_api_error(error), request_id)
            return
        headers = [(b"content-type", content_type), (REQUEST_ID, request_id)]
        await _send_body(send, HTTPStatus.OK, body, headers)

    async def _body(self, scope: Mapping[str, Any]) -> tuple[bytes, bytes]:
        is_stream = scope["path"].startswith(self._stream_path)
        if not (is_stream or scope["path"] in settings.MONITOR_PATHS):
            raise errors.NotFound("path")
        if scope["method"] not in ("GET", "HEAD"):
            raise errors.MethodNotAllowed
        match scope["path"]:
            case "/healthz":
                return b'{"status":"ok"}', b"application/json"
            case "/readyz":
                states = await self._runtime.states()
                told = {**states, "engine": ENGINE_BUILD.name}
                if set(states.values()) != {OK}:
                    raise errors.ServiceUnavailable(**told)
                return msgspec.json.encode({"status": "ok", **told}), b"application/json"
            case "/metrics":
                require_metrics_access(_header(scope, b"authorization"))
                states = await self._runtime.states()
                return process_exposition() + exposition_of(states), CONTENT_TYPE_LATEST.encode()
        raise errors.MalformedRequest("Open this address as a websocket.")


async def _send_error(send: Send, error: errors.ApiError, request_id: bytes) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in error.headers.items()]
    headers += [(b"content-type", b"application/json"), (REQUEST_ID, request_id)]
    await _send_body(send, error.status, msgspec.json.encode(error.body()), headers)


async def _send_body(
    send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]
) -> None:
    headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _set_request_id(scope: Mapping[str, Any]) -> bytes:
    request_id = logs.request_id_of(_header(scope, REQUEST_ID))
    logs.request_id.set(request_id)
    return request_id.encode()


def _header(scope: Mapping[str, Any], name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")
