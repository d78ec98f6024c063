"""GET /api/movespecs"""

import uuid

import pytest

from movespecs.models import MoveSpec
from tests.api.api_requests import ask
from tests.conftest import MOVESPECS
from tests.movespecs.writing import archive, delist, make_movespec


@pytest.fixture
def shelf(owner, peer, outsider):
    """Of each of three projects a private and a public MoveSpec, `owner's private` the first."""
    minute = 0
    for machine in (owner, peer, outsider):
        for visibility in ("private", "public"):
            make_movespec(
                machine.project,
                name=f"{machine.project.name}'s {visibility}",
                visibility=visibility,
                minute=(minute := minute + 1),
            )


def names(response):
    assert response.status_code == 200
    return [movespec["name"] for movespec in response.json()]


PUBLIC = ["outsider's public", "peer's public", "owner's public"]


def test_it_lists_ones_own_and_the_public_ones_newest_first(shelf, owner, peer):
    assert names(owner.get(MOVESPECS)) == [*PUBLIC, "owner's private"]
    assert names(peer.get(MOVESPECS)) == [*PUBLIC[:2], "peer's private", PUBLIC[2]]


def test_it_lists_only_the_public_ones_without_a_bearer(shelf):
    assert names(ask("GET", MOVESPECS)) == PUBLIC
    assert names(ask("GET", f"{MOVESPECS}?visibility=public")) == PUBLIC
    assert names(ask("GET", f"{MOVESPECS}?visibility=private")) == []


def test_it_filters_by_project(shelf, owner, peer, outsider):
    def of(machine):
        return f"{MOVESPECS}?project_id={machine.project.id}"

    assert names(owner.get(of(owner))) == ["owner's public", "owner's private"]
    assert names(owner.get(of(peer))) == ["peer's public"]
    assert names(owner.get(of(outsider))) == ["outsider's public"]
    assert names(ask("GET", of(owner))) == ["owner's public"]
    assert names(owner.get(f"{MOVESPECS}?project_id={uuid.uuid4()}")) == []


def test_it_filters_by_visibility(shelf, owner, peer):
    assert names(owner.get(f"{MOVESPECS}?visibility=public")) == PUBLIC
    assert names(owner.get(f"{MOVESPECS}?visibility=private")) == ["owner's private"]
    both = f"{MOVESPECS}?visibility=private&project_id={peer.project.id}"
    assert names(owner.get(both)) == []
    assert names(peer.get(both)) == ["peer's private"]


def test_it_leaves_out_the_archived(shelf, owner):
    for movespec in MoveSpec.objects.filter(name__in=["owner's public", "owner's private"]):
        archive(movespec)
    assert names(owner.get(MOVESPECS)) == PUBLIC[:2]
    assert names(owner.get(f"{MOVESPECS}?project_id={owner.project.id}")) == []
    assert names(ask("GET", MOVESPECS)) == PUBLIC[:2]


def test_a_delisted_one_is_private_to_its_owner_and_nothing_to_others(shelf, owner, peer):
    delist(MoveSpec.objects.get(name="owner's public"))
    assert names(peer.get(MOVESPECS)) == ["outsider's public", "peer's public", "peer's private"]
    assert names(ask("GET", MOVESPECS)) == PUBLIC[:2]
    assert names(owner.get(MOVESPECS)) == [*PUBLIC, "owner's private"]
    assert names(owner.get(f"{MOVESPECS}?visibility=public")) == PUBLIC[:2]
    private = owner.get(f"{MOVESPECS}?visibility=private")
    assert names(private) == ["owner's public", "owner's private"]
    assert [row["visibility"] for row in private.json()] == ["private", "private"]
    assert b'delisted"' not in private.content
    assert [row["delisted_at"] for row in private.json()] == ["2100-05-06T07:08:09.250000Z", None]
