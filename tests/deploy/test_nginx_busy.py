"""deploy/nginx.conf under a real nginx: few places for what takes long, and what the others get"""

import contextlib
import http.client
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dev.local_stack.ports import free_port
from tests.conftest import MOVESPECS
from tests.deploy.proxy import NAME, open_to, proxy, request
from tests.waiting import DEADLINE_SECONDS, eventually

LOGIN = request("POST", "/admin/login/", b"username=ada")
DOWNLOAD = request("GET", "/admin/projects/project/csv/")
OTHER_DOWNLOAD = request("GET", "/admin/auth/user/csv/?q=ada")
HOME = request("GET", "/")
INDEX = request("GET", "/admin/")
# Who asks: nginx believes this header here, so that a test has many addresses.
ONE, OTHER = "198.51.100.1", "198.51.100.2"


class Waiting(threading.Thread):
    """A server that answers no request until it is told to."""

    def __init__(self, listening: socket.socket) -> None:
        super().__init__(daemon=True)
        self.listening = listening
        self.held: list[socket.socket] = []
        self.start()

    def run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self.held.append(self.listening.accept()[0])

    def answer_all(self) -> None:
        while self.held:
            with self.held.pop() as connection:
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


@pytest.fixture
def pages() -> Iterator[list[Waiting]]:
    with contextlib.ExitStack() as stack:
        listening = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]
        servers = [Waiting(one) for one in listening]
        yield servers
        for server in servers:
            server.answer_all()


@pytest.fixture
def nginx(tmp_path: Path, pages: list[Waiting]) -> Iterator[Callable[[bytes, str], socket.socket]]:
    """Sends a request as from an address."""
    believing = "set_real_ip_from 127.0.0.1; real_ip_header X-Test-Address;"
    with (
        contextlib.ExitStack() as stack,
        proxy(
            tmp_path,
            api_ports=[free_port()],
            pages_ports=[server.listening.getsockname()[1] for server in pages],
            realtime_ports=[free_port()],
            instead={"server_name _;": f"server_name _; {believing}"},
        ) as port,
    ):

        def send(sent: bytes, address: str) -> socket.socket:
            client = stack.enter_context(open_to(tmp_path, port))
            client.sendall(from_address(sent, address))
            return client

        yield send


def from_address(sent: bytes, address: str) -> bytes:
    return sent.replace(b"\r\n", f"\r\nX-Test-Address: {address}\r\n".encode(), 1)


def read(client: socket.socket) -> tuple[int, dict[str, str], str]:
    """Status, headers and body of what came."""
    received = http.client.HTTPResponse(client)
    received.begin()
    headers = {name.lower(): value for name, value in received.getheaders()}
    return received.status, headers, received.read().decode()


def await_held(pages: list[Waiting], count: int) -> None:
    eventually(lambda: sum(len(server.held) for server in pages) == count, f"{count} are asked")


def test_an_address_has_one_login_and_one_download_at_a_time(
    pages: list[Waiting], nginx: Callable[[bytes, str], socket.socket]
) -> None:
    for count, sent in enumerate((LOGIN, DOWNLOAD), start=1):
        nginx(sent, ONE)
        await_held(pages, count)
    for sent in (LOGIN, DOWNLOAD, OTHER_DOWNLOAD):
        assert read(nginx(sent, ONE))[0] == 503
    # What is quick is asked all the same, and so is what another address sends.
    for count, (sent, address) in enumerate(
        ((INDEX, ONE), (LOGIN, OTHER), (DOWNLOAD, OTHER)), start=3
    ):
        nginx(sent, address)
        await_held(pages, count)


@pytest.mark.parametrize(
    ("sent", "places"),
    [(LOGIN, 4), (DOWNLOAD, 2), (HOME, 4)],
    ids=["login", "download", "first page"],
)
def test_what_takes_long_leaves_the_servers_to_the_rest(
    pages: list[Waiting],
    nginx: Callable[[bytes, str], socket.socket],
    sent: bytes,
    places: int,
) -> None:
    for number in range(places):
        nginx(sent, f"198.51.100.{number}")
        await_held(pages, number + 1)
    assert [len(server.held) for server in pages] == [places // 2] * 2
    assert read(nginx(sent, "203.0.113.1"))[0] == 503
    nginx(INDEX, "203.0.113.1")
    await_held(pages, places + 1)


@pytest.mark.parametrize(
    ("path", "is_bounded"),
    [
        ("/?x=1", True),
        ("/try", True),
        ("/try/figures/squat.json.gz", False),
        ("/admin/login/", False),
    ],
)
def test_the_public_pages_that_may_wait_have_few_places(
    pages: list[Waiting],
    nginx: Callable[[bytes, str], socket.socket],
    path: str,
    is_bounded: bool,
) -> None:
    asked = 4 if is_bounded else 8
    for number in range(asked):
        nginx(request("GET", path), ONE)
        await_held(pages, number + 1)
    if is_bounded:
        assert read(nginx(request("GET", path), OTHER))[0] == 503


@pytest.mark.parametrize("sent", [LOGIN, HOME], ids=["login", "first page"])
def test_a_request_that_its_client_has_left_keeps_its_place(
    pages: list[Waiting], nginx: Callable[[bytes, str], socket.socket], sent: bytes
) -> None:
    """The thread of its server waits on."""
    for number in range(4):
        nginx(sent, f"198.51.100.{number}").close()
        await_held(pages, number + 1)
    assert read(nginx(sent, "203.0.113.1"))[0] == 503


def test_people_are_told_that_it_is_busy_and_machines_as_by_the_api(
    pages: list[Waiting], nginx: Callable[[bytes, str], socket.socket]
) -> None:
    nginx(LOGIN, ONE)
    await_held(pages, 1)
    status, headers, body = read(nginx(LOGIN, ONE))
    assert status == 503
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["retry-after"] == "5"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["x-request-id"]
    assert re.findall("<h1>(.*?)</h1><p>(.*?)</p>", body) == [
        ("The server is busy", "Go back, and try again in a few seconds.")
    ]
    status, headers, body = read(nginx(request("GET", MOVESPECS), ONE))
    assert (status, headers["content-type"]) == (503, "application/json")
    assert json.loads(body)["error"]["code"] == "service_unavailable"


def test_a_header_with_an_underscore_is_dropped_wherever_the_site_is_included(
    tmp_path: Path,
) -> None:
    """The `http` block around the site may let them through."""
    with socket.create_server(("127.0.0.1", 0)) as api:
        api.settimeout(DEADLINE_SECONDS)
        with (
            proxy(
                tmp_path,
                api_ports=[api.getsockname()[1]],
                realtime_ports=[free_port()],
                instead={"map $http_upgrade": "underscores_in_headers on;\nmap $http_upgrade"},
            ) as port,
            open_to(tmp_path, port) as client,
        ):
            client.sendall(request("GET", MOVESPECS, headers="X_Forwarded_For: 203.0.113.9\r\n"))
            connection, _ = api.accept()
            with connection:
                seen = connection.recv(65_536)
    assert f"Host: {NAME}".encode() in seen
    assert b"203.0.113.9" not in seen
