"""Checkpoints of many sessions are stored by one statement, and fail each alone."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import msgspec
import psycopg
import pytest
from django.utils import timezone

from movespecs.models import MoveSpec
from realtime import checkpointer
from realtime.checkpointer import MANY_EVENTS, Checkpointer
from realtime.fair_queue import HEARING_ROUNDS
from sessions_app.attachments import session_attach
from sessions_app.checkpoints import (
    Checkpoint,
    CheckpointOutcome,
    NewEvent,
    parameters,
)
from sessions_app.models import DetectionEvent, DetectionSession, SessionAttach
from tests import server
from tests.conftest import Machine
from tests.waiting import DEADLINE_SECONDS

pytestmark = pytest.mark.django_db(transaction=True)
FAULTS: dict[str, tuple[str, type[Exception]]] = {
    "no_such_type": ("x", psycopg.errors.CheckViolation),
    "feedback": ("\ud800", UnicodeEncodeError),
}


def checkpoint(machine: Machine, movespec: MoveSpec, event_type: str, message: str) -> Checkpoint:
    session_id = uuid.UUID(machine.create_session(movespec).json()["session_id"])
    attachment_id, now = uuid.uuid4(), timezone.now()
    session_attach(
        SessionAttach(session_id=session_id, id=attachment_id, runtime="here:1", attached_at=now),
        now=now,
    )
    payload = {"level": "info", "message": message}
    return Checkpoint(
        session_id=session_id,
        attachment_id=attachment_id,
        number=1,
        packed_state=b"",
        accepted_frames=1,
        rejected_frames=0,
        last_frame_seq=1,
        last_batch_seq=1,
        last_message_at=now,
        events=[NewEvent(1, 1, 0.0, event_type, payload)],
    )


@asynccontextmanager
async def running() -> AsyncIterator[Checkpointer]:
    storing = Checkpointer()
    storing.start()
    try:
        yield storing
    finally:
        await storing.stop()


async def stored(checkpoints: list[Checkpoint]) -> list[Any]:
    storing = Checkpointer()
    waiting = [asyncio.create_task(storing.store(each)) for each in checkpoints]
    await asyncio.sleep(0)  # all of them wait before the first is taken
    storing.start()
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            return list(await asyncio.gather(*waiting, return_exceptions=True))
    finally:
        await storing.stop()


@pytest.mark.parametrize("event_type", FAULTS)
def test_one_that_cannot_be_stored_fails_alone(
    owner: Machine, squat: MoveSpec, settings: Any, event_type: str
) -> None:
    settings.DATABASE_URL = server.test_database_url()
    message, fault = FAULTS[event_type]
    checkpoints = [checkpoint(owner, squat, "feedback", "good") for _ in range(5)]
    checkpoints.insert(2, checkpoint(owner, squat, event_type, message))
    outcomes = asyncio.run(stored(checkpoints))
    bad = outcomes.pop(2)
    assert isinstance(bad, fault)
    assert outcomes == [CheckpointOutcome.STORED] * 5
    counts = DetectionSession.objects.values_list("id", "accepted_frames_total", "events_total")
    assert {id_: (frames, events) for id_, frames, events in counts} == {
        each.session_id: (0, 0) if number == 2 else (1, 1)
        for number, each in enumerate(checkpoints)
    }
    assert DetectionEvent.objects.count() == 5


def test_a_checkpoint_whose_socket_gave_up_is_not_stored(
    owner: Machine, squat: MoveSpec, settings: Any
) -> None:
    """Another attach may have the session by then."""
    settings.DATABASE_URL = server.test_database_url()
    given_up, other = (checkpoint(owner, squat, "feedback", "good") for _ in range(2))

    async def play() -> None:
        storing = Checkpointer()
        waiting = asyncio.create_task(storing.store(given_up))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        storing.start()
        async with asyncio.timeout(DEADLINE_SECONDS):
            assert await storing.store(other) is CheckpointOutcome.STORED
        await storing.stop()

    asyncio.run(play())
    totals = DetectionSession.objects.values_list("id", "accepted_frames_total")
    assert dict(totals) == {given_up.session_id: 0, other.session_id: 1}


def test_one_flusher_that_stands_still_is_noticed_while_the_other_stores(
    owner: Machine, squat: MoveSpec, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATABASE_URL = server.test_database_url()
    monkeypatch.setattr(checkpointer, "STALL_SECONDS", 0.1)
    first, *others = [checkpoint(owner, squat, "feedback", "good") for _ in range(3)]
    store = checkpointer._store

    async def play() -> None:
        may_go_on = asyncio.Event()

        async def stand_still(*arguments: Any) -> Any:
            monkeypatch.setattr(checkpointer, "_store", store)
            await may_go_on.wait()
            return await store(*arguments)

        monkeypatch.setattr(checkpointer, "_store", stand_still)
        async with asyncio.timeout(DEADLINE_SECONDS), running() as storing:
            stands_still = asyncio.create_task(storing.store(first))
            await asyncio.sleep(0.2)
            for each in others:
                assert await storing.store(each) is CheckpointOutcome.STORED
                assert not storing.is_progressing()
            may_go_on.set()
            assert await stands_still is CheckpointOutcome.STORED
            assert storing.is_progressing()

    asyncio.run(play())


def test_one_of_many_events_is_stored_by_a_statement_of_its_own(
    owner: Machine, squat: MoveSpec, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATABASE_URL = server.test_database_url()
    statements = watched_statements(monkeypatch)
    few, many = (checkpoint(owner, squat, "feedback", "good") for _ in range(2))
    [event] = many.events
    many.events.extend(event._replace(sequence=2 + number) for number in range(MANY_EVENTS))
    assert asyncio.run(stored([many, few])) == [CheckpointOutcome.STORED] * 2
    assert sorted(map(len, statements)) == [1, 1]
    assert DetectionEvent.objects.count() == MANY_EVENTS + 2


def watched_statements(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[Checkpoint]]:
    """The checkpoints of each statement, as they come."""
    statements: list[Sequence[Checkpoint]] = []

    def watched(checkpoints: Sequence[Checkpoint], now: datetime) -> dict[str, Any]:
        statements.append(checkpoints)
        return parameters(checkpoints, now)

    monkeypatch.setattr(checkpointer, "parameters", watched)
    return statements


def test_a_statement_stores_what_comes_while_the_process_is_busy(
    owner: Machine, squat: MoveSpec, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of sockets that are served one after the other, by long turns too; one that comes alone waits
    for no other."""
    settings.DATABASE_URL = server.test_database_url()
    statements = watched_statements(monkeypatch)
    checkpoints = [checkpoint(owner, squat, "feedback", "") for _ in range(9)]

    async def one_after_the_other() -> list[CheckpointOutcome]:
        monkeypatch.setattr(checkpointer, "GATHERING_SECONDS", DEADLINE_SECONDS)
        async with running() as storing:
            tasks = []
            for each in checkpoints[1:]:
                tasks.append(asyncio.create_task(storing.store(each)))
                for _ in range(HEARING_ROUNDS + 1):
                    await asyncio.sleep(0)
            together = list(await asyncio.gather(*tasks))
            return [*together, await storing.store(checkpoints[0])]

    assert asyncio.run(one_after_the_other()) == [CheckpointOutcome.STORED] * 9
    assert [len(one) for one in statements] == [8, 1]


def test_a_statement_stores_a_bounded_number_of_events(
    owner: Machine, squat: MoveSpec, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATABASE_URL = server.test_database_url()
    statements = watched_statements(monkeypatch)
    most = checkpointer.MAX_EVENTS_PER_BATCH
    events = [NewEvent(number, 1, 0.0, "feedback", {}) for number in range(1, most // 2)]
    checkpoints = [
        msgspec.structs.replace(checkpoint(owner, squat, "feedback", ""), events=events)
        for _ in range(6)
    ]
    assert asyncio.run(stored(checkpoints)) == [CheckpointOutcome.STORED] * 6
    groups = [sum(len(each.events) for each in checkpoints) for checkpoints in statements]
    assert sum(groups) == DetectionEvent.objects.count() == 6 * len(events)
    assert max(groups) < most + len(events)
