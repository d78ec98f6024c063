"""Events in partitions: the migration beside writers, the partitions made ahead, and dropped."""

import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from itertools import count, cycle
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, transaction
from lifecycle_scene import Scene
from uuid_utils.compat import uuid7

from common.keyset import first_id_of
from sessions_app import retention
from sessions_app.models import DetectionSession
from sessions_app.retention import (
    dated_partitions,
    event_partition_drop,
    event_partitions_make,
)
from tests.server import test_database_url as database_url
from tests.sessions_app.plans import copy_row, run
from tests.waiting import eventually

MIGRATION = import_module("sessions_app.migrations.0012_partitioned_events")
BEFORE = "0011_indexes"
EVENT = """
INSERT INTO detection_event (session_id, sequence, frame_seq, ts_ms, type, payload)
VALUES (%s, %s, 1, 2.5, 'feedback', '{"level": "info"}')
"""


def partition_of(session_id: uuid.UUID) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tableoid::regclass::text FROM detection_event WHERE session_id = %s",
            [session_id],
        )
        return {name for (name,) in cursor.fetchall()}


def stored() -> list[tuple[uuid.UUID, int]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_id, sequence FROM detection_event ORDER BY 1, 2")
        return list(cursor.fetchall())


@pytest.fixture
def one_table(transactional_db: None, scene: Scene) -> Iterator[uuid.UUID]:
    """As before the migration, with a session; today's code can't create one there."""
    first = scene.created()
    call_command("migrate", "sessions_app", BEFORE, verbosity=0)
    yield first
    call_command("migrate", verbosity=0)


WAITS_FOR_VACUUM = """
SELECT FROM pg_locks WHERE NOT granted AND mode = 'ShareUpdateExclusiveLock'
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@dataclass
class Written:
    """The events that there should be, and from how many sessions they were deleted."""

    expected: set[tuple[uuid.UUID, int]]
    deleted: int = 0


@contextmanager
def writing(sessions: list[uuid.UUID], doomed: list[uuid.UUID]) -> Iterator[Written]:
    """The code before, which goes on: two that store events, and one that deletes sessions'."""
    written = Written({(id_, n) for id_ in sessions for n in range(1, 4)})
    over = threading.Event()

    def store(number: int) -> None:
        turn = cycle(sessions[number::2])
        sequences = {session_id: count(4) for session_id in sessions}
        with psycopg.connect(database_url(), autocommit=True) as own:
            own.execute("SET lock_timeout = '5s'")
            while not over.wait(0.002):
                session_id = next(turn)
                sequence = next(sequences[session_id])
                own.execute(EVENT, [session_id, sequence], prepare=True)
                written.expected.add((session_id, sequence))

    def delete() -> None:
        with psycopg.connect(database_url(), autocommit=True) as own:
            own.execute("SET lock_timeout = '5s'")
            for session_id in doomed:
                over.wait(0.002)
                own.execute("DELETE FROM detection_event WHERE session_id = %s", [session_id])
                written.deleted += 1

    with ThreadPoolExecutor(3) as pool:
        threads = [pool.submit(store, 0), pool.submit(store, 1), pool.submit(delete)]
        try:
            yield written
        finally:
            over.set()
        for thread in threads:
            thread.result(30)


class Stopped(Exception):
    """As where the process is killed between two batches."""


def test_events_are_copied_once_beside_who_stores_and_deletes_them(
    one_table: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it is stopped and run again; of random ids and of those with their time."""
    first = one_table
    copy_row("detection_session", first, 40)
    copy_row("detection_session", first, 1, id=f"'{uuid7()}'")
    copy_row("detection_session", first, 1, id="'01b00000-0000-4000-8000-000000000000'")
    ids = list(DetectionSession.objects.order_by("id").values_list("id", flat=True))
    for id_ in ids:
        for sequence in (1, 2, 3):
            with connection.cursor() as cursor:
                cursor.execute(EVENT, [id_, sequence])
    doomed, kept = ids[::3], [id_ for id_ in ids if id_ not in ids[::3]]
    monkeypatch.setattr(MIGRATION, "BATCH", 7)
    batches = 0
    once = MIGRATION.transaction.atomic

    def stopping(*arguments: Any) -> Any:
        nonlocal batches
        batches += 1
        if batches in (5, 9):
            raise Stopped
        return once(*arguments)

    with writing(kept, doomed) as written:
        begun = len(written.expected)
        eventually(lambda: len(written.expected) > begun and written.deleted > 0, "they write")
        with connection.schema_editor(atomic=False) as editor:
            MIGRATION.begin(apps, editor)
            with monkeypatch.context() as patched:
                patched.setattr(MIGRATION.transaction, "atomic", stopping)
                for _ in range(2):
                    with pytest.raises(Stopped):
                        MIGRATION.copy(apps, editor)
        before = len(written.expected)
        call_command("migrate", "sessions_app", verbosity=0)
        beside = len(written.expected)
        assert beside > before
        eventually(lambda: len(written.expected) >= beside + 20, "they go on")
        eventually(lambda: written.deleted == len(doomed), "all are deleted")
    assert stored() == sorted(written.expected)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'detection_event_new%'")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'mirror%'")
        assert cursor.fetchone() == (0,)


def test_each_event_has_a_partition(scene: Scene) -> None:
    for session_id, partition in (
        (uuid7(), dated_partitions()[0].name),
        (first_id_of(datetime(2020, 5, 1, tzinfo=UTC)), "detection_event_before"),
        (first_id_of(datetime(2049, 5, 1, tzinfo=UTC)), "detection_event_other"),
        (uuid.UUID("9b2d7c5e-0000-4000-8000-000000000000"), "detection_event_random"),
    ):
        copy_row("detection_session", scene.created(), 1, id=f"'{session_id}'")
        with connection.cursor() as cursor:
            cursor.execute(EVENT, [session_id, 1])
        assert partition_of(session_id) == {partition}


@pytest.mark.parametrize(("kept_days", "days"), [(30, 1), (60, 1), (61, 7), (None, 7)])
def test_partitions_are_made_ahead(scene: Scene, kept_days: int | None, days: int) -> None:
    before = dated_partitions()
    now = before[-1].ends_at - timedelta(hours=30)

    made = event_partitions_make(now=now, kept_days=kept_days)

    new = dated_partitions()[len(before) :]
    assert len(new) == made == {1: 13, 7: 2}[days]
    for earlier, later in zip([before[-1], *new], new, strict=False):
        assert later.first == earlier.end
        assert later.ends_at - earlier.ends_at == timedelta(days=days)
    assert new[-1].ends_at >= now + retention.AHEAD
    assert event_partitions_make(now=now, kept_days=kept_days) == 0


def test_after_a_long_absence_none_is_made_of_a_time_that_has_begun(scene: Scene) -> None:
    last = dated_partitions()[-1]
    now = last.ends_at + timedelta(days=100, hours=5)
    lost = first_id_of(now - timedelta(hours=1))
    ahead = first_id_of(now + timedelta(days=3))
    first = scene.created()
    for session_id in (lost, ahead):
        copy_row("detection_session", first, 1, id=f"'{session_id}'")
        with connection.cursor() as cursor:
            cursor.execute(EVENT, [session_id, 1])
    run("SET CONSTRAINTS ALL IMMEDIATE")
    event_partitions_make(now=now, kept_days=30)
    (new,) = [one for one in dated_partitions() if one.first <= ahead < one.end]
    assert partition_of(lost) == {"detection_event_other"}
    # What lay there already, by a clock that is wrong or an id that is random, has moved.
    assert partition_of(ahead) == {new.name}


def test_a_partition_leaves_with_its_events_alone(scene: Scene) -> None:
    here, elsewhere = scene.created(), uuid.uuid4()
    copy_row("detection_session", here, 1, id=f"'{elsewhere}'")
    with connection.cursor() as cursor:
        for session_id in (here, elsewhere):
            cursor.execute(EVENT, [session_id, 1])
    (partition,) = [one for one in dated_partitions() if one.first <= here < one.end]
    run("SET CONSTRAINTS ALL IMMEDIATE")
    assert event_partition_drop(partition)
    assert event_partition_drop(partition)  # another worker did
    assert stored() == [(elsewhere, 1)]
    assert DetectionSession.objects.filter(id=here).exists()
    # What is stored of that time afterwards has a place.
    with connection.cursor() as cursor:
        cursor.execute(EVENT, [here, 2])
    assert partition_of(here) == {"detection_event_other"}


def test_a_partition_in_use_is_left_to_the_next_run(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "LOCK_TRIES", 2)
    monkeypatch.setattr(retention, "LOCK_PAUSE_SECONDS", 0)
    before = dated_partitions()
    with psycopg.connect(database_url()) as reader:
        reader.execute("SELECT FROM detection_session LIMIT 1")
        assert not event_partition_drop(before[0])
        # Nobody waits behind it.
        with psycopg.connect(database_url(), autocommit=True) as other:
            other.execute("SELECT FROM detection_event LIMIT 1")
    assert dated_partitions() == before


@pytest.mark.parametrize("table", ["detection_session", "its own"])
def test_an_autovacuum_is_waited_for_until_it_gives_way_and_nobody_waits_behind(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    """It does after deadlock_timeout. Here another has its lock for a little longer than that."""
    monkeypatch.setattr(retention, "LOCK_TRIES", 1)
    partition = dated_partitions()[-1]
    name = partition.name if table == "its own" else table
    with (
        psycopg.connect(database_url()) as vacuum,
        psycopg.connect(database_url(), autocommit=True) as other,
    ):
        vacuum.execute(f"LOCK TABLE {name} IN SHARE UPDATE EXCLUSIVE MODE")
        gives_way = threading.Timer(1.2, vacuum.rollback)
        gives_way.start()
        dropping = threading.Thread(target=lambda: dropped.append(drop_and_close(partition)))
        dropped: list[bool] = []
        dropping.start()
        while not other.execute(WAITS_FOR_VACUUM).rowcount:
            pass
        other.execute("SET lock_timeout = '1ms'")
        other.execute("DELETE FROM detection_event WHERE session_id = %s", [uuid7()])
        other.execute("UPDATE detection_session SET locale = NULL")
        dropping.join()
    assert dropped == [True]
    assert partition not in dated_partitions()
    assert event_partitions_make(now=partition.ends_at - timedelta(days=14), kept_days=None) == 1
    assert partition in dated_partitions()


def drop_and_close(partition: retention.Partition) -> bool:
    try:
        return event_partition_drop(partition)
    finally:
        connection.close()


def test_with_few_days_left_the_task_fails(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "LOCK_TRIES", 1)
    monkeypatch.setattr(retention, "LOCK_PAUSE_SECONDS", 0)
    before = dated_partitions()
    with psycopg.connect(database_url()) as writer:
        writer.execute("LOCK TABLE detection_session IN ROW EXCLUSIVE MODE")
        ends_at = before[-1].ends_at
        assert event_partitions_make(now=ends_at - timedelta(days=7), kept_days=30) == 0
        with pytest.raises(retention.TooFewPartitions, match=f"{ends_at:%Y-%m-%d}"):
            event_partitions_make(now=ends_at - timedelta(days=6, hours=23), kept_days=30)
    assert dated_partitions() == before


def test_no_other_table_is_dropped(db: None) -> None:
    for name in ("detection_session", "detection_event_other", "x; DROP TABLE x"):
        with (
            pytest.raises(Exception, match="No name of a partition"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT event_partition_drop(%s)", [name])
