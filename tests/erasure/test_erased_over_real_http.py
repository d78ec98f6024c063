"""Nothing is left of a person in any table, in the processes' logs or in what webhooks keep."""

import json
import logging
from datetime import timedelta

from django.contrib.auth.models import User

from dev.poses.figure import perform
from erasure.tasks import erasures_go_on
from kynaplatform import clock
from sessions_app.models import DetectionEvent, DetectionSession
from tests.admin.staffing import client_of, do
from tests.concurrency.racing import Connection, session_body
from tests.conftest import SESSIONS
from tests.erasure.people import ANNA, BEN
from tests.realtime.streaming import Client, wire_frames
from tests.test_secrets_nowhere import every_cell
from tests.waiting import eventually
from tests.webhooks.endpoint import make_endpoint
from tests.webhooks.receiver import receiving, sending
from webhooks.models import WebhookDelivery

WARD = "ward of anna 7351"
FRAMES = wire_frames(list(perform("squat", repetitions=1, fps=30)))
# What is told and kept of a session that is gone: its id alone (docs/privacy.md).
WITH_THE_ID = {
    "erased_session.id",
    "webhook_delivery.session_id",
    # Of `session.deleted` and `sessions.deleted`.
    "webhook_delivery.body",
}
OF_A_BATCH = WITH_THE_ID | {"webhook_delivery.data"}


def held_of(*texts: str) -> dict[str, set[str]]:
    """Text → the columns that hold it."""
    found: dict[str, set[str]] = {text: set() for text in texts}
    for column, value in every_cell():
        for text in texts:
            if text.encode() in value:
                found[text].add(column)
    return found


def streamed(created: dict, runtime_url: str) -> None:
    """To its end, by a real runtime."""
    client = Client({**created, "stream_url": f"{runtime_url}/{created['session_id']}"})
    client.expect("session_update")
    client.send_batch(1, FRAMES[:200])
    client.until("frame_ack")
    client.send({"type": "finalize"})
    assert client.to_the_end() == 1000


def test_nothing_is_left_of_a_person(owner, movespec, web, runtime, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    http = Connection(web.base_url)
    with receiving() as receiver:
        make_endpoint(owner.project, url=receiver.url)

        def create(subject: str, ward: str) -> dict:
            body = {**session_body(owner, movespec), "subject": subject, "metadata": {"w": ward}}
            answer = http.create(owner, **body)
            assert answer.status == 201
            return answer.json()

        anna, deleted, live, ben = (
            *(create(ANNA, WARD) for _ in range(3)),
            create(BEN, "another ward"),
        )
        for one in (anna, deleted, ben):
            streamed(one, runtime.url)
        staff = client_of(User.objects.create_superuser("ada"))
        do(staff, DetectionSession.objects.get(id=live["session_id"]), "cancel", "Anna called")
        for path in (f"{SESSIONS}?subject={ANNA}", f"{SESSIONS}/{anna['session_id']}/events"):
            assert http.call("GET", path, token=owner.token).status == 200
        with sending():
            eventually(lambda: len(receiver.received) == 7, "each start and each end is told")
        ids = [one["session_id"] for one in (anna, deleted, live)]
        before = held_of(ANNA, WARD, "Anna called", *ids)
        assert before[ANNA] == {"detection_session.subject", "webhook_delivery.body"}
        assert before[WARD] == {"detection_session.metadata", "webhook_delivery.body"}
        assert before["Anna called"] == {"django_admin_log.change_message"}
        for id_ in ids:
            assert {"detection_session.id", "django_admin_log.object_id"} & before[id_]
        assert DetectionEvent.objects.filter(session_id__in=ids).count() > 4

        path = f"{SESSIONS}/{deleted['session_id']}"
        assert http.call("DELETE", path, token=owner.token).status == 204
        asked = http.call("POST", "/api/subjects/erase", {"subject": ANNA}, owner.token)
        assert (asked.status, asked.json()) == (202, {"sessions": 2})
        later = clock.now() + timedelta(minutes=2)
        assert erasures_go_on(now=later) == 2
        erasures_go_on(now=later)
        with sending():
            eventually(lambda: len(receiver.received) == 9, "each that went is told")
    told = {
        one["type"]: one["data"] for one in (json.loads(one.body) for one in receiver.received[7:])
    }
    assert sorted(told) == ["session.deleted", "sessions.deleted"]
    assert told["session.deleted"] == {"session_id": deleted["session_id"]}
    assert {*told["sessions.deleted"]["session_ids"]} == {*ids} - {deleted["session_id"]}
    assert WebhookDelivery.objects.filter(status="waiting").count() == 0

    after = held_of(ANNA, WARD, "Anna called", *ids)
    assert after[ANNA] == after[WARD] == after["Anna called"] == set()
    for id_ in ids:
        assert after[id_] == (WITH_THE_ID if id_ == deleted["session_id"] else OF_A_BATCH)
    assert not DetectionEvent.objects.filter(session_id__in=ids).exists()
    bodies = WebhookDelivery.objects.filter(session_id__in=ids, body__isnull=False)
    assert {*bodies.values_list("type", flat=True)} == {"session.deleted"}
    # What is another's is all there.
    of_ben = held_of(BEN)[BEN]
    assert of_ben == {"detection_session.subject", "webhook_delivery.body"}
    assert DetectionEvent.objects.filter(session_id=ben["session_id"]).count() > 2

    logs = [caplog.text, *(log.read_text() for log in (web.log, runtime.log))]
    for log in logs:
        for text in (ANNA, BEN, WARD, "Anna called"):
            assert text not in log
    # They have the ids: that they were read at all.
    assert anna["session_id"] in logs[1]
