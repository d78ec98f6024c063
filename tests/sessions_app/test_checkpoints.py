"""Checkpoints: each stored once and in order, many sessions in one statement."""

import uuid
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from lifecycle_scene import GRACE, IDLE, LEASE, SLACK, START, Scene, at, sweep
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
from sessions_app.checkpoints import (
    STATEMENT,
    AttachmentLost,
    Checkpoint,
    CheckpointOutcome,
    NewEvent,
    parameters,
)
from sessions_app.models import DetectionEvent, DetectionSession
from sessions_app.stream_state import pack, stored_state
from tests.conftest import Machine
from tests.sessions_app import storing

ENTER = NewEvent(1, 7, 40.0, "shape_enter", {"shape_key": "bottom", "confidence": 0.5})
EXIT = NewEvent(2, 9, 1866.6666666666667, "shape_exit", {"shape_key": "bottom", "confidence": 1})


def checkpoint(session_id: UUID, attachment_id: UUID, number: int = 1, **more: Any) -> Checkpoint:
    return Checkpoint(
        **{
            "session_id": session_id,
            "attachment_id": attachment_id,
            "number": number,
            "packed_state": pack({"engine": None}),
            "accepted_frames": 15,
            "rejected_frames": 2,
            "last_frame_seq": 17,
            "last_batch_seq": 3,
            "last_message_at": at(5),
            "events": [],
            **more,
        }
    )


def store_all(*checkpoints: Checkpoint, seconds: float = 5) -> set[UUID]:
    return storing.store_all(checkpoints, at(seconds))


def test_it_stores_the_state_the_counts_and_the_events(scene: Scene) -> None:
    session_id, holder = scene.streaming()
    first = checkpoint(session_id, holder, events=[ENTER])
    assert store_all(first) == {holder}
    second = checkpoint(
        session_id,
        holder,
        2,
        packed_state=pack({"engine": {"form": 1}}),
        engine_version=1,
        accepted_frames=4,
        rejected_frames=1,
        last_frame_seq=21,
        last_batch_seq=2,  # sent again: the highest stays
        events=[EXIT],
    )
    assert store_all(second, seconds=6) == {holder}
    row = scene.row(session_id)
    assert (row.checkpoint_number, stored_state(row)) == (2, {"engine": {"form": 1}})
    assert (row.engine_version, row.summary) == (1, None)
    assert (row.accepted_frames_total, row.rejected_frames_total) == (19, 3)
    assert (row.last_frame_seq, row.last_batch_seq, row.events_total) == (21, 3, 2)
    assert row.lease_until == at(6) + LEASE
    assert scene.events(session_id) == [ENTER, EXIT]


@pytest.mark.parametrize("number", [-1, 0, 3])
def test_it_stores_each_in_order(scene: Scene, number: int) -> None:
    session_id, holder = scene.streaming()
    scene.checkpoint(session_id, holder, 1, 1)
    before = scene.columns(session_id)
    with pytest.raises(AttachmentLost):
        scene.checkpoint(session_id, holder, number, 2, events=[ENTER])
    assert scene.columns(session_id) == before
    assert scene.events(session_id) == []


def test_one_that_is_stored_is_held_again_and_stored_once(scene: Scene) -> None:
    """A runtime that lost the answer of its commit tries again."""
    session_id, holder = scene.streaming()
    first = checkpoint(session_id, holder, events=[ENTER])
    assert store_all(first) == {holder}
    before = scene.columns(session_id)
    assert store_all(first, seconds=6) == {holder}
    storing.checkpoint_store(first, now=at(7))
    assert scene.columns(session_id) == before
    assert scene.events(session_id) == [ENTER]


def test_one_that_is_stored_is_lost_once_someone_newer_is_attached(scene: Scene) -> None:
    session_id, older = scene.streaming()
    first = checkpoint(session_id, older, events=[ENTER])
    store_all(first)
    newer = scene.attach(session_id, 6)
    before = scene.columns(session_id)
    with pytest.raises(AttachmentLost):
        storing.checkpoint_store(first, now=at(7))
    assert scene.columns(session_id) == before
    assert store_all(checkpoint(session_id, newer, 2, events=[EXIT])) == {newer}


def test_a_statement_stores_those_that_are_held_and_leaves_the_others(scene: Scene) -> None:
    held, lost, ended, again, ahead = (scene.streaming() for _ in range(5))
    scene.attach(lost[0], 1)
    scene.cancel(ended[0], 1)
    scene.checkpoint(*again, 1, 2)
    others = (lost[0], ended[0], again[0], ahead[0])
    before = {session_id: scene.columns(session_id) for session_id in others}
    answered = store_all(
        checkpoint(*held, events=[ENTER, EXIT]),
        checkpoint(*lost, events=[ENTER]),
        checkpoint(*ended, events=[ENTER]),
        checkpoint(*again, events=[ENTER]),
        checkpoint(*ahead, 2, events=[ENTER]),
        checkpoint(uuid.uuid4(), uuid.uuid4(), events=[ENTER]),
        checkpoint(uuid.uuid4(), held[1]),
    )
    assert answered == {held[1], again[1]}
    assert {session_id: scene.columns(session_id) for session_id in others} == before
    assert scene.events(held[0]) == [ENTER, EXIT]
    assert DetectionEvent.objects.count() == 2


@pytest.mark.parametrize("first", ["the older's", "the newer's"])
@pytest.mark.parametrize("events", [[], [EXIT._replace(sequence=1)]])
def test_of_two_attachments_in_one_statement_only_the_holders_is_stored(
    scene: Scene, first: str, events: list[NewEvent]
) -> None:
    session_id, older = scene.streaming()
    newer = scene.attach(session_id, 1)
    late = checkpoint(session_id, older, accepted_frames=25, events=[ENTER, EXIT])
    held = checkpoint(session_id, newer, accepted_frames=1, last_frame_seq=1, events=events)
    assert store_all(*([late, held] if first == "the older's" else [held, late])) == {newer}
    row = scene.row(session_id)
    assert (row.accepted_frames_total, row.last_frame_seq) == (1, 1)
    assert row.events_total == len(events)
    assert scene.events(session_id) == events


def test_it_keeps_numbers_and_texts_as_they_are(scene: Scene) -> None:
    session_id, holder = scene.streaming()
    payload = {"level": "coaching", "message": 'Chest up — "höher" \\ 🏋 it\'s 100 %'}
    event = NewEvent(1, 2**53, 1e15 + 0.125, "feedback", payload)
    store_all(
        checkpoint(
            session_id,
            holder,
            accepted_frames=2**40,
            last_frame_seq=2**53,
            last_batch_seq=2**53,
            events=[event],
        )
    )
    assert scene.events(session_id) == [event]
    row = scene.row(session_id)
    assert (row.accepted_frames_total, row.last_frame_seq, row.last_batch_seq) == (
        2**40, 2**53, 2**53,
    )  # fmt: skip


def test_it_is_stored_finalizing_after_the_longest_session(scene: Scene) -> None:
    """The batch that was on its way, before any sweep has run."""
    session_id, holder = scene.streaming()
    scene.keep_alive(session_id, holder, until=3590)
    late = checkpoint(session_id, holder, events=[ENTER])
    assert storing.answers_of([late], at(3601)) == {holder: CheckpointOutcome.DUE}
    storing.checkpoint_store(late, now=at(3601))
    row = scene.row(session_id)
    assert (row.status, row.finishing_outcome) == ("finalizing", "max_duration")
    assert scene.events(session_id) == [ENTER]


def test_one_that_reaches_the_target_makes_the_session_finalizing(scene: Scene) -> None:
    """So the session completes though its runtime is killed and its client never returns."""
    session_id, holder = scene.streaming()
    reached = checkpoint(session_id, holder, is_target_reached=True)
    storing.checkpoint_store(reached, now=at(5))
    row = scene.row(session_id)
    assert (row.status, row.ended_by) == ("finalizing", "target")
    ends_at = 5 + LEASE.seconds + GRACE.seconds
    assert row.deadline_at == at(ends_at)
    assert sweep(ends_at - 1) == 0
    assert sweep(ends_at) == 1
    assert scene.state(session_id) == ("completed", "completed", None, at(ends_at))
    assert scene.row(session_id).ended_by == "target"


def test_one_that_reaches_the_target_of_a_finalizing_session_changes_no_end(scene: Scene) -> None:
    session_id, holder = scene.finalizing()
    storing.checkpoint_store(checkpoint(session_id, holder, is_target_reached=True), now=at(5))
    row = scene.row(session_id)
    assert (row.status, row.finishing_outcome, row.ended_by) == ("finalizing", "completed", None)


def test_it_does_not_bring_back_what_was_abandoned(scene: Scene) -> None:
    session_id, holder = scene.streaming()
    late = checkpoint(session_id, holder, events=[ENTER], last_message_at=at(140))
    assert storing.answers_of([late], at(140)) == {holder: CheckpointOutcome.DUE}
    with pytest.raises(AttachmentLost):
        storing.checkpoint_store(late, now=at(140))
    assert scene.state(session_id) == ("failed", "abandoned", "session_abandoned", at(140))
    assert scene.events(session_id) == []


# --- What it costs -----------------------------------------------------------------------


def updates() -> tuple[int, int]:
    """Updates of sessions up to now, and how many of them touched no index."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_xact_user_tables "
            "WHERE relname = 'detection_session'"
        )
        updated, heap_only = cursor.fetchone()
    return updated, heap_only


@pytest.mark.django_db(transaction=True)
def test_it_touches_no_index_but_when_the_idle_deadline_moves(scene: Scene) -> None:
    session_id, holder = scene.streaming()
    changed = 0
    for number, seconds in enumerate([1, 4, 7, 9.5, 10.5, 13, 20, 21, 22], start=1):
        deadline = scene.row(session_id).deadline_at
        with transaction.atomic():
            before = updates()
            # Small, for all of its versions to be in one page: any transaction of the server that
            # is open for long keeps PostgreSQL from making room.
            scene.checkpoint(session_id, holder, number, seconds)
            updated, heap_only = (now - then for now, then in zip(updates(), before, strict=True))
        moved = scene.row(session_id).deadline_at != deadline
        changed += moved
        assert (updated, heap_only) == (1, not moved), seconds
    assert changed == 2
    assert scene.row(session_id).deadline_at == at(21) + IDLE + SLACK


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("planned_on", ["empty tables", "large ones"])
def test_its_plan_reads_sessions_by_their_ids(
    fresh_connection: None, generic_plans: None, owner: Machine, movespec: MoveSpec, planned_on: str
) -> None:
    if planned_on == "large ones":
        add_sessions(owner, movespec, MANY, **LIVE)
    run("VACUUM ANALYZE detection_session, detection_event")
    nothing = checkpoint(uuid.uuid4(), uuid.uuid4(), events=[ENTER])
    for _ in range(4):
        assert store_all(nothing) == set()
    if planned_on == "empty tables":
        add_sessions(owner, movespec, MANY, **LIVE)
        run("ANALYZE detection_session")
    ids = DetectionSession.objects.values_list("id", flat=True)[:32]
    values = parameters([checkpoint(id_, uuid.uuid4(), events=[ENTER]) for id_ in ids], START)
    name, count = prepared("WITH given")
    plan = executed(name, ordered(STATEMENT, values, count))
    assert set(indexes_used(plan).values()) == {"detection_session_pkey"}
    # Twice: to update, and to find what an earlier try has stored.
    assert pages_read(plan) < 2 * 32 * 3 + FEW_PAGES


@pytest.mark.django_db(transaction=True)
def test_it_is_prepared_once_whatever_the_size_of_its_numbers(fresh_connection: None) -> None:
    for size in (1, 40_000, 2**33):
        event = ENTER._replace(frame_seq=size)
        for _ in range(4):
            store_all(
                checkpoint(uuid.uuid4(), uuid.uuid4(), size, last_frame_seq=size, events=[event])
            )
    prepared("WITH given")  # fails unless there is one
