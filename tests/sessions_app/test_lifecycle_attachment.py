"""The fence, the checkpoint number, and deadlines that are never earlier than true."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connections, transaction
from lifecycle_scene import (
    GRACE,
    IDLE,
    LEASE,
    LONGEST,
    MARGIN,
    SLACK,
    START,
    Scene,
    at,
    sweep,
)
from plans import (
    FEW_PAGES,
    LIVE,
    MANY,
    add_sessions,
    executed,
    indexes_used,
    ordered,
    pages_read,
    prepared,
    run,
)

from movespecs.models import MoveSpec
from sessions_app import checkpoints
from sessions_app.checkpoints import AttachmentLost
from sessions_app.models import DetectionSession
from tests.conftest import Machine
from tests.waiting import DEADLINE_SECONDS

Write = Callable[[Scene, UUID, UUID], None]
WRITES: dict[str, Write] = {
    "checkpoint": lambda scene, session, holder: scene.checkpoint(session, holder, 2, 12),
    "finish": lambda scene, session, holder: scene.finish(session, holder, 12),
    "abandon": lambda scene, session, holder: scene.abandon(session, holder, -200, 12),
    "fail": lambda scene, session, holder: scene.fail(session, holder, 12),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=list(WRITES))
@pytest.mark.parametrize("finalize", [False, True])
def test_it_is_lost_by_the_older_of_two_attachments(
    scene: Scene, write: Write, finalize: bool
) -> None:
    session_id, older = scene.streaming()
    newer = scene.attach(session_id, 10)
    scene.checkpoint(session_id, newer, 1, 11)
    if finalize:
        scene.finalize(session_id, 11)
    before = scene.columns(session_id)
    with pytest.raises(AttachmentLost):
        write(scene, session_id, older)
    assert not scene.renew(session_id, older, 12)
    assert scene.columns(session_id) == before
    scene.checkpoint(session_id, newer, 2, 13)
    assert scene.row(session_id).accepted_frames_total == 20


def test_it_never_has_a_deadline_that_is_too_early(scene: Scene) -> None:
    """Messages come at any time; the deadline is written with the leases, every 10 s at most."""
    session_id, attachment_id = scene.streaming()
    written = heard = 0
    for number, gap in enumerate([3, 3, 3, 9, 1, 60, 2, 119, 5, 4, 30], start=1):
        heard += gap
        if heard - written >= MARGIN.seconds:
            scene.renew(session_id, attachment_id, heard)
            written = heard
        assert scene.row(session_id).deadline_at >= at(heard) + IDLE, number


def test_its_deadline_does_not_pass_before_the_next_renewal(scene: Scene) -> None:
    """What a client that was silent for long says then is written with it."""
    session_id, attachment_id = scene.streaming()
    scene.renew(session_id, attachment_id, 10, heard=10)
    scene.renew(session_id, attachment_id, 110, heard=10)
    assert scene.row(session_id).deadline_at == START + IDLE + SLACK
    scene.renew(session_id, attachment_id, 129, heard=11)
    assert scene.row(session_id).deadline_at == at(11) + IDLE + SLACK
    scene.renew(session_id, attachment_id, 138, heard=11)  # idle since 131
    assert scene.row(session_id).deadline_at == at(11) + IDLE + SLACK


def test_it_does_not_draw_the_deadline_back_for_an_older_message(scene: Scene) -> None:
    session_id, attachment_id = scene.streaming()
    scene.renew(session_id, attachment_id, 50)
    scene.checkpoint(session_id, attachment_id, 1, 51, heard=20)
    scene.renew(session_id, attachment_id, 52, heard=30)
    assert scene.row(session_id).deadline_at == at(50) + IDLE + SLACK


def test_it_never_has_a_deadline_beyond_the_longest_session(scene: Scene) -> None:
    session_id, attachment_id = scene.streaming()
    scene.keep_alive(session_id, attachment_id, until=3500)
    assert scene.row(session_id).deadline_at == START + LONGEST
    scene.checkpoint(session_id, attachment_id, 1, 3550)
    assert scene.row(session_id).deadline_at == START + LONGEST
    scene.attach(session_id, 3551)
    assert scene.row(session_id).deadline_at == START + LONGEST


@pytest.mark.parametrize("write", ["renew", "checkpoint", "attach"])
def test_it_gives_a_finalizing_session_30_s_beyond_its_lease(scene: Scene, write: str) -> None:
    session_id, attachment_id = scene.finalizing()
    match write:
        case "renew":
            assert scene.renew(session_id, attachment_id, 20)
        case "checkpoint":
            scene.checkpoint(session_id, attachment_id, 1, 20)
        case "attach":
            scene.attach(session_id, 20)
    row = scene.row(session_id)
    assert (row.status, row.lease_until) == ("finalizing", at(20) + LEASE)
    assert row.deadline_at == at(20) + LEASE + GRACE


def test_it_renews_what_one_runtime_still_holds(scene: Scene) -> None:
    first, first_holder = scene.streaming()
    second, lost = scene.streaming()
    scene.attach(second, 1)
    third, third_holder = scene.streaming()
    scene.cancel(third, 1)
    fourth, fourth_holder = scene.finalizing()
    untouched, _ = scene.streaming()
    mixed_up = checkpoints.Attachment(untouched, first_holder, at(20))
    before = {id_: scene.columns(id_) for id_ in (second, third, untouched)}
    renewed = checkpoints.leases_renew(
        attachments=[
            checkpoints.Attachment(first, first_holder, at(20)),
            checkpoints.Attachment(second, lost, at(20)),
            checkpoints.Attachment(third, third_holder, at(20)),
            checkpoints.Attachment(fourth, fourth_holder, at(20)),
            checkpoints.Attachment(uuid.uuid4(), uuid.uuid4(), at(20)),
            mixed_up,
        ],
        now=at(20),
    )
    assert renewed == {first_holder, fourth_holder}
    assert {id_: scene.columns(id_) for id_ in before} == before
    assert {scene.row(id_).lease_until for id_ in (first, fourth)} == {at(20) + LEASE}
    assert checkpoints.leases_renew(attachments=[], now=at(21)) == set()


def test_it_takes_an_idle_limit_that_is_longer_than_the_longest_session(
    scene: Scene, settings: object
) -> None:
    settings.SESSION_MAX_SECONDS = 60  # type: ignore[attr-defined]
    session_id, _ = scene.streaming()
    assert scene.row(session_id).deadline_at == START + timedelta(seconds=60)
    assert sweep(61) == 1
    # The lease ran out at 30, so at 60 it had been out for 30 seconds.
    assert scene.state(session_id) == ("completed", "max_duration", None, at(60))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("planned_on", ["empty tables", "large ones"])
def test_a_renewal_reads_sessions_by_their_ids(
    fresh_connection: None, generic_plans: None, owner: Machine, movespec: MoveSpec, planned_on: str
) -> None:
    if planned_on == "large ones":
        add_sessions(owner, movespec, MANY, **LIVE)
    run("VACUUM ANALYZE detection_session")
    for _ in range(4):
        nothing = checkpoints.Attachment(uuid.uuid4(), uuid.uuid4(), START)
        assert checkpoints.leases_renew(attachments=[nothing], now=START) == set()
    if planned_on == "empty tables":
        add_sessions(owner, movespec, MANY, **LIVE)
        run("ANALYZE detection_session")
    ids = list(DetectionSession.objects.values_list("id", flat=True)[:32])
    values = {
        "now": START,
        "lease_until": START,
        "finalizing_deadline": START,
        "idle_margin": MARGIN,
        "idle_slack": SLACK,
        "session_ids": ids,
        "attachment_ids": ids,
        "idle_at": [START] * 32,
    }
    name, count = prepared("WITH attached")
    plan = executed(name, ordered(checkpoints._RENEW, values, count))
    assert set(indexes_used(plan).values()) == {"detection_session_pkey"}
    assert pages_read(plan) < 3 * 32 * 3 + FEW_PAGES


@pytest.mark.django_db(transaction=True)
def test_a_renewal_does_not_wait_for_a_checkpoint_and_counts_its_session_as_held(
    scene: Scene,
) -> None:
    stored, free = scene.streaming(), scene.streaming()

    def renew() -> set[UUID]:
        try:
            held = [checkpoints.Attachment(*one, at(50)) for one in (stored, free)]
            return checkpoints.leases_renew(attachments=held, now=at(50))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        scene.checkpoint(*stored, 1, 49)
        assert pool.submit(renew).result(DEADLINE_SECONDS) == {stored[1], free[1]}
    assert scene.row(free[0]).lease_until == at(50) + LEASE
    row = scene.row(stored[0])
    assert (row.lease_until, row.checkpoint_number) == (at(49) + LEASE, 1)
