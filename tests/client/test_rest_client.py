"""What a client of the API waits out, and what it never asks for twice."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from clients.python.rest import (
    MOVESPECS,
    REFUSED_UNDONE,
    RequestFailedError,
    RequestRefusedError,
    RestClient,
    ServerUnreachableError,
)
from dev.local_stack.ports import free_port

# An answer: its status, its headers, and its body; or none, and the connection closes.
Answer = tuple[int, dict[str, str], Any] | None


def failure(code: str, message: str, **details: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "retryable": True, "details": details}}


LIMITED = failure("rate_limited", "Too many requests.", retry_after_seconds=12)
AWAY = failure("service_unavailable", "No.")
EXPIRED = failure("access_token_expired", "The access token has expired.")
MINTED = (201, {}, {"access_token": "t", "project_id": "p"})


class ScriptedApi:
    """Gives its answers one after the other; `asked` is what it was asked for."""

    def __init__(self, answers: list[Answer]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str]] = []
        self.keys: list[str | None] = []
        self.tokens: list[str | None] = []
        self.url = ""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        request.rfile.read(int(request.headers.get("Content-Length") or 0))
        self.asked.append((request.command, request.path))
        self.keys.append(request.headers["Idempotency-Key"])
        self.tokens.append(request.headers["Authorization"])
        answer = self.answers[len(self.asked) - 1]
        if answer is None:
            request.close_connection = True
            return
        status, headers, body = answer
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        request.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(content)


@contextmanager
def scripted_api(*answers: Answer) -> Iterator[ScriptedApi]:
    api = ScriptedApi([*answers])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            api.answer(self)

        do_POST = do_GET  # noqa: N815 - as the library calls it

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        api.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield api
        finally:
            server.shutdown()
            thread.join()


class Waits:
    """Stands for time.sleep, and for who is told of it."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.told: list[tuple[float, str]] = []

    def client(self, api: ScriptedApi, **options: Any) -> RestClient:
        return RestClient(
            api.url,
            on_wait=lambda *told: self.told.append(told),
            pause=self.seconds.append,
            **options,
        )


@pytest.mark.parametrize("then", [(), (AWAY,)], ids=["at once", "after a mint that failed"])
def test_a_token_that_has_expired_is_minted_anew(then: tuple[Any, ...]) -> None:
    """A session may last for longer than the token that made it."""
    waits = Waits()
    expired, record = (401, {}, EXPIRED), (200, {}, {"session_id": "s"})
    failed = [answer for error in then for answer in ((503, {}, error), expired)]
    minted = (201, {}, {"access_token": "t2", "project_id": "p"})
    with scripted_api(MINTED, expired, *failed, minted, record) as api:
        client = waits.client(api)
        client.mint("secret")
        assert client.session("s") == {"session_id": "s"}
    assert api.tokens == [None, "Bearer t", *len(then) * [None, "Bearer t"], None, "Bearer t2"]


def test_a_token_that_is_refused_again_is_no_loop() -> None:
    waits = Waits()
    expired = (401, {}, EXPIRED)
    with scripted_api(MINTED, expired, MINTED, expired) as api:
        client = waits.client(api)
        client.mint("secret")
        with pytest.raises(RequestRefusedError, match="access_token_expired"):
            client.cancel("s")
    assert len(api.asked) == 4


def test_a_limit_and_a_server_that_is_away_are_waited_out_and_told() -> None:
    waits = Waits()
    with scripted_api(
        (429, {"Retry-After": "12"}, LIMITED),
        (503, {"Retry-After": "5"}, AWAY),
        (502, {}, "<h1>Bad Gateway</h1>"),
        (503, {"Content-Length": "1000"}, "<h1>Cut sho"),
        (504, {"Retry-After": "Fri, 31 Dec 2027 23:59:59 GMT"}, "<h1>Time-out</h1>"),
        MINTED,
    ) as api:
        assert waits.client(api).mint("secret") == "p"
        assert api.asked == [("POST", "/api/auth/access-tokens")] * 6
    bounds = [(12.25, 12.5), (5.5, 6), (1, 2), (2, 4), (2.5, 5)]
    assert len(waits.seconds) == len(bounds)
    assert all(a <= wait <= b for wait, (a, b) in zip(waits.seconds, bounds, strict=True))
    assert [seconds for seconds, _ in waits.told] == waits.seconds
    assert [why for _, why in waits.told] == [
        "Too many requests. (429 rate_limited, retry_after_seconds 12)",
        "No. (503 service_unavailable)",
        f"{api.url}/api/auth/access-tokens answered 502, and not as this API does.",
        f"{api.url}/api/auth/access-tokens answered 503, and not as this API does.",
        f"{api.url}/api/auth/access-tokens answered 504, and not as this API does.",
    ]


def test_a_create_is_repeated_with_its_key_and_the_next_has_another() -> None:
    waits = Waits()
    created = (201, {}, {"session_id": "s"})
    with scripted_api(MINTED, None, (503, {}, AWAY), created, created) as api:
        client = waits.client(api)
        client.mint("secret")
        for _ in range(2):
            made = client.create_session(project_id="p", mode="live", movespec_id="m")
            assert made == {"session_id": "s"}
        assert api.asked[1:] == [("POST", "/api/detection/sessions")] * 4
    first, second, third, next_one = api.keys[1:]
    assert first == second == third
    assert first
    assert next_one not in (first, None)


def test_what_a_second_request_would_do_twice_is_asked_for_again_only_if_refused() -> None:
    waits = Waits()
    with scripted_api(MINTED, (429, {"Retry-After": "1"}, LIMITED), (503, {}, AWAY)) as api:
        client = waits.client(api)
        client.mint("secret")
        with pytest.raises(RequestRefusedError, match="503"):
            client.ask("POST", MOVESPECS, {"name": "squat"}, retried=REFUSED_UNDONE)
        assert api.asked[1:] == [("POST", "/api/movespecs")] * 2
    assert len(waits.seconds) == 1


def test_a_refusal_is_raised_at_once() -> None:
    waits = Waits()
    with scripted_api(MINTED, (422, {}, AWAY)) as api:
        client = waits.client(api)
        client.mint("secret")
        with pytest.raises(RequestRefusedError, match="422"):
            client.session("s")
        assert len(api.asked) == 2
    assert waits.seconds == []


def test_a_list_is_read_to_its_end_by_the_address_that_was_given() -> None:
    query = "visibility=private"
    link = f'<https://elsewhere.example/api/movespecs?{query}&cursor=c>; rel="next"'
    with scripted_api(MINTED, (200, {"Link": link}, [1, 2]), (200, {}, [3])) as api:
        client = Waits().client(api)
        client.mint("secret")
        assert list(client.listed(f"/api/movespecs?{query}")) == [1, 2, 3]
        assert api.asked[1:] == [
            ("GET", f"/api/movespecs?{query}"),
            ("GET", f"/api/movespecs?{query}&cursor=c"),
        ]


@pytest.mark.parametrize("answer", [(429, {"Retry-After": "60"}, LIMITED), None])
def test_who_leaves_does_not_wait(answer: Answer) -> None:
    waits = Waits()
    with scripted_api(MINTED, answer) as api:
        client = waits.client(api)
        client.mint("secret")
        with pytest.raises(RequestFailedError):
            client.cancel("s")
    assert waits.seconds == []


def test_a_server_that_has_answered_before_is_waited_for_and_no_other() -> None:
    waits = Waits()
    nowhere = ScriptedApi([])
    nowhere.url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(ServerUnreachableError, match="refused"):
        waits.client(nowhere).mint("secret")
    assert waits.seconds == []
    with scripted_api(MINTED) as api:
        client = RestClient(
            api.url, on_wait=lambda *told: waits.told.append(told), deadline_seconds=0.6
        )
        client.mint("secret")
    with pytest.raises(ServerUnreachableError, match="refused"):
        client.session("s")
    [(_, why)] = waits.told
    assert "refused" in why
