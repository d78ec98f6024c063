"""GET /api/detection/sessions/{session_id}/movement, with the session's runtime token"""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kynaplatform import clock
from movespecs.movement import angle_settings
from projects.models import suspend
from sessions_app.models import DetectionSession
from tests.api.api_requests import ask, limited, nothing_changes, refused
from tests.conftest import SESSIONS, make_released

SPOKEN = """\
name: squat
version: "1"
detection:
  type: repetition
  parameters: {depth: {default: 100, min: 80, max: 120}}
  setup: {visible: lower_body, view: side}
  movement:
    name: squat
    phases:
      - {name: standing, criteria: [{joint: knee, angle_min: 160}]}
      - {name: bottom, criteria: [{joint: knee, angle_min: 60, angle_max: $depth}]}
    sequence: [standing, bottom, standing]
    feedback:
      - {when: bottom, level: coaching, message: {en: Go lower., de: Tiefer.}}
"""


@pytest.fixture
def created(owner):
    spoken, _ = make_released(owner.project, SPOKEN)
    context = {"locale": "de-AT", "parameters": {"depth": 90}, "target": {"repetitions": 3}}
    return owner.create_session(spoken, **context).json()


def movement(created, token=None):
    path = f"{SESSIONS}/{created['session_id']}/movement"
    return ask("GET", path, token=token or created["runtime_token"])


@pytest.mark.django_db
def test_it_shows_the_movement_that_the_session_counts(created):
    with CaptureQueriesContext(connection) as captured:
        answer = movement(created)
    assert answer.status_code == 200, answer.content
    assert answer.json() == {
        "session_id": created["session_id"],
        "project_id": created["project_id"],
        "status": "created",
        "name": "Squat",
        "event_key": "squat",
        "phases": ["standing", "bottom"],
        "hold_ms": None,
        "setup": {"view": "side", "visible": answer.json()["setup"]["visible"]},
        "angle": {
            "measure": "knee",
            "label": "knee",
            "landmarks": [[23, 25, 27], [24, 26, 28]],
            "bands": [
                {"phase": "standing", "min": 160.0, "max": 180.0},
                {"phase": "bottom", "min": 60.0, "max": 90.0},
            ],
        },
        "labels": {
            "detection.movement.phases[0].criteria[0]": "knee",
            "detection.movement.phases[1].criteria[0]": "knee",
        },
        "target": {"repetitions": 3},
        "cues": {"en": ["Go lower."], "de": ["Tiefer."]},
        "language": "de",
        "angle_settings": angle_settings(),
        "stream_url": created["stream_url"],
    }
    assert {"left_knee", "right_ankle"} <= {*answer.json()["setup"]["visible"]}
    assert len(captured) == 2  # the token's session and the path's; the create read the version


@pytest.mark.django_db
def test_it_is_read_after_the_end_too_and_without_languages(owner, movespec):
    created = owner.create_session(movespec).json()
    owner.post(f"{SESSIONS}/{created['session_id']}/cancel")
    told = movement(created).json()
    assert (told["cues"], told["language"], told["target"]) == ({"und": []}, None, None)
    assert told["status"] == "cancelled"


@pytest.mark.django_db
def test_a_message_in_one_language_is_in_that_of_the_locale(owner):
    plain, _ = make_released(
        owner.project, SPOKEN.replace("{en: Go lower., de: Tiefer.}", "Tiefer.")
    )
    created = owner.create_session(plain, locale="de-AT").json()
    told = movement(created).json()
    assert (told["cues"], told["language"]) == ({"und": ["Tiefer."]}, "de-AT")


@pytest.mark.django_db
def test_it_takes_the_runtime_token_of_that_session_alone(owner, movespec, created):
    other = owner.create_session(movespec).json()
    path = f"{SESSIONS}/{created['session_id']}/movement"
    with nothing_changes():
        refused(ask("GET", path), 401, "runtime_token_missing")
        refused(movement(created, "kyna-garbage"), 401, "runtime_token_invalid")
        error = refused(movement(created, owner.token), 401, "runtime_token_invalid")
        refused(movement(created, other["runtime_token"]), 404, "not_found", resource="session")
    assert "an access token" in error["message"]


@pytest.mark.django_db
def test_a_runtime_token_opens_nothing_else(owner, created):
    token = created["runtime_token"]
    for path in ("", "/events"):
        answer = ask("GET", f"{SESSIONS}/{created['session_id']}{path}", token=token)
        refused(answer, 401, "access_token_invalid")


@pytest.mark.django_db
def test_a_token_that_has_expired_and_one_of_a_deleted_session_are_refused(
    owner, created, monkeypatch
):
    owner.post(f"{SESSIONS}/{created['session_id']}/cancel")
    later = clock.now() + timedelta(hours=2)
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", lambda *_: later)
        refused(movement(created), 401, "runtime_token_expired")
    DetectionSession.objects.filter(id=created["session_id"]).delete()
    refused(movement(created), 401, "runtime_token_invalid")


@pytest.mark.django_db
def test_a_suspended_project_is_refused_and_bad_tokens_are_counted(owner, created, settings):
    suspend(owner.project, now=clock.now())
    refused(movement(created), 403, "project_suspended")
    settings.RATE_LIMIT_ANONYMOUS = 2
    for _ in range(2):
        refused(movement(created, "kyna-garbage"), 401, "runtime_token_invalid")
    limited(movement(created, "kyna-garbage"), "bad_bearer", 2, 60)


@pytest.mark.django_db
def test_it_counts_on_the_session_and_its_address_and_not_on_the_project(owner, created, settings):
    settings.RATE_LIMIT_PROJECT = 1
    settings.RATE_LIMIT_ANONYMOUS = 2
    path = f"{SESSIONS}/{created['session_id']}/movement"
    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.3"):
        answer = ask("GET", path, token=created["runtime_token"], address=address)
    limited(answer, "session", 2, 60)
