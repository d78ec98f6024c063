"""The sweep: bounded chunks, two at once, one index, and what starts it."""

import json
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from lifecycle_scene import Scene, at, sweep

from sessions_app import session_sweep, tasks
from sessions_app.metrics import swept_at
from sessions_app.models import DetectionSession
from tests.conftest import Machine, make_released

LATE = 100_000


def statuses() -> list[str]:
    return sorted(DetectionSession.objects.values_list("status", flat=True))


@pytest.mark.parametrize(("slice_size", "transactions"), [(2, 4), (7, 2), (8, 1)])
def test_it_takes_a_slice_a_transaction(scene: Scene, slice_size: int, transactions: int) -> None:
    for _ in range(7):
        scene.created()
    with CaptureQueriesContext(connection) as queries:
        assert sweep(LATE, slice_size=slice_size) == 7
    updates = [query for query in queries if query["sql"].startswith("UPDATE")]
    selects = [query for query in queries if "SKIP LOCKED" in query["sql"]]
    assert (len(updates), len(selects)) == (-(-7 // slice_size), transactions)
    assert statuses() == ["cancelled"] * 7


def test_it_ends_the_earliest_deadlines_first(scene: Scene) -> None:
    later, earlier = scene.created(20), scene.created(10)
    assert sweep(310, slice_size=1) == 1
    assert scene.row(earlier).status == "cancelled"
    assert scene.row(later).status == "created"
    scene.created(5)
    with CaptureQueriesContext(connection) as queries:
        assert sweep(LATE, slice_size=1) == 2
    (first, *_) = [query["sql"] for query in queries if "SKIP LOCKED" in query["sql"]]
    assert 'ORDER BY "detection_session"."deadline_at" ASC LIMIT 1' in first


def test_it_costs_five_reads_when_nothing_is_due(scene: Scene) -> None:
    scene.created()
    scene.streaming()
    with CaptureQueriesContext(connection) as queries:
        assert sweep(1) == 0
    # Overdue sessions; those that are left; those to finish; suspended organizations; suspended
    # projects.
    reads = [query["sql"] for query in queries if query["sql"].startswith("SELECT")]
    assert len(reads) == 5
    assert not [query for query in queries if query["sql"].startswith("UPDATE")]


def test_it_finishes_all_that_only_lost_its_runtime(scene: Scene) -> None:
    for _ in range(5):
        scene.finalizing()
    assert sweep(LATE, slice_size=2) == 5
    assert statuses() == ["completed"] * 5
    assert sweep(LATE, slice_size=2) == 0


def test_one_that_can_not_be_finished_holds_up_no_other(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, *others = (scene.finalizing()[0] for _ in range(3))
    finish = session_sweep.session_finish

    def fail(**given: Any) -> DetectionSession:
        if given["session_id"] == broken:
            raise ValueError("a fault of this session alone")
        return finish(**given)

    monkeypatch.setattr(session_sweep, "session_finish", fail)
    sweep(LATE)
    assert scene.row(broken).status == "finalizing"
    assert [scene.row(one).status for one in others] == ["completed"] * 2


def test_it_leaves_others_alone_when_it_ends_the_suspended(scene: Scene, outsider: Machine) -> None:
    elsewhere = Scene(outsider, make_released(outsider.project)[0])
    untouched, _ = elsewhere.streaming()
    before = elsewhere.columns(untouched)
    scene.created()
    scene.suspend("organization", 1)
    assert sweep(2) == 1
    assert elsewhere.columns(untouched) == before


def test_it_lets_a_deadline_that_passed_win_over_a_later_suspension(scene: Scene) -> None:
    session_id = scene.created()
    scene.suspend("project", 400)
    assert sweep(401) == 1
    assert scene.state(session_id) == ("cancelled", "expired", "session_expired", at(300))


def test_it_is_run_by_the_timer_and_the_command(
    scene: Scene, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kynaplatform.clock.now", lambda *_: at(LATE))
    first = scene.created()
    # Beat of the release before sends it as a task, beside the timer.
    assert tasks.expire_sessions() == 0
    session_sweep.sweep(now=at(LATE))
    assert scene.row(first).status == "cancelled"
    assert swept_at() == at(LATE)
    scene.created()
    scene.streaming()
    call_command("expire_sessions", "--json")
    assert json.loads(capsys.readouterr().out) == {"changed": 2}
    assert session_sweep.expire_sessions(now=at(LATE)) == 0
