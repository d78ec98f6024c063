"""A long list as CSV from the real servers: sent as it is read, at its reader's pace."""

import contextlib
import http.client
import socket
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection

from movespecs.models import MoveSpec
from sessions_app.models import DetectionSession
from tests.conftest import Machine
from tests.front_door import FrontDoor
from tests.sessions_app.plans import add_sessions, run
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/admin/sessions_app/detectionsession/"
# Some 6 MB as CSV: a page, a pipe and the sockets hold less.
COUNT = 40_000
RIGHT = "four unrelated plain words"
SMALL = 16 * 1024
HEADER = (
    b'"id","customer","MoveSpec","status","repetitions","frames","created","subject","parameters",'
    b'"metadata","locale"\r\n'
)


Address = tuple[str, int]
Ask = Callable[..., http.client.HTTPConnection]


@pytest.fixture
def asking(door: FrontDoor) -> Ask:
    """Asks for a page as a member of support, on a connection that takes little at once."""
    user = User.objects.create_user("sam", password=RIGHT, is_staff=True)
    user.groups.add(Group.objects.get(name="support"))
    wire = http.client.HTTPConnection(*door.address, timeout=30)
    wire.request("GET", "/admin/login/")
    form = wire.getresponse()
    cookie = form.headers["Set-Cookie"].split(";")[0]
    form.read()
    fields = {"username": "sam", "password": RIGHT, "csrfmiddlewaretoken": cookie.split("=")[1]}
    sent = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
    wire.request("POST", "/admin/login/", urlencode(fields), sent)
    answer = wire.getresponse()
    assert answer.status == 302
    given = answer.headers.get_all("Set-Cookie")
    cookie = "; ".join(one.split(";")[0] for one in given)
    wire.close()

    def ask(path: str, address: Address, own: str = "127.0.0.1") -> http.client.HTTPConnection:
        asked = http.client.HTTPConnection(*address, timeout=60)
        asked.sock = socket.socket()
        asked.sock.bind((own, 0))
        asked.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        asked.sock.settimeout(60)
        asked.sock.connect(address)
        asked.request("GET", path, headers={"Cookie": cookie})
        return asked

    return ask


@pytest.fixture
def oldest(owner: Machine, movespec: MoveSpec) -> DetectionSession:
    """Of COUNT sessions the one that a list has last."""
    add_sessions(owner, movespec, COUNT)
    run("ANALYZE detection_session")
    return DetectionSession.objects.earliest("created_at")


def transactions() -> int:
    """Those of others that are open."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"
        )
        (count,) = cursor.fetchone()
    return int(count)


def test_its_first_lines_come_before_the_last_are_read_and_others_are_served_meanwhile(
    oldest: DetectionSession, door: FrontDoor, asking: Ask
) -> None:
    wire = asking(f"{PAGE}csv/", ("127.0.0.1", door.pages[0]))
    answer = wire.getresponse()
    assert (answer.status, answer.headers["Transfer-Encoding"]) == (200, "chunked")
    assert answer.readline() == HEADER
    # Who reads slowly holds no transaction, and neither the pages nor the API.
    eventually(lambda: transactions() == 0, "the download waits in no transaction")
    for path in (PAGE, "/healthz", "/api/movespecs"):
        other = asking(path, door.address)
        assert other.getresponse().status == 200
        other.close()
    # The first lines are here, the last are not yet read: they tell of what happens now.
    DetectionSession.objects.filter(id=oldest.id).update(accepted_frames_total=4711)
    lines = answer.read().decode().splitlines()
    assert len(lines) == COUNT
    assert len({line.partition(",")[0] for line in lines}) == COUNT
    assert lines[-1].startswith(f'"{oldest.id}","Acme / owner",')
    assert ',"4711",' in lines[-1]
    wire.close()


def asked_whole(wire: http.client.HTTPConnection) -> tuple[int, bytes]:
    with contextlib.closing(wire):
        answer = wire.getresponse()
        assert answer.status in (200, 503)
        return answer.status, answer.read()


def test_a_reader_who_goes_away_leaves_the_next_one_his_turn(
    oldest: DetectionSession, door: FrontDoor, asking: Ask
) -> None:
    for _ in range(3):
        wire = asking(f"{PAGE}csv/", ("127.0.0.1", door.pages[0]))
        answer = wire.getresponse()
        assert answer.readline() == HEADER
        answer.close()
        wire.close()
    empty = f"{PAGE}csv/?status__exact=failed"
    eventually(lambda: asked_whole(asking(empty, door.address)) == (200, HEADER), "his turn")
