"""POST /api/movespecs/{movespec_id}/fork"""

import hashlib
import json

import pytest

from movespecs.models import MoveSpec, MoveSpecDraft, MoveSpecVersion, Release
from tests.api.api_requests import nothing_changes, refused, refused_fields
from tests.conftest import MOVESPECS, VALID_YAML, error_of, make_released, make_version
from tests.movespecs.writing import (
    BEGUN,
    INVALID_YAML,
    SECOND_YAML,
    archive,
    delist,
    make_movespec,
    withdraw,
)


def fork(machine, source_id, idempotency_key=None, **body):
    headers = {} if idempotency_key is None else {"idempotency_key": idempotency_key}
    body = {"project_id": str(machine.project.id), **body}
    return machine.post(f"{MOVESPECS}/{source_id}/fork", body, **headers)


def draft_of(response):
    return MoveSpecDraft.objects.get(movespec_id=response.json()["movespec_id"]).yaml_source


@pytest.mark.parametrize("whose", ["owner", "peer", "outsider"])
def test_it_makes_a_movespec_of_ones_own_with_the_released_yaml(public_movespec, whose, request):
    machine = request.getfixturevalue(whose)
    make_version(public_movespec.id, SECOND_YAML)  # neither it nor the draft is released
    response = fork(machine, public_movespec.id)
    assert response.status_code == 201
    assert "Idempotent-Replayed" not in response.headers
    answer = response.json()
    assert answer == machine.get(f"{MOVESPECS}/{answer['movespec_id']}").json()
    assert answer["movespec_id"] != str(public_movespec.id)
    assert answer["project_id"] == str(machine.project.id)
    assert answer["organization_id"] == str(machine.organization.id)
    assert (answer["name"], answer["description"]) == ("Public squat", None)
    assert (answer["visibility"], answer["current_released_version_id"]) == ("private", None)
    assert answer["created_by"] == str(machine.credential.id)
    assert draft_of(response) == VALID_YAML
    assert MoveSpecVersion.objects.filter(movespec_id=answer["movespec_id"]).count() == 0
    assert MoveSpec.objects.get(id=answer["movespec_id"]).forked_from_id == public_movespec.id


def test_a_fork_can_be_named_and_described(peer, public_movespec):
    response = fork(peer, public_movespec.id, name="Mine", description="é" * 255)
    assert (response.json()["name"], response.json()["description"]) == ("Mine", "é" * 255)


def test_without_a_name_or_description_it_takes_the_sources(peer, public_movespec):
    long = "x" * 300
    MoveSpec.objects.filter(id=public_movespec.id).update(description=long)
    for body in ({}, {"name": None, "description": None}):
        answer = fork(peer, public_movespec.id, **body).json()
        assert (answer["name"], answer["description"]) == ("Public squat", long)
    assert fork(peer, public_movespec.id, description="").json()["description"] == ""


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("description", "x" * 256),
        ("release", "true"),
        ("project_id", "p"),
    ],
)
def test_it_refuses_what_does_not_fit(peer, public_movespec, field, value):
    with nothing_changes():
        refused_fields(fork(peer, public_movespec.id, **{field: value}), field)


@pytest.mark.parametrize("body", [{}, {"project_id": None}])
def test_the_project_is_the_tokens_unless_it_is_named(peer, public_movespec, body):
    response = peer.post(f"{MOVESPECS}/{public_movespec.id}/fork", body)
    assert (response.status_code, response.json()["project_id"]) == (201, str(peer.project.id))


def test_a_delisted_movespec_is_found_by_its_owner_alone(owner, peer, public_movespec):
    delist(public_movespec)
    with nothing_changes():
        refused(fork(peer, public_movespec.id), 404, "not_found", resource="movespec")
    assert fork(owner, public_movespec.id).status_code == 201


def test_what_is_not_released_can_not_be_forked(owner, peer):
    public = make_movespec(owner.project, VALID_YAML, visibility="public")
    make_version(public.id, VALID_YAML)
    with nothing_changes():
        for machine in (owner, peer):
            refused(fork(machine, public.id), 409, "movespec_not_released")


def test_what_is_withdrawn_can_not_be_forked(peer, public_movespec):
    withdraw(public_movespec.id, public_movespec.current_released_version_id)
    with nothing_changes():
        refused(fork(peer, public_movespec.id), 409, "movespec_not_released")


def test_what_is_archived_can_not_be_forked(owner, peer, public_movespec):
    archive(public_movespec)
    with nothing_changes():
        for machine in (owner, peer):
            refused(fork(machine, public_movespec.id), 409, "movespec_archived")


# release


def test_with_release_its_version_1_is_made_and_released(peer, public_movespec):
    answer = fork(peer, public_movespec.id, release=True).json()
    version = MoveSpecVersion.objects.get(movespec_id=answer["movespec_id"])
    assert answer["current_released_version_id"] == str(version.id)
    assert answer == peer.get(f"{MOVESPECS}/{answer['movespec_id']}").json()
    assert (version.version_number, version.yaml_source) == (1, VALID_YAML)
    assert version.created_by == peer.credential.id
    release = Release.objects.get(movespec_id=answer["movespec_id"])
    assert (release.from_version, release.to_version) == (None, version)
    assert (release.released_by_credential, release.reason) == (
        peer.credential.id,
        "Released with the fork.",
    )


def test_a_fork_that_can_not_be_released_is_not_made(owner, peer):
    source, _ = make_released(owner.project, visibility="public")
    older = make_movespec(owner.project, visibility="public")
    # Released under a language that took it.
    version = MoveSpecVersion.objects.create(
        movespec=older,
        version_number=1,
        yaml_source=INVALID_YAML,
        content_hash="0" * 64,
        created_at=BEGUN,
    )
    MoveSpec.objects.filter(id=older.id).update(current_released_version=version)
    with nothing_changes():
        response = fork(peer, older.id, "k", release=True)
    error = error_of(response)
    assert (response.status_code, error["code"]) == (422, "movespec_invalid")
    assert (error["details"]["error_count"], error["details"]["first_error_line"]) == (1, 4)
    freed = fork(peer, source.id, "k", release=True)
    assert (freed.status_code, "Idempotent-Replayed" in freed.headers) == (201, False)


# Idempotency-Key


def test_a_replay_answers_with_the_same_movespec_as_it_is_now(peer, public_movespec):
    first = fork(peer, public_movespec.id, "k").json()
    path = f"{MOVESPECS}/{first['movespec_id']}"
    peer.call("PATCH", path, {"name": "Renamed"})
    with nothing_changes():
        again = fork(peer, public_movespec.id, '"k"')
    assert again.status_code == 201
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == peer.get(path).json()
    assert again.json()["name"] == "Renamed"
    assert again.json()["movespec_id"] == first["movespec_id"]


def test_a_replay_outlives_its_source(owner, peer, public_movespec):
    first = fork(peer, public_movespec.id, "k").json()
    archive(public_movespec)
    delist(public_movespec)
    with nothing_changes():
        again = fork(peer, public_movespec.id, "k")
    assert (again.status_code, again.json()) == (201, first)


def test_a_key_with_another_request_is_refused(owner, peer, public_movespec):
    other, _ = make_released(owner.project, visibility="public")
    fork(peer, public_movespec.id, "k", name="Mine")
    with nothing_changes():
        for source, body in (
            (public_movespec, {}),
            (public_movespec, {"name": "Other"}),
            (public_movespec, {"name": "Mine", "description": "x"}),
            (other, {"name": "Mine"}),
            (public_movespec, {"name": "Mine", "release": True}),
        ):
            refused(fork(peer, source.id, "k", **body), 422, "idempotency_key_reused")
        replay = fork(peer, public_movespec.id, "k", name="Mine", description=None)
        told = fork(peer, public_movespec.id, "k", name="Mine", release=False)
    assert replay.headers["Idempotent-Replayed"] == told.headers["Idempotent-Replayed"] == "true"


def test_a_key_from_before_there_was_release_still_replays(peer, public_movespec):
    fork(peer, public_movespec.id, "k", name="Mine")
    parts = [str(public_movespec.id), str(peer.project.id), "Mine", None]
    digest = hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).digest()
    stored = MoveSpec.objects.get(fork_idempotency_key="k").fork_fingerprint
    assert bytes(stored) == digest  # as code from before stored it, and looks for it


def test_a_key_belongs_to_its_project(peer, outsider, public_movespec):
    answers = [fork(machine, public_movespec.id, "k").json() for machine in (peer, outsider)]
    assert answers[0]["movespec_id"] != answers[1]["movespec_id"]
    assert MoveSpec.objects.count() == 3
