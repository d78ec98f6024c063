import pytest
from lifecycle_scene import Scene

from movespecs.models import MoveSpec
from tests.conftest import Machine


@pytest.fixture
def scene(owner: Machine, movespec: MoveSpec) -> Scene:
    return Scene(owner, movespec)
