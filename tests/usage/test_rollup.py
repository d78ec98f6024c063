"""Rows of ended sessions become sums, once, however many workers add them and whatever dies."""

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection

from movespecs.models import MoveSpec
from sessions_app.lifecycle import sessions_remove
from sessions_app.models import DetectionSession
from tests import server
from tests.conftest import Machine
from tests.sessions_app.lifecycle_scene import Scene, sweep
from tests.usage.using import metered, sums_of, totals
from usage import rollup, tasks
from usage.models import MeteredSession, UsageBackfill, UsageDay
from usage.rollup import _add_slice, backfill

DAY = date(2031, 5, 1)


def meter(machine: Machine, count: int, day: date = DAY, is_live: bool = True) -> None:
    """Rows of `count` sessions with 1, 2, … frames, of as many tenths of a second."""
    MeteredSession.objects.bulk_create(
        MeteredSession(
            session_id=uuid.uuid4(),
            organization_id=machine.organization.id,
            project_id=machine.project.id,
            ended_on=day,
            accepted_frames=number,
            active_ms=100 * number,
            is_live=is_live,
        )
        for number in range(1, count + 1)
    )


@pytest.mark.parametrize("slice_size", [1, 3, 1000])
def test_it_adds_to_the_day_of_the_project(owner, peer, slice_size):
    meter(owner, 4)
    meter(owner, 2, is_live=False)
    meter(owner, 1, DAY + timedelta(days=1))
    meter(peer, 3)
    assert rollup.roll_up(slice_size) == 10
    assert metered() == []
    meter(owner, 1)
    assert tasks.roll_up_usage() == 1
    assert sums_of(owner) == {DAY: (7, 14, 1400, 11), DAY + timedelta(days=1): (1, 1, 100, 1)}
    assert sums_of(peer) == {DAY: (3, 6, 600, 6)}
    assert set(UsageDay.objects.values_list("organization_id", flat=True)) == {
        owner.organization.id
    }


def test_with_nothing_to_do_it_writes_nothing(owner):
    assert tasks.roll_up_usage() == 0
    assert UsageDay.objects.count() == 0


@pytest.fixture
def in_threads(transactional_db: None) -> Iterator[Callable[..., list[Any]]]:
    """Runs a function in so many threads, each with a connection of its own."""
    with ThreadPoolExecutor(8) as pool:

        def run(count: int, work: Callable[[], Any]) -> list[Any]:
            def alone() -> Any:
                try:
                    return work()
                finally:
                    connection.close()

            return [one.result() for one in [pool.submit(alone) for _ in range(count)]]

        yield run


def test_roll_ups_at_once_add_each_session_once(owner, peer, outsider, in_threads):
    """Each takes rows of all projects and days, of which another holds the sums by then."""
    machines = (owner, peer, outsider)
    for back in range(5):
        for machine in machines:
            meter(machine, 40, DAY - timedelta(days=back))
    before = totals()
    assert sum(in_threads(8, lambda: rollup.roll_up(7))) == 600
    assert metered() == []
    assert totals() == before == (600, 15 * 820, 15 * 82_000, 15 * 820)


# --- What had ended before --------------------------------------------------------------------


@pytest.fixture
def past(owner: Machine, movespec: MoveSpec) -> Scene:
    """Seven sessions that ended without being metered, one that ended since, and a live one."""
    scene = Scene(owner, movespec)
    for _ in range(7):
        scene.created()
    sweep(100_000)
    DetectionSession.objects.update(accepted_frames_total=5, summary={"active_ms": 99.6})
    MeteredSession.objects.all().delete()
    UsageBackfill.objects.create()
    scene.cancel(scene.created(), 1)
    scene.created()
    return scene


@pytest.mark.parametrize("slice_size", [1, 2, 1000])
def test_past_sessions_are_added_once(owner, past, slice_size):
    assert rollup.roll_up() == 0, "A row that is gone would be added by the backfill again."
    backfill(slice_size)
    assert (UsageBackfill.objects.count(), len(metered())) == (0, 1)
    assert sums_of(owner) == {DAY: (7, 35, 700, 35)}
    assert rollup.roll_up() == 1
    backfill(slice_size)
    assert sums_of(owner) == {DAY: (8, 35, 700, 35)}


def test_a_session_that_ends_meanwhile_is_added_once(owner, past):
    first = DetectionSession.objects.order_by("id")
    live = first.get(status="created")
    _add_slice(4)
    past.cancel(live.id, 2)
    assert tasks.roll_up_usage() == 2
    assert sums_of(owner) == {DAY: (9, 35, 700, 35)}


@pytest.mark.parametrize("chunks", [0, 1])
def test_a_past_session_that_is_deleted_meanwhile_is_added_once(owner, past, chunks):
    for _ in range(chunks):
        _add_slice(4)
    ended = DetectionSession.objects.filter(deadline_at__isnull=True)
    sessions_remove([*ended.values_list("id", flat=True)])
    tasks.roll_up_usage()
    assert sums_of(owner) == {DAY: (8, 35, 700, 35)}


def test_a_backfill_leaves_the_rest_to_one_that_is_under_way(transactional_db):
    UsageBackfill.objects.create()
    with psycopg.connect(server.test_database_url()) as other:
        # As another run has it, and a deletion of past sessions.
        for lock in ("FOR SHARE", "FOR UPDATE"):
            other.execute(f"SELECT FROM usage_backfill {lock}")
            assert tasks.roll_up_usage() == 0
            assert UsageBackfill.objects.count() == 1
    tasks.roll_up_usage()
    assert not UsageBackfill.objects.exists()
