"""POST /api/movespecs"""

import uuid

import pytest

from kynaplatform import clock
from movespecs.models import MoveSpec, MoveSpecDraft
from tests.api.api_requests import nothing_changes, refused, refused_fields
from tests.conftest import MOVESPECS
from tests.movespecs.writing import BEGUN


def test_it_makes_a_private_movespec_with_an_empty_draft(owner, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda *_: BEGUN)
    token = owner.token_with("movespecs:write", "movespecs:read")
    response = owner.call("POST", MOVESPECS, {"name": "Lunge"}, token=token)
    assert response.status_code == 201
    movespec = MoveSpec.objects.get()
    assert response.json() == {
        "movespec_id": str(movespec.id),
        "organization_id": str(owner.organization.id),
        "project_id": str(owner.project.id),
        "name": "Lunge",
        "description": None,
        "visibility": "private",
        "current_released_version_id": None,
        "created_by": str(owner.credential.id),
        "created_at": "2100-05-06T07:08:09.250000Z",
        "updated_at": "2100-05-06T07:08:09.250000Z",
        "archived_at": None,
        "delisted_at": None,
        "star_count": 0,
        "accuracy": None,
    }
    draft = MoveSpecDraft.objects.get()
    assert (draft.movespec_id, draft.yaml_source, draft.updated_by) == (
        movespec.id,
        "",
        owner.credential.id,
    )


def test_it_takes_a_description_and_the_tokens_own_project(owner):
    body = {"name": "Lunge", "description": "Füße 🦵\nzwei", "project_id": str(owner.project.id)}
    response = owner.post(MOVESPECS, body)
    assert (response.status_code, response.json()["description"]) == (201, body["description"])
    assert MoveSpec.objects.get().description == body["description"]


def test_it_takes_null_for_what_may_be_absent(owner):
    response = owner.post(MOVESPECS, {"name": "L", "description": None, "project_id": None})
    assert (response.status_code, response.json()["description"]) == (201, None)


@pytest.mark.parametrize("name", ["x", "é" * 255, "🦵" * 255, " x ", "膝\u3000"])
def test_it_takes_a_name_of_1_to_255_characters(owner, name):
    response = owner.post(MOVESPECS, {"name": name})
    assert (response.status_code, response.json()["name"]) == (201, name)


@pytest.mark.parametrize("name", ["", "x" * 256, None, 7, ["x"], "nul\x00", "\ud800", "a\udfff"])
def test_it_refuses_another_name(owner, name):
    with nothing_changes():
        refused_fields(owner.post(MOVESPECS, {"name": name}), "name")


@pytest.mark.parametrize(
    "description", ["x" * 2000, "🦵" * 2000, "", "a\n\tb\u200f", "\x01" * 2000]
)
def test_it_takes_a_description_of_up_to_2000_characters(owner, description):
    response = owner.post(MOVESPECS, {"name": "x", "description": description})
    assert (response.status_code, response.json()["description"]) == (201, description)


@pytest.mark.parametrize("description", ["x" * 2001, "🦵" * 2001, "x" * 500_000, 7, "nul\x00"])
def test_it_refuses_another_description(owner, description):
    with nothing_changes():
        refused_fields(
            owner.post(MOVESPECS, {"name": "x", "description": description}), "description"
        )


def test_it_needs_a_name(owner):
    with nothing_changes():
        refused_fields(owner.post(MOVESPECS, {"description": "nameless"}), "name")


def test_it_names_every_field_that_does_not_fit(owner):
    body = {"name": "", "description": 1, "project_id": "p", "unknown": 1}
    with nothing_changes():
        refused_fields(owner.post(MOVESPECS, body), "name", "description", "project_id")


def test_it_ignores_unknown_fields(owner):
    body = {"name": "x", "visibility": "public", "star_count": 9, "movespec_id": str(uuid.uuid4())}
    answer = owner.post(MOVESPECS, body).json()
    assert (answer["visibility"], answer["star_count"]) == ("private", 0)
    assert answer["movespec_id"] != body["movespec_id"]


def test_it_refuses_another_project(owner, peer):
    with nothing_changes():
        for project_id in (peer.project.id, uuid.uuid4()):
            body = {"name": "x", "project_id": str(project_id)}
            refused(owner.post(MOVESPECS, body), 403, "project_mismatch")
