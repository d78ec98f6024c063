"""A session's row as tests make it, read it, lock it and turn its clock; and who is attached."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from datetime import timedelta
from typing import Any, cast
from uuid import uuid4

import psycopg
from django.db.models import F
from django.utils import timezone
from streaming import create

import detection
from movespecs.models import MoveSpec
from sessions_app.models import DetectionEvent, DetectionSession
from sessions_app.runtime_tokens import runtime_token
from tests.concurrency.racing import waiting_backends
from tests.conftest import Machine
from tests.server import test_database_url as database_url
from tests.waiting import eventually

CLOCKS = ("created_at", "started_at", "deadline_at", "longest_until", "lease_until")

Event = tuple[str, float, Any]


def session_of(created: dict[str, Any]) -> DetectionSession:
    return DetectionSession.objects.get(id=created["session_id"])


def create_many(
    machine: Machine, movespec: MoveSpec, stream_url: str, count: int
) -> list[dict[str, Any]]:
    """Sessions made as copies of one that was created, quicker than by `count` requests."""
    first = create(machine, movespec, stream_url)
    made, copies = [first], []
    for _ in range(count - 1):
        copied = session_of(first) if not copies else copy(copies[0])
        copied.id = uuid4()
        copies.append(copied)
        token = runtime_token(cast(Any, copied), machine.organization.id, timezone.now())
        url = f"{stream_url}/{copied.id}"
        made.append({"session_id": str(copied.id), "runtime_token": token, "stream_url": url})
    DetectionSession.objects.bulk_create(copies)
    return made


def stored_events(created: dict[str, Any]) -> list[Event]:
    """Type, ts_ms and payload in their order, after checking that sequences have no gap."""
    rows = list(
        DetectionEvent.objects.filter(session_id=created["session_id"]).order_by("sequence")
    )
    assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
    return [(row.type, row.ts_ms, row.payload) for row in rows]


def told_events(events: list[dict[str, Any]]) -> list[Event]:
    return [(event["type"], event["ts_ms"], event["payload"]) for event in events]


def expected_events(
    yaml_source: str, frames: list[detection.PoseFrame], *, finished: bool
) -> list[Event]:
    """What the engine itself makes of `frames`, sent as `streaming.wire_frames` sends them."""
    engine = detection.Engine(detection.compile(yaml_source))
    events = []
    for frame in frames:
        landmarks = [point._replace(visibility=0.99) for point in frame.landmarks]
        events += engine.feed(frame._replace(landmarks=landmarks))
    if finished:
        events += engine.finish()
    return [(event.type, event.ts_ms, event.payload) for event in events]


def turn_clock_on(created: dict[str, Any], seconds: float) -> None:
    """For the session of `created`, it is `seconds` later than it was."""
    earlier = timedelta(seconds=seconds)
    DetectionSession.objects.filter(id=created["session_id"]).update(
        **{name: F(name) - earlier for name in CLOCKS}
    )


@contextmanager
def locked_row(created: dict[str, Any]) -> Iterator[Callable[[], None]]:
    """Hold the session's row from a connection of its own; what is given lets it go early."""
    with psycopg.connect(database_url()) as holder:
        holder.execute(
            "SELECT id FROM detection_session WHERE id = %s FOR UPDATE", [created["session_id"]]
        )
        yield holder.rollback


def await_waiting_backends(count: int) -> None:
    """Until so many backends wait for a lock of another."""
    eventually(lambda: waiting_backends() == count, f"{count} backends wait")


def await_detached(created: dict[str, Any]) -> None:
    eventually(lambda: session_of(created).attachment_id is None, "nothing is attached")
