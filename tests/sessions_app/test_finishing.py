"""Finishing: the engine's own finish on the stored state, whoever finishes the session."""

import uuid
from collections.abc import Callable

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from engine_work import midway, whole
from lifecycle_scene import LONGEST, START, Scene, at, sweep

from detection import Engine
from movespecs.models import MoveSpec
from sessions_app.checkpoints import AttachmentLost, NewEvent
from sessions_app.finish import session_finish
from sessions_app.models import DetectionEvent, DetectionSession
from sessions_app.stream_state import pack

INTERRUPTED = NewEvent(
    4,
    midway().frames,
    midway().events[-1].ts_ms,
    "event_interrupted",
    {
        "reason": "session_ended",
        "number": 1,
        "side": None,
        "path": None,
        "by": None,
        "metrics": {"checks": [], "previous": None},
    },
)
Finish = Callable[[Scene, uuid.UUID, uuid.UUID], object]


def midway_session(scene: Scene, seconds: float = 0) -> tuple[uuid.UUID, uuid.UUID]:
    """A session that streams, with a repetition begun and its state stored."""
    session_id, holder = scene.streaming(seconds)
    scene.checkpoint(session_id, holder, 1, seconds, work=midway())
    return session_id, holder


def by_its_runtime(scene: Scene, session_id: uuid.UUID, holder: uuid.UUID) -> None:
    scene.finalize(session_id, 5)
    scene.finish(session_id, holder, 60 - 1e-6)


def by_finalize(scene: Scene, session_id: uuid.UUID, holder: uuid.UUID) -> None:
    scene.detach(session_id, holder, 3)
    scene.finalize(session_id, 60)


def by_the_sweep(scene: Scene, session_id: uuid.UUID, holder: uuid.UUID) -> None:
    scene.finalize(session_id, 5)
    assert sweep(100) == 1


@pytest.mark.parametrize("finish", [by_its_runtime, by_finalize, by_the_sweep])
def test_a_repetition_that_is_midway_is_interrupted_by_whoever_finishes(
    scene: Scene, finish: Finish
) -> None:
    session_id, holder = midway_session(scene)
    finish(scene, session_id, holder)
    status, outcome, code, ended_at = scene.state(session_id)
    assert (status, outcome, code) == ("completed", "completed", None)
    assert ended_at in (at(60), at(60 - 1e-6))
    assert scene.events(session_id) == [*midway().events, INTERRUPTED]
    row = scene.row(session_id)
    assert (row.events_total, row.accepted_frames_total) == (4, midway().frames)


def by_its_runtime_at_the_longest(scene: Scene, session_id: uuid.UUID, holder: uuid.UUID) -> None:
    scene.keep_alive(session_id, holder, 3590)
    scene.finish(session_id, holder, 3605)


def by_the_sweep_after_its_runtime_died(
    scene: Scene, session_id: uuid.UUID, holder: uuid.UUID
) -> None:
    scene.keep_alive(session_id, holder, 3590)
    assert sweep(3601) == 1
    assert scene.row(session_id).status == "finalizing"
    assert sweep(3650) == 1


@pytest.mark.parametrize(
    "finish", [by_its_runtime_at_the_longest, by_the_sweep_after_its_runtime_died]
)
def test_it_is_finished_at_the_longest_session(scene: Scene, finish: Finish) -> None:
    session_id, holder = midway_session(scene)
    finish(scene, session_id, holder)
    assert scene.state(session_id) == ("completed", "max_duration", None, START + LONGEST)
    assert scene.events(session_id) == [*midway().events, INTERRUPTED]


def test_a_whole_repetition_is_finished_without_further_events(scene: Scene) -> None:
    session_id, holder = scene.streaming()
    scene.checkpoint(session_id, holder, 1, 1, work=whole())
    scene.finalize(session_id, 5)
    scene.finish(session_id, holder, 6)
    assert scene.events(session_id) == list(whole().events)


@pytest.mark.parametrize("state", [{}, {"engine": None}])
def test_a_session_without_frames_has_no_events(scene: Scene, state: dict[str, None]) -> None:
    session_id, holder = scene.streaming()
    scene.checkpoint(session_id, holder, 1, 1, frames=0, packed_state=pack(state))
    scene.finalize(session_id, 5)
    assert scene.finish(session_id, holder, 6).events_total == 0
    assert scene.state(session_id) == ("completed", "completed", None, at(6))


def test_nobody_finishes_what_no_deadline_completes(scene: Scene) -> None:
    created = scene.created()
    streaming, _ = scene.streaming()
    finalizing, holder = scene.finalizing()
    before = {id_: scene.columns(id_) for id_ in (created, streaming, finalizing)}
    for id_ in (*before, uuid.uuid4()):
        with pytest.raises(AttachmentLost):
            scene.finish(id_, None, 59)
    for id_ in (created, streaming):
        with pytest.raises(AttachmentLost):
            scene.finish(id_, holder, 59)
    assert {id_: scene.columns(id_) for id_ in before} == before
    assert sweep(60) == 1
    with pytest.raises(AttachmentLost):
        scene.finish(finalizing, None, 61)


# --- An engine that fails ----------------------------------------------------------------


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Engine) -> None:
        raise ZeroDivisionError("made to fail by a test")

    monkeypatch.setattr(Engine, "finish", fail)


@pytest.mark.usefixtures("broken")
def test_an_engine_that_raises_leaves_the_session_failed_and_others_completed(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    session_id, holder = midway_session(scene)
    assert scene.renew(session_id, holder, 0)
    scene.finalize(session_id, 5)
    other = scene.finalizing()[0]
    assert sweep(100) == 2
    assert scene.row(other).status == "completed"
    assert scene.state(session_id) == ("failed", "failed", "runtime_error", at(60))
    assert scene.row(session_id).error_message == "The detection engine failed."
    (logged,) = [one for one in caplog.records if one.name == "sessions_app.finish"]
    assert logged.getMessage() == f"The engine failed to finish session {session_id}."


def test_last_events_that_can_not_be_stored_keep_no_session_from_ending(scene: Scene) -> None:
    session_id, _ = midway_session(scene)
    scene.finalize(session_id, 5)
    other = midway_session(scene, 1)[0]
    scene.finalize(other, 5)
    DetectionEvent.objects.create(
        session_id=session_id, sequence=4, frame_seq=1, ts_ms=0, type="feedback", payload={}
    )
    assert sweep(100) == 2
    assert scene.state(session_id) == ("failed", "failed", "runtime_error", at(60))
    assert scene.row(session_id).events_total == 3
    assert scene.row(other).status == "completed"


def test_a_database_that_fails_is_no_fault_of_the_session(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id, holder = midway_session(scene)
    scene.finalize(session_id, 5)
    before = scene.columns(session_id)

    def fail(_: DetectionSession) -> None:
        raise OperationalError("terminating connection")

    monkeypatch.setattr("sessions_app.finish.spec_of_session", fail)
    with pytest.raises(OperationalError):
        scene.finish(session_id, holder, 6)
    assert scene.columns(session_id) == before


# --- What it costs -----------------------------------------------------------------------


def test_a_version_is_compiled_once(scene: Scene, movespec: MoveSpec) -> None:
    sessions = [midway_session(scene) for _ in range(3)]
    for session_id, _ in sessions:
        scene.finalize(session_id, 5)
    with CaptureQueriesContext(connection) as queries:
        for session_id, _ in sessions:
            session_finish(session_id=session_id, now=at(100))
    read = [query for query in queries if "yaml_source" in query["sql"]]
    assert len(read) == 1
    assert DetectionSession.objects.filter(status="completed").count() == 3
