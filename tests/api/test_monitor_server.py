"""kynaplatform/monitor_server.py: where it listens, and places that are given back"""

import socket
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from kynaplatform.monitor_server import MAX_CLIENTS, MonitorServer
from tests.waiting import DEADLINE_SECONDS, eventually


def application(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


@pytest.fixture(params=["127.0.0.1", "::1"])
def server(request: pytest.FixtureRequest) -> Iterator[MonitorServer]:
    try:
        found = MonitorServer(request.param, 0)
    except OSError:
        if request.param == "::1":
            pytest.skip("there is no IPv6 here")
        raise
    found.begin(application)
    yield found
    found.shutdown()
    found.server_close()


def ask(server: MonitorServer) -> bytes:
    host = "127.0.0.1" if server.address_family == socket.AF_INET else "::1"
    connection = HTTPConnection(host, server.server_port, timeout=DEADLINE_SECONDS)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().read()
    finally:
        connection.close()


def test_it_listens_on_a_host_of_either_kind(server: MonitorServer) -> None:
    assert ask(server) == b"ok"


@pytest.mark.parametrize("server", ["127.0.0.1"], indirect=True)
def test_a_thread_that_can_not_be_started_takes_no_place(
    server: MonitorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def refuse(thread: threading.Thread) -> None:
        tried.append(thread)
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr("socketserver.threading.Thread.start", refuse)
        for _ in range(MAX_CLIENTS):
            with socket.create_connection(
                ("127.0.0.1", server.server_port), timeout=DEADLINE_SECONDS
            ) as client:
                assert client.recv(1) == b""
    eventually(lambda: len(tried) == MAX_CLIENTS, "all were taken")
    assert ask(server) == b"ok"
