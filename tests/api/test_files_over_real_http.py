"""Static files through nginx: at the pace of who reads them, and asked of no service"""

import contextlib
import gzip
import http.client
import socket
from contextlib import ExitStack

import pytest

from tests.concurrency.racing import Answer, Connection
from tests.front_door import STATIC, FrontDoor

# The largest of the admin's.
NAME = "admin/js/vendor/xregexp/xregexp.js"
FILE = STATIC / NAME
PATH = f"/static/{NAME}"
SIZE = FILE.stat().st_size
READERS = 60
SMALL = 4 * 1024


def call(door: FrontDoor, method: str = "GET", path: str = PATH, **headers: str) -> Answer:
    with contextlib.closing(Connection(door.url)) as connection:
        return connection.call(method, path, **headers)


def slow_reader(door: FrontDoor) -> http.client.HTTPConnection:
    """It has asked, and takes little at once."""
    wire = http.client.HTTPConnection(*door.address, timeout=30)
    wire.sock = socket.socket()
    wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    wire.sock.settimeout(30)
    wire.sock.connect(door.address)
    wire.request("GET", PATH)
    return wire


def test_slow_readers_hold_nobody(door: FrontDoor) -> None:
    content = FILE.read_bytes()
    with ExitStack() as stack:
        answers = []
        for _ in range(READERS):
            wire = slow_reader(door)
            stack.callback(wire.close)
            answers.append(wire.getresponse())
            assert answers[-1].read(1000) == content[:1000]
        assert call(door).body == content
        for path in ("/admin/login/", "/healthz", "/api/movespecs"):
            assert call(door, path=path).status == 200
        # Whoever goes on reading gets it all.
        for answer in answers[:3]:
            assert answer.read() == content[1000:]
    assert "/static/" not in door.log()


def test_what_is_kept_is_not_sent_again(door: FrontDoor) -> None:
    headers = call(door).headers
    for asked in (
        {"if_none_match": headers["etag"]},
        {"if_modified_since": headers["last-modified"]},
    ):
        answer = call(door, **asked)
        assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", headers["etag"])
    assert call(door, if_none_match='"another"').status == 200


def test_head_tells_of_a_file_without_it(door: FrontDoor) -> None:
    whole, head = call(door), call(door, "HEAD")
    assert (head.status, head.body) == (200, b"")
    for name in ("content-length", "content-type", "etag", "last-modified"):
        assert head.headers[name] == whole.headers[name]
    assert whole.headers["content-length"] == str(SIZE)


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=10000-99999", 10_000, 100_000),
        ("bytes=-10", SIZE - 10, SIZE),
        (f"bytes={SIZE - 5}-", SIZE - 5, SIZE),
    ],
)
def test_a_range_is_that_part(door: FrontDoor, asked: str, start: int, end: int) -> None:
    answer = call(door, range=asked)
    assert answer.status == 206
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{SIZE}"
    assert answer.headers["content-length"] == str(end - start)
    assert answer.body == FILE.read_bytes()[start:end]


def test_a_range_beyond_the_end_is_refused(door: FrontDoor) -> None:
    answer = call(door, range="bytes=9999999-")
    assert answer.status == 416
    assert answer.headers["content-range"] == f"bytes */{SIZE}"


def test_what_is_packed_is_sent_so_and_what_has_a_hash_is_kept(door: FrontDoor) -> None:
    """As `collectstatic` leaves files in production."""
    (door.static / "a.0123456789ab.css").write_text("a {}")
    (door.static / "a.0123456789ab.css.gz").write_bytes(gzip.compress(b"a {}"))
    answer = call(door, path="/static/a.0123456789ab.css", accept_encoding="gzip")
    assert gzip.decompress(answer.body) == b"a {}"
    assert answer.headers["content-type"] == "text/css"
    assert answer.headers["cache-control"] == "public, max-age=315360000, immutable"
    assert answer.headers["vary"] == "Accept-Encoding"
    plain = call(door, path="/static/a.0123456789ab.css", accept_encoding="")
    assert plain.body == b"a {}"
    assert call(door).headers["cache-control"] == "public, max-age=60"


@pytest.mark.parametrize(
    "path", ["/static/", "/static/none.css", "/static/admin", "/static/admin/", "/static/%00"]
)
def test_there_is_no_other_file(door: FrontDoor, path: str) -> None:
    assert call(door, path=path).status in (400, 404)


@pytest.mark.parametrize("path", ["/static/../kyna.key", "/static../kyna.key", "/static/..%2f.env"])
def test_nothing_outside_is_read(door: FrontDoor, path: str) -> None:
    assert call(door, path=path).status in (400, 404)
