"""Who the admin's tests are logged in as, and what they act on."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from movespecs.models import MoveSpec, MoveSpecVersion
from tests.admin.staffing import client_of, member
from tests.admin.version_actions import SECOND
from tests.conftest import Machine, make_version
from tests.sessions_app.lifecycle_scene import Scene


@pytest.fixture
def superuser(db: None) -> Client:
    return client_of(User.objects.create_superuser("root"))


@pytest.fixture
def operator(db: None) -> Client:
    return member("operators")


@pytest.fixture
def manager(db: None) -> Client:
    return member("release managers", "grace")


@pytest.fixture
def support(db: None) -> Client:
    return member("support")


@pytest.fixture
def scene(owner: Machine, movespec: MoveSpec) -> Scene:
    return Scene(owner, movespec)


@pytest.fixture
def first(movespec: MoveSpec) -> MoveSpecVersion:
    return movespec.versions.get()


@pytest.fixture
def second(movespec: MoveSpec) -> MoveSpecVersion:
    return make_version(movespec.id, SECOND)
