"""A downtime of the platform: it counts neither for the idle limit nor for the attach window."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from lifecycle_scene import IDLE, LONGEST, SLACK, WINDOW, Scene, at, sweep

from kynaplatform import clock
from movespecs.models import MoveSpec
from sessions_app import downtime
from sessions_app.attachments import session_attach
from sessions_app.checkpoints import AttachmentLost
from sessions_app.downtime import beat, make_up_for_downtime
from sessions_app.models import DetectionSession, PlatformHeartbeat, SessionAttach
from sessions_app.session_sweep import expire_sessions
from tests.concurrency.racing import race
from tests.conftest import Machine

# The last heartbeat before the absence, and when somebody is there again.
LAST, BACK = 10.0, 160.0
AWAY = timedelta(seconds=BACK - LAST)


@pytest.fixture(autouse=True)
def _looking(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process looks each time."""
    monkeypatch.setattr(downtime, "_present_until", 0.0)
    monkeypatch.setattr(downtime, "_is_present", lambda until: None)


@pytest.fixture
def session_id(scene: Scene) -> UUID:
    """A session whose client was last heard of when it attached, and whose runtime has died."""
    session_id, _ = scene.streaming()
    beat(now=at(LAST))
    return session_id


def by_a_sweep(scene: Scene, session_id: UUID, now: float) -> None:
    assert sweep(now) == 0


def by_an_attach(scene: Scene, session_id: UUID, now: float) -> None:
    scene.attach(session_id, now)


def by_a_renewal(scene: Scene, session_id: UUID, now: float) -> None:
    [(holder, *_)] = scene.attaches(session_id)
    assert scene.renew(session_id, holder, now, heard=0)


def by_a_heartbeat(scene: Scene, session_id: UUID, now: float) -> None:
    beat(now=at(now))


SETTLE = [by_a_sweep, by_an_attach, by_a_renewal, by_a_heartbeat]


@pytest.fixture
def time(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda *_: at(BACK))
    scene.machine.token = scene.machine.token_with("sessions:read")


@pytest.mark.parametrize("settle", SETTLE, ids=lambda settle: settle.__name__)
def test_whoever_is_first_extends_the_idle_limit_by_it(
    scene: Scene, session_id: UUID, time: None, settle: Callable[[Scene, UUID, float], None]
) -> None:
    settle(scene, session_id, BACK)
    row = scene.row(session_id)
    assert row.status == "streaming"
    if settle is not by_an_attach:
        assert row.deadline_at == at(0) + IDLE + SLACK + AWAY
    assert PlatformHeartbeat.objects.get().alive_at == at(BACK)


def test_it_extends_once(scene: Scene, session_id: UUID) -> None:
    for seconds in (BACK, BACK, BACK + 1, BACK + 14):
        make_up_for_downtime(at(seconds))
    assert scene.row(session_id).deadline_at == at(0) + IDLE + SLACK + AWAY


def test_the_attach_window_is_extended_by_it(scene: Scene) -> None:
    created = scene.created()
    beat(now=at(LAST))
    assert sweep(400) == 0
    assert scene.row(created).deadline_at == at(0) + WINDOW + timedelta(seconds=400 - LAST)


def test_of_a_session_created_meanwhile_only_what_it_has_missed(scene: Scene) -> None:
    beat(now=at(LAST))
    created = scene.created(100)
    make_up_for_downtime(at(BACK))
    assert scene.row(created).deadline_at == at(BACK) + WINDOW


def test_the_longest_session_is_not_extended(scene: Scene) -> None:
    session_id, holder = scene.streaming()
    scene.keep_alive(session_id, holder, 3500)
    beat(now=at(3505))
    make_up_for_downtime(at(3550))
    assert scene.row(session_id).deadline_at == at(0) + LONGEST
    make_up_for_downtime(at(3700))
    assert sweep(3700) == 1
    assert scene.state(session_id) == ("completed", "max_duration", None, at(3600))


def test_finalizing_ones_and_those_that_are_left_keep_their_deadlines(scene: Scene) -> None:
    finalizing, _ = scene.finalizing()
    left, _ = scene.streaming()
    DetectionSession.objects.filter(id=left).update(unreadable_since=at(0))
    beat(now=at(LAST))
    before = {one: scene.row(one).deadline_at for one in (finalizing, left)}
    make_up_for_downtime(at(BACK))
    assert {one: scene.row(one).deadline_at for one in before} == before


def test_a_runtime_that_was_away_itself_abandons_nobody_by_it(
    scene: Scene, session_id: UUID
) -> None:
    [(holder, *_)] = scene.attaches(session_id)
    with pytest.raises(AttachmentLost):
        scene.abandon(session_id, holder, heard=0, seconds=BACK)
    assert scene.row(session_id).deadline_at == at(0) + IDLE + SLACK + AWAY
    scene.detach(session_id, holder, BACK, heard=0)
    row = scene.row(session_id)
    assert (row.attachment_id, row.deadline_at) == (None, at(0) + IDLE + SLACK + AWAY)


def test_before_the_first_heartbeat_there_is_none(scene: Scene) -> None:
    session_id, _ = scene.streaming()
    assert sweep(BACK) == 1
    assert scene.state(session_id)[2:] == ("session_abandoned", at(0) + IDLE + SLACK)


def test_heartbeats_of_one_second_are_one_write(scene: Scene) -> None:
    for seconds in (0.0, 0.1, 0.9, 1.0, 0.5):
        beat(now=at(seconds))
        assert PlatformHeartbeat.objects.get().alive_at == at(0)
    beat(now=at(1.1))
    assert PlatformHeartbeat.objects.get().alive_at == at(1.1)


def test_a_process_looks_once_for_as_long_as_none_can_have_been(
    db: None,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Callable[..., object],
) -> None:
    monkeypatch.undo()
    ticks = 1000.0
    monkeypatch.setattr(clock, "ticks", lambda: ticks)
    monkeypatch.setattr(downtime, "_present_until", 0.0)
    beat(now=at(0))

    def looks(seconds: float) -> bool:
        nonlocal ticks
        ticks = 1000.0 + seconds
        with CaptureQueriesContext(connection) as queries, django_capture_on_commit_callbacks(
            execute=True
        ):  # fmt: skip
            make_up_for_downtime(at(seconds))
        return bool(queries)

    PlatformHeartbeat.objects.update(alive_at=at(0))
    assert [looks(seconds) for seconds in (4, 5, 14.9)] == [True, False, False]
    # 15 s after that heartbeat there may be one.
    assert [looks(seconds) for seconds in (15.1, 15.2, 30.0, 30.2)] == [True, False, False, True]


TEN_MINUTES = timedelta(minutes=10)


@pytest.mark.django_db(transaction=True)
def test_attaches_and_heartbeats_at_once_wait_for_none_of_each_other(
    owner: Machine, movespec: MoveSpec
) -> None:
    ids = [uuid.UUID(owner.create_session(movespec).json()["session_id"]) for _ in range(12)]
    now = timezone.now()
    beat(now=now)
    later = now + TEN_MINUTES

    def attach(session_id: uuid.UUID) -> None:
        session_attach(
            SessionAttach(
                session_id=session_id, id=uuid.uuid4(), runtime="host:1", attached_at=later
            ),
            now=later,
        )

    race([*(partial(attach, one) for one in ids), *(partial(beat, now=later) for _ in range(4))])
    statuses = DetectionSession.objects.values_list("status", flat=True)
    assert list(statuses) == ["streaming"] * len(ids)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first", ["look", "sweep"])
def test_of_many_who_find_it_one_extends(owner: Machine, movespec: MoveSpec, first: str) -> None:
    owner.create_session(movespec)
    [before] = DetectionSession.objects.values_list("deadline_at", flat=True)
    now = timezone.now()
    beat(now=now)
    later = now + TEN_MINUTES
    act = {"look": make_up_for_downtime, "sweep": lambda now: expire_sessions(now=now)}[first]
    race([lambda: act(later)] * 8)
    session = DetectionSession.objects.get()
    assert (session.status, session.deadline_at) == ("created", before + TEN_MINUTES)


def test_a_session_that_had_ended_before_it_is_not_extended(scene: Scene) -> None:
    session_id, _ = scene.streaming()
    beat(now=at(200))
    assert sweep(400) == 1
    assert scene.state(session_id)[2:] == ("session_abandoned", at(0) + IDLE + SLACK)
