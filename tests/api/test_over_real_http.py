"""Over the real server: the whole journey of a client, and what only a socket can send"""

import contextlib
import http.client
import json
import re
import socket
from urllib.parse import urlsplit

import pytest

from movespecs.models import MoveSpec
from tests.conftest import MOVESPECS, SESSIONS
from tests.server import web_server

pytestmark = pytest.mark.django_db(transaction=True)


class Wire:
    """One kept connection to the server, with the owner's token."""

    def __init__(self, base_url, token):
        self.address = urlsplit(base_url).netloc
        self.token = token
        self.http = http.client.HTTPConnection(self.address, timeout=30)

    def send(self, method, path, body=None, *, chunks=None, **headers):
        """Status, headers and body; `chunks` are sent as a chunked body."""
        sent = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        sent |= {name.replace("_", "-").title(): value for name, value in headers.items()}
        if isinstance(body, dict):
            body = json.dumps(body).encode()
        if chunks is not None:
            sent["Transfer-Encoding"] = "chunked"
            body = iter(chunks)
        self.http.request(method, path, body, sent, encode_chunked=chunks is not None)
        response = self.http.getresponse()
        return response.status, response.headers, response.read()

    def told(self, *arguments, **more):
        """Status and error code."""
        status, _, body = self.send(*arguments, **more)
        return status, json.loads(body)["error"]["code"]

    def raw(self, request):
        """The first line that is answered to these bytes."""
        with self.sent(request) as connection:
            return connection.recv(65_536).split(b"\r\n")[0].decode()

    def whole(self, request):
        """All that is answered to these bytes, which ask for the connection's end."""
        with self.sent(request) as connection, connection.makefile("rb") as answer:
            return answer.read()

    @contextlib.contextmanager
    def sent(self, request):
        host, port = self.address.split(":")
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            connection.sendall(request)
            yield connection


@pytest.fixture
def wire(owner, tmp_path, request):
    with web_server(tmp_path, environment=getattr(request, "param", {})) as base_url:
        yield Wire(base_url, owner.token)


YAML = "application/yaml"


@pytest.mark.parametrize(
    ("method", "length", "content_type", "sent"),
    [
        ("PUT", 3525, YAML, b"name: squat\n"),
        ("POST", 500, "application/json", b'{"name": "broken off"}'),
    ],
)
def test_a_body_that_breaks_off_is_taken_for_nothing(
    owner, movespec, wire, method, length, content_type, sent
):
    draft = f"{MOVESPECS}/{movespec.id}/draft"
    path = draft if content_type == YAML else MOVESPECS
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {wire.address}\r\n"
        f"Authorization: Bearer {wire.token}\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n"
    )
    before = wire.send("GET", draft)[2], MoveSpec.objects.count()
    with wire.sent(head.encode() + sent) as connection:
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as answer:
            whole = answer.read()
    assert whole.startswith(b"HTTP/1.1 400 ")
    assert b"malformed_request" in whole
    assert (wire.send("GET", draft)[2], MoveSpec.objects.count()) == before


def test_a_text_comes_with_its_length(owner, movespec, wire):
    draft = f"{MOVESPECS}/{movespec.id}/draft"
    before = wire.send("GET", draft)[2]
    told = wire.told("PUT", draft, chunks=[b"name: ", b"x"], content_type=YAML)
    assert told == (400, "malformed_request")
    assert wire.send("GET", draft)[2] == before
    assert wire.send("PUT", draft, b"name: x", content_type=YAML)[0] == 200


def test_bodies_as_only_a_socket_sends_them(owner, movespec, wire):
    def create(chunks):
        return wire.send("POST", MOVESPECS, chunks=chunks)

    # In chunks, without a length.
    status, _, body = create([b'{"na', b'me": ', b'"chunked"}'])
    assert (status, json.loads(body)["name"]) == (201, "chunked")
    assert create([b'{"name": "x"}', b" " * 524_275])[0] == 201
    assert wire.told("POST", MOVESPECS, chunks=[b"{"]) == (400, "malformed_request")
    assert wire.told("POST", MOVESPECS, chunks=[]) == (400, "malformed_request")
    assert wire.told("POST", MOVESPECS, chunks=[b'{"name": "x"}', b" " * 524_276]) == (
        413,
        "payload_too_large",
    )
    # What was sent is read to its end: the connection stays good.
    assert wire.told("POST", MOVESPECS, b"x" * 5_000_000) == (413, "payload_too_large")
    for _ in range(10):
        chunks = [b"x" * 100_000] * 15
        assert wire.told("POST", MOVESPECS, chunks=chunks) == (413, "payload_too_large")
    assert wire.told("POST", MOVESPECS, b"", content_length="0") == (400, "malformed_request")
    # What no view reads is not waited for: the server may close the connection, even while the body
    # is still sent.
    archive = f"{MOVESPECS}/{movespec.id}/archive"
    for unread in ({"body": b"x" * 5_000_000}, {"chunks": [b"x" * 100_000] * 5}):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            assert wire.send("POST", archive, **unread)[0] == 200
        wire.http.close()
    assert wire.send("POST", archive, b"x" * 5_000)[0] == 200
    wire.http.close()
    assert wire.send("GET", f"{MOVESPECS}/{movespec.id}", b"[" * 1_000)[0] == 200
    wire.http.close()
    assert wire.told("POST", MOVESPECS, b"{}", content_type="text/plain") == (
        415,
        "unsupported_media_type",
    )
    assert MoveSpec.objects.count() == 3


def test_requests_as_only_a_socket_sends_them(owner, wire, tmp_path):
    status, headers, body = wire.send("HEAD", SESSIONS)
    assert (status, body, headers["Content-Length"]) == (200, b"", "2")
    assert wire.told("BREW", SESSIONS) == (405, "method_not_allowed")
    assert wire.told("OPTIONS", SESSIONS) == (405, "method_not_allowed")
    assert wire.told("GET", f"{SESSIONS}/%00%ff") == (404, "not_found")
    assert wire.told("GET", f"{SESSIONS}?cursor=%ff%00") == (422, "validation_error")
    assert wire.told("GET", f"{SESSIONS}?{'a' * 30_000}=1&limit=0") == (422, "validation_error")
    # Header bytes beyond ASCII.
    told = wire.told("POST", SESSIONS, b"{}", idempotency_key="caf\u00e9")
    assert told == (422, "idempotency_key_invalid")
    assert wire.send("GET", SESSIONS, authorization="Bearer \u00e9")[0] == 401
    for path in ("/healthz", SESSIONS, "/admin/login/"):
        assert wire.send("GET", path, cookie="theirs=\u00e9; kyna_admin=\u00e9")[0] == 200
    for path in (f"{MOVESPECS}?limit=", "/admin/login/?next="):
        line = f"GET {path}\u2192\u00e9 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        assert wire.raw(line.encode()) in (
            "HTTP/1.1 200 OK",
            "HTTP/1.1 422 Unprocessable Entity",
            "HTTP/1.1 400 Bad Request",
        )
    status, headers, _ = wire.send("GET", SESSIONS, x_request_id="\u00e9")
    assert status == 200
    assert re.fullmatch(r"[0-9a-f]{32}", headers["X-Request-ID"])
    # What is no HTTP is refused by the server, and it lives on.
    for request in (
        b"POST /api/movespecs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/movespecs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: x\r\n\r\n",
        b"nonsense\r\n\r\n",
    ):
        assert wire.raw(request) == "HTTP/1.1 400 Bad Request"
    assert wire.send("GET", SESSIONS)[0] == 200
    log = (tmp_path / "web.log").read_text()
    assert "Traceback" not in log
    assert owner.token not in log
