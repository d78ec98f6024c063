"""The guides on the real web server: as they are served, to whoever asks in odd ways"""

import http.client
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from guides.navigation import DOCS
from tests.front_door import front_door
from tests.guides.reading import Answer
from tests.module_servers import WebServer
from tests.waiting import DEADLINE_SECONDS

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(web: WebServer) -> str:
    return web.address


def ask(server: str, path: str, method: str = "GET", body: bytes = b"") -> Answer:
    """The path is sent as it stands."""
    client = http.client.HTTPConnection(server, timeout=DEADLINE_SECONDS)
    try:
        client.request(method, path, body or None)
        answer = client.getresponse()
        return Answer(answer.status, answer.headers.get("Content-Type", ""), answer.read())
    finally:
        client.close()


@pytest.mark.parametrize(
    "path",
    [
        "/docs/../manage.py",
        "/docs/..%2fmanage.py",
        "/docs//etc/passwd",
    ],
)
def test_nothing_outside_of_docs_is_read(server: str, path: str) -> None:
    answer = ask(server, path)
    assert answer.status == 404
    assert b"There is no such" in answer.body
    picture = ask(server, "/docs/joints.svg")
    assert picture.body == (DOCS / "joints.svg").read_bytes()


@pytest.mark.long
def test_who_waits_for_a_silent_broker_holds_nobody_else(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        front_door(
            tmp_path,
            environment={"CELERY_BROKER_URL": f"redis://127.0.0.1:{silent.getsockname()[1]}/0"},
        ) as door,
        ThreadPoolExecutor(16) as threads,
    ):
        server = urlsplit(door.url).netloc
        pages = [threads.submit(ask, server, "/") for _ in range(16)]
        # Others are served while these wait.
        for path in ("/healthz", "/api/movespecs", "/admin/login/"):
            assert ask(server, path).status == 200
        answers = [page.result(DEADLINE_SECONDS) for page in pages]
        told = [one.body for one in answers if one.status == 200]
        assert len(told) >= 2
        assert all(b"<strong>Up,</strong> but not all is well" in one for one in told)
        # So few of these reach a server at a time.
        assert {one.status for one in answers} == {200, 503}
