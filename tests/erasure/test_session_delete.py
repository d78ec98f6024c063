"""DELETE /api/detection/sessions/{session_id}"""

import uuid

import pytest

from erasure.models import ErasedSession
from kynaplatform import clock
from sessions_app.lifecycle import sessions_erase
from tests.api.api_requests import nothing_changes, refused
from tests.conftest import SESSIONS, Machine
from tests.erasure.people import ANNA, counted, created, left
from tests.sessions_app.lifecycle_scene import at
from tests.webhooks.endpoint import make_endpoint
from webhooks.models import WebhookDelivery

pytestmark = pytest.mark.django_db


def delete(machine: Machine, session_id: object, token: str | None = None):
    return machine.call("DELETE", f"{SESSIONS}/{session_id}", token=token)


def test_the_ledger_has_what_was_erased_and_not_what_was_asked_for(scene):
    ended, live = counted(scene, ANNA), created(scene, ANNA)
    assert sessions_erase([live, ended, uuid.uuid4()], now=at(500)) == 1
    assert [*ErasedSession.objects.values_list("id", flat=True)] == [ended]
    assert live in left()


def test_it_erases_the_session_and_frees_its_key(owner, movespec, scene):
    make_endpoint(owner.project)
    body = {"subject": ANNA, "metadata": {"ward": "knee"}}
    first = owner.create_session(movespec, idempotency_key="order-7", **body).json()["session_id"]
    owner.post(f"{SESSIONS}/{first}/cancel")
    WebhookDelivery.objects.update(status="delivered", body=f"of {ANNA}", response_body=ANNA)
    kept = counted(scene, ANNA)
    before = clock.now()
    response = delete(owner, first)
    assert (response.status_code, response.content) == (204, b"")
    assert left() == {kept}
    ledger = ErasedSession.objects.get()
    assert str(ledger.id) == first
    assert before <= ledger.erased_at <= clock.now()
    of_first = WebhookDelivery.objects.filter(session_id=first).order_by("sequence")
    assert [(one.type, one.body, one.data, one.response_body) for one in of_first] == [
        ("session.cancelled", None, None, None),
        ("session.deleted", None, None, None),
    ]
    for path in (f"{SESSIONS}/{first}", f"{SESSIONS}/{first}/events"):
        refused(owner.get(path), 404, "not_found", resource="session")
    for action in ("finalize", "cancel"):
        response = owner.post(f"{SESSIONS}/{first}/{action}")
        refused(response, 404, "not_found", resource="session")
    again = owner.create_session(movespec, idempotency_key="order-7", **body)
    assert again.json()["session_id"] != first
    assert "Idempotent-Replayed" not in again.headers


def test_it_refuses_one_that_has_not_ended(owner, scene):
    now = (clock.now() - at(0)).total_seconds()
    for session_id in (scene.created(now), scene.streaming(now)[0], scene.finalizing(now)[0]):
        with nothing_changes():
            error = refused(delete(owner, session_id), 409, "conflict")
        assert error["message"] == "The session has not ended: finalize or cancel it first."


def test_another_projects_session_is_not_there(owner, peer, outsider, scene):
    session_id = counted(scene, ANNA)
    for machine in (peer, outsider):
        with nothing_changes():
            refused(delete(machine, session_id), 404, "not_found", resource="session")
    with nothing_changes():
        refused(delete(owner, uuid.uuid4()), 404, "not_found", resource="session")
