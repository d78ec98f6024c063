from collections.abc import Iterator
from pathlib import Path

import pytest
from rows import await_no_sockets
from streaming import SQUAT

from movespecs.models import MoveSpec
from tests.conftest import Machine, make_released
from tests.event_counters import miscounted_sessions
from tests.server import RuntimeServer, runtime_server


@pytest.fixture
def runtime(tmp_path: Path, transactional_db: None) -> Iterator[RuntimeServer]:
    with runtime_server(tmp_path) as server:
        yield server


@pytest.fixture(autouse=True)
def _counters_are_those_of_the_events(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test did to a session: killed its runtime, sent frames again, finished it."""
    if "transactional_db" not in request.fixturenames:
        yield
        return
    request.getfixturevalue("transactional_db")
    yield
    assert miscounted_sessions() == []


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
    await_no_sockets(_kept)


@pytest.fixture
def squat(owner: Machine) -> MoveSpec:
    released, _ = make_released(owner.project, SQUAT)
    return released
