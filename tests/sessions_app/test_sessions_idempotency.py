"""POST /api/detection/sessions with an Idempotency-Key: forms, replays, reuse, what frees a key"""

import pytest
from django.utils import timezone

from projects.models import Project
from sessions_app.models import DetectionSession
from tests.api.api_requests import nothing_changes, refused, refused_fields
from tests.conftest import SESSIONS, make_released
from tests.movespecs.writing import make_movespec


def same(first, again):
    """`again` repeats `first` byte for byte and says so."""
    assert (first.status_code, again.status_code) == (201, 201)
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.content == first.content


@pytest.fixture
def create(owner, movespec):
    """A create by the owner with the key `k`."""
    return lambda key="k", **more: owner.create_session(movespec, idempotency_key=key, **more)


# The form of a key


def test_a_key_is_the_same_bare_and_quoted(create):
    for bare, quoted in (
        ("k" * 255, '"' + "k" * 255 + '"'),
        ("!#$%&'()*+,-./09:;<=>?@AZ[]^_`az{|}~", '"!#$%&\'()*+,-./09:;<=>?@AZ[]^_`az{|}~"'),
        ('a"b', r'"a\"b"'),
        ('\\"' * 127, '"' + r"\\\"" * 127 + '"'),
    ):
        same(create(bare), create(quoted))
        assert DetectionSession.objects.filter(idempotency_key=bare).count() == 1


def test_another_form_is_refused(owner, movespec):
    body = {
        "mode": "live",
        "project_id": str(owner.project.id),
        "movespec_id": str(movespec.id),
    }
    for key in (
        "", '""', "a b", '" a"', "k" * 256, f'"{"k" * 256}"', '"k', '"a"b"', '"k";x=1', r'"a\b"',
        "tab\tbed", "nul\x00", "caf\u00e9",
    ):  # fmt: skip
        with nothing_changes():
            response = owner.post(SESSIONS, body, idempotency_key=key)
        refused(response, 422, "idempotency_key_invalid")


# Replay


def test_the_same_request_gets_the_first_answer_again(create):
    first = create()
    with nothing_changes():
        same(first, create())
        same(first, create())


def test_the_same_request_in_other_words_is_the_same(owner, movespec, create):
    first = create()
    for body in (
        {"contract_major": 1},
        {"movespec_version_id": None},
        {"movespec_id": str(movespec.id).upper(), "project_id": owner.project.id.hex},
        {"unknown": "field"},
    ):
        with nothing_changes():
            same(first, create(**body))


def test_another_request_is_refused(owner, movespec, create):
    create()
    other, _ = make_released(owner.project)
    with nothing_changes():
        for body in (
            {"mode": "replay"},
            {"movespec_id": str(other.id)},
            {"movespec_version_id": str(movespec.current_released_version_id)},
            {"movespec_id": None, "movespec_version_id": str(other.current_released_version_id)},
            {"movespec_id": None, "movement": "catalogue/squat"},
            {"target": {"repetitions": 10}},
            # It would be 404 by itself: the key is looked at first.
            {"movespec_id": str(owner.project.id)},
        ):
            refused(create(**body), 422, "idempotency_key_reused")


def test_what_comes_before_the_key_is_refused_first(peer, create):
    create()
    with nothing_changes():
        refused_fields(create(mode="film"), "mode")
        refused(create(project_id=str(peer.project.id)), 403, "project_mismatch")
        refused(
            create(contract_major=2),
            409,
            "contract_version_unsupported",
            supported_contract_major=1,
        )


# Whose key it is


def test_a_key_belongs_to_its_project(owner, peer, outsider, create):
    create()
    for machine in (peer, outsider):
        movespec, _ = make_released(machine.project)
        response = machine.create_session(movespec, idempotency_key="k")
        assert response.status_code == 201
        assert "Idempotent-Replayed" not in response.headers
        same(response, machine.create_session(movespec, idempotency_key="k"))
    assert DetectionSession.objects.filter(idempotency_key="k").count() == 3


# What frees a key


def test_a_refused_create_leaves_its_key_free(owner, peer, movespec, create):
    unreleased = make_movespec(owner.project)
    foreign, _ = make_released(peer.project, visibility="public")
    with nothing_changes():
        for body, code in (
            ({"mode": "film"}, "validation_error"),
            ({"project_id": str(peer.project.id)}, "project_mismatch"),
            ({"contract_major": 2}, "contract_version_unsupported"),
            ({"movespec_id": str(peer.project.id)}, "not_found"),
            ({"movespec_id": str(unreleased.id)}, "movespec_not_released"),
            ({"movespec_id": str(foreign.id)}, "movespec_fork_required"),
        ):
            assert create(**body).json()["error"]["code"] == code
    first = create(mode="replay")
    same(first, create(mode="replay"))
    assert DetectionSession.objects.count() == 1


def test_a_crashed_create_leaves_its_key_free(create, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr("sessions_app.views.session_admit", lambda **_: 1 / 0)
        refused(create(), 500, "internal_error")
    first = create(mode="replay")
    same(first, create(mode="replay"))


def test_a_suspended_project_gets_no_replay(owner, create):
    first = create()
    Project.objects.filter(id=owner.project.id).update(suspended_at=timezone.now())
    with nothing_changes():
        refused(create(), 403, "project_suspended")
    Project.objects.filter(id=owner.project.id).update(suspended_at=None)
    same(first, create())
