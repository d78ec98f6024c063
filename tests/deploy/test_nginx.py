"""deploy/nginx.conf under a real nginx: what strangers send stays there until it is whole"""

import contextlib
import json
import re
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from websockets.sync.client import connect

from dev.local_stack.ports import free_port
from kynaplatform import clock
from movespecs.models import MoveSpec
from sessions_app.models import DetectionSession
from tests.conftest import MOVESPECS, SESSIONS, TOKENS, Machine
from tests.deploy.proxy import (
    NAME,
    answer,
    lines_of,
    logged,
    open_to,
    proxy,
    proxy_of,
    request,
    trusting,
)
from tests.module_servers import busy_backends
from tests.server import runtime_server, web_server
from tests.waiting import DEADLINE_SECONDS, eventually

pytestmark = pytest.mark.django_db(transaction=True)
BEHIND = {
    "TRUSTED_PROXIES": "127.0.0.1",
    "ALLOWED_HOSTS": f"{NAME},127.0.0.1",
    "RATE_LIMIT_ANONYMOUS": "1000/minute",
}


@pytest.fixture(scope="module")
def module_behind(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None
) -> Iterator[tuple[Path, int]]:
    folder = tmp_path_factory.mktemp("behind")
    with web_server(folder, environment=BEHIND) as base_url:
        api_port = urlsplit(base_url).port
        assert api_port is not None
        with (
            runtime_server(folder, environment=BEHIND) as runtime,
            proxy(folder, api_ports=[api_port], realtime_ports=[runtime.port]) as port,
        ):
            yield folder, port


@pytest.fixture
def behind(module_behind: tuple[Path, int], transactional_db: None) -> Iterator[tuple[Path, int]]:
    """The folder and the port of nginx; the servers behind it are done after each test."""
    yield module_behind
    eventually(lambda: busy_backends() == 0, "the servers are done")


def line_where(folder: Path, name: str, value: str) -> dict[str, Any]:
    """The one of the access log that says so; it is written after the answer."""

    def found() -> list[dict[str, Any]]:
        return [line for line in lines_of(folder) if line[name] == value]

    eventually(lambda: bool(found()), f"a line whose {name} is {value}")
    [line] = found()
    return line


def test_a_half_sent_body_never_reaches_the_api(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as api,
        proxy_of(tmp_path, api) as port,
        contextlib.ExitStack() as stack,
    ):
        held = [stack.enter_context(open_to(tmp_path, port)) for _ in range(20)]
        for number, client in enumerate(held):
            client.sendall(request("POST", TOKENS, b"%c" % (65 + number), length=1000))
        # What is whole does, before all that came earlier, and alone.
        held[-1].sendall(b"x" * 999)
        api.settimeout(DEADLINE_SECONDS)
        connection, _ = api.accept()
        connection.settimeout(DEADLINE_SECONDS)
        with connection, connection.makefile("rb") as received:
            while received.readline() != b"\r\n":
                pass
            assert received.read(1000) == b"T" + b"x" * 999
            api.setblocking(False)
            with pytest.raises(BlockingIOError):
                api.accept()


@pytest.mark.parametrize(
    "sent",
    [
        request("GET", MOVESPECS),
        request("POST", SESSIONS, b"{}", headers="Idempotency-Key: visit-4711\r\n"),
    ],
    ids=["plain", "repeatable"],
)
def test_an_address_has_so_many_requests_answered_at_once(tmp_path: Path, sent: bytes) -> None:
    with (
        socket.create_server(("127.0.0.1", 0), backlog=256) as api,
        proxy(tmp_path, api_ports=[api.getsockname()[1]], realtime_ports=[free_port()]) as port,
        contextlib.ExitStack() as stack,
    ):
        held = [stack.enter_context(open_to(tmp_path, port)) for _ in range(200)]
        for client in held:
            client.sendall(sent)
        # Nobody answers for the API: so many have reached it, or wait to.
        api.settimeout(DEADLINE_SECONDS)
        for _ in held:
            stack.enter_context(api.accept()[0])
        status, head, body = answer(tmp_path, port, sent)
        assert (status, json.loads(body)["error"]["code"]) == (503, "service_unavailable")
        assert b"Retry-After: 5" in head


def test_an_export_alone_is_compressed(
    behind: tuple[Path, int], owner: Machine, movespec: MoveSpec
) -> None:
    session_id = owner.create_session(movespec).json()["session_id"]
    owner.post(f"{SESSIONS}/{session_id}/cancel")
    DetectionSession.objects.update(created_at=clock.now() - timedelta(days=1))
    bearer = f"Authorization: Bearer {owner.token}\r\nAccept-Encoding: gzip\r\n"
    status, head, _ = answer(*behind, request("GET", "/api/export", headers=bearer))
    assert (status, b"\r\ncontent-encoding: gzip" in head.lower()) == (200, True)
    assert b"\r\nkyna-export-until: " in head.lower()
    status, head, _ = answer(*behind, request("GET", SESSIONS, headers=bearer))
    assert (status, b"\r\ncontent-encoding" in head.lower()) == (200, False)


def test_a_body_that_is_too_large_is_told_as_the_api_tells_it(behind: tuple[Path, int]) -> None:
    for size in (600_000, 3_000_000):
        status, head, body = answer(*behind, request("POST", TOKENS, b" " * size))
        assert (status, json.loads(body)["error"]["code"]) == (413, "payload_too_large")
        assert b"application/json" in head


def test_an_api_that_is_away_is_told_as_the_api_tells_it(tmp_path: Path) -> None:
    with proxy_of(tmp_path) as port:
        status, head, body = answer(tmp_path, port, request("GET", MOVESPECS))
        assert (status, json.loads(body)["error"]["code"]) == (503, "service_unavailable")
        assert b"Retry-After: 5" in head


def test_the_stream_goes_through_and_its_token_is_in_no_log(behind: tuple[Path, int]) -> None:
    folder, port = behind
    path = "/api/detection/stream/6e0b8f3c-6a0a-4f3e-9d3b-1c1f4c9c1c11?runtime_token=s3cr3t"
    raw = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_SECONDS)
    with connect(
        f"wss://{NAME}{path}", sock=raw, ssl=trusting(folder), server_hostname=NAME
    ) as stream:
        assert json.loads(stream.recv(DEADLINE_SECONDS))["error"]["code"] == "runtime_token_invalid"
    line = line_where(folder, "path", path.partition("?")[0])
    assert line["status"] == "101"
    assert line["upstream"].startswith("127.0.0.1:")
    assert "s3cr3t" not in logged(folder)


def test_a_line_has_the_start_of_a_method_and_a_path_alone(tmp_path: Path) -> None:
    with proxy_of(tmp_path) as port:
        for method, path in (
            ("M" * 5_000, "/api/x"),
            ("GET", f"/api/{'y' * 9_000}"),
            ("GET", f"/api/{'%01' * 3_000}"),
            ("GET", f"/api/{'%F0%9F%98%80' * 700}"),
        ):
            answer(tmp_path, port, request(method, path))
        eventually(lambda: len(lines_of(tmp_path)) == 4, "four lines are written")
    long_method, long_path, *_ = lines = lines_of(tmp_path)
    assert long_method["method"] in ("M" * 20, "")
    assert long_path["path"] == f"/api/{'y' * 195}"
    assert [len(line["path"]) for line in lines[2:]] == [200, 200]


def test_a_token_is_in_no_log_whatever_fails(tmp_path: Path) -> None:
    large_body = request("POST", f"{SESSIONS}?runtime_token=s3cr3t", b" " * 3_000_000)
    with proxy_of(tmp_path) as port:
        assert answer(tmp_path, port, large_body)[0] == 413
        # Typed wrongly, and what nginx itself says of them.
        for path in ("stream", "streams/1", "stream/1"):
            for header in ("", f"X-Large: {'x' * 20_000}\r\n"):
                sent = request(
                    "POST", f"/api/detection/{path}?runtime_token=s3cr3t", headers=header
                )
                assert answer(tmp_path, port, sent)[0] in (301, 400, 503)
        eventually(lambda: len(lines_of(tmp_path)) == 7, "seven lines are written")
    assert "s3cr3t" not in logged(tmp_path)


@pytest.mark.parametrize("given", [None, "visit-4711.a_b", "x" * 129, 'a"b'])
def test_a_request_has_one_id_at_the_client_in_the_log_and_at_the_api(
    behind: tuple[Path, int], given: str | None
) -> None:
    header = "" if given is None else f"X-Request-ID: {given}\r\n"
    _, head, _ = answer(*behind, request("GET", MOVESPECS, headers=header))
    [told] = re.findall(r"(?i)x-request-id: (\S+)", head.decode())
    is_kept = given == "visit-4711.a_b"
    assert (told == given) == is_kept
    folder, _ = behind
    line = line_where(folder, "request_id", told)
    assert (line["path"], line["status"]) == (MOVESPECS, "200")
    assert f"[{told}] GET {MOVESPECS} 200" in (folder / "web.log").read_text()


INSIDE = ["/readyz", "/metrics", "//metrics", "/%6detrics", "/x/../metrics", "/./readyz?x=1"]
INSIDE += ["/api/detection/stream/../../../metrics", "/api/detection/stream/%2e%2e/../../readyz"]


def test_what_is_for_the_inside_is_not_there(tmp_path: Path) -> None:
    unknown = Client().get("/none").json()["error"]
    with socket.create_server(("127.0.0.1", 0)) as api:
        api.setblocking(False)
        with proxy_of(tmp_path, api) as port:
            for path in INSIDE:
                status, head, body = answer(tmp_path, port, request("GET", path))
                assert (status, b"application/json" in head) == (404, True)
                assert json.loads(body)["error"] == unknown
            with pytest.raises(BlockingIOError):
                api.accept()


def test_no_ticket_comes_while_a_client_writes_its_first_request(tmp_path: Path) -> None:
    with proxy_of(tmp_path) as port, open_to(tmp_path, port) as client:
        client.sendall(request("GET", "/readyz"))
        while client.recv(65_536):
            pass
        assert client.version() == "TLSv1.3"
        assert client.session is not None
        assert not client.session.has_ticket
