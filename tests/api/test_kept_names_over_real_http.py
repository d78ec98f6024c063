"""What strangers name, methods, paths, headers and their values, is kept by no process, and cut in
its log"""

import http.client
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests import watched
from tests.long_runs import at_length
from tests.server import runtime_server, watched_api

pytestmark = pytest.mark.django_db(transaction=True)

REQUESTS = 2_000
# What the counters may hold of their addresses, and of the told origins, by their own bounds.
KEPT = 300
MAX_LINE = 700
# Of a websocket that is refused, of which the runtime writes a line.
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
LIMITS = {f"RATE_LIMIT_{name}": "100/minute" for name in ("ANONYMOUS", "MINT", "ATTACH")}


class Stranger:
    """A connection whose every request names other things."""

    def __init__(self, base_url: str) -> None:
        self.http = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=60)

    def ask(self, method: str, path: str, headers: dict[str, str]) -> bytes:
        try:
            self.http.request(method, path, headers=headers)
            return self.http.getresponse().read()
        except (http.client.HTTPException, OSError):
            self.http.close()  # it was refused, and the connection with it
            return b""

    def kept(self) -> Any:
        self.http.close()
        return json.loads(self.ask("GET", watched.PATH, {}))

    def series(self) -> set[str]:
        """Each metric with its labels, without its value."""
        self.http.close()
        text = self.ask("GET", "/metrics", {}).decode()
        return {line.rpartition(" ")[0] for line in text.splitlines() if line[:1] != "#"}


def api_request(n: int) -> tuple[str, str]:
    method = ("GET", "POST", f"M{n}", f"M{n}" + "X" * 500)[n % 4]
    paths = (
        f"/api/x{n}", f"/api/movespecs/{n}-{'y' * 2_000}", f"/healthz?p{n}=1",
        f"/api/movespecs?p{n}=1", f"/api/detection/sessions/{n}/", f"/{n}{'z' * 2_000}",
        f"/api/schema?{n}",
    )  # fmt: skip
    return method, paths[n % 7]


def runtime_request(n: int) -> tuple[str, str]:
    method = ("GET", "POST", "HEAD", "OPTIONS")[n % 4]
    return method, (f"/x{n}", f"/api/detection/stream/{n}{'y' * 2_000}", f"/healthz?{n}")[n % 3]


def headers_of(n: int, path: str) -> dict[str, str]:
    return (UPGRADE if path.startswith("/x") else {}) | {
        f"X-Name-{n}": "x",
        f"X{n}-{'Long' * 100}": "x",
        "Origin": f"https://{n}.example/{'o' * 2_000}",
        "X-Request-ID": f"id-{n}",
        "Accept-Language": f"x{n}",
        "User-Agent": f"agent {n} {'a' * 500}",
        "X-Forwarded-For": f"host-{n}-{'f' * 500}, 192.0.2.{n % 250}",
        "X-Forwarded-Proto": f"proto-{n}",
        "Authorization": f"Bearer {n}{'t' * 500}",
        "Idempotency-Key": f"key-{n}",
        "Cookie": f"c{n}={n}",
    }


@contextmanager
def api(folder: Path) -> Iterator[tuple[str, Path]]:
    with watched_api(folder, LIMITS | {"TRUSTED_PROXIES": "127.0.0.1"}) as base_url:
        yield base_url, folder / "watched.log"


@contextmanager
def runtime(folder: Path) -> Iterator[tuple[str, Path]]:
    variables = LIMITS | {"TRUSTED_PROXIES": "127.0.0.1"}
    with runtime_server(folder, variables, module="tests.realtime.watched_runtime") as server:
        yield server.base_url, server.log


@at_length("server, request_of", (api, api_request), (runtime, runtime_request))
def test_nothing_of_them_is_kept_or_told_at_length(
    tmp_path: Path, server: Any, request_of: Callable[[int], tuple[str, str]]
) -> None:
    with server(tmp_path) as (base_url, log):
        stranger = Stranger(base_url)
        for path in ("/readyz", "/metrics", "/api/schema"):  # what is made once is made
            stranger.ask("GET", path, {})
        for n in range(200):
            stranger.ask(*request_of(n), headers_of(n, request_of(n)[1]))
        stranger.kept()
        before, series = stranger.kept(), stranger.series()
        for n in range(200, 200 + REQUESTS):
            stranger.ask(*request_of(n), headers_of(n, request_of(n)[1]))
        after = stranger.kept()
        grown = {
            begins: (before["containers"].get(number, [0])[0], size)
            for number, (size, begins) in after["containers"].items()
        }
        grown = {begins: sizes for begins, sizes in grown.items() if sizes[1] - sizes[0] > KEPT}
        assert grown == {}
        assert after["unbounded"] == before["unbounded"]
        cached = {
            name: size
            for name, size in after["bounded"].items()
            if size - before["bounded"].get(name, 0) > KEPT
        }
        assert cached == {}
        assert stranger.series() == series
    lines = log.read_text().splitlines()
    assert len(lines) > 100
    assert max(map(len, lines)) <= MAX_LINE, max(lines, key=len)
    assert not re.search(r"X-Name|agent|Bearer|key-\d", "\n".join(lines))
