"""deploy/nginx.conf under a real nginx: which requests go to another server when one fails"""

import contextlib
import json
import socket
import threading
from pathlib import Path

import pytest
from websockets.sync.client import connect

from dev.local_stack.ports import free_port
from tests.conftest import MOVESPECS, SESSIONS, TOKENS
from tests.deploy.proxy import NAME, answer, lines_of, proxy, proxy_of, request, trusting
from tests.server import runtime_server
from tests.waiting import DEADLINE_SECONDS


class Breaking(threading.Thread):
    """An API that takes the first request and closes, and answers every other; both with a count.

    As one does that is killed in the middle of it.
    """

    def __init__(self, listening: socket.socket, first_breaks: "list[bool]") -> None:
        super().__init__(daemon=True)
        self.listening, self.first_breaks = listening, first_breaks
        self.taken: list[bytes] = []
        self.start()

    def run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listening.accept()
                with connection:
                    self.taken.append(connection.recv(65_536))
                    if not (self.first_breaks and self.first_breaks.pop()):
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


KEY = "Idempotency-Key: visit-4711\r\n"
SESSION = f"{SESSIONS}/6e0b8f3c-6a0a-4f3e-9d3b-1c1f4c9c1c11"
FORK = f"{MOVESPECS}/6e0b8f3c-6a0a-4f3e-9d3b-1c1f4c9c1c11/fork"


@pytest.mark.parametrize(
    ("method", "path", "headers", "is_repeated"),
    [
        ("GET", SESSIONS, "", True),
        ("POST", f"{SESSIONS}?x=1", KEY, True),
        ("POST", FORK, KEY, True),
        ("POST", f"{SESSION}/finalize", "", True),
        ("POST", f"{SESSION}/cancel", "", True),
        ("POST", SESSIONS, "", False),
        ("POST", SESSIONS, "Idempotency-Key: \r\n", False),
        # The key has no effect there.
        ("POST", TOKENS, KEY, False),
    ],
)
def test_what_is_safe_to_repeat_goes_to_another_server(
    tmp_path: Path, method: str, path: str, headers: str, is_repeated: bool
) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as other,
        proxy_of(tmp_path, one, other) as port,
    ):
        first_breaks = [True]
        servers = [Breaking(one, first_breaks), Breaking(other, first_breaks)]
        sent = request(method, path, b'{"a": 1}', headers=headers)
        status, head, body = answer(tmp_path, port, sent)
        taken = [request for server in servers for request in server.taken]
        # Each server once, and the whole of it both times.
        assert len(taken) == (2 if is_repeated else 1)
        assert all(request.endswith(b'\r\n\r\n{"a": 1}') for request in taken)
        assert all(request.startswith(f"{method} {path} HTTP".encode()) for request in taken)
        if is_repeated:
            assert [len(server.taken) for server in servers] == [1, 1]
            assert (status, body) == (200, b"ok")
        else:
            assert (status, json.loads(body)["error"]["code"]) == (503, "service_unavailable")
            assert b"Retry-After: 5" in head
        [line] = lines_of(tmp_path)
        assert line["upstream"].count("127.0.0.1:") == len(taken)


@pytest.mark.parametrize(("path", "headers"), [(TOKENS, ""), (SESSIONS, KEY)])
def test_what_no_server_took_goes_to_another(tmp_path: Path, path: str, headers: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as api:
        away = [free_port(), free_port()]
        ports = [*away, api.getsockname()[1]]
        server = Breaking(api, [])
        with proxy(tmp_path, api_ports=ports, realtime_ports=away) as port:
            # Whichever is tried first: none is held for dead.
            for number in range(1, 13):
                status, _, _ = answer(tmp_path, port, request("POST", path, b"{}", headers=headers))
                assert (status, len(server.taken)) == (200, number)


@pytest.mark.parametrize("path", [MOVESPECS, "/api/detection/stream/1"])
def test_servers_that_were_away_are_asked_as_soon_as_they_are_there(
    tmp_path: Path, path: str
) -> None:
    ports = [free_port(), free_port()]
    with proxy(tmp_path, api_ports=ports, realtime_ports=ports) as port:
        for _ in range(6):
            assert answer(tmp_path, port, request("GET", path))[0] == 503
        with socket.create_server(("127.0.0.1", ports[0])) as back:
            server = Breaking(back, [])
            for number in range(1, 7):
                status, _, _ = answer(tmp_path, port, request("GET", path))
                assert (status, len(server.taken)) == (200, number)


@pytest.mark.django_db(transaction=True)
def test_a_runtime_that_is_away_is_passed_over(tmp_path: Path) -> None:
    with runtime_server(tmp_path, environment={}) as runtime:
        ports = [free_port(), runtime.port, free_port()]
        with proxy(tmp_path, api_ports=[free_port()], realtime_ports=ports) as port:
            for _ in range(12):
                raw = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_SECONDS)
                url = f"wss://{NAME}/api/detection/stream/6e0b8f3c-6a0a-4f3e-9d3b-1c1f4c9c1c11"
                with connect(url, sock=raw, ssl=trusting(tmp_path), server_hostname=NAME) as stream:
                    assert json.loads(stream.recv(DEADLINE_SECONDS))["type"] == "error"
