from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from streaming import SQUAT
from supervisor import Supervisor

from dev.local_stack.postgres import EmbeddedPostgres, serve
from kynaplatform.environment import database
from movespecs.models import MoveSpec
from tests.conftest import Machine, make_released
from tests.module_servers import busy_backends
from tests.open_folder import open_folder
from tests.server import RuntimeServer, runtime_server
from tests.waiting import eventually


@pytest.fixture(autouse=True)
def _counters_agree(request: pytest.FixtureRequest) -> None:
    if "transactional_db" in request.fixturenames:
        request.getfixturevalue("counters_agree")


@pytest.fixture(scope="module")
def _kept(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,
) -> Iterator[RuntimeServer]:
    environment = getattr(request.module, "RUNTIME", {})
    folder = tmp_path_factory.mktemp("runtime")
    with runtime_server(folder, environment, module="tests.realtime.hurried") as server:
        yield server


@pytest.fixture
def hurried(_kept: RuntimeServer, transactional_db: None) -> Iterator[RuntimeServer]:
    """One runtime for all tests of a module, in the environment that its RUNTIME says."""
    yield _kept
    _kept.await_no_sockets()
    eventually(lambda: busy_backends() == 0, "the runtime is done")


@pytest.fixture
def squat(owner: Machine) -> MoveSpec:
    released, _ = make_released(owner.project, SQUAT)
    return released


@pytest.fixture
def supervisor(tmp_path: Path, transactional_db: None) -> Iterator[Supervisor]:
    started = Supervisor(tmp_path)
    yield started
    started.stop()


@pytest.fixture
def own_database(transactional_db: None, settings: Any) -> Iterator[EmbeddedPostgres]:
    """A server of this test alone, which writes to its disk; Django is connected to it."""
    with open_folder() as folder, serve(folder / "database") as server:
        settings.DATABASE_URL = server.url
        before = dict(connection.settings_dict)
        connection.close()
        where = ("NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")
        found = database(server.url)
        connection.settings_dict.update({name: found[name] for name in where})
        try:
            call_command("migrate", verbosity=0)
            yield server
        finally:
            connection.close()
            connection.settings_dict.update(before)
