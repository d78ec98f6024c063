"""Messages are written in the transaction of what they tell, whoever changes that."""

import json
from copy import copy
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kynaplatform import clock
from movespecs.models import PLATFORM, MoveSpec
from movespecs.releases import version_release, version_withdraw
from projects.models import suspend
from sessions_app.lifecycle import session_erase, sessions_remove
from sessions_app.models import DetectionSession
from tests.conftest import MOVESPECS, SESSIONS, VALID_YAML, Machine, make_version
from tests.sessions_app.lifecycle_scene import Scene, at, sweep
from tests.webhooks.endpoint import body_of, make_delivery, make_endpoint, told
from webhooks.claims import CLAIM
from webhooks.models import WebhookDelivery, WebhookEndpoint

LATE = 100_000
STARTED = ("session.started", 1)


@pytest.fixture
def scene(owner: Machine, movespec: MoveSpec) -> Scene:
    return Scene(owner, movespec)


@pytest.fixture
def endpoint(owner: Machine, movespec: MoveSpec) -> WebhookEndpoint:
    """Of every type, made once the MoveSpec was released."""
    return make_endpoint(owner.project)


def cancel(scene: Scene) -> None:
    scene.cancel(scene.streaming()[0], 1)


def suspend_project(scene: Scene) -> None:
    scene.streaming()
    suspend(scene.machine.project, now=at(1))


def suspend_organization(scene: Scene) -> None:
    scene.created()
    suspend(scene.machine.organization, now=at(1))


@pytest.mark.parametrize(
    ("end", "messages"),
    [
        (lambda scene: (scene.created(), sweep(LATE)), [("session.cancelled", 2)]),
        (lambda scene: (scene.streaming(), sweep(LATE)), [STARTED, ("session.failed", 2)]),
        (cancel, [STARTED, ("session.cancelled", 2)]),
        (lambda scene: scene.finish(*scene.finalizing(), 1), [STARTED, ("session.completed", 2)]),
        (lambda scene: scene.finalize(scene.created(), 1), [("session.completed", 2)]),
        (lambda scene: scene.fail(*scene.streaming(), 1), [STARTED, ("session.failed", 2)]),
        (suspend_project, [STARTED, ("session.cancelled", 2)]),
        (suspend_organization, [("session.cancelled", 2)]),
    ],
)
def test_it_tells_of_each_way_that_a_session_goes(scene, endpoint, end, messages):
    end(scene)
    assert told(endpoint) == messages


def test_the_data_is_the_record_as_it_is_read(owner, scene, endpoint):
    session_id, attachment_id = scene.streaming()
    scene.checkpoint(session_id, attachment_id, 1, 2, frames=7)
    scene.cancel(session_id, 3)
    body = json.loads(body_of(endpoint, "session.cancelled"))
    record = owner.get(f"{SESSIONS}/{session_id}").json()
    assert body == {
        "type": "session.cancelled",
        "timestamp": record["ended_at"],
        "sequence": 2,
        "data": record,
    }
    assert record["accepted_frames_total"] == 7


def test_a_start_is_told_as_it_was_then_however_late_it_is_sent(owner, scene, endpoint):
    session_id = scene.created()
    attachment_id = scene.attach(session_id, 5)
    then = owner.get(f"{SESSIONS}/{session_id}")
    before = body_of(endpoint, "session.started")
    scene.checkpoint(session_id, attachment_id, 1, 6, frames=7)
    scene.cancel(session_id, 7)
    assert body_of(endpoint, "session.started") == before
    body = json.loads(before)
    assert body["data"]["status"] == "streaming"
    assert body["timestamp"] == body["data"]["started_at"] == "2031-05-01T12:00:05Z"
    assert list(body["data"]) == list(then.json())


def test_it_writes_only_to_endpoints_that_want_the_type(owner, outsider, scene):
    wanted = make_endpoint(owner.project, "session.cancelled", "session.failed")
    other = make_endpoint(owner.project, "session.completed")
    disabled = make_endpoint(owner.project, disabled_at=at(0), disabled_reason="client")
    deleted = make_endpoint(owner.project, deleted_at=at(0))
    foreign = make_endpoint(outsider.project)
    cancel(scene)
    assert told(wanted) == [("session.cancelled", 2)]
    assert [told(one) for one in (other, disabled, deleted, foreign)] == [[], [], [], []]


def test_it_tells_of_releases_and_withdrawals(owner, movespec, endpoint):
    first_id, now = movespec.current_released_version_id, clock.now()
    second = make_version(movespec.id, VALID_YAML + "# second\n")
    release = {"movespec_id": movespec.id, "author": PLATFORM, "now": now}
    version_release(version_id=second.id, **release)
    version_release(version_id=second.id, **release)  # again, which changes nothing
    version_withdraw(version_id=second.id, replacement_id=first_id, **release)
    assert sorted(told(endpoint)) == [
        ("movespec.released", None),
        ("movespec.released", None),
        ("movespec.version_withdrawn", None),
    ]
    body = json.loads(body_of(endpoint, "movespec.version_withdrawn"))
    assert body["data"] == {
        "movespec_id": str(movespec.id),
        "organization_id": str(owner.organization.id),
        "project_id": str(owner.project.id),
        "name": "Squat",
        "movespec_version_id": str(second.id),
        "version_number": 2,
    }
    released = WebhookDelivery.objects.filter(type="movespec.released").order_by("created_at")
    assert [one.data["version_number"] for one in released] == [2, 1]


def test_a_deleted_session_takes_what_was_told_of_it_along(scene, endpoint):
    cancel(scene)
    session = DetectionSession.objects.get()
    WebhookDelivery.objects.filter(type="session.started").update(
        status="delivered", body="{}", response_body="thanks"
    )
    session.attaches.all().delete()
    session_id = session.id
    session.delete()
    rows = WebhookDelivery.objects.order_by("sequence")
    assert [(one.type, one.status, one.body, one.data, one.response_body) for one in rows] == [
        ("session.started", "delivered", None, None, None),
        ("session.cancelled", "failed", None, None, None),
        ("session.deleted", "waiting", None, None, None),
    ]
    body = json.loads(body_of(endpoint, "session.deleted"))
    assert (body["data"], body["sequence"]) == ({"session_id": str(session_id)}, 3)


def test_a_deletion_is_told_once_what_is_on_the_wire_has_ended(scene, endpoint):
    """By then the receiver has answered it, or it was given up."""
    slow = endpoint
    fast = make_endpoint(slow.project)
    cancel(scene)
    ends_at = clock.now() + CLAIM
    on_the_wire = WebhookDelivery.objects.filter(endpoint=slow, type="session.cancelled")
    on_the_wire.update(claim_id=uuid4(), due_at=ends_at)
    sessions_remove([DetectionSession.objects.get().id], is_single=True)
    due = dict(
        WebhookDelivery.objects.filter(type="session.deleted").values_list("endpoint_id", "due_at")
    )
    assert due[slow.id] == ends_at
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        assert (due[fast.id],) < cursor.fetchone()
    left = on_the_wire.get()
    assert (left.status, left.claim_id, left.data) == ("failed", None, None)


def ended_sessions(scene: Scene, number: int) -> list[UUID]:
    """So many, in the order of their ids."""
    scene.cancel(scene.created(), 1)
    row = DetectionSession.objects.get()
    copies = []
    for _ in range(number - 1):
        copies.append(copy(row))
        copies[-1].id = uuid4()
    DetectionSession.objects.bulk_create(copies)
    return sorted(DetectionSession.objects.values_list("id", flat=True))


def of_deletions() -> list[tuple[UUID, str, UUID | None, int | None, object]]:
    rows = WebhookDelivery.objects.filter(type__endswith=".deleted").order_by("endpoint_id", "id")
    return [*rows.values_list("endpoint_id", "type", "session_id", "sequence", "data")]


def test_a_batch_of_deletions_is_one_message_to_each_endpoint(owner, scene, endpoint):
    endpoints = [endpoint, *(make_endpoint(owner.project) for _ in range(15))]
    ids = ended_sessions(scene, 40)
    assert sessions_remove(ids) == ids
    data = {"session_ids": [str(one) for one in ids]}
    assert of_deletions() == [
        (id_, "sessions.deleted", None, None, data) for id_ in sorted(one.id for one in endpoints)
    ]
    body = json.loads(body_of(endpoint, "sessions.deleted"))
    assert (body["type"], body["sequence"], body["data"]) == ("sessions.deleted", None, data)
    # What was told of the one before holds nothing any more.
    assert {*WebhookDelivery.objects.exclude(type="sessions.deleted").values_list(
        "status", "data"
    )} == {("failed", None)}  # fmt: skip


def test_a_batch_of_one_is_a_batch_and_a_deletion_by_itself_is_none(owner, scene, endpoint):
    first, second, third = ended_sessions(scene, 3)
    sessions_remove([first])
    session_erase(session_id=second, project_id=owner.project.id, now=clock.now())
    # As code does that says nothing of batches.
    DetectionSession.objects.filter(id=third)._raw_delete("default")
    assert told(endpoint)[1:] == [
        ("sessions.deleted", None),
        ("session.deleted", 3),
        ("session.deleted", 3),
    ]


def test_a_message_has_at_most_500_ids_and_those_of_one_project(owner, peer, scene, endpoint):
    other = make_endpoint(peer.project)
    ids = ended_sessions(scene, 502)
    DetectionSession.objects.filter(id=ids[0]).update(project=peer.project)
    DetectionSession.objects.all()._raw_delete("default")
    rows = WebhookDelivery.objects.filter(type="sessions.deleted", endpoint=endpoint)
    told_ids = sorted((one.data["session_ids"] for one in rows), key=len)
    assert told_ids == [[str(ids[501])], [str(one) for one in ids[1:501]]]
    [of_other] = WebhookDelivery.objects.filter(endpoint=other)
    assert of_other.data == {"session_ids": [str(ids[0])]}


@pytest.mark.parametrize("type_", ["session.deleted", "sessions.deleted"])
def test_who_wants_one_of_the_two_gets_both(owner, scene, type_):
    wanted = make_endpoint(owner.project, type_)
    make_endpoint(owner.project, "session.cancelled")
    first, *others = ended_sessions(scene, 3)
    sessions_remove(others)
    session_erase(session_id=first, project_id=owner.project.id, now=clock.now())
    assert [(id_, one) for id_, one, *_ in of_deletions()] == [
        (wanted.id, "sessions.deleted"),
        (wanted.id, "session.deleted"),
    ]


def test_creates_and_checkpoints_run_no_statement_more(owner, movespec, scene):
    session_id, attachment_id = scene.streaming()

    def statements() -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            assert owner.create_session(movespec).status_code == 201
        number = DetectionSession.objects.get(id=session_id).checkpoint_number + 1
        with CaptureQueriesContext(connection) as of_checkpoint:
            scene.checkpoint(session_id, attachment_id, number, 2)
        return [query["sql"].split(" ")[0] for query in (*queries, *of_checkpoint)]

    statements()
    without = statements()
    endpoint = make_endpoint(owner.project)
    assert statements() == without
    assert told(endpoint) == []


def request_ids(endpoint: WebhookEndpoint) -> dict[str, str | None]:
    rows = WebhookDelivery.objects.filter(endpoint=endpoint)
    return dict(rows.values_list("type", "request_id"))


@pytest.mark.django_db(transaction=True)
def test_a_message_has_the_id_of_the_request_that_caused_it(owner, movespec, endpoint):
    """And of no other: it is gone with the request's transaction, on the same connection."""
    first, second = (owner.create_session(movespec).json()["session_id"] for _ in range(2))
    owner.post(f"{SESSIONS}/{first}/cancel", x_request_id="cancel-1")
    owner.call("DELETE", f"{SESSIONS}/{first}", x_request_id="delete-1")
    version = make_version(movespec.id, VALID_YAML + "# second\n")
    release = f"{MOVESPECS}/{movespec.id}/versions/{version.id}/release"
    assert owner.post(release, x_request_id="release-1").status_code == 200
    owner.post(f"/api/webhooks/{endpoint.id}/test", x_request_id="test-1")
    assert request_ids(endpoint) == {
        "session.cancelled": "cancel-1",
        "session.deleted": "delete-1",
        "movespec.released": "release-1",
        "webhook.test": "test-1",
    }
    answered = owner.post(f"{SESSIONS}/{second}/finalize").headers["X-Request-ID"]
    [last] = WebhookDelivery.objects.filter(type="session.completed")
    assert last.request_id == answered
    shown = owner.get(f"/api/webhooks/{endpoint.id}/deliveries").json()
    assert [one["request_id"] for one in shown] == [
        answered, "test-1", "release-1", "delete-1", "cancel-1",
    ]  # fmt: skip
    assert make_delivery(endpoint).request_id is None
