"""Static files through nginx: at the pace of who reads them, and asked of no service"""

import contextlib
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


@pytest.mark.parametrize("path", ["/static/admin/", "/static/%00", "/static../kyna.key"])
def test_there_is_no_other_file(door: FrontDoor, path: str) -> None:
    assert call(door, path=path).status in (400, 404)
