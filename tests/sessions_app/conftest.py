from collections.abc import Iterator

import pytest
from django.db import connection, transaction
from lifecycle_scene import Scene
from plans import run

from movespecs.models import MoveSpec
from tests.conftest import Machine


@pytest.fixture
def scene(owner: Machine, movespec: MoveSpec) -> Scene:
    return Scene(owner, movespec)


@pytest.fixture
def generic_plans() -> Iterator[None]:
    """Plans are made once, without looking at the values, as they are after five uses."""
    run("SET plan_cache_mode = force_generic_plan")
    yield
    connection.close()


@pytest.fixture
def fresh_connection() -> Iterator[None]:
    """Nothing is prepared yet, and nothing stays prepared."""
    connection.close()
    yield
    connection.close()


@pytest.fixture
def unchecked(db: None) -> Iterator[None]:
    """The test is rolled back without a check of all that its rows refer to.

    Tens of thousands take as long again, and minutes by a plan that PostgreSQL made of few.
    """
    yield
    transaction.set_rollback(True)
