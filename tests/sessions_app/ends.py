"""Each way in which a streaming session ends."""

from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

import pytest
from lifecycle_scene import Scene, at, sweep

from projects.models import resume, suspend
from sessions_app.models import DetectionSession
from sessions_app.session_ends import sessions_await_reader


class End(NamedTuple):
    """An end with its outcome and error code, and whether the engine finishes the session."""

    act: Callable[[Scene, UUID, UUID], object]
    outcome: str
    error_code: str = ""
    is_finish: bool = False


def finalize_and_finish(scene: Scene, session_id: UUID, holder: UUID) -> None:
    scene.finalize(session_id, 2)
    scene.finish(session_id, holder, 2)


def finalize_and_sweep(scene: Scene, session_id: UUID, holder: UUID) -> None:
    scene.finalize(session_id, 2)
    assert sweep(200) == 1


def last_longest(scene: Scene, session_id: UUID, holder: UUID) -> None:
    scene.keep_alive(session_id, holder, 3590)
    assert scene.renew(session_id, holder, 3601)
    # It leaves the session finalizing, which is no end.
    assert scene.row(session_id).status == "finalizing"
    sweep(3700)


def suspend_the_project(scene: Scene, session_id: UUID, holder: UUID) -> None:
    suspend(scene.machine.project, now=at(2))
    resume(scene.machine.project)


def stay_unreadable(scene: Scene, session_id: UUID, holder: UUID) -> None:
    scene.detach(session_id, holder, 2)
    one = DetectionSession.objects.filter(id=session_id)
    one.update(is_state_unreadable=True)
    sessions_await_reader(one, at(3))
    assert sweep(1000) == 1


def fail_in_the_engine(scene: Scene, session_id: UUID, holder: UUID) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sessions_app.finish._engine_of", lambda _: object())
        finalize_and_finish(scene, session_id, holder)


ENDS = {
    "finalized": End(finalize_and_finish, "completed", is_finish=True),
    "finalized, its runtime gone": End(finalize_and_sweep, "completed", is_finish=True),
    "at the longest": End(last_longest, "max_duration", is_finish=True),
    "cancelled": End(lambda scene, session_id, _: scene.cancel(session_id, 2), "cancelled"),
    "abandoned": End(lambda *_: sweep(1000), "abandoned", "session_abandoned"),
    "abandoned by its runtime": End(
        lambda scene, session_id, holder: scene.abandon(session_id, holder, 1, 121),
        "abandoned",
        "session_abandoned",
    ),
    "failed": End(
        lambda scene, session_id, holder: scene.fail(session_id, holder, 2),
        "failed",
        "runtime_error",
    ),
    "failed in the engine": End(fail_in_the_engine, "failed", "runtime_error"),
    "suspended": End(suspend_the_project, "suspended", "project_suspended"),
    "unreadable": End(stay_unreadable, "completed", "state_unreadable"),
}
