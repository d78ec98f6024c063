"""Static files from the real server: at the pace of who reads them, from no thread and no memory"""

import http.client
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from django.contrib.staticfiles import finders

from tests.concurrency.racing import Answer, Connection
from tests.server import web_server

pytestmark = pytest.mark.django_db(transaction=True)
# The largest file of an installation that has not built the page at /try.
NAME = "drf_spectacular_sidecar/redoc/bundles/redoc.standalone.js.map"
FILE = Path(finders.find(NAME))
PATH = f"/static/{NAME}"
READERS = 60
SMALL = 16 * 1024
MOST_BYTES = 40 * 2**20


@pytest.fixture
def base_url(tmp_path: Path) -> Iterator[str]:
    with web_server(tmp_path) as base_url:
        yield base_url


def call(base_url: str, method: str = "GET", **headers: str) -> Answer:
    connection = Connection(base_url)
    try:
        return connection.call(method, PATH, **headers)
    finally:
        connection.close()


def slow_reader(base_url: str) -> http.client.HTTPConnection:
    """It has asked, and takes little at once."""
    where = urlsplit(base_url)
    wire = http.client.HTTPConnection(where.netloc, timeout=30)
    wire.sock = socket.socket()
    wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    wire.sock.settimeout(30)
    wire.sock.connect((where.hostname, where.port))
    wire.request("GET", PATH)
    return wire


def memory() -> int:
    """Bytes that are resident in the server's processes."""
    return sum(one.memory_info().rss for one in psutil.Process().children(recursive=True))


def test_slow_readers_hold_neither_threads_nor_memory(base_url: str) -> None:
    content = FILE.read_bytes()
    assert READERS * len(content) > 5 * MOST_BYTES
    assert call(base_url).body == content
    before = memory()
    with ExitStack() as stack:
        answers = []
        for _ in range(READERS):
            wire = slow_reader(base_url)
            stack.callback(wire.close)
            answers.append(wire.getresponse())
            assert answers[-1].read(1000) == content[:1000]
        assert memory() - before < MOST_BYTES
        # Each of these is answered by the threads that have answered them.
        assert call(base_url).body == content
        page = Connection(base_url)
        stack.callback(page.close)
        assert page.call("GET", "/admin/login/").status == 200
        # Whoever goes on reading gets it all.
        for answer in answers[:3]:
            assert answer.read() == content[1000:]


def test_what_is_kept_is_not_sent_again(base_url: str) -> None:
    headers = call(base_url).headers
    for asked in (
        {"if_none_match": headers["etag"]},
        {"if_modified_since": headers["last-modified"]},
    ):
        answer = call(base_url, **asked)
        assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", headers["etag"])
    assert call(base_url, if_none_match='"another"').status == 200


def test_head_tells_of_a_file_without_it(base_url: str) -> None:
    whole, head = call(base_url), call(base_url, "HEAD")
    assert (head.status, head.body) == (200, b"")
    for name in ("content-length", "content-type", "etag", "last-modified"):
        assert head.headers[name] == whole.headers[name]
    assert whole.headers["content-length"] == str(FILE.stat().st_size)


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=100000-299999", 100_000, 300_000),
        ("bytes=-10", FILE.stat().st_size - 10, FILE.stat().st_size),
        ("bytes=3900000-", 3_900_000, FILE.stat().st_size),
    ],
)
def test_a_range_is_that_part(base_url: str, asked: str, start: int, end: int) -> None:
    answer = call(base_url, range=asked)
    content = FILE.read_bytes()
    assert answer.status == 206
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{len(content)}"
    assert answer.headers["content-length"] == str(end - start)
    assert answer.body == content[start:end]


def test_a_range_beyond_the_end_is_refused(base_url: str) -> None:
    answer = call(base_url, range="bytes=9999999-")
    assert (answer.status, answer.body) == (416, b"")
    assert answer.headers["content-range"] == f"bytes */{FILE.stat().st_size}"
