"""POST /api/movespecs/{movespec_id}/versions/{version_id}/release"""

import pytest

from kynaplatform import clock
from movespecs.models import MoveSpec, MoveSpecVersion, Release
from tests.api.api_requests import nothing_changes, refused
from tests.conftest import MOVESPECS, VALID_YAML, make_version
from tests.movespecs.writing import (
    BEGUN,
    INVALID_YAML,
    SECOND_YAML,
    archive,
    make_movespec,
    withdraw,
)


@pytest.fixture
def movespec(owner):
    return make_movespec(owner.project, visibility="public")


@pytest.fixture
def first(movespec):
    return make_version(movespec.id, VALID_YAML)


@pytest.fixture
def second(movespec, first):
    return make_version(movespec.id, SECOND_YAML)


def release(owner, version, token=None):
    path = f"{MOVESPECS}/{version.movespec_id}/versions/{version.id}/release"
    return owner.call("POST", path, token=token)


def releases(movespec):
    """From, to and by whom, oldest first."""
    return list(
        Release.objects.filter(movespec=movespec)
        .order_by("id")
        .values_list("from_version", "to_version", "released_by_credential", "released_by_staff")
    )


def test_it_points_the_movespec_at_the_version(owner, movespec, first, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda *_: BEGUN)
    token = owner.token_with("movespecs:write", "movespecs:read")
    response = release(owner, first, token)
    assert response.status_code == 200
    assert response.json() == owner.get(f"{MOVESPECS}/{movespec.id}", token=token).json()
    assert response.json()["movespec_id"] == str(movespec.id)
    assert response.json()["current_released_version_id"] == str(first.id)
    assert response.json()["updated_at"] == "2100-05-06T07:08:09.250000Z"
    assert releases(movespec) == [(None, first.id, owner.credential.id, None)]
    assert Release.objects.get().created_at == BEGUN


def test_the_released_one_again_records_nothing(owner, first):
    before = release(owner, first)
    with nothing_changes():
        again = release(owner, first)
    assert (again.status_code, again.content) == (200, before.content)


def test_every_later_session_gets_the_released_version(owner, movespec, first, second):
    resolved = []
    for version in (first, second, first):
        release(owner, version)
        created = owner.create_session(movespec)
        resolved.append(created.json()["resolved_movespec_version_id"])
    assert resolved == [str(first.id), str(second.id), str(first.id)]


def test_it_releases_no_withdrawn_version(owner, movespec, first, second):
    release(owner, second)
    withdraw(movespec.id, first.id)
    with nothing_changes():
        refused(release(owner, first), 409, "movespec_version_withdrawn")


def test_a_withdrawn_release_leaves_none_until_another(owner, movespec, first, second):
    release(owner, second)
    withdraw(movespec.id, second.id)
    assert MoveSpec.objects.get(id=movespec.id).current_released_version_id is None
    with nothing_changes():
        refused(release(owner, second), 409, "movespec_version_withdrawn")
    assert release(owner, first).json()["current_released_version_id"] == str(first.id)
    assert releases(movespec) == [
        (None, second.id, owner.credential.id, None),
        (second.id, None, None, None),
        (None, first.id, owner.credential.id, None),
    ]


def test_it_releases_nothing_of_an_archived_one(owner, movespec, first):
    archive(movespec)
    with nothing_changes():
        refused(release(owner, first), 409, "movespec_archived")


def test_it_releases_no_version_that_todays_rules_refuse(owner, movespec, first):
    release(owner, first)
    old = MoveSpecVersion.objects.create(
        movespec=movespec, version_number=2, yaml_source=INVALID_YAML, content_hash="0" * 64
    )
    with nothing_changes():
        response = release(owner, old)
    message = response.json()["error"]["details"]["first_error_message"]
    refused(
        response,
        422,
        "movespec_invalid",
        error_count=1,
        first_error_code="invalid_value",
        first_error_message=message,
        first_error_line=4,
    )
