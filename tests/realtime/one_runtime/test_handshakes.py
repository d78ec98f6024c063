"""Requests that are none, come slowly, or never come: each is refused or cut off, in time."""

import json
import re
import socket
import time

import pytest
from raw import connect, upgrade_request
from stage import Stage

from sessions_app.models import SessionAttach
from tests.api.api_requests import nothing_changes

REQUEST_SECONDS = 1.0
PATH = "/api/detection/stream/5b6f3f63-2d0a-4f0e-9d5e-0d8f6a1f3c11"
HURRY = {"REQUEST_SECONDS": REQUEST_SECONDS, "CLOSING_SECONDS": 0.5}


def answer(stage: Stage, sent: bytes) -> bytes:
    """All that the runtime says to some bytes until it closes, which it must by itself."""
    raw = connect(stage.runtime.port)
    raw.sendall(sent)
    return all_from(raw)


def all_from(raw: socket.socket) -> bytes:
    told = b""
    try:
        while data := raw.recv(65536):
            told += data
    except ConnectionResetError:
        pass
    finally:
        raw.close()
    return told


def is_error(told: bytes, status: int, code: str) -> None:
    """The answer has the one error body and a request id."""
    head, _, body = told.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), told[:300]
    headers = head.decode().lower()
    assert "content-type: application/json" in headers
    assert re.search(r"x-request-id: [0-9a-f]{32}\r?(\n|$)", headers)
    error = json.loads(body)["error"]
    assert sorted(error) == ["code", "details", "message", "retryable"]
    assert (error["code"], error["retryable"], error["details"]) == (code, False, {})


MALFORMED = {
    "garbage": b"\x00\x01\x02\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an unknown version": b"GET /healthz HTTP/9.9\r\n\r\n",
    "a bad header name": b"GET /healthz HTTP/1.1\r\nA B: c\r\n\r\n",
    "a bare line feed in a header": b"GET /healthz HTTP/1.1\r\nA: b\x00c\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "smuggling": b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "no path": b"GET http://127.0.0.1 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a path of bytes": b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    "an upgrade to a path of bytes": upgrade_request("/\xff\xfe?x=\xe9"),
    "a line of 9 KB": upgrade_request(f"{PATH}?runtime_token=" + "x" * 9000),
    "a header of 9 KB": upgrade_request(PATH, "X-Long: " + "x" * 9000),
    "200 headers": upgrade_request(PATH, *(f"X-{number}: 1" for number in range(200))),
    "an upgrade with a body": upgrade_request(PATH, "Content-Length: 5") + b"hello",
    "no key": upgrade_request(PATH, Sec_WebSocket_Key=None),
    "two keys": upgrade_request(PATH, "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="),
    "a short key": upgrade_request(PATH, Sec_WebSocket_Key="AAAA"),
    "a key that is none": upgrade_request(PATH, Sec_WebSocket_Key="é" * 24),
    "no websocket version": upgrade_request(PATH, Sec_WebSocket_Version=None),
    "an old websocket version": upgrade_request(PATH, Sec_WebSocket_Version="8"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_request_that_is_none_is_told_so_and_closed(stage: Stage, name: str) -> None:
    with nothing_changes():
        is_error(answer(stage, MALFORMED[name]), 400, "malformed_request")


def test_only_get_upgrades(stage: Stage) -> None:
    is_error(answer(stage, upgrade_request(PATH, method="POST")), 405, "method_not_allowed")


def test_a_websocket_elsewhere_is_not_found(stage: Stage) -> None:
    for path in ("/", "/healthz", "/api/detection/stream", "/api/detection/streams/x", "/metrics"):
        told = answer(stage, upgrade_request(path))
        head, _, body = told.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 404 ")
        assert json.loads(body)["error"]["code"] == "not_found"


@pytest.mark.parametrize("size", [40_000, 5_000_000])
def test_headers_without_end_are_cut_off(stage: Stage, size: int) -> None:
    raw = connect(stage.runtime.port)
    try:
        raw.sendall(upgrade_request(PATH)[:-2] + b"X-Long: " + b"x" * size)
    except (ConnectionResetError, BrokenPipeError):
        return
    assert all_from(raw) == b""


# --- Slowly ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", marks=pytest.mark.long),
        b"GET /healthz HTTP/1.1\r\nHost",
        pytest.param(upgrade_request(PATH)[:-1], marks=pytest.mark.long),
    ],
    ids=["nothing", "half a header", "half an end"],
)
def test_half_a_request_is_cut_off_in_time(stage: Stage, sent: bytes) -> None:
    started = time.monotonic()
    assert answer(stage, sent) == b""
    assert time.monotonic() - started > REQUEST_SECONDS - 0.1


def test_a_connection_that_is_kept_alive_is_cut_off_once_it_asks_nothing(stage: Stage) -> None:
    raw = connect(stage.runtime.port)
    for _ in range(3):
        started = time.monotonic()
        raw.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        told = b""
        while b'{"status":"ok"}' not in told:
            told += raw.recv(65536)
    assert all_from(raw) == b""
    assert time.monotonic() - started > REQUEST_SECONDS - 0.1


# --- At random ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "noted"),
    [
        ("Squat/1.0 (iPhone)", "Squat/1.0 (iPhone)"),
        ("a\tb " + "x" * 500, "ab " + "x" * 156),
        (None, ""),
    ],
)
def test_an_attach_is_noted_with_what_its_client_calls_itself(
    stage: Stage, sent: str | None, noted: str
) -> None:
    header = [] if sent is None else [f"User-Agent: {sent}"]
    created, _client = stage.attach(header=header)
    assert SessionAttach.objects.get(session_id=created["session_id"]).client == noted
