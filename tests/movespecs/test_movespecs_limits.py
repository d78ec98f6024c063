"""A project has at most 500 MoveSpecs, archived ones included, and 200 versions of each."""

from django.utils import timezone

from movespecs.catalogue import catalogue_load
from movespecs.models import MoveSpec, MoveSpecDraft, MoveSpecVersion
from projects.models import Project
from tests.api.api_requests import nothing_changes, refused, refused_fields
from tests.conftest import MOVESPECS, VALID_YAML
from tests.movespecs.writing import BEGUN, SECOND_YAML, THIRD_YAML, make_movespec, withdraw


def fill(machine, count):
    """As if the project had been making MoveSpecs: `count` in all, half of them archived."""
    there = MoveSpec.objects.filter(project=machine.project).count()
    MoveSpec.objects.bulk_create(
        MoveSpec(project=machine.project, name="x", archived_at=BEGUN if number % 2 else None)
        for number in range(count - there)
    )


def create(machine):
    return machine.post(MOVESPECS, {"name": "One more"})


def fork(machine, source, key=None):
    headers = {} if key is None else {"idempotency_key": key}
    body = {"project_id": str(machine.project.id)}
    return machine.post(f"{MOVESPECS}/{source.id}/fork", body, **headers)


def told(response, limit):
    error = refused(response, 409, "conflict", limit=limit)
    assert str(limit) in error["message"]


def test_a_project_has_at_most_500_movespecs_archived_ones_included(
    owner, peer, movespec, public_movespec
):
    fill(owner, 499)
    assert create(owner).status_code == 201
    with nothing_changes():
        told(create(owner), 500)
        told(fork(owner, movespec), 500)
        told(fork(owner, public_movespec, "k"), 500)
    assert MoveSpec.objects.filter(project=owner.project).count() == 500
    # Another project of the organization has its own.
    assert create(peer).status_code == 201
    assert fork(peer, public_movespec).status_code == 201


def test_a_fork_is_replayed_at_the_limit(owner, peer, public_movespec):
    first = fork(peer, public_movespec, "k")
    fill(peer, 500)
    with nothing_changes():
        again = fork(peer, public_movespec, "k")
        told(fork(peer, public_movespec, "other"), 500)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotent-Replayed"] == "true"


def test_what_is_wrong_with_the_request_is_told_before_the_limit(owner, peer):
    fill(peer, 500)
    unreleased = make_movespec(owner.project, visibility="public")
    with nothing_changes():
        refused_fields(peer.post(MOVESPECS, {"name": ""}), "name")
        refused(fork(peer, unreleased), 409, "movespec_not_released")
        refused(fork(peer, MoveSpec(id=owner.project.id)), 404, "not_found", resource="movespec")


def test_a_movespec_has_at_most_200_versions_withdrawn_ones_included(owner):
    movespec = make_movespec(owner.project, VALID_YAML)
    MoveSpecVersion.objects.bulk_create(
        MoveSpecVersion(
            movespec=movespec,
            version_number=number,
            yaml_source=SECOND_YAML,
            content_hash="0" * 64,
            withdrawn_at=BEGUN,
        )
        for number in range(1, 200)
    )
    versions = f"{MOVESPECS}/{movespec.id}/versions"
    latest = owner.post(versions)
    assert (latest.status_code, latest.json()["version_number"]) == (201, 200)
    # An unchanged draft needs no room.
    with nothing_changes():
        again = owner.post(versions)
    assert (again.status_code, again.content) == (200, latest.content)

    MoveSpecDraft.objects.update(yaml_source=THIRD_YAML)
    with nothing_changes():
        told(owner.post(versions), 200)
    MoveSpecDraft.objects.update(yaml_source=VALID_YAML)
    withdraw(movespec.id, latest.json()["movespec_version_id"])
    with nothing_changes():
        told(owner.post(versions), 200)
    # What there is can be released, and another MoveSpec has its own.
    other = make_movespec(owner.project, VALID_YAML)
    assert owner.post(f"{MOVESPECS}/{other.id}/versions").status_code == 201


def test_staff_raise_both_for_one_project(owner, peer, movespec, settings):
    settings.MOVESPECS_PER_PROJECT = settings.VERSIONS_PER_MOVESPEC = 1
    Project.objects.filter(id=owner.project.id).update(movespec_limit=3, version_limit=2)
    assert [create(owner).status_code for _ in range(3)] == [201, 201, 409]
    versions = f"{MOVESPECS}/{movespec.id}/versions"
    answers = []
    for yaml_source in (SECOND_YAML, THIRD_YAML):
        MoveSpecDraft.objects.filter(movespec=movespec).update(yaml_source=yaml_source)
        answers.append(owner.post(versions))
    assert answers[0].status_code == 201
    told(answers[1], 2)
    assert create(peer).status_code == 201
    told(create(peer), 1)


def test_the_platforms_own_catalogue_has_no_limit(db, settings, tmp_path):
    settings.MOVESPECS_PER_PROJECT = settings.VERSIONS_PER_MOVESPEC = 1
    for yaml_source in (VALID_YAML, SECOND_YAML, THIRD_YAML):
        for name in ("a", "b"):
            (tmp_path / f"{name}.yaml").write_text(yaml_source)
        entries = catalogue_load(now=timezone.now(), folder=tmp_path)
        assert [is_new for _, is_new in entries] == [True, True]
    assert (MoveSpec.objects.count(), MoveSpecVersion.objects.count()) == (2, 6)
