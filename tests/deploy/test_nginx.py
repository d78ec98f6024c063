"""deploy/nginx.conf under a real nginx: what strangers send stays there until it is whole"""

import contextlib
import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from websockets.sync.client import connect

from local_stack.ports import free_port
from tests.conftest import MOVESPECS, TOKENS
from tests.deploy.proxy import NAME, proxy, trusting
from tests.server import runtime_server, web_server

pytestmark = pytest.mark.django_db(transaction=True)
BEHIND = {
    "TRUSTED_PROXIES": "127.0.0.1",
    "ALLOWED_HOSTS": f"{NAME},127.0.0.1",
    "RATE_LIMIT_ANONYMOUS": "1000/minute",
}


def open_to(folder: Path, port: int) -> ssl.SSLSocket:
    raw = socket.create_connection(("127.0.0.1", port), timeout=20)
    return trusting(folder).wrap_socket(raw, server_hostname=NAME)


def request(method: str, path: str, body: bytes = b"", length: int | None = None) -> bytes:
    return (
        f"{method} {path} HTTP/1.1\r\nHost: {NAME}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body) if length is None else length}\r\nConnection: close\r\n\r\n"
    ).encode() + body


def answer(folder: Path, port: int, sent: bytes) -> tuple[int, bytes, bytes]:
    """Status, head and body."""
    with open_to(folder, port) as client:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            client.sendall(sent)
        received = b""
        while chunk := client.recv(65_536):
            received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), head, body


@pytest.fixture
def behind(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    with web_server(tmp_path, environment=BEHIND) as base_url:
        api_port = urlsplit(base_url).port
        assert api_port is not None
        with (
            runtime_server(tmp_path, environment=BEHIND) as runtime,
            proxy(tmp_path, api_port=api_port, realtime_port=runtime.port) as port,
        ):
            yield tmp_path, port


def test_a_half_sent_body_never_reaches_the_api(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as api:
        api.settimeout(1)
        with (
            proxy(tmp_path, api_port=api.getsockname()[1], realtime_port=free_port()) as port,
            contextlib.ExitStack() as stack,
        ):
            held = [stack.enter_context(open_to(tmp_path, port)) for _ in range(20)]
            for client in held:
                client.sendall(request("POST", TOKENS, b"{", length=1000))
            with pytest.raises(TimeoutError):
                api.accept()
            # Once it is whole it does.
            held[0].sendall(b"x" * 999)
            connection, _ = api.accept()
            with connection:
                assert connection.recv(65_536).endswith(b"{" + b"x" * 999)


def test_an_address_has_so_many_requests_answered_at_once(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0), backlog=256) as api,
        proxy(tmp_path, api_port=api.getsockname()[1], realtime_port=free_port()) as port,
        contextlib.ExitStack() as stack,
    ):
        held = [stack.enter_context(open_to(tmp_path, port)) for _ in range(200)]
        for client in held:
            client.sendall(request("GET", MOVESPECS))
        # Nobody answers for the API: so many have reached it, or wait to.
        for _ in held:
            stack.enter_context(api.accept()[0])
        status, head, body = answer(tmp_path, port, request("GET", MOVESPECS))
        assert (status, json.loads(body)["error"]["code"]) == (503, "service_unavailable")
        assert b"Retry-After: 5" in head


def test_requests_go_through_and_their_addresses_are_told(behind: tuple[Path, int]) -> None:
    status, head, body = answer(*behind, request("GET", MOVESPECS))
    assert (status, body) == (200, b"[]")
    assert b"strict-transport-security" not in head.lower()  # development
    status, _, body = answer(*behind, request("POST", TOKENS, b"{}"))
    assert (status, json.loads(body)["error"]["code"]) == (422, "validation_error")


def test_a_body_that_is_too_large_is_told_as_the_api_tells_it(behind: tuple[Path, int]) -> None:
    for size in (600_000, 3_000_000):
        status, head, body = answer(*behind, request("POST", TOKENS, b" " * size))
        assert (status, json.loads(body)["error"]["code"]) == (413, "payload_too_large")
        assert b"application/json" in head


def test_an_api_that_is_away_is_told_as_the_api_tells_it(tmp_path: Path) -> None:
    with proxy(tmp_path, api_port=free_port(), realtime_port=free_port()) as port:
        status, head, body = answer(tmp_path, port, request("GET", MOVESPECS))
        assert (status, json.loads(body)["error"]["code"]) == (503, "service_unavailable")
        assert b"Retry-After: 5" in head


def test_the_stream_goes_through_and_its_token_is_in_no_log(behind: tuple[Path, int]) -> None:
    folder, port = behind
    path = "/api/detection/stream/6e0b8f3c-6a0a-4f3e-9d3b-1c1f4c9c1c11?runtime_token=s3cr3t"
    raw = socket.create_connection(("127.0.0.1", port), timeout=20)
    with connect(
        f"wss://{NAME}{path}", sock=raw, ssl=trusting(folder), server_hostname=NAME
    ) as stream:
        assert json.loads(stream.recv(20))["error"]["code"] == "runtime_token_invalid"
    for log in ("access.log", "error.log", "nginx.log"):
        assert "s3cr3t" not in (folder / log).read_text()
