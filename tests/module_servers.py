"""One web server and one runtime for all tests of a module that need no other."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.db import connection

from tests.front_door import FrontDoor, front_door
from tests.server import RuntimeServer, runtime_server, web_server
from tests.waiting import eventually


@dataclass(frozen=True)
class WebServer:
    """`folder` is its DATA_DIR, and holds its log."""

    base_url: str
    folder: Path

    @property
    def address(self) -> str:
        return self.base_url.removeprefix("http://")

    @property
    def log(self) -> Path:
        return self.folder / "web.log"


@pytest.fixture(scope="module")
def web_environment() -> Mapping[str, str]:
    """The variables of `web`; a module that needs others overrides it."""
    return {}


@pytest.fixture(scope="module")
def module_web(
    web_environment: Mapping[str, str],
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,
) -> Iterator[WebServer]:
    folder = tmp_path_factory.mktemp("web")
    with web_server(folder, environment=web_environment) as base_url:
        yield WebServer(base_url, folder)


@pytest.fixture
def web(module_web: WebServer, transactional_db: None) -> Iterator[WebServer]:
    """The web server of the module, which has nothing left to do at the end of each test."""
    yield module_web
    eventually(lambda: busy_backends() == 0, "the web server is done")


@pytest.fixture(scope="module")
def module_door(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None
) -> Iterator[FrontDoor]:
    with front_door(tmp_path_factory.mktemp("door")) as door:
        yield door


@pytest.fixture
def door(module_door: FrontDoor, transactional_db: None) -> Iterator[FrontDoor]:
    """The services of the module, behind nginx; they have nothing left to do after each test."""
    yield module_door
    eventually(lambda: busy_backends() == 0, "the services are done")


@pytest.fixture(scope="module")
def module_runtime(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None
) -> Iterator[RuntimeServer]:
    with runtime_server(tmp_path_factory.mktemp("runtime")) as server:
        yield server


@pytest.fixture
def runtime(module_runtime: RuntimeServer, transactional_db: None) -> Iterator[RuntimeServer]:
    """The runtime of the module, which has no session and nothing to do after each test."""
    yield module_runtime
    module_runtime.await_no_sockets()
    eventually(lambda: busy_backends() == 0, "the runtime is done")


def busy_backends() -> int:
    """Those of other processes that run a statement, or hold a transaction open.

    A truncation that met one might wait for it while it waits for the truncation.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND state <> 'idle' AND backend_type = 'client backend'"
        )
        (count,) = cursor.fetchone()
    return int(count)
