"""POST /api/movespecs"""

import pytest

from kynaplatform import clock
from movespecs.models import MoveSpec, MoveSpecDraft
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
        "forked_from": None,
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


@pytest.mark.parametrize("name", ["x", "🦵" * 255, " x ", "膝\u3000"])
def test_it_takes_a_name_of_1_to_255_characters(owner, name):
    response = owner.post(MOVESPECS, {"name": name})
    assert (response.status_code, response.json()["name"]) == (201, name)


@pytest.mark.parametrize("description", ["🦵" * 2000, "", "a\n\tb\u200f"])
def test_it_takes_a_description_of_up_to_2000_characters(owner, description):
    body = {"name": "x", "description": description, "project_id": str(owner.project.id)}
    response = owner.post(MOVESPECS, body)
    assert (response.status_code, response.json()["description"]) == (201, description)
    assert MoveSpec.objects.get().description == description
