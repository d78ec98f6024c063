from collections.abc import Iterator
from typing import Any

import pytest
from streaming import SQUAT, Client, attached, create

from movespecs.models import MoveSpec
from tests.conftest import Machine, make_released
from tests.module_servers import busy_backends
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
def created(owner: Machine, squat: MoveSpec, hurried: RuntimeServer) -> dict[str, Any]:
    """A session on the module's runtime."""
    return create(owner, squat, hurried.url)


@pytest.fixture
def client(created: dict[str, Any]) -> Iterator[Client]:
    """Attached to `created`."""
    client = attached(created)
    yield client
    client.socket.shutdown()
