import json
from collections.abc import Iterator
from typing import Any

import pytest
from stage import Stage, stage_on, staged_database


@pytest.fixture(scope="module")
def db(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """One database for the tests of a module, and for the runtime that they share."""
    with staged_database(django_db_blocker):
        yield


@pytest.fixture(scope="module")
def stage(
    request: pytest.FixtureRequest, db: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """The module's runtime, with the constants of its HURRY and the settings of its ENVIRONMENT."""
    hurry = json.dumps(getattr(request.module, "HURRY", {}))
    environment = {"HURRY": hurry, **getattr(request.module, "ENVIRONMENT", {})}
    program = getattr(request.module, "PROGRAM", "tests.realtime.hurried")
    with stage_on(tmp_path_factory.mktemp("runtime"), program, **environment) as stage:
        yield stage
        assert stage.faults() == []
