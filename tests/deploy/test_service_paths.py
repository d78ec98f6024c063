"""kynaplatform/wsgi.py: every path has its service, and nginx agrees"""

import http.server
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver

from dev.local_stack.ports import free_port
from kynaplatform.api.views import ApiView
from kynaplatform.reference.views import DocumentView, OperationView, OverviewView
from kynaplatform.wsgi import is_of_api, is_of_pages
from tests.deploy.proxy import proxy
from tests.waiting import DEADLINE_SECONDS

# For people who write clients, on the API's own address.
OF_API = (ApiView, OverviewView, OperationView, DocumentView)


def patterns(resolver: URLResolver, before: str = "/") -> Iterator[tuple[str, URLPattern]]:
    """Every path, with words in place of its parameters."""
    for one in resolver.url_patterns:
        route = before + str(one.pattern).replace("^", "").replace("$", "")
        if isinstance(one, URLResolver):
            yield from patterns(one, route)
        else:
            yield example(route), one


def example(route: str) -> str:
    words = route.replace("(?P<app_label>auth|projects|movespecs|sessions_app)", "auth")
    while "<" in words:
        before, _, rest = words.partition("<")
        words = f"{before}7{rest.partition('>')[2]}"
    return words


PATHS = dict(patterns(get_resolver()))
UNKNOWN = ["/nowhere", "/api", "/apis", "/api/nowhere", "/api//admin/", "/Admin/", "/tryout"]
UNKNOWN += ["/.well-known/security.txt", "/.well-knownx", "/healthz/", "/docs", "/try/session"]
UNKNOWN += ["/admin", "/admin/api/", "/admin/login", "/admin/projects/csv", "/favicon.ico", "/API/"]


def test_machines_are_served_by_the_api_and_people_by_the_pages() -> None:
    of_api = {
        path
        for path, pattern in PATHS.items()
        if issubclass(getattr(pattern.callback, "cls", object), OF_API)
    }
    assert {path for path in PATHS if is_of_api(path)} == of_api
    assert {path for path in PATHS if is_of_pages(path)} == {*PATHS} - of_api | {
        *settings.MONITOR_PATHS
    }


class Named(http.server.BaseHTTPRequestHandler):
    """A server that answers with its name and the path that it was asked for."""

    name: str

    def do_GET(self) -> None:
        body = f"{self.name} {self.path}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    ports = {}
    plain = free_port()
    with ExitStack() as stack:
        for name in ("api", "pages", "monitors"):
            handler = type(name, (Named,), {"name": name})
            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
            ports[name] = [server.server_address[1]]
        stack.enter_context(
            proxy(
                tmp_path_factory.mktemp("nginx"),
                api_ports=ports["api"],
                pages_ports=ports["pages"],
                monitor_ports=ports["monitors"],
                realtime_ports=[free_port()],
                instead={"server_name _;": f"listen 127.0.0.1:{plain}; server_name _;"},
            )
        )
        yield "127.0.0.1", plain


def answer(nginx: tuple[str, int], method: str, path: str) -> tuple[int, str]:
    """The path is sent as it stands."""
    with socket.create_connection(nginx, timeout=DEADLINE_SECONDS) as client:
        client.sendall(f"{method} {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        received = b""
        while piece := client.recv(65_536):
            received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), body.decode()


def service_of(path: str) -> str:
    return "api" if is_of_api(path) else "pages"


def test_nginx_asks_the_service_that_the_list_names(nginx: tuple[str, int]) -> None:
    asked = [path for path in (*PATHS, *UNKNOWN) if path not in settings.MONITOR_PATHS]
    for method in ("GET", "POST"):
        told = {path: answer(nginx, method, path) for path in asked}
        assert told == {path: (200, f"{service_of(path)} {path}") for path in asked}
        assert answer(nginx, method, "/healthz") == (200, "monitors /healthz")


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/%61pi/movespecs", "/api/movespecs"),
        ("/admin/../api/movespecs", "/api/movespecs"),
        ("/ap%69/..%2fadmin/", "/admin/"),
        ("/healthz%2f..%2fadmin/", "/admin/"),
    ],
)
def test_a_path_in_disguise_is_passed_on_as_it_came(
    nginx: tuple[str, int], path: str, seen: str
) -> None:
    """So that the service, which sees another path, says that there is no such one."""
    assert answer(nginx, "GET", path) == (200, f"{service_of(seen)} {path}")


def test_static_files_are_asked_of_no_service(nginx: tuple[str, int]) -> None:
    status, body = answer(nginx, "GET", f"{settings.STATIC_URL}admin/css/base.css")
    assert (status, '"not_found"' in body) == (404, True)
