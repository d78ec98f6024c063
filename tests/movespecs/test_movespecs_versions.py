"""GET, POST /api/movespecs/{movespec_id}/versions, GET …/{version_id}, POST …/validate"""

import hashlib
import uuid

import pytest

from kynaplatform import clock
from movespecs.models import MoveSpec, MoveSpecDraft, MoveSpecVersion, Release
from tests.api.api_requests import nothing_changes, refused
from tests.conftest import MOVESPECS, VALID_YAML, make_released
from tests.movespecs.writing import (
    BEGUN,
    CAMERA,
    INVALID_YAML,
    ROLES,
    SECOND_YAML,
    make_movespec,
    withdraw,
)


@pytest.fixture
def movespec(owner):
    """Its draft is valid; it has no version."""
    return make_movespec(owner.project, VALID_YAML)


@pytest.fixture
def versions(movespec):
    return f"{MOVESPECS}/{movespec.id}/versions"


def write(movespec, yaml_source):
    MoveSpecDraft.objects.filter(movespec=movespec).update(yaml_source=yaml_source)


def test_it_snapshots_the_draft(owner, movespec, versions, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda *_: BEGUN)
    token = owner.token_with("movespecs:write", "movespecs:read")
    response = owner.post(versions, token=token)
    version = MoveSpecVersion.objects.get()
    assert response.status_code == 201
    assert response.json() == {
        "movespec_version_id": str(version.id),
        "movespec_id": str(movespec.id),
        "version_number": 1,
        "yaml_source": VALID_YAML,
        "content_hash": hashlib.sha256(VALID_YAML.encode()).hexdigest(),
        "created_by": str(owner.credential.id),
        "created_at": "2100-05-06T07:08:09.250000Z",
        "withdrawn_at": None,
    }
    assert owner.get(f"{versions}/{version.id}", token=token).json() == response.json()
    # A version is not a release.
    assert MoveSpec.objects.get(id=movespec.id).current_released_version_id is None
    assert Release.objects.count() == 0


def test_an_unchanged_draft_gives_the_latest_version_again(owner, versions):
    first = owner.post(versions)
    with nothing_changes():
        again = owner.post(versions)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.content == first.content


def test_a_changed_draft_gives_the_next_number(owner, movespec, versions):
    answers = []
    for text in (VALID_YAML, SECOND_YAML, VALID_YAML, VALID_YAML + "\n"):
        write(movespec, text)
        answers.append(owner.post(versions))
    assert [answer.status_code for answer in answers] == [201] * 4
    assert [answer.json()["version_number"] for answer in answers] == [1, 2, 3, 4]
    hashes = [answer.json()["content_hash"] for answer in answers]
    assert hashes[0] == hashes[2]
    assert len(set(hashes)) == 3


def test_after_a_withdrawal_an_unchanged_draft_is_a_new_version(owner, movespec, versions):
    first = owner.post(versions).json()
    withdraw(movespec.id, first["movespec_version_id"])
    second = owner.post(versions)
    assert (second.status_code, second.json()["version_number"]) == (201, 2)
    assert second.json()["content_hash"] == first["content_hash"]
    assert owner.post(versions).status_code == 200


def test_a_draft_with_errors_is_no_version(owner, movespec, versions):
    write(movespec, INVALID_YAML + "surprise: 1\n")
    with nothing_changes():
        response = owner.post(versions)
    details = response.json()["error"]["details"]
    error = refused(
        response,
        422,
        "movespec_invalid",
        error_count=2,
        first_error_code="invalid_value",
        first_error_message=details["first_error_message"],
        first_error_line=4,
    )
    assert isinstance(error["details"]["first_error_message"], str)


def test_it_lists_versions_newest_first(owner, movespec, versions):
    for text in (VALID_YAML, SECOND_YAML):
        write(movespec, text)
        assert owner.post(versions).status_code == 201
    listed = owner.get(versions).json()
    assert [version["version_number"] for version in listed] == [2, 1]
    for version in listed:
        assert owner.get(f"{versions}/{version['movespec_version_id']}").json() == version


def test_a_version_is_found_only_under_its_own_movespec(owner, peer, movespec, versions):
    _, of_another = make_released(owner.project)
    _, of_a_peer = make_released(peer.project)
    with nothing_changes():
        for id_ in (of_another.id, of_a_peer.id, uuid.uuid4(), "no-uuid"):
            for method, rest in (("GET", ""), ("POST", "/validate"), ("POST", "/release")):
                response = owner.call(method, f"{versions}/{id_}{rest}")
                refused(response, 404, "not_found", resource="movespec_version")


# Validate


def test_it_validates_a_version_under_todays_rules(owner, movespec, versions):
    id_ = owner.post(versions).json()["movespec_version_id"]
    with nothing_changes():
        body = owner.post(f"{versions}/{id_}/validate").json()
    assert {**body, "validated_at": None} == {
        "ok": True,
        "target_type": "movespec_version",
        "target_id": id_,
        "validated_at": None,
        "errors": [],
        "warnings": [],
        "roles": ROLES,
        "camera": CAMERA,
    }
    # The draft has moved on; the version has not.
    write(movespec, INVALID_YAML)
    assert owner.post(f"{versions}/{id_}/validate").json()["ok"] is True


def test_a_version_that_todays_rules_refuse_is_200_and_not_ok(owner, movespec, versions):
    old = MoveSpecVersion.objects.create(
        movespec=movespec, version_number=1, yaml_source=INVALID_YAML, content_hash="0" * 64
    )
    response = owner.post(f"{versions}/{old.id}/validate")
    assert (response.status_code, response.json()["ok"]) == (200, False)
    assert [issue["code"] for issue in response.json()["errors"]] == ["invalid_value"]
    assert (response.json()["roles"], response.json()["camera"]) == ([], None)
