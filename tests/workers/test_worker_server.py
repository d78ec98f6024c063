"""GET /healthz and /metrics of a worker: by the rules of the API, on a port of its own."""

import http.client
import json
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from dev.local_stack.ports import free_port
from kynaplatform.worker_monitors import WorkerServer
from tests.waiting import DEADLINE_SECONDS

TOKEN = "a-token-of-the-metrics"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    port = free_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "WORKER_METRICS_PORT", port)
        server = WorkerServer(None)
        assert server.include_if(None)
        server.start(None)
        yield port
        server.stop(None)
    with pytest.raises(ConnectionRefusedError):
        ask(port, "/healthz")


def ask(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes, str | None]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_SECONDS)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    assert answer.headers["Server"] is None
    body = answer.read()
    assert method == "HEAD" or int(answer.headers["Content-Length"]) == len(body)
    return answer.status, body, answer.headers["WWW-Authenticate"]


def test_healthz(port: int) -> None:
    assert ask(port, "/healthz") == (200, b'{"status":"ok"}', None)
    assert ask(port, "/healthz?x=1", "HEAD") == (200, b"", None)


@pytest.mark.parametrize("path", ["/", "/readyz", "/metrics/", "/api/detection/sessions"])
def test_another_path_404(port: int, path: str) -> None:
    status, body, _ = ask(port, path)
    assert (status, json.loads(body)["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "access_token_missing"),
        ({"Authorization": f"Basic {TOKEN}"}, "access_token_missing"),
        ({"Authorization": "Bearer another"}, "access_token_invalid"),
    ],
)
def test_metrics_ask_for_their_token(
    port: int, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], code: str
) -> None:
    monkeypatch.setattr(settings, "METRICS_TOKEN", TOKEN)
    status, body, asked = ask(port, "/metrics", **headers)
    assert (status, json.loads(body)["error"]["code"], asked) == (401, code, "Bearer")
    assert b"kyna_" not in body


def test_a_port_that_is_taken_is_named(port: int) -> None:
    with pytest.raises(ImproperlyConfigured, match=rf"WORKER_METRICS_PORT {port}: .*in use"):
        WorkerServer(None).start(None)
