"""What a stranger sends through nginx, and whole requests to a port: others are served meanwhile"""

import contextlib
import http.client
import select
import socket
import struct
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from tests.api.api_requests import nothing_changes
from tests.conftest import MOVESPECS, SESSIONS, TOKENS
from tests.waiting import DEADLINE_SECONDS

# The API has two threads, and the pages five.
HELD = 12


@pytest.fixture
def address(door) -> tuple[str, int]:
    return door.address


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
    """Status and body."""
    response = http.client.HTTPResponse(held)
    response.begin()
    return response.status, response.read()


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


UNREAD = [
    ("POST", "/healthz"),
    ("GET", "/healthz"),
    ("GET", "/admin/login/"),
    ("POST", "/api/nowhere"),
    ("POST", "/nowhere"),
    ("POST", f"{SESSIONS}/6e0b8f3c-6a0a-4f3e-9d3b-1c1f4c9c1c11/finalize"),
    ("DELETE", TOKENS),
]
LOGIN = ("POST", "/admin/login/", {})
HALF_SENT = [
    *((method, path, {}) for method, path in [*UNREAD, ("POST", TOKENS), ("POST", MOVESPECS)]),
    ("POST", TOKENS, {"chunked": True}),
    LOGIN,
]


@pytest.mark.long
def test_half_sent_bodies_stop_nobody_and_have_a_deadline(address, owner):
    with contextlib.ExitStack() as stack:
        held = [
            stack.enter_context(half_sent(address, method, path, token=owner.token, **how))
            for method, path, how in HALF_SENT
            # An address has one login at a time.
            for _ in range(1 if (method, path, how) == LOGIN else HELD)
        ]
        everyone_is_served(address, owner)
        with nothing_changes():
            for one in held:
                # Closed, and not answered.
                with contextlib.suppress(ConnectionResetError):
                    assert one.recv(1) == b""


def test_no_request_waits_for_a_body_that_no_view_reads(web, owner):
    """Without nginx, which passes on whole bodies alone: as many are held as would stop all."""
    host, port = web.address.split(":")
    refused = [
        ("POST", MOVESPECS, {}),
        ("POST", MOVESPECS, {"token": "garbage"}),
        ("POST", SESSIONS, {"token": owner.token_with("sessions:read")}),
        ("GET", SESSIONS, {"token": owner.token}),
        *((method, path, {}) for method, path in UNREAD),
    ]
    with contextlib.ExitStack() as stack, nothing_changes():
        for method, path, how in refused * 2:
            for is_chunked in (False, True):
                held = half_sent((host, int(port)), method, path, chunked=is_chunked, **how)
                assert answer_of(stack.enter_context(held))[0] in (200, 401, 403, 404, 405), path


def test_one_thread_waits_for_bodies_that_are_too_large(web, owner):
    """Without nginx: the others answer at once."""
    host, port = web.address.split(":")
    head = (
        f"POST {MOVESPECS} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {owner.token}\r\nContent-Length: 1100000\r\n\r\n{{"
    )
    with contextlib.ExitStack() as stack, nothing_changes():
        waiting = set()
        for _ in range(HELD):
            to = (host, int(port))
            waiting.add(stack.enter_context(socket.create_connection(to, DEADLINE_SECONDS)))
        for held in waiting:
            held.sendall(head.encode())
        while len(waiting) > 1:
            answered, _, _ = select.select(waiting, [], [], DEADLINE_SECONDS)
            assert answered
            for held in answered:
                assert answer_of(held)[0] == 413
            waiting -= set(answered)
        [awaited] = waiting
        awaited.sendall(b"x" * 1_099_999)
        assert answer_of(awaited)[0] == 413


def test_a_client_that_leaves_is_no_failure_of_ours(address, owner, door):
    for method, path, how in HALF_SENT:
        for _ in range(5):
            half_sent(address, method, path, **how).close()
            with half_sent(address, method, path, **how) as held:
                held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    everyone_is_served(address, owner)
    assert "Traceback" not in door.log()
    assert "ERROR" not in door.log()


@pytest.mark.parametrize("size", [5_000, 1_000_000])
@pytest.mark.parametrize("at", ["nginx", "the port"])
def test_a_body_that_nothing_reads_is_no_failure(door, address, size, at):
    """Many times: an answer that came before all was sent would be lost now and then."""
    body = b"x" * size

    def chunks():
        yield from (body[start : start + 10_000] for start in range(0, size, 10_000))

    def send(number):
        method, path = UNREAD[number % len(UNREAD)]
        to = address
        if at != "nginx":
            service = door.pages if "/admin/" in path or path == "/nowhere" else door.api
            to = ("127.0.0.1", service[0])
        sent = chunks() if number % 2 else body
        headers = {"Expect": "100-continue"} if number % 3 == 0 else {}
        return path, ask(to, method, path, sent, **headers)[0]

    with ThreadPoolExecutor(4) as threads:
        for path, status in threads.map(send, range(20 * len(UNREAD))):
            assert status in (200, 401, 404, 405), path


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


def test_logins_that_wait_hold_no_thread_of_the_api_and_few_of_the_pages(address, owner):
    with contextlib.ExitStack() as stack:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE auth_user")
            held = [stack.enter_context(login(address)) for _ in range(HELD)]
            # One of an address is tried: who comes then is told so at once.
            waiting = set(held)
            while len(waiting) > 1:
                refused, _, _ = select.select(waiting, [], [], DEADLINE_SECONDS)
                assert refused
                for one in refused:
                    status, body = answer_of(one)
                    assert (status, b"The server is busy" in body) == (503, True)
                waiting -= set(refused)
            bearer = {"Authorization": f"Bearer {owner.token}", "Content-Type": "application/json"}
            assert ask(address, "GET", SESSIONS, **bearer)[0] == 200
            assert ask(address, "POST", MOVESPECS, b'{"name": "x"}', **bearer)[0] == 201
            # Nor do logins hold up what else staff read.
            assert ask(address, "GET", "/admin/login/")[0] == 200
            assert ask(address, "GET", "/static/admin/css/base.css")[0] == 200
            assert not select.select(waiting, [], [], 0)[0]
        for one in waiting:
            assert answer_of(one)[0] in (200, 429, 503)


def test_a_body_that_is_too_large_is_refused_before_it_comes(address, owner):
    head = (
        f"POST {MOVESPECS} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {owner.token}\r\nContent-Length: 1100000\r\n\r\n"
    )
    with socket.create_connection(address, timeout=DEADLINE_SECONDS) as held:
        held.sendall(head.encode())
        assert answer_of(held)[0] == 413
