import pytest

from movespecs.models import MoveSpec
from tests.conftest import Machine
from tests.sessions_app.lifecycle_scene import Scene


@pytest.fixture
def scene(owner: Machine, movespec: MoveSpec) -> Scene:
    return Scene(owner, movespec)
