"""A session is metered once, in the transaction that ends it, whoever ends it."""

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from movespecs.models import MoveSpec
from projects.models import suspend
from sessions_app.models import DetectionSession
from sessions_app.stream_state import unpack
from tests.conftest import Machine
from tests.sessions_app.engine_work import midway
from tests.sessions_app.lifecycle_scene import Scene, at, sweep
from tests.usage.using import metered
from usage.models import MeteredSession

SUMMARY = {"active_ms": 1233.4, "frames": 10}
DAY = date(2031, 5, 1)
LATE = 100_000


@pytest.fixture
def scene(owner: Machine, movespec: MoveSpec) -> Scene:
    return Scene(owner, movespec)


def expired(scene, session_id, holder):
    sweep(LATE)


def cancelled(scene, session_id, holder):
    scene.cancel(session_id, 2)


def finalized(scene, session_id, holder):
    scene.finalize(session_id, 2)
    scene.finish(session_id, holder, 2)


def finalized_and_swept(scene, session_id, holder):
    scene.finalize(session_id, 2)
    sweep(200)


def at_the_longest(scene, session_id, holder):
    scene.keep_alive(session_id, holder, 3590)
    sweep(3700)


def abandoned(scene, session_id, holder):
    sweep(1000)


def abandoned_by_its_runtime(scene, session_id, holder):
    scene.abandon(session_id, holder, 1, 121)


def failed(scene, session_id, holder):
    scene.fail(session_id, holder, 2)


def suspended(scene, session_id, holder):
    suspend(scene.machine.organization, now=at(2))


ENDS = [
    cancelled, finalized, finalized_and_swept, at_the_longest, abandoned, abandoned_by_its_runtime,
    failed, suspended,
]  # fmt: skip


@pytest.mark.parametrize("end", ENDS)
def test_it_is_metered_by_each_end(scene, end):
    session_id, holder = scene.streaming()
    scene.checkpoint(session_id, holder, 1, 1, work=midway(), summary=SUMMARY)
    assert metered() == []
    end(scene, session_id, holder)
    frames = midway().frames
    assert metered() == [(scene.machine.project.id, DAY, frames, 1233)]
    row = MeteredSession.objects.get()
    assert (row.session_id, row.organization_id, row.is_live) == (
        session_id, scene.machine.organization.id, True,
    )  # fmt: skip
    # Nothing ends it again.
    sweep(LATE)
    assert len(metered()) == 1


def test_one_that_nobody_attached_to_is_metered_without_frames(scene):
    scene.created()
    sweep(LATE)
    assert metered() == [(scene.machine.project.id, DAY, 0, 0)]


def test_the_day_is_that_of_its_end_in_utc(scene):
    session_id, _ = scene.streaming()
    ended_at = at(12 * 3600 - 0.000001)
    scene.cancel(session_id, 1)
    later = scene.created(12 * 3600)
    scene.cancel(later, 12 * 3600)
    days = dict(MeteredSession.objects.values_list("session_id", "ended_on"))
    assert days == {session_id: DAY, later: date(2031, 5, 2)}
    assert ended_at.date() == DAY


def test_a_state_of_the_release_before_tells_what_was_active(scene):
    session_id, holder = scene.streaming()
    scene.checkpoint(session_id, holder, 1, 1, work=midway())
    state = unpack(midway().packed_state) | {"summary": SUMMARY}
    DetectionSession.objects.update(engine_state=state, packed_state=None, summary=None)
    scene.cancel(session_id, 2)
    assert [row[3] for row in metered()] == [1233]


@pytest.mark.parametrize("summary", [None, [], {"active_ms": "long"}])
def test_a_summary_that_tells_nothing_ends_its_session_all_the_same(scene, summary):
    session_id, _ = scene.streaming()
    DetectionSession.objects.update(summary=summary)
    scene.cancel(session_id, 1)
    assert [row[3] for row in metered()] == [0]


def test_a_create_an_attach_and_a_checkpoint_run_nothing_of_it(scene):
    """They set no status, or none that is an end: the trigger's condition is asked of neither."""
    session_id, holder = scene.streaming()
    with CaptureQueriesContext(connection) as asked:
        scene.checkpoint(session_id, holder, 1, 1)
    assert len(asked) == 1
    assert metered() == []


def test_a_deleted_session_leaves_its_usage_without_its_id(scene):
    session_id, other = scene.created(), scene.created()
    sweep(LATE)
    DetectionSession.objects.filter(id=session_id).delete()
    ids = set(MeteredSession.objects.values_list("session_id", flat=True))
    assert len(ids) == 2
    assert other in ids
    assert session_id not in ids
