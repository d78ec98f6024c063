"""How long sessions, their events and their attaches are kept, and what is never touched."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from lifecycle_scene import Scene
from uuid_utils.compat import uuid7

from common.keyset import first_id_of
from projects.models import Organization
from sessions_app import lifecycle, retention, tasks
from sessions_app.events import event_id
from sessions_app.models import DetectionEvent, DetectionSession, SessionAttach
from sessions_app.retention import (
    Partition,
    dated_partitions,
    event_partition_drop,
    event_partitions_make,
    kept_of,
    prune_staff_log,
    retention_apply,
)
from tests.conftest import Machine, make_released
from tests.sessions_app.plans import copy_row, run

DAY = timedelta(days=1)
NOW = timezone.now()


@pytest.fixture
def kept(settings: Any) -> Any:
    settings.RETENTION_DAYS, settings.EVENTS_RETENTION_DAYS = 30, None
    return settings


def ended(scene: Scene, days_ago: float, *, id_: UUID | None = None, events: int = 2) -> UUID:
    """A session that ended so long before NOW, with events and an attach."""
    at = NOW - days_ago * DAY
    first = scene.created()
    id_ = id_ or first_id_of(at - timedelta(minutes=20))
    while DetectionSession.objects.filter(id=id_).exists():
        id_ = UUID(int=id_.int + 1)
    copy_row("detection_session", first, 1, id=f"'{id_}'")
    DetectionSession.objects.filter(id=first).delete()
    DetectionSession.objects.filter(id=id_).update(
        status="completed", terminal_outcome="completed", ended_at=at, deadline_at=None,
        created_at=at - timedelta(minutes=20), events_total=events, counted_events_total=events,
    )  # fmt: skip
    DetectionEvent.objects.bulk_create(
        DetectionEvent(
            session_id=id_, sequence=n, frame_seq=n, ts_ms=n, type="feedback", payload={}
        )
        for n in range(1, events + 1)
    )
    SessionAttach.objects.create(id=uuid7(), session_id=id_, runtime="x", attached_at=at)
    return id_


def apply(now: Any = NOW) -> int:
    run("SET CONSTRAINTS ALL IMMEDIATE")
    return retention_apply(now=now)


def left() -> set[UUID]:
    return set(DetectionSession.objects.values_list("id", flat=True))


def with_events() -> set[UUID]:
    return set(DetectionEvent.objects.values_list("session_id", flat=True))


@pytest.fixture
def of_another(outsider: Machine) -> Scene:
    return Scene(outsider, make_released(outsider.project)[0])


def test_a_project_that_fails_keeps_no_other_from_its_turn(
    scene: Scene, of_another: Scene, kept: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing, other = ended(scene, 40), ended(of_another, 40)
    of_project, project_id = retention._changes_of_project, scene.machine.project.id

    def fail_of_one(of: UUID, *more: Any) -> int:
        if of == project_id:
            raise ValueError("of this one")
        return of_project(of, *more)

    monkeypatch.setattr(retention, "_changes_of_project", fail_of_one)
    for _ in range(2):
        with pytest.raises(ValueError, match="of this one"):
            apply()
    assert failing in left()
    assert other not in left()


def test_without_a_setting_all_is_kept(scene: Scene) -> None:
    """Also with days that were stored before an organization's days had a limit."""
    ids = {ended(scene, days) for days in (1, 400, 4000)}
    assert apply() == 0
    Organization.objects.update(retention_days=2**31 - 1)
    assert apply() == 0
    assert left() == with_events() == ids


def test_it_deletes_sessions_with_all_that_is_theirs(scene: Scene, kept: Any) -> None:
    # Events wait for the rest of their partition: for its day, and one of the longest session.
    gone = [ended(scene, days) for days in (32.1, 60)]
    stays = {ended(scene, days) for days in (0, 29.9, 30.5)}
    assert apply() == len(gone)
    assert left() == with_events() == stays
    assert set(SessionAttach.objects.values_list("session_id", flat=True)) == stays
    assert apply() == 0


def test_an_organization_has_fewer_days_of_its_own(
    scene: Scene, outsider: Any, movespec: Any, kept: Any
) -> None:
    organization = scene.machine.organization
    organization.retention_days = 3
    organization.save()
    mine = [ended(scene, days) for days in (2.9, 3.1, 20)]
    theirs = ended(scene, 20)
    DetectionSession.objects.filter(id=theirs).update(project_id=outsider.project.id)
    assert apply() == 2
    assert left() == with_events() == {mine[0], theirs}
    # Above the platform's it is no more than the platform's.
    organization.retention_days = 300
    organization.save()
    assert kept_of(300) == kept_of() == (30, 30)


def test_events_leave_before_their_session(scene: Scene, kept: Any) -> None:
    kept.EVENTS_RETENTION_DAYS = 5
    old, young, _ = ended(scene, 8), ended(scene, 4), ended(scene, 33)
    before = scene.columns(old)
    assert apply() == 3  # the oldest lost its events, and then itself
    assert left() == {old, young}
    assert with_events() == {young}
    assert scene.columns(old) == before | {"events_left_at": NOW}
    assert apply() == 0


def test_a_live_session_is_never_touched(scene: Scene, kept: Any) -> None:
    session_id, _ = scene.streaming()
    DetectionSession.objects.filter(id=session_id).update(
        created_at=NOW - 100 * DAY, deadline_at=NOW - 90 * DAY
    )
    DetectionEvent.objects.create(
        session_id=session_id, sequence=1, frame_seq=1, ts_ms=1, type="feedback", payload={}
    )
    before = scene.columns(session_id)
    assert apply() == 0
    assert scene.columns(session_id) == before
    assert with_events() == {session_id}


def ended_in(partition: Partition, scene: Scene, *moments: datetime) -> list[UUID]:
    """Sessions of a partition that ended at these moments."""
    ids = [UUID(int=partition.first.int + n) for n in range(len(moments))]
    for id_, at in zip(ids, moments, strict=True):
        ended(scene, 0, id_=id_)
        created = partition.ends_at - DAY
        DetectionSession.objects.filter(id=id_).update(ended_at=at, created_at=created)
    return ids


@pytest.mark.parametrize("events_days", [None, 5])
def test_a_partition_leaves_once_all_of_it_is_due(
    scene: Scene, kept: Any, events_days: int | None
) -> None:
    kept.EVENTS_RETENTION_DAYS = events_days
    days = events_days or 30
    event_partitions_make(now=NOW, kept_days=days)
    last = dated_partitions()[-1]
    ids = ended_in(last, scene, *(last.ends_at + n * timedelta(hours=1) for n in range(3)))
    due = last.ends_at + timedelta(days=days, hours=2)
    assert apply(due) == 0
    assert last in dated_partitions()
    assert with_events() == {*ids}

    with CaptureQueriesContext(connection) as queries:
        # Each loses its events, and then itself.
        assert apply(due + timedelta(seconds=1)) == (6 if events_days is None else 3)

    assert last not in dated_partitions()
    assert with_events() == set()
    assert left() == (set() if events_days is None else {*ids})
    deletes = [query["sql"] for query in queries if "DELETE FROM detection_event" in query["sql"]]
    assert len(deletes) == (1 if events_days is None else 0)
    if events_days:
        noted = DetectionSession.objects.filter(events_left_at=due + timedelta(seconds=1))
        assert noted.count() == 3


def test_one_without_its_events_that_is_not_due_outlives_its_partition(
    scene: Scene, kept: Any
) -> None:
    """It lost them before, so it keeps no partition: as after a change of days."""
    event_partitions_make(now=NOW, kept_days=30)
    last = dated_partitions()[-1]
    due = last.ends_at + timedelta(days=30, hours=3)
    ids = ended_in(last, scene, last.ends_at, due - 29 * DAY, due - 31 * DAY)
    DetectionSession.objects.filter(id=ids[1]).update(events_left_at=NOW)
    apply(due)
    assert last not in dated_partitions()
    assert left() == {ids[1]}
    assert scene.row(ids[1]).events_left_at == NOW


def test_a_run_that_was_killed_behind_a_partition_is_made_up_for(scene: Scene, kept: Any) -> None:
    event_partitions_make(now=NOW, kept_days=30)
    last = dated_partitions()[-1]
    [id_] = ended_in(last, scene, last.ends_at)
    run("SET CONSTRAINTS ALL IMMEDIATE")
    assert event_partition_drop(last)
    assert (left(), with_events()) == ({id_}, set())
    assert apply(last.ends_at + timedelta(days=32, seconds=1)) == 1
    assert left() == set()


def test_it_goes_in_bounded_batches_until_its_time_is_over(
    scene: Scene, kept: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "MAX_EVENTS", 5)
    for events in (2, 2, 9, 1, 1):
        ended(scene, 40, events=events)
    with monkeypatch.context() as patch:
        patch.setattr(retention, "RUN_SECONDS", 0)
        assert apply() == 0  # the run is over
    taken: list[int] = []
    remove = retention.sessions_remove
    monkeypatch.setattr(
        retention,
        "sessions_remove",
        lambda ids: (taken.append(len(ids)), remove(ids)),
    )
    assert apply() == 5
    assert sorted(taken) == [1, 2, 2]


def test_the_log_of_staff_is_kept_as_long_as_it_says(scene: Scene, settings: Any) -> None:
    user = User.objects.create(username="ada")
    for flag in (CHANGE, DELETION):
        for days in (99, 101):
            entry = LogEntry.objects.create(user=user, action_flag=flag, object_repr=f"{days}")
            LogEntry.objects.filter(id=entry.id).update(action_time=NOW - days * DAY)
    assert prune_staff_log(now=NOW) == 0
    settings.STAFF_LOG_RETENTION_DAYS = 100
    assert prune_staff_log(now=NOW) == 1
    kept = set(LogEntry.objects.values_list("action_flag", "object_repr"))
    assert kept == {(CHANGE, "99"), (DELETION, "99"), (DELETION, "101")}


def test_both_are_tasks(scene: Scene, kept: Any) -> None:
    ended(scene, 40)
    run("SET CONSTRAINTS ALL IMMEDIATE")
    assert tasks.make_event_partitions() > 0
    assert tasks.apply_retention() == 1


def test_a_reader_of_events_that_have_left_finds_none(
    scene: Scene, kept: Any, owner: Any, admin_client: Any
) -> None:
    kept.EVENTS_RETENTION_DAYS = 5
    id_ = ended(scene, 10)
    owner.token = owner.token_with("sessions:read")
    path = f"/api/detection/sessions/{id_}/events"
    first, beyond = (event_id(id_, sequence) for sequence in (1, 3))
    assert len(owner.get(path).json()) == 2
    apply()
    for query in ("", f"?after={first}", "?type=feedback"):
        answer = owner.get(f"{path}{query}")
        assert (answer.status_code, answer.json()) == (200, [])
    assert owner.get(f"{path}?after={beyond}").status_code == 422
    assert owner.get(f"/api/detection/sessions/{id_}").status_code == 200
    page = admin_client.get(f"/admin/sessions_app/detectionsession/{id_}/change/").content.decode()
    assert f"Events left on {NOW:%Y-%m-%d}" in page
