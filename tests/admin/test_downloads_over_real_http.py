"""A long list as CSV from the real server: sent as it is read, at its reader's pace."""

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
from tests.module_servers import WebServer
from tests.sessions_app.plans import add_sessions, run
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/admin/sessions_app/detectionsession/"
# Some 6 MB as CSV: a page, a pipe and the sockets hold less.
COUNT = 40_000
RIGHT = "four unrelated plain words"
SMALL = 16 * 1024


@pytest.fixture
def asking(web: WebServer) -> Callable[[str], http.client.HTTPConnection]:
    """Asks for a page as a member of support, on a connection that takes little at once."""
    user = User.objects.create_user("sam", password=RIGHT, is_staff=True)
    user.groups.add(Group.objects.get(name="support"))
    wire = http.client.HTTPConnection(web.address, timeout=30)
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

    def ask(path: str) -> http.client.HTTPConnection:
        host, _, port = web.address.partition(":")
        asked = http.client.HTTPConnection(web.address, timeout=60)
        asked.sock = socket.socket()
        asked.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        asked.sock.settimeout(60)
        asked.sock.connect((host, int(port)))
        asked.request("GET", path, headers={"Cookie": cookie})
        return asked

    return ask


def transactions() -> int:
    """Those of others that are open."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"
        )
        (count,) = cursor.fetchone()
    return int(count)


def test_its_first_lines_come_before_the_last_are_read_and_the_api_answers_meanwhile(
    owner: Machine, movespec: MoveSpec, asking: Callable[[str], http.client.HTTPConnection]
) -> None:
    add_sessions(owner, movespec, COUNT)
    run("ANALYZE detection_session")
    wire = asking(f"{PAGE}csv/")
    answer = wire.getresponse()
    assert (answer.status, answer.headers["Transfer-Encoding"]) == (200, "chunked")
    assert answer.readline() == b"id,customer,MoveSpec,status,repetitions,frames,created\r\n"
    # Who reads slowly holds no transaction, and neither the pages nor the API.
    eventually(lambda: transactions() == 0, "the download waits in no transaction")
    for path in (PAGE, "/healthz", "/api/movespecs"):
        other = asking(path)
        assert other.getresponse().status == 200
        other.close()
    # The first lines are here, the last are not yet read: they tell of what happens now.
    oldest = DetectionSession.objects.earliest("created_at")
    DetectionSession.objects.filter(id=oldest.id).update(accepted_frames_total=4711)
    lines = answer.read().decode().splitlines()
    assert len(lines) == COUNT
    assert len({line.partition(",")[0] for line in lines}) == COUNT
    assert lines[-1].startswith(f"{oldest.id},Acme / owner,")
    assert ",4711," in lines[-1]
    wire.close()


def test_a_reader_who_goes_away_leaves_the_next_one_his_turn(
    owner: Machine, movespec: MoveSpec, asking: Callable[[str], http.client.HTTPConnection]
) -> None:
    add_sessions(owner, movespec, COUNT)
    run("ANALYZE detection_session")
    for _ in range(3):
        wire = asking(f"{PAGE}csv/")
        answer = wire.getresponse()
        assert answer.readline().startswith(b"id,")
        answer.close()
        wire.close()
    wire = asking(f"{PAGE}csv/?status__exact=failed")
    answer = wire.getresponse()
    assert answer.status == 200
    assert answer.read() == b"id,customer,MoveSpec,status,repetitions,frames,created\r\n"
    wire.close()
