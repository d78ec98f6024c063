"""What a stranger sends to the real server: it costs little, and others are served meanwhile"""

import contextlib
import http.client
import json
import select
import socket
import struct
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import pytest
from django.db import connection, transaction

from movespecs.models import MoveSpec
from projects.models import AccessToken
from sessions_app.models import DetectionSession
from tests.api.asking import nothing_changes
from tests.conftest import MOVESPECS, SESSIONS, TOKENS
from tests.server import web_server

pytestmark = pytest.mark.django_db(transaction=True)
# The server has two threads for the API and two for staff.
HELD = 12
# Who waits for a thread that is held waits without end: this only keeps a failure short.
DEADLINE_SECONDS = 20


@pytest.fixture
def address(owner, tmp_path) -> Iterator[tuple[str, int]]:
    with web_server(tmp_path) as base_url:
        parts = urlsplit(base_url)
        yield parts.hostname, parts.port


def half_sent(address, method, path, sent=b"{", *, chunked=False, token=None):
    """A socket that has sent all but the end of its body."""
    held = socket.create_connection(address, timeout=DEADLINE_SECONDS)
    length = "Transfer-Encoding: chunked" if chunked else "Content-Length: 1000"
    cookie = f"Cookie: csrftoken={'c' * 32}\r\n" if "/admin/" in path else ""
    bearer = f"Authorization: Bearer {token}\r\n" if token else ""
    type_ = "application/x-www-form-urlencoded" if "/admin/" in path else "application/json"
    held.sendall(
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {type_}\r\n"
        f"{bearer}{cookie}{length}\r\n\r\n".encode()
        + (b"%x\r\n%s" % (len(sent) + 100, sent) if chunked else sent)
    )
    return held


def answer_of(held):
    """Status, type and body; the server closes what has not sent its body."""
    response = http.client.HTTPResponse(held)
    response.begin()
    return response.status, response.headers["Content-Type"], response.read()


def ask(address, method, path, body=None, **headers):
    client = http.client.HTTPConnection(*address, timeout=DEADLINE_SECONDS)
    with contextlib.closing(client):
        client.request(method, path, body, headers)
        response = client.getresponse()
        return response.status, response.read()


def everyone_is_served(address, owner):
    assert ask(address, "GET", "/healthz")[0] == 200
    bearer = {"Authorization": f"Bearer {owner.token}", "Content-Type": "application/json"}
    assert ask(address, "GET", SESSIONS, **bearer)[0] == 200
    assert ask(address, "POST", MOVESPECS, b'{"name": "served"}', **bearer)[0] == 201
    assert ask(address, "GET", "/admin/login/")[0] == 200


WANTED = [
    ("POST", TOKENS, {}),
    ("POST", TOKENS, {"chunked": True}),
    ("POST", "/admin/login/", {}),
]
UNWANTED = [
    ("POST", "/healthz"),
    ("GET", "/healthz"),
    ("GET", "/admin/login/"),
    ("POST", "/api/nowhere"),
    ("POST", f"{SESSIONS}/6e0b8f3c-6a0a-4f3e-9d3b-1c1f4c9c1c11/finalize"),
    ("DELETE", TOKENS),
]


def test_half_sent_bodies_stop_nobody_and_have_a_deadline(address, owner):
    with contextlib.ExitStack() as stack:
        held = [
            (stack.enter_context(half_sent(address, method, path, **how)), path)
            for method, path, how in WANTED
            for _ in range(HELD)
        ]
        with_token = [("POST", MOVESPECS), ("POST", SESSIONS)]
        held += [
            (stack.enter_context(half_sent(address, method, path, token=owner.token)), path)
            for method, path in with_token
            for _ in range(HELD)
        ]
        everyone_is_served(address, owner)
        for one, path in held:
            status, type_, body = answer_of(one)
            assert status == 400
            if path.startswith("/admin/"):
                assert type_ == "text/html; charset=utf-8"
            else:
                assert json.loads(body)["error"]["code"] == "malformed_request"
                assert "did not arrive" in json.loads(body)["error"]["message"]
    assert MoveSpec.objects.count() == 1
    assert AccessToken.objects.count() == 1
    assert DetectionSession.objects.count() == 0


def test_nobody_waits_for_a_body_that_is_not_needed(address):
    for method, path in UNWANTED:
        for chunked in (False, True):
            with half_sent(address, method, path, b"x", chunked=chunked) as held:
                held.settimeout(4)  # less than a body has
                assert answer_of(held)[0] in (200, 401, 404, 405), path


def test_a_client_that_leaves_is_no_failure_of_ours(address, owner, tmp_path):
    for method, path, how in WANTED:
        for _ in range(5):
            half_sent(address, method, path, **how).close()
            with half_sent(address, method, path, **how) as held:
                held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    everyone_is_served(address, owner)
    log = (tmp_path / "web.log").read_text()
    assert "Traceback" not in log
    assert "ERROR" not in log


def login(address):
    """A socket that has sent a name and a password to the admin."""
    token = "c" * 32
    form = f"csrfmiddlewaretoken={token}&username=x&password=y"
    held = socket.create_connection(address, timeout=DEADLINE_SECONDS)
    held.sendall(
        "POST /admin/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nCookie: csrftoken={token}\r\n"
        f"Content-Length: {len(form)}\r\n\r\n{form}".encode()
    )
    return held


def test_staff_that_wait_hold_no_thread_of_the_api(address, owner):
    with contextlib.ExitStack() as stack:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE auth_user")
            held = [stack.enter_context(login(address)) for _ in range(HELD)]
            bearer = {"Authorization": f"Bearer {owner.token}", "Content-Type": "application/json"}
            assert ask(address, "GET", SESSIONS, **bearer)[0] == 200
            assert ask(address, "POST", MOVESPECS, b'{"name": "x"}', **bearer)[0] == 201
            # Nor do logins hold up what else staff read.
            assert ask(address, "GET", "/admin/login/")[0] == 200
            assert ask(address, "GET", "/static/admin/css/base.css")[0] == 200
            assert not select.select(held, [], [], 0)[0]
            # One is tried and sixteen wait: what comes then is told so at once.
            late = [stack.enter_context(login(address)) for _ in range(HELD)]
            refused = select.select(late, [], [], DEADLINE_SECONDS)[0]
            assert refused
            for one in refused:
                assert answer_of(one)[0] == 503
        for one in set(held + late) - set(refused):
            assert answer_of(one)[0] in (200, 429, 503)


def test_a_body_that_is_too_large_is_refused_before_it_comes(address, owner):
    head = (
        f"POST {MOVESPECS} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {owner.token}\r\nContent-Length: 600000\r\n\r\n"
    )
    with socket.create_connection(address, timeout=4) as held:
        held.sendall(head.encode())
        assert answer_of(held)[0] == 413


AT = " - at `$"


HOSTILE_MINTS = [
    {"scopes": [AT * 16_000]},
    {"scopes": [AT * 60_000]},
    {"scopes": ["x"] * 130_000},
    {"scopes": [AT] * 40_000},
    {"api_key": AT * 60_000},
    {"project_id": AT * 60_000},
    {"scopes": [[[[["x"]]]]] * 30_000},
    {"project_id": {"x": ["y"] * 100_000}},
]


def test_a_mint_is_told_little_of_what_it_sent(address):
    for body in HOSTILE_MINTS:
        sent = json.dumps(body, separators=(",", ":"))
        with nothing_changes():
            status, answer = ask(
                address, "POST", TOKENS, sent, **{"Content-Type": "application/json"}
            )
        error = json.loads(answer)["error"]
        assert (status, error["code"]) == (422, "validation_error")
        assert 1 <= len(error["details"]) <= 20
        assert len(answer) < 20 * 300


def test_so_is_whoever_creates_a_session_or_asks_for_a_list(address, owner):
    bearer = {"Authorization": f"Bearer {owner.token}", "Content-Type": "application/json"}
    body = json.dumps({"mode": AT * 60_000, "project_id": str(owner.project.id)})
    status, answer = ask(address, "POST", SESSIONS, body, **bearer)
    assert status == 422
    assert len(answer) < 600
    status, answer = ask(address, "GET", f"{MOVESPECS}?visibility={quote(AT * 1_500)}")
    assert status == 422
    assert len(answer) < 600
