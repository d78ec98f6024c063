"""The record of who was attached to a session, and giving one up."""

import uuid
from datetime import timedelta

import pytest
from lifecycle_scene import GRACE, IDLE, LEASE, RUNTIME, START, Scene, at, sweep
from plans import FEW_PAGES, MANY, add_sessions, executed, indexes_used, pages_read, prepared, run

from kynaplatform.api.errors import NotFound
from movespecs.models import MoveSpec
from sessions_app import attachments, lifecycle
from sessions_app.checkpoints import AttachmentLost
from sessions_app.models import DetectionSession
from tests.conftest import Machine


def test_a_newer_attach_closes_the_older_one(scene: Scene) -> None:
    session_id, older = scene.streaming()
    newer = scene.attach(session_id, 10)
    # What the older one has to say comes late.
    scene.detach(session_id, older, 11, close_code=4409)
    assert scene.attaches(session_id) == [
        (older, at(0), at(10), 4409),
        (newer, at(10), None, None),
    ]
    row = scene.row(session_id)
    assert (row.attachment_id, row.lease_until) == (newer, at(10) + LEASE)


@pytest.mark.parametrize(
    ("arrived", "runtime", "is_newest"),
    [
        (11, RUNTIME, True),
        (10, RUNTIME, True),  # its own first try, whose answer was lost
        (9.999, RUNTIME, False),
        (9, "host-2:1", True),  # two clocks
        (8.999, "host-2:1", False),
    ],
)
def test_the_newest_is_the_one_that_arrived_last_however_long_it_waited(
    scene: Scene, arrived: float, runtime: str, is_newest: bool
) -> None:
    session_id = scene.created()
    holder = scene.attach(session_id, 10)
    before, attaches = scene.columns(session_id), scene.attaches(session_id)
    if is_newest:
        late = scene.attach(session_id, 20, arrived, runtime=runtime)
        assert scene.row(session_id).attachment_id == late
        assert (late, at(arrived), None, None) in scene.attaches(session_id)
        return
    with pytest.raises(AttachmentLost):
        scene.attach(session_id, 20, arrived, runtime=runtime)
    assert (scene.columns(session_id), scene.attaches(session_id)) == (before, attaches)
    scene.checkpoint(session_id, holder, 1, 21)


def test_a_try_whose_answer_was_lost_is_repeated_by_a_clock_that_was_measured_anew(
    scene: Scene,
) -> None:
    session_id = scene.created()
    holder = scene.attach(session_id, 10)
    scene.attach(session_id, 20, 9.999, holder)
    assert scene.row(session_id).attachment_id == holder
    assert scene.attaches(session_id) == [(holder, at(9.999), None, None)]


def test_one_that_has_closed_is_not_newer(scene: Scene) -> None:
    """Also where the clock of its runtime is ahead, or was before it was set."""
    session_id = scene.created()
    scene.detach(session_id, scene.attach(session_id, 10), 11)
    for runtime in (RUNTIME, "host-2:1"):
        attachment_id = scene.attach(session_id, 12, 8, runtime=runtime)
        assert scene.row(session_id).attachment_id == attachment_id
        scene.detach(session_id, attachment_id, 13)


def test_a_detach_gives_the_session_up(scene: Scene) -> None:
    session_id, holder = scene.streaming()
    scene.detach(session_id, holder, 10, close_code=1001)
    row = scene.row(session_id)
    assert (row.status, row.attachment_id, row.lease_until) == ("streaming", None, None)
    assert row.deadline_at == at(10) + IDLE
    assert scene.attaches(session_id) == [(holder, at(0), at(10), 1001)]
    # Nothing is attached: a finalize need not wait for the lease to run out.
    scene.finalize(session_id, 11)
    assert scene.state(session_id) == ("completed", "completed", None, at(11))


def test_a_detach_of_a_finalizing_session_leaves_30_s_for_the_next(scene: Scene) -> None:
    session_id, holder = scene.finalizing()
    scene.detach(session_id, holder, 10, close_code=1012)
    row = scene.row(session_id)
    assert (row.status, row.attachment_id, row.deadline_at) == (
        "finalizing", None, at(10) + GRACE,
    )  # fmt: skip
    assert sweep(39.9) == 0
    assert sweep(40) == 1
    assert scene.state(session_id) == ("completed", "completed", None, at(40))


def test_a_runtime_abandons_what_was_idle_at_the_very_limit(scene: Scene) -> None:
    session_id, holder = scene.streaming()
    scene.checkpoint(session_id, holder, 1, 7)
    # The stored deadline is later than the true one.
    assert scene.row(session_id).deadline_at > at(7) + IDLE
    scene.abandon(session_id, holder, heard=7, seconds=127.5)
    assert scene.state(session_id) == ("failed", "abandoned", "session_abandoned", at(127))
    assert scene.row(session_id).error_message == "The client sent nothing within the idle limit."


def test_a_runtime_does_not_abandon_what_has_lasted_the_longest(scene: Scene) -> None:
    session_id, holder = scene.streaming()
    scene.keep_alive(session_id, holder, 3590)
    with pytest.raises(AttachmentLost):
        scene.abandon(session_id, holder, heard=3481, seconds=3601)
    row = scene.row(session_id)
    assert (row.status, row.finishing_outcome) == ("finalizing", "max_duration")
    assert row.deadline_at == at(3590) + LEASE + timedelta(seconds=30)


# --- What it costs -----------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_what_ends_a_session_finds_it_by_its_id(
    fresh_connection: None, generic_plans: None, owner: Machine, movespec: MoveSpec
) -> None:
    """Also with a plan that was made while there were few."""
    run("VACUUM ANALYZE detection_session")
    for _ in range(4):
        with pytest.raises(NotFound):
            lifecycle.session_finalize(
                session_id=uuid.uuid4(), project_id=owner.project.id, now=START
            )
    add_sessions(owner, movespec, MANY)
    run("ANALYZE detection_session")
    name, _ = prepared("%FOR NO KEY UPDATE")
    plan = executed(name, [DetectionSession.objects.values_list("id", flat=True)[0]])
    assert set(indexes_used(plan).values()) == {"detection_session_pkey"}
    assert pages_read(plan) < FEW_PAGES


@pytest.mark.parametrize(("seconds", "longest"), [(600, 600), (9999, 3600), (None, 3600)])
def test_staff_may_shorten_the_longest_session_of_a_project(
    scene: Scene, seconds: int | None, longest: int
) -> None:
    scene.machine.project.session_seconds = seconds
    scene.machine.project.save()
    session_id, _ = scene.streaming()
    assert scene.row(session_id).longest_until == at(longest)


def test_only_the_newest_attaches_of_a_session_are_kept(scene: Scene) -> None:
    kept = attachments.ATTACHES_KEPT
    other_id, other = scene.streaming()
    session_id = scene.created()
    made = [scene.attach(session_id, seconds) for seconds in range(kept + 3)]
    assert [id_ for id_, *_ in scene.attaches(session_id)] == made[3:]
    assert scene.row(session_id).attachment_id == made[-1]
    assert [id_ for id_, *_ in scene.attaches(other_id)] == [other]
