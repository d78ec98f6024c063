"""The attacks on the admin and on what is written of them, against the real server."""

import contextlib
import http.client
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.module_servers import WebServer

pytestmark = pytest.mark.django_db(transaction=True)
MIB = 1024 * 1024


@dataclass
class Answer:
    status: int
    headers: Any
    text: str


@dataclass
class Server:
    address: str
    log: Path
    temporary: Path
    # Lines of the log from before the test.
    earlier: int

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One request on a connection of its own; `host` and `cookie` are headers too."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        with contextlib.closing(http.client.HTTPConnection(self.address, timeout=30)) as wire:
            wire.request(method, path, body, sent)
            answer = wire.getresponse()
            return Answer(answer.status, answer.headers, answer.read().decode())

    def lines(self) -> list[str]:
        return self.log.read_text().splitlines()[self.earlier :]

    def told(self) -> str:
        return "\n".join(self.lines())

    def megabytes(self) -> float:
        """What the server's processes hold."""
        held = 0
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if f"DATA_DIR={self.log.parent}\0" in (process / "environ").read_text():
                    status = (process / "status").read_text()
                    held += int(re.findall(r"VmRSS:\s+(\d+)", status)[0])
        return held / 1024


@pytest.fixture(scope="module")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="module")
def web_environment(temporary: Path) -> dict[str, str]:
    return {"TMPDIR": str(temporary)}


@pytest.fixture
def server(web: WebServer, temporary: Path) -> Server:
    return Server(web.address, web.log, temporary, len(web.log.read_text().splitlines()))


# --- Files -------------------------------------------------------------------------------


def part(disposition: str, content: bytes, more: str = "") -> bytes:
    return f"--x\r\nContent-Disposition: {disposition}\r\n{more}\r\n".encode() + content + b"\r\n"


FILE = 'form-data; name="f"; filename="f.bin"'
# As large as a body that is read may be.
LARGE = 400 * 1024
SHAPES = {
    "a file": part(FILE, b"a" * LARGE),
    "after a field": part('form-data; name="a"', b"b") + part(FILE, b"a" * LARGE),
    "base64": part(FILE, b"YWFh" * (LARGE // 4), "Content-Transfer-Encoding: base64\r\n"),
    "an extended name": part("form-data; name=f; filename*=utf-8''f", b"a" * LARGE),
    "no field": part('attachment; filename="f"', b"a" * LARGE),
    "a wide name": part(f'form-data; name=f; filename="{"f" * 300}"', b"a" * LARGE),
}
FIELDS = {
    "a large field": part('form-data; name="a"', b"a" * LARGE),
    "no name": part("form-data", b"a" * LARGE),
    "many fields": part('form-data; name="a"', b"a") * 5000,
}


@pytest.mark.parametrize("path", ["/admin/login/", "/admin/", "/admin/projects/project/add/"])
def test_a_file_is_refused_before_anything_of_it_is_written(server: Server, path: str) -> None:
    assert send(server, path, "multipart/form-data; boundary=x", part(FILE, b"")) == 400
    before, untouched = server.megabytes(), server.temporary.stat().st_mtime_ns
    for content_type in (
        "multipart/form-data; boundary=x", 'MULTIPART/Form-Data;boundary="x"',
        "multipart/form-data; boundary=x; charset=utf-8",
    ):  # fmt: skip
        for name, body in SHAPES.items():
            assert send(server, path, content_type, body + b"--x--\r\n") == 400, name
    # One that is larger than any body may be is read no further.
    assert send(server, path, "multipart/form-data; boundary=x", part(FILE, b"a" * 8 * MIB)) == 400
    for name, body in FIELDS.items():
        answered = send(server, path, "multipart/form-data; boundary=x", body + b"--x--\r\n")
        assert answered in (400, 403), name
    # What is made in a folder, for however short, changes its time.
    assert server.temporary.stat().st_mtime_ns == untouched
    assert server.megabytes() - before < 16
    text = server.told()
    assert "Traceback" not in text
    # A type in capitals and a part without a name are refused before they could be files.
    assert text.count("django.security.TooManyFilesSent") == 2 + 2 * (len(SHAPES) - 1)


def send(server: Server, path: str, content_type: str, body: bytes) -> int:
    """The status of the answer, which may come before all is sent."""
    host, port = server.address.split(":")
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {server.address}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n"
        # Without a cookie of this form Django reads no form at all.
        f"Cookie: csrftoken={'a' * 32}\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=30) as wire:
        with contextlib.suppress(ConnectionError):
            wire.sendall(head.encode() + body)
        return int(wire.recv(65_536).split()[1])


# --- Headers that no client of ours sends ------------------------------------------------


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain; charset=rot13", "text/plain; charset=unicode_escape", "a/b; a*=rot13''%41",
        "a/b; a*=no-such''%41", "a/b; charset=\xff", ";", "; charset*0*=x''y; charset*1=z",
        "multipart/form-data; boundary=\xff",
    ],
)  # fmt: skip
def test_no_content_type_is_an_error_of_ours(server: Server, content_type: str) -> None:
    for path in ("/api/movespecs?visibility=%5cud800", "/admin/login/?next=%5cud800", "/healthz"):
        answer = server.ask("GET", path, content_type=content_type)
        assert answer.status in (200, 422), path
        answer = server.ask("POST", path, b"a=%5cud800", content_type=content_type)
        assert answer.status < 500, path
    assert "Traceback" not in server.told()
