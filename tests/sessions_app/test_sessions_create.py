"""POST /api/detection/sessions, without an Idempotency-Key"""

import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from new_session import COLUMNS

from kynaplatform import clock
from movespecs.catalogue import catalogue_id, catalogue_load
from movespecs.models import PLATFORM, MoveSpec
from movespecs.releases import version_release
from projects.signing import key_ring
from sessions_app.models import DetectionSession
from tests.api.api_requests import nothing_changes, refused, refused_fields
from tests.conftest import MOVESPECS, SESSIONS, make_released, make_version
from tests.movespecs.writing import SECOND_YAML, archive, delist, make_movespec, withdraw

NOW = datetime(2100, 5, 6, 7, 8, 9, 250_000, tzinfo=UTC)


def create(machine, **body):
    """A valid create but for `body`; a field that is `...` is left out."""
    body = {"mode": "live", "project_id": str(machine.project.id), **body}
    sent = {
        name: str(value) if isinstance(value, uuid.UUID) else value
        for name, value in body.items()
        if value is not ...
    }
    return machine.post(SESSIONS, sent)


def refused_create(machine, references, *error, **details):
    with nothing_changes():
        refused(create(machine, **references), *error, **details)


def each_reference(movespec_id, version_id):
    """By MoveSpec, by version, and by both."""
    by_movespec, by_version = {"movespec_id": movespec_id}, {"movespec_version_id": version_id}
    return by_movespec, by_version, by_movespec | by_version


def resolved(response):
    assert response.status_code == 201, response.content
    return uuid.UUID(response.json()["resolved_movespec_version_id"])


# What it makes


def test_it_makes_a_session_of_the_released_version(owner, movespec, monkeypatch, settings):
    settings.PUBLIC_STREAM_URL = "wss://stream.example/api/detection/stream"
    monkeypatch.setattr(clock, "now", lambda *_: NOW)
    token = owner.token_with("sessions:write")
    body = {"mode": "replay", "project_id": str(owner.project.id), "movespec_id": str(movespec.id)}
    response = owner.post(SESSIONS, body, token=token)
    assert response.status_code == 201
    assert "Idempotent-Replayed" not in response.headers
    session = DetectionSession.objects.get()
    answer = response.json()
    shown = {
        "session_id": str(session.id),
        "project_id": str(owner.project.id),
        "status": "created",
        "mode": "replay",
        "resolved_movespec_version_id": str(movespec.current_released_version_id),
        "stream_url": f"wss://stream.example/api/detection/stream/{session.id}",
        "runtime_token": None,
        "input_schema_version": "mediapipe_pose_landmarker/v1",
        "output_schema_version": "kynasmith_detection_events/v1",
    }
    assert list(answer) == list(shown)
    assert {**answer, "runtime_token": None} == shown
    assert DetectionSession.objects.values().get() == COLUMNS | {
        "id": session.id,
        "project_id": owner.project.id,
        "resolved_version_id": movespec.current_released_version_id,
        "created_by": owner.credential.id,
        "mode": "replay",
        "created_at": NOW,
        "deadline_at": NOW + timedelta(seconds=300),
        "request_fingerprint": session.request_fingerprint,
        "signing_key_id": key_ring().active(NOW).id,
        "runtime_token_expires_at": NOW + timedelta(seconds=300 + 3600),
        "stream_url": answer["stream_url"],
    }


def test_its_times_follow_the_settings(owner, movespec, monkeypatch, settings):
    settings.SESSION_ATTACH_SECONDS, settings.SESSION_MAX_SECONDS = 7, 50
    monkeypatch.setattr(clock, "now", lambda *_: NOW)
    token = owner.token_with("sessions:write")
    body = {"mode": "live", "project_id": str(owner.project.id), "movespec_id": str(movespec.id)}
    assert owner.post(SESSIONS, body, token=token).status_code == 201
    session = DetectionSession.objects.get()
    assert session.deadline_at == NOW + timedelta(seconds=7)
    assert session.runtime_token_expires_at == NOW + timedelta(seconds=57)


# Its fields


def test_it_ignores_unknown_fields(owner, movespec):
    response = create(
        owner, movespec_id=movespec.id, status="completed", session_id="x", extra={"a": [None]}
    )
    assert (response.status_code, response.json()["status"]) == (201, "created")


def test_the_contract_major_is_1_when_absent(owner, movespec):
    assert create(owner, movespec_id=movespec.id, contract_major=1).status_code == 201
    assert create(owner, movespec_id=movespec.id).status_code == 201
    assert {session.contract_major for session in DetectionSession.objects.all()} == {1}


def test_it_speaks_no_other_contract_major(owner, movespec):
    with nothing_changes():
        for major in (0, 2, -1, 40_000, 2**63, 2**64, 10**30):
            response = create(owner, movespec_id=movespec.id, contract_major=major)
            refused(response, 409, "contract_version_unsupported", supported_contract_major=1)


def test_it_refuses_a_field_that_does_not_fit(owner, movespec):
    for field, value in [
        ("mode", ...),
        ("mode", "film"),
        ("project_id", ...),
        ("project_id", "p"),
        ("contract_major", None),
        ("contract_major", "1"),
        ("contract_major", 1.5),
        ("movespec_id", "squat"),
        ("movespec_version_id", ["x"]),
    ]:
        with nothing_changes():
            response = create(owner, **{"movespec_id": movespec.id, field: value})
        refused_fields(response, field)
    body = {"mode": "film", "contract_major": "x", "movespec_id": 1, "movespec_version_id": "x"}
    with nothing_changes():
        refused_fields(owner.post(SESSIONS, body), *body, "project_id")


def test_it_needs_a_reference(owner):
    with nothing_changes():
        for none in ({}, {"movespec_id": None}, {"movespec_id": None, "movespec_version_id": None}):
            refused_fields(create(owner, **none), "body")


def test_it_takes_a_uuid_in_every_form_of_hex(owner, movespec):
    version_id = movespec.current_released_version_id
    for form in (str, lambda id_: str(id_).upper(), lambda id_: id_.hex):
        response = create(
            owner,
            project_id=form(owner.project.id),
            movespec_id=form(movespec.id),
            movespec_version_id=form(version_id),
        )
        assert resolved(response) == version_id
        assert response.json()["project_id"] == str(owner.project.id)
    with nothing_changes():
        for other in ("{{{}}}", "urn:uuid:{}", " {}", "{}0"):
            refused_fields(create(owner, movespec_id=other.format(movespec.id)), "movespec_id")


def test_it_refuses_another_project(owner, peer, movespec):
    with nothing_changes():
        for project_id in (peer.project.id, uuid.uuid4()):
            response = create(owner, movespec_id=movespec.id, project_id=project_id)
            refused(response, 403, "project_mismatch")


# By MoveSpec


def test_by_movespec_it_takes_what_is_released_and_not_what_is_newer(owner, movespec):
    make_version(movespec.id, SECOND_YAML)
    response = create(owner, movespec_id=movespec.id, movespec_version_id=None)
    assert resolved(response) == movespec.current_released_version_id


def test_a_movespec_without_a_release_is_refused(owner, movespec):
    never = make_movespec(owner.project)
    make_version(never.id, SECOND_YAML)
    withdraw(movespec.id, movespec.current_released_version_id)
    for one in (never, movespec):
        refused_create(owner, {"movespec_id": one.id}, 409, "movespec_not_released")


def test_a_movespec_whose_release_was_replaced_gives_the_replacement(owner, movespec):
    second = make_version(movespec.id, SECOND_YAML)
    withdraw(movespec.id, movespec.current_released_version_id, second.id)
    assert resolved(create(owner, movespec_id=movespec.id)) == second.id


def test_an_archived_movespec_is_refused(owner, movespec):
    archive(movespec)
    for references in each_reference(movespec.id, movespec.current_released_version_id):
        refused_create(owner, references, 409, "movespec_archived")


def test_an_unknown_movespec_is_not_found(owner, peer, outsider):
    of_others = [make_released(machine.project)[0].id for machine in (peer, outsider)]
    for id_ in (*of_others, uuid.uuid4()):
        refused_create(owner, {"movespec_id": id_}, 404, "not_found", resource="movespec")


# By version


def test_a_pinned_version_need_not_be_released(owner, movespec):
    newer = make_version(movespec.id, SECOND_YAML)
    assert resolved(create(owner, movespec_version_id=newer.id)) == newer.id
    assert resolved(create(owner, movespec_version_id=newer.id, movespec_id=None)) == newer.id
    never = make_version(make_movespec(owner.project).id, SECOND_YAML)
    assert resolved(create(owner, movespec_version_id=never.id)) == never.id


def test_a_withdrawn_version_is_refused(owner, movespec):
    newer = make_version(movespec.id, SECOND_YAML)
    withdraw(movespec.id, newer.id)
    for references in each_reference(movespec.id, newer.id)[1:]:
        refused_create(owner, references, 409, "movespec_version_withdrawn")
    assert create(owner, movespec_id=movespec.id).status_code == 201


def test_a_withdrawal_leaves_running_sessions_alone(owner, movespec):
    id_ = create(owner, movespec_id=movespec.id).json()["session_id"]
    before = owner.get(f"{SESSIONS}/{id_}").json()
    withdraw(movespec.id, movespec.current_released_version_id)
    archive(movespec)
    assert owner.get(f"{SESSIONS}/{id_}").json() == before


def test_an_unknown_version_is_not_found(owner, peer, outsider):
    of_others = [make_released(machine.project)[1].id for machine in (peer, outsider)]
    for id_ in (*of_others, uuid.uuid4()):
        references = {"movespec_version_id": id_}
        refused_create(owner, references, 404, "not_found", resource="movespec_version")


# By both


def test_with_both_the_version_wins(owner, movespec):
    newer = make_version(movespec.id, SECOND_YAML)
    for version_id in (newer.id, movespec.current_released_version_id):
        response = create(owner, movespec_id=movespec.id, movespec_version_id=version_id)
        assert resolved(response) == version_id
    unreleased = make_movespec(owner.project)
    version = make_version(unreleased.id, SECOND_YAML)
    response = create(owner, movespec_id=unreleased.id, movespec_version_id=version.id)
    assert resolved(response) == version.id


def test_with_both_the_version_must_be_one_of_the_movespec(owner, peer, movespec):
    _, of_another = make_released(owner.project)
    _, of_a_peer = make_released(peer.project, visibility="public")
    for version in (of_another, of_a_peer):
        with nothing_changes():
            response = create(owner, movespec_id=movespec.id, movespec_version_id=version.id)
        refused_fields(response, "movespec_version_id")


def test_with_both_each_must_be_known(owner, peer, movespec):
    private, version = make_released(peer.project)
    for movespec_id, version_id, missing in (
        (private.id, movespec.current_released_version_id, "movespec"),
        (private.id, version.id, "movespec"),
        (movespec.id, version.id, "movespec_version"),
        (uuid.uuid4(), uuid.uuid4(), "movespec"),
    ):
        references = each_reference(movespec_id, version_id)[2]
        refused_create(owner, references, 404, "not_found", resource=missing)


# Another project's public MoveSpec


def test_another_projects_public_movespec_must_be_forked_first(peer, outsider, public_movespec):
    version_id = public_movespec.current_released_version_id
    for machine in (peer, outsider):
        for references in each_reference(public_movespec.id, version_id):
            refused_create(machine, references, 409, "movespec_fork_required")


def test_a_public_movespec_without_a_release_must_be_forked_too(owner, peer):
    public = make_movespec(owner.project, visibility="public")
    refused_create(peer, {"movespec_id": public.id}, 409, "movespec_fork_required")


def test_its_unreleased_versions_are_not_found(peer, public_movespec):
    newer = make_version(public_movespec.id, SECOND_YAML)
    for references in each_reference(public_movespec.id, newer.id)[1:]:
        refused_create(peer, references, 404, "not_found", resource="movespec_version")


def test_a_delisted_one_is_not_found_by_others(owner, peer, public_movespec):
    delist(public_movespec)
    version_id = public_movespec.current_released_version_id
    by_movespec, by_version, _ = each_reference(public_movespec.id, version_id)
    refused_create(peer, by_movespec, 404, "not_found", resource="movespec")
    refused_create(peer, by_version, 404, "not_found", resource="movespec_version")
    assert create(owner, movespec_id=public_movespec.id).status_code == 201


def test_an_archived_public_one_is_refused_to_others_as_well(peer, public_movespec):
    archive(public_movespec)
    refused_create(peer, {"movespec_id": public_movespec.id}, 409, "movespec_archived")


def test_ids_begin_with_their_time(owner, movespec):
    """So what is stored by ids of sessions lies in the order in which they were made."""
    made = [uuid.UUID(owner.create_session(movespec).json()["session_id"]) for _ in range(5)]
    assert made == sorted(made)
    assert {id_.version for id_ in made} == {7}
    assert all(abs(time.time() - (id_.int >> 80) / 1000) < 60 for id_ in made)


# A movement of the catalogue


@pytest.fixture
def squat():
    """The catalogue's squat, with three versions: the first is released, the second was."""
    catalogue_load(now=NOW)
    squat = MoveSpec.objects.get(id=catalogue_id("squat"))
    first, second = squat.current_released_version_id, make_version(squat.id, SECOND_YAML).id
    for version_id in (second, first):
        version_release(movespec_id=squat.id, version_id=version_id, author=PLATFORM, now=NOW)
    make_version(squat.id, SECOND_YAML + "# three\n")
    squat.refresh_from_db()
    return squat


def test_it_takes_a_movement_of_the_catalogue_by_its_name(owner, squat):
    assert resolved(create(owner, movement="catalogue/squat")) == squat.current_released_version_id
    for number in (1, 2):
        version = squat.versions.get(version_number=number)
        assert resolved(create(owner, movement=f"catalogue/squat@{number}")) == version.id
        # And its customer can read what counted.
        assert owner.get(f"{MOVESPECS}/{squat.id}/versions/{version.id}").status_code == 200
    assert {session.project_id for session in DetectionSession.objects.all()} == {owner.project.id}


def test_it_refuses_a_movement_that_the_catalogue_has_not(owner, squat):
    unknown = {"movement": "catalogue/backflip"}
    refused_create(owner, unknown, 404, "not_found", resource="movespec")
    for number in (3, 4):  # never released, and not there
        unknown = {"movement": f"catalogue/squat@{number}"}
        refused_create(owner, unknown, 404, "not_found", resource="movespec_version")
    delist(squat)
    unlisted = {"movement": "catalogue/squat"}
    refused_create(owner, unlisted, 404, "not_found", resource="movespec")
    archive(MoveSpec.objects.get(id=catalogue_id("plank")))
    refused_create(owner, {"movement": "catalogue/plank"}, 409, "movespec_archived")
    lunge = MoveSpec.objects.get(id=catalogue_id("lunge"))
    withdraw(lunge.id, lunge.current_released_version_id)
    refused_create(owner, {"movement": "catalogue/lunge"}, 409, "movespec_not_released")
    refused_create(owner, {"movement": "catalogue/lunge@1"}, 409, "movespec_version_withdrawn")


def test_it_takes_one_kind_of_reference(owner, movespec, squat):
    version_id = movespec.current_released_version_id
    for references in each_reference(movespec.id, version_id):
        with nothing_changes():
            refused_fields(create(owner, movement="catalogue/squat", **references), "body")
    for movement in ("squat", "catalogue/", "catalogue/squat@0", "catalogue/squat@1.0", "x/squat"):
        with nothing_changes():
            refused_fields(create(owner, movement=movement), "movement")
