"""PATCH /api/movespecs/{movespec_id} and POST /api/movespecs/{movespec_id}/archive"""

from datetime import timedelta

import pytest

from kynaplatform import clock
from movespecs.models import MoveSpec
from tests.api.api_requests import nothing_changes, refused, refused_fields
from tests.conftest import MOVESPECS
from tests.movespecs.writing import BEGUN, archive, delist, make_movespec

LATER = BEGUN + timedelta(seconds=30)


@pytest.fixture
def movespec(owner, monkeypatch):
    movespec = make_movespec(owner.project, description="Knees.")
    monkeypatch.setattr(clock, "now", lambda *_: LATER)
    return movespec


@pytest.fixture
def send(owner, movespec):
    """Sends with a token that is minted at the frozen time."""
    token = owner.token_with("movespecs:write", "movespecs:read")

    def send(method, rest="", body=None):
        return owner.call(method, f"{MOVESPECS}/{movespec.id}{rest}", body, token=token)

    return send


def stored(movespec):
    row = MoveSpec.objects.get(id=movespec.id)
    return row.name, row.description, row.visibility, row.updated_at


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"name": "Lunge"}, ("Lunge", "Knees.", "private", LATER)),
        ({"description": None}, ("Squat", None, "private", LATER)),
        ({"description": "é" * 2000}, ("Squat", "é" * 2000, "private", LATER)),
        ({"visibility": "public"}, ("Squat", "Knees.", "public", LATER)),
        ({"name": "L", "description": None, "visibility": "public"}, ("L", None, "public", LATER)),
        ({}, ("Squat", "Knees.", "private", BEGUN)),
        ({"archived_at": None, "project_id": "x"}, ("Squat", "Knees.", "private", BEGUN)),
    ],
)
def test_it_changes_what_is_there_and_nothing_else(movespec, send, body, expected):
    response = send("PATCH", body=body)
    assert response.status_code == 200
    assert stored(movespec) == expected
    answer = response.json()
    assert (answer["name"], answer["description"], answer["visibility"]) == expected[:3]
    assert answer["created_at"] == "2100-05-06T07:08:09.250000Z"
    assert response.json() == send("GET").json()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"description": "x" * 2001}, "description"),
        ({"description": "\ud800"}, "description"),
        ({"visibility": "delisted"}, "visibility"),
        ([], "body"),
    ],
)
def test_it_refuses_what_does_not_fit(movespec, send, body, field):
    with nothing_changes():
        refused_fields(send("PATCH", body=body), field)


def test_it_does_not_make_a_delisted_one_public(movespec, send):
    MoveSpec.objects.filter(id=movespec.id).update(visibility="public")
    delist(movespec)
    with nothing_changes():
        refused(send("PATCH", body={"visibility": "public", "name": "x"}), 409, "conflict")
    response = send("PATCH", body={"visibility": "private", "name": "x"})
    assert (response.status_code, response.json()["visibility"]) == (200, "private")
    with nothing_changes():
        refused(send("PATCH", body={"visibility": "public"}), 409, "conflict")


def test_it_changes_no_archived_one(movespec, send):
    archive(movespec)
    with nothing_changes():
        for body in ({"name": "Lunge"}, {"visibility": "public"}, {}):
            refused(send("PATCH", body=body), 409, "movespec_archived")


# Archive


def test_it_archives(movespec, send):
    response = send("POST", "/archive")
    assert response.status_code == 200
    assert response.json()["archived_at"] == "2100-05-06T07:08:39.250000Z"
    assert response.json() == send("GET").json()
    assert MoveSpec.objects.get(id=movespec.id).archived_at == LATER


def test_archiving_again_gives_the_same_answer(movespec, send, monkeypatch):
    first = send("POST", "/archive")
    monkeypatch.setattr(clock, "now", lambda *_: LATER + timedelta(seconds=30))
    with nothing_changes():
        again = send("POST", "/archive")
    assert (again.status_code, again.content) == (200, first.content)


def test_an_archived_one_takes_no_write(owner, movespec, send):
    archive(movespec)
    with nothing_changes():
        for method, rest, body in (
            ("PUT", "/draft", {"yaml_source": "x"}),
            ("POST", "/versions", None),
            ("POST", "/fork", {"project_id": str(owner.project.id)}),
        ):
            refused(send(method, rest, body), 409, "movespec_archived")


def test_an_archived_one_can_still_be_read_and_validated(movespec, send):
    archive(movespec)
    with nothing_changes():
        for method, rest in (
            ("GET", ""),
            ("GET", "/draft"),
            ("GET", "/versions"),
            ("POST", "/draft/validate"),
        ):
            assert send(method, rest).status_code == 200
