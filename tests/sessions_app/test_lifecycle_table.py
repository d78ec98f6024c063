"""Each row of the contract's lifecycle table, at the moment that it names."""

import uuid

import pytest
from lifecycle_scene import (
    GRACE,
    IDLE,
    LEASE,
    LONGEST,
    SLACK,
    START,
    TICK,
    WINDOW,
    Scene,
    at,
    sweep,
)

from kynaplatform.api.errors import NotFound, OrganizationSuspended, ProjectSuspended
from sessions_app import lifecycle, session_sweep
from sessions_app.lifecycle import SessionAlreadyEnded
from tests.conftest import Machine

LATE = 100_000


def test_it_streams_from_the_first_attach(scene: Scene) -> None:
    session_id = scene.created()
    attachment_id = scene.attach(session_id, 299)
    session = scene.row(session_id)
    assert (session.status, session.started_at, session.attachment_id) == (
        "streaming", at(299), attachment_id,
    )  # fmt: skip
    assert session.longest_until == at(299) + LONGEST
    assert session.lease_until == at(299) + LEASE
    assert session.deadline_at == at(299) + IDLE + SLACK


def test_it_keeps_the_first_start_on_a_further_attach(scene: Scene) -> None:
    session_id, _ = scene.streaming()
    attachment_id = scene.attach(session_id, 50)
    session = scene.row(session_id)
    assert (session.started_at, session.longest_until) == (START, START + LONGEST)
    assert (session.attachment_id, session.lease_until) == (attachment_id, at(50) + LEASE)
    assert session.deadline_at == at(50) + IDLE + SLACK


def test_it_expires_when_the_attach_window_is_over(scene: Scene) -> None:
    session_id = scene.created()
    assert session_sweep.expire_sessions(now=START + WINDOW - TICK) == 0
    assert scene.row(session_id).status == "created"
    assert sweep(LATE) == 1
    assert scene.state(session_id) == (
        "cancelled", "expired", "session_expired", START + WINDOW,
    )  # fmt: skip


def test_it_is_abandoned_after_the_idle_limit(scene: Scene) -> None:
    session_id, attachment_id = scene.streaming()
    scene.checkpoint(session_id, attachment_id, 1, 20)
    deadline = at(20) + IDLE + SLACK
    assert session_sweep.expire_sessions(now=deadline - TICK) == 0
    assert scene.row(session_id).status == "streaming"
    assert sweep(LATE) == 1
    assert scene.state(session_id) == ("failed", "abandoned", "session_abandoned", deadline)


def test_it_ends_at_the_longest_session_when_the_runtime_is_long_gone(scene: Scene) -> None:
    session_id, attachment_id = scene.streaming()
    scene.keep_alive(session_id, attachment_id, until=3540)
    # The lease ran out at 3570, and 30 seconds later it is the end of the longest session.
    assert sweep(3600) == 1
    assert scene.state(session_id) == ("completed", "max_duration", None, START + LONGEST)


def test_it_waits_for_a_runtime_that_died_just_before_the_longest_session(scene: Scene) -> None:
    session_id, attachment_id = scene.streaming()
    scene.keep_alive(session_id, attachment_id, until=3550)
    assert sweep(3600) == 1
    assert scene.row(session_id).status == "finalizing"
    assert session_sweep.expire_sessions(now=at(3610) - TICK) == 0
    assert sweep(3610) == 1
    assert scene.state(session_id) == ("completed", "max_duration", None, START + LONGEST)


def test_it_completes_when_the_lease_of_a_finalizing_session_ran_out_for_30_s(
    scene: Scene,
) -> None:
    session_id, _ = scene.finalizing()
    assert session_sweep.expire_sessions(now=at(60) - TICK) == 0
    assert sweep(LATE) == 1
    assert scene.state(session_id) == ("completed", "completed", None, at(60))


def test_it_finishes_through_the_next_attach(scene: Scene) -> None:
    session_id, _ = scene.finalizing()
    attachment_id = scene.attach(session_id, 59)
    row = scene.row(session_id)
    assert (row.status, row.deadline_at) == ("finalizing", at(59) + LEASE + GRACE)
    scene.finish(session_id, attachment_id, 70)
    assert scene.state(session_id) == ("completed", "completed", None, at(70))


def test_it_is_completed_for_an_attach_that_comes_too_late(scene: Scene) -> None:
    session_id, _ = scene.finalizing()
    with pytest.raises(SessionAlreadyEnded):
        scene.attach(session_id, 60)
    assert scene.state(session_id) == ("completed", "completed", None, at(60))


STAGES = ["created", "streaming", "finalizing"]


def at_stage(scene: Scene, stage: str) -> uuid.UUID:
    return scene.created() if stage == "created" else getattr(scene, stage)()[0]


@pytest.mark.parametrize("end", ["finalize", "cancel"])
def test_it_is_not_ended_by_another_project(scene: Scene, peer: Machine, end: str) -> None:
    session_id, _ = scene.streaming()
    before = scene.columns(session_id)
    function = getattr(lifecycle, f"session_{end}")
    with pytest.raises(NotFound):
        function(session_id=session_id, project_id=peer.project.id, now=at(1))
    assert scene.columns(session_id) == before


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("what", ["project", "organization"])
def test_it_ends_with_its_project_or_organization(scene: Scene, stage: str, what: str) -> None:
    session_id = at_stage(scene, stage)
    scene.suspend(what, 5)
    assert sweep(6) == 1
    assert scene.state(session_id) == ("cancelled", "suspended", f"{what}_suspended", at(6))
    assert scene.row(session_id).error_message == "The project or its organization was suspended."


def test_it_names_the_organization_when_both_are_suspended(scene: Scene) -> None:
    session_id = scene.created()
    scene.suspend("project", 1)
    scene.suspend("organization", 2)
    assert sweep(3) == 1
    assert scene.row(session_id).error_code == "organization_suspended"


@pytest.mark.parametrize(
    ("what", "error"),
    [("project", ProjectSuspended), ("organization", OrganizationSuspended)],
)
@pytest.mark.parametrize("swept", [False, True])
def test_it_does_not_attach_while_suspended(
    scene: Scene, what: str, error: type[Exception], swept: bool
) -> None:
    session_id = scene.created()
    scene.suspend(what, 1)
    if swept:
        sweep(2)
    before = scene.columns(session_id)
    with pytest.raises(error):
        scene.attach(session_id, 3)
    assert scene.columns(session_id) == before
