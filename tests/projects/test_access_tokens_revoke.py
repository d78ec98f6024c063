"""POST /api/auth/access-tokens/{token_id}/revoke"""

import uuid
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from kynaplatform import clock
from projects.models import AccessToken
from sessions_app.models import DetectionSession
from tests.api.api_requests import ask, nothing_changes, refused
from tests.conftest import SESSIONS, TOKENS, mint


def newest_token_id():
    return AccessToken.objects.order_by("-created_at").first().id


def test_it_revokes_a_token_from_now_on(owner, monkeypatch):
    token = mint(owner.credential)
    id_ = newest_token_id()
    assert ask("GET", SESSIONS, token=token).status_code == 200
    now = timezone.now()
    monkeypatch.setattr(clock, "now", lambda *_: now)
    response = owner.post(f"{TOKENS}/{id_}/revoke")
    assert response.status_code == 200
    assert response.json() == {
        **owner.get(f"{TOKENS}/{id_}").json(),
        "revoked_at": now.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    }
    refused(ask("GET", SESSIONS, token=token), 401, "access_token_invalid")
    assert AccessToken.objects.get(id=id_).revoked_at == now
    assert AccessToken.objects.filter(revoked_at__isnull=False).count() == 1
    assert owner.get(SESSIONS).status_code == 200


def test_again_it_gives_the_same_answer(owner, monkeypatch):
    mint(owner.credential)
    id_ = newest_token_id()
    first = owner.post(f"{TOKENS}/{id_}/revoke")
    later = timezone.now() + timedelta(seconds=30)
    monkeypatch.setattr(clock, "now", lambda *_: later)
    with nothing_changes():
        again = owner.post(f"{TOKENS}/{id_}/revoke")
    assert (again.status_code, again.content) == (200, first.content)


def test_a_token_can_revoke_itself(owner):
    id_ = AccessToken.objects.get().id
    assert owner.post(f"{TOKENS}/{id_}/revoke").status_code == 200
    refused(owner.post(f"{TOKENS}/{id_}/revoke"), 401, "access_token_invalid")


def test_it_leaves_sessions_alone(owner, movespec):
    session_id = owner.create_session(movespec).json()["session_id"]
    before = DetectionSession.objects.values().get(id=session_id)
    other = mint(owner.credential)
    id_ = AccessToken.objects.order_by("created_at").first().id
    assert ask("POST", f"{TOKENS}/{id_}/revoke", token=other).status_code == 200
    assert DetectionSession.objects.values().get(id=session_id) == before


def test_it_does_not_touch_another_projects_token(owner, peer, outsider):
    for machine in (peer, outsider):
        id_ = AccessToken.objects.get(project=machine.project).id
        with nothing_changes():
            refused(owner.post(f"{TOKENS}/{id_}/revoke"), 404, "not_found", resource="access_token")
        assert machine.get(SESSIONS).status_code == 200


def test_it_does_not_know_a_token_that_does_not_exist(owner):
    with nothing_changes():
        for id_ in (uuid.uuid4(), "no-uuid", datetime(2100, 1, 1, tzinfo=UTC).year):
            refused(owner.post(f"{TOKENS}/{id_}/revoke"), 404, "not_found", resource="access_token")
