"""A terminal session never changes: each end against each function, at any later time."""

import uuid
from collections.abc import Callable
from uuid import UUID

import pytest
from lifecycle_scene import Scene, at, sweep

from sessions_app import lifecycle
from sessions_app.leases import AttachmentLost
from sessions_app.lifecycle import SessionAlreadyEnded
from sessions_app.models import DetectionSession
from sessions_app.stream_state import STATE_COLUMNS
from tests.long_runs import thinned
from tests.sessions_app.engine_work import Work, midway

Do = Callable[[Scene, UUID, UUID], object]


def complete(scene: Scene, session_id: UUID, attachment_id: UUID) -> None:
    scene.finalize(session_id, 1)
    scene.finish(session_id, attachment_id, 2)


def reach_the_longest(scene: Scene, session_id: UUID, attachment_id: UUID) -> None:
    scene.keep_alive(session_id, attachment_id, 3590)
    sweep(4_000)


def suspend(what: str) -> Do:
    def do(scene: Scene, *_: UUID) -> None:
        scene.suspend(what, 1)
        sweep(2)
        scene.suspend(what, None)

    return do


ENDS: dict[tuple[str, str], Do] = {
    ("completed", "completed"): complete,
    ("completed", "max_duration"): reach_the_longest,
    ("cancelled", "cancelled"): lambda scene, session, _: scene.cancel(session, 1),
    ("cancelled", "suspended"): suspend("project"),
    ("failed", "abandoned"): lambda *_: sweep(1_000),
    ("failed", "failed"): lambda scene, session, holder: scene.fail(session, holder, 1),
}
EXPIRED = ("cancelled", "expired")
LATER = 9_000
ACTS: dict[str, Do] = {
    "attach": lambda scene, session, _: scene.attach(session, LATER),
    "checkpoint": lambda scene, session, holder: scene.checkpoint(session, holder, 1, LATER),
    "renew": lambda scene, session, holder: scene.renew(session, holder, LATER),
    "finish": lambda scene, session, holder: scene.finish(session, holder, LATER),
    "finish for nobody": lambda scene, session, _: scene.finish(session, None, LATER),
    "abandon": lambda scene, session, holder: scene.abandon(session, holder, 1, LATER),
    "detach": lambda scene, session, holder: scene.detach(session, holder, LATER),
    "fail": lambda scene, session, holder: scene.fail(session, holder, LATER),
    "finalize": lambda scene, session, _: scene.finalize(session, LATER),
    "cancel": lambda scene, session, _: scene.cancel(session, LATER),
    "settle": lambda _, session, __: lifecycle.session_settle(session_id=session, now=at(LATER)),
    "sweep": lambda *_: sweep(LATER),
    "suspend project": suspend("project"),
    "suspend organization": suspend("organization"),
}


@thinned("ended, act", [*ENDS, EXPIRED], [*ACTS])
def test_it_never_changes_again(scene: Scene, ended: tuple[str, str], act: str) -> None:
    if ended == EXPIRED:
        session_id, attachment_id = scene.created(), uuid.uuid4()
        sweep(301)
    else:
        session_id, attachment_id = scene.streaming()
        ENDS[ended](scene, session_id, attachment_id)
    before = scene.columns(session_id)
    assert (before["status"], before["terminal_outcome"]) == ended
    assert (before["deadline_at"], before["attachment_id"], before["lease_until"]) == (None,) * 3
    expect_end_or_loss(act, scene, session_id, attachment_id)
    assert scene.columns(session_id) == before


def expect_end_or_loss(act: str, scene: Scene, session_id: UUID, attachment_id: UUID) -> None:
    """Which act raises what: the contract's answer to a request, AttachmentLost to a runtime."""
    status = scene.row(session_id).status
    refusals = {
        "attach": SessionAlreadyEnded,
        "checkpoint": AttachmentLost,
        "finish": AttachmentLost,
        "finish for nobody": AttachmentLost,
        "abandon": AttachmentLost,
        "fail": AttachmentLost,
        "finalize": None if status == "completed" else SessionAlreadyEnded,
        "cancel": None if status == "cancelled" else SessionAlreadyEnded,
    }
    if (refusal := refusals.get(act)) is None:
        assert ACTS[act](scene, session_id, attachment_id) in (None, 0, False)
        return
    with pytest.raises(refusal) as raised:
        ACTS[act](scene, session_id, attachment_id)
    if refusal is SessionAlreadyEnded:
        row = scene.row(session_id)
        assert raised.value.details == {
            "status": row.status,
            "terminal_outcome": row.terminal_outcome,
            "accepted_frames_total": row.accepted_frames_total,
        }


def has_engine_state(session_id: UUID) -> bool:
    has_none = {f"{column}__isnull": True for column in STATE_COLUMNS}
    return not DetectionSession.objects.filter(id=session_id, **has_none).exists()


def session_with(scene: Scene, work: Work) -> tuple[UUID, UUID]:
    session_id, attachment_id = scene.streaming()
    scene.checkpoint(session_id, attachment_id, 1, 0.5, work=work)
    assert has_engine_state(session_id)
    return session_id, attachment_id


def test_its_engine_state_waits_for_the_runtime_that_is_to_finish_it(scene: Scene) -> None:
    session_id, attachment_id = session_with(scene, midway())
    scene.keep_alive(session_id, attachment_id, 3590)
    sweep(3_601)
    assert scene.row(session_id).status == "finalizing"
    assert has_engine_state(session_id)
    before = len(scene.events(session_id))
    scene.finish(session_id, attachment_id, 3_602)
    assert len(scene.events(session_id)) == before + 1
    assert not has_engine_state(session_id)
