"""Acts on webhooks that wait for a deletion find it done, and bring nothing back."""

import psycopg
import pytest
from django.db import transaction
from racing import racing, waiting_backends

from kynaplatform import clock
from movespecs.models import MoveSpec
from sessions_app.lifecycle import sessions_remove
from sessions_app.models import DetectionSession
from tests.admin.session_rows import make_session
from tests.conftest import Machine
from tests.server import test_database_url as database_url
from tests.waiting import eventually
from tests.webhooks.endpoint import make_delivery, make_endpoint
from webhooks import outcomes
from webhooks.claims import Claim, deliveries_claim
from webhooks.endpoints import endpoint_delete
from webhooks.models import WebhookDelivery
from webhooks.outcomes import Outcome, outcomes_record

pytestmark = pytest.mark.django_db(transaction=True)


def outcome_of(claim: Claim) -> Outcome:
    return Outcome(claim=claim, body="{}", tried_at=clock.now(), duration_ms=1, response_status=200)


def test_a_secret_that_is_rotated_during_a_delete_is_not_found(owner: Machine) -> None:
    endpoint = make_endpoint(owner.project)
    path = f"/api/webhooks/{endpoint.id}/rotate-secret"
    with racing([lambda: owner.post(path)]) as rotation:
        with transaction.atomic():
            endpoint_delete(endpoint=endpoint, now=clock.now())
            rotation.start()
            eventually(lambda: waiting_backends() == 1, "the rotation waits")
        [response] = rotation.results()
    assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")
    endpoint.refresh_from_db()
    assert bytes(endpoint.encrypted_secret) == b""


def test_a_redelivery_that_waits_for_a_deletion_is_refused(
    owner: Machine, movespec: MoveSpec
) -> None:
    session = DetectionSession.objects.get(id=make_session(movespec))
    endpoint = make_endpoint(owner.project)
    one = make_delivery(
        endpoint, type="session.completed", session_id=session.id, sequence=2, status="failed"
    )
    path = f"/api/webhooks/{endpoint.id}/deliveries/{one.id}/redeliver"
    with racing([lambda: owner.post(path)]) as redelivery:
        with transaction.atomic():
            sessions_remove([session.id])
            redelivery.start()
            eventually(lambda: waiting_backends() == 1, "the redelivery waits")
        [response] = redelivery.results()
    assert response.status_code == 409
    found = WebhookDelivery.objects.get(id=one.id)
    assert (found.status, found.data) == ("failed", None)


def test_a_deletion_waits_for_a_claim_and_for_what_it_sends(
    owner: Machine, movespec: MoveSpec
) -> None:
    session = DetectionSession.objects.get(id=make_session(movespec))
    endpoint = make_endpoint(owner.project)
    one = make_delivery(endpoint, type="session.completed", session_id=session.id, sequence=2)
    with racing([lambda: sessions_remove([session.id])]) as removal:
        with transaction.atomic():
            [claim] = deliveries_claim(free={}, under_way={}, now=clock.now())
            assert claim.id == one.id
            one.refresh_from_db()
            removal.start()
            eventually(lambda: waiting_backends() == 1, "the deletion waits")
        removal.results()
    assert WebhookDelivery.objects.get(type="sessions.deleted").due_at == one.due_at


def test_outcomes_are_locked_in_the_order_in_which_a_deletion_locks_them(
    owner: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "LOCK_TIMEOUT", "0")
    endpoint = make_endpoint(owner.project)
    for _ in range(8):
        make_delivery(endpoint)
    claims = deliveries_claim(free={}, under_way={}, now=clock.now())
    ended = [outcome_of(claim) for claim in sorted(claims, reverse=True)]
    first, *others = (str(claim.id) for claim in sorted(claims))
    locks = "SELECT FROM webhook_delivery WHERE id = ANY (%s) FOR NO KEY UPDATE NOWAIT"
    with (
        psycopg.connect(database_url()) as deletion,
        racing([lambda: outcomes_record(ended, now=clock.now())]) as record,
    ):
        deletion.execute(locks, [[first]])
        record.start()
        eventually(lambda: waiting_backends() == 1, "the outcomes wait")
        deletion.execute(locks, [others])
        deletion.commit()
        assert record.results() == [[]]
    assert WebhookDelivery.objects.filter(status="delivered").count() == 8
