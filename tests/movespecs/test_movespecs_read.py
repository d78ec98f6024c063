"""GET /api/movespecs/{movespec_id}, and what another project sees of a public one."""

import pytest

from movespecs.models import MoveSpec
from tests.api.api_requests import ask, nothing_changes, refused
from tests.conftest import MOVESPECS, VALID_YAML, make_version
from tests.movespecs.writing import SECOND_YAML, archive, delist, make_movespec, withdraw


@pytest.fixture
def made(owner):
    """A public MoveSpec that the owner's key has made and released, over the API."""
    created = owner.post(MOVESPECS, {"name": "Squat"}).json()
    address = f"{MOVESPECS}/{created['movespec_id']}"
    owner.call("PUT", f"{address}/draft", {"yaml_source": VALID_YAML})
    version = owner.post(f"{address}/versions").json()["movespec_version_id"]
    owner.post(f"{address}/versions/{version}/release")
    assert owner.call("PATCH", address, {"visibility": "public"}).status_code == 200
    return MoveSpec.objects.get()


def path(movespec, rest=""):
    return f"{MOVESPECS}/{movespec.id}{rest}"


def test_it_answers_as_the_list_does(owner, public_movespec):
    [listed] = owner.get(MOVESPECS).json()
    assert owner.get(path(public_movespec)).json() == listed
    assert listed["current_released_version_id"] == str(public_movespec.current_released_version_id)


def test_a_public_one_is_the_same_to_every_stranger(owner, peer, outsider, made):
    own = owner.get(path(made))
    answers = [machine.get(path(made)) for machine in (peer, outsider)]
    answers.append(ask("GET", path(made)))
    assert [answer.status_code for answer in answers] == [200] * 3
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json() == {**own.json(), "created_by": None}
    assert own.json()["visibility"] == "public"


def test_who_created_it_and_its_versions_is_for_its_own_project_alone(owner, peer, outsider, made):
    creator = str(owner.credential.id)
    version = f"/versions/{MoveSpec.objects.get(id=made.id).current_released_version_id}"

    def answers(get):
        [listed] = get(MOVESPECS).json()
        [listed_of_project] = get(f"{MOVESPECS}?project_id={owner.project.id}").json()
        yield from (listed, listed_of_project, get(path(made)).json())

    def versions(machine):
        [listed] = machine.get(path(made, "/versions")).json()
        yield from (listed, machine.get(path(made, version)).json())

    assert [one["created_by"] for one in (*answers(owner.get), *versions(owner))] == [creator] * 5
    for machine in (peer, outsider):
        seen = (*answers(machine.get), *versions(machine))
        assert [one["created_by"] for one in seen] == [None] * 5
    for one in answers(lambda address: ask("GET", address)):
        assert one["created_by"] is None
        assert creator not in str(one)


def test_an_archived_one_can_be_read(owner, peer, movespec, public_movespec):
    for each in (movespec, public_movespec):
        archive(each)
        answer = owner.get(path(each))
        assert (answer.status_code, answer.json()["archived_at"]) == (
            200,
            "2100-05-06T07:08:09.250000Z",
        )
    assert peer.get(path(public_movespec)).status_code == 200
    assert ask("GET", path(public_movespec)).status_code == 200


def test_a_delisted_one_is_private_on_the_wire(owner, peer, public_movespec):
    delist(public_movespec)
    answer = owner.get(path(public_movespec))
    assert answer.status_code == 200
    assert answer.json()["visibility"] == "private"
    assert answer.json()["delisted_at"] == "2100-05-06T07:08:09.250000Z"
    for other in (peer.get(path(public_movespec)), ask("GET", path(public_movespec))):
        refused(other, 404, "not_found", resource="movespec")
    version = f"/versions/{public_movespec.current_released_version_id}"
    for rest in ("/versions", version):
        refused(peer.get(path(public_movespec, rest)), 404, "not_found", resource="movespec")
        assert owner.get(path(public_movespec, rest)).status_code == 200


# Another project's public MoveSpec


def test_others_see_its_released_version_and_no_other(owner, peer, outsider, public_movespec):
    released = public_movespec.current_released_version_id
    newer = make_version(public_movespec.id, SECOND_YAML)
    assert len(owner.get(path(public_movespec, "/versions")).json()) == 2
    for machine in (peer, outsider):
        listed = machine.get(path(public_movespec, "/versions")).json()
        assert [version["movespec_version_id"] for version in listed] == [str(released)]
        read = machine.get(path(public_movespec, f"/versions/{released}"))
        assert (read.status_code, read.json()) == (200, listed[0])
        refused(
            machine.get(path(public_movespec, f"/versions/{newer.id}")),
            404,
            "not_found",
            resource="movespec_version",
        )


def test_others_see_no_version_while_none_is_released(owner, peer):
    public = make_movespec(owner.project, visibility="public")
    assert peer.get(path(public)).json()["current_released_version_id"] is None
    assert peer.get(path(public, "/versions")).json() == []


def test_others_no_longer_see_a_withdrawn_version(owner, peer, public_movespec):
    version_id = public_movespec.current_released_version_id
    withdraw(public_movespec.id, version_id)
    assert peer.get(path(public_movespec)).json()["current_released_version_id"] is None
    assert peer.get(path(public_movespec, "/versions")).json() == []
    assert owner.get(path(public_movespec, f"/versions/{version_id}")).status_code == 200


@pytest.mark.parametrize(
    ("whose", "method", "rest", "body"),
    [
        ("peer", "GET", "/draft", None),
        ("outsider", "PUT", "/draft", {"yaml_source": "mine"}),
        ("peer", "POST", "/draft/validate", None),
        ("outsider", "PATCH", "", {"visibility": "private"}),
        ("peer", "POST", "/archive", None),
        ("outsider", "POST", "/versions", None),
        ("peer", "POST", "/versions/{version}/validate", None),
        ("outsider", "POST", "/versions/{version}/release", None),
    ],
)
def test_others_neither_see_its_draft_nor_change_anything(
    public_movespec, whose, method, rest, body, request
):
    machine = request.getfixturevalue(whose)
    rest = rest.format(version=public_movespec.current_released_version_id)
    with nothing_changes():
        response = machine.call(method, path(public_movespec, rest), body)
    refused(response, 404, "not_found", resource="movespec")
