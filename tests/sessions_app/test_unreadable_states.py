"""A stored state that this process's engine can't read: left to another's, for an hour."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from engine_work import midway
from lifecycle_scene import Scene, at, sweep

import detection
from sessions_app import deadlines, finish
from sessions_app.finish import StateUnreadable
from sessions_app.models import DetectionSession
from tests.conftest import SESSIONS, Machine

HOUR = 3600
LATER_FORM = detection.SNAPSHOT_FORM + 1


def of_later_code() -> str:
    state = json.loads(midway().engine_state)
    state["engine"]["form"] = LATER_FORM
    return json.dumps(state)


DAMAGED = json.dumps({"engine": {"form": detection.SNAPSHOT_FORM}})
STATES = {"of later code": of_later_code(), "damaged": DAMAGED}


@pytest.fixture(params=STATES)
def state(request: pytest.FixtureRequest) -> str:
    return STATES[request.param]


@pytest.fixture
def clock(owner: Machine, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    def turn(seconds: float) -> None:
        monkeypatch.setattr("kynaplatform.clock.now", lambda *_: at(seconds))
        owner.token = owner.token_with("sessions:read", "sessions:write")

    return turn


def finalizing(scene: Scene, state: str) -> UUID:
    """Asked to end at 5 s; its runtime is gone, and its deadline at 60 s."""
    session_id, holder = scene.streaming()
    scene.checkpoint(session_id, holder, 1, 1, work=midway()._replace(engine_state=state))
    assert scene.renew(session_id, holder, 0)
    scene.finalize(session_id, 5)
    return session_id


def columns(scene: Scene, session_id: UUID) -> dict[str, Any]:
    return {
        name: value
        for name, value in scene.columns(session_id).items()
        if name != "is_state_unreadable"
    }


def listed(owner: Machine, status: str = "") -> dict[str, str]:
    sessions = owner.get(SESSIONS + (f"?status={status}" if status else "")).json()
    return {one["session_id"]: one["status"] for one in sessions}


def test_the_version_of_the_engine_is_stored_with_its_state_and_stays(scene: Scene) -> None:
    session_id, holder = scene.streaming()
    assert scene.row(session_id).engine_version is None
    scene.checkpoint(session_id, holder, 1, 1, work=midway())
    scene.finalize(session_id, 5)
    scene.finish(session_id, holder, 6)
    row = scene.row(session_id)
    assert (row.engine_version, row.engine_state) == (detection.SNAPSHOT_FORM, None)


def test_neither_the_sweep_nor_a_reader_ends_it(
    owner: Machine, scene: Scene, clock: Callable[[float], None], state: str
) -> None:
    session_id = finalizing(scene, state)
    before, events = columns(scene, session_id), scene.events(session_id)
    for seconds in (100, 1000, 60 + HOUR - 1e-3):
        clock(seconds)
        assert sweep(seconds) == 0
        record = owner.get(f"{SESSIONS}/{session_id}").json()
        assert (record["status"], record["ended_at"], record["error_code"]) == (
            "finalizing", None, None,
        )  # fmt: skip
        assert owner.get(f"{SESSIONS}/{session_id}/events").status_code == 200
        assert listed(owner) == listed(owner, "finalizing") == {str(session_id): "finalizing"}
        assert listed(owner, "completed") == listed(owner, "failed") == {}
        for _ in range(2):
            again = owner.post(f"{SESSIONS}/{session_id}/finalize")
            assert (again.status_code, again.json()["status"]) == (200, "finalizing")
    assert columns(scene, session_id) == before
    assert scene.events(session_id) == events


def test_a_list_shows_what_is_stored_though_nobody_has_looked(
    owner: Machine, scene: Scene, clock: Callable[[float], None]
) -> None:
    session_id = finalizing(scene, of_later_code())
    clock(100)
    assert listed(owner) == {str(session_id): "finalizing"}
    assert listed(owner, "completed") == {}
    assert scene.row(session_id).is_state_unreadable is False


def test_an_attach_changes_nothing(scene: Scene) -> None:
    session_id, holder = scene.streaming()
    work = midway()._replace(engine_state=of_later_code())
    scene.checkpoint(session_id, holder, 1, 1, work=work)
    before, attaches = scene.columns(session_id), scene.attaches(session_id)
    with pytest.raises(StateUnreadable):
        scene.attach(session_id, 2)
    assert (scene.columns(session_id), scene.attaches(session_id)) == (before, attaches)


def test_nor_does_one_to_what_is_overdue(scene: Scene, state: str) -> None:
    session_id = finalizing(scene, state)
    before, attaches = columns(scene, session_id), scene.attaches(session_id)
    with pytest.raises(StateUnreadable):
        scene.attach(session_id, 100)
    assert (columns(scene, session_id), scene.attaches(session_id)) == (before, attaches)


def test_after_an_hour_it_fails_with_a_code_of_its_own(
    owner: Machine, scene: Scene, clock: Callable[[float], None], state: str
) -> None:
    session_id = finalizing(scene, state)
    clock(60 + HOUR)
    record = owner.get(f"{SESSIONS}/{session_id}").json()
    assert (record["status"], record["terminal_outcome"], record["error_code"]) == (
        "failed", "failed", "state_unreadable",
    )  # fmt: skip
    assert record["error_message"] == "No detection engine could read the session's stored state."
    assert listed(owner, "failed") == {str(session_id): "failed"}
    sweep(60 + HOUR)
    assert scene.state(session_id) == ("failed", "failed", "state_unreadable", at(60))
    assert scene.row(session_id).engine_state is None
    assert scene.events(session_id) == list(midway().events)
    assert sweep(60 + HOUR) == 0


def test_readers_say_so_before_the_sweep_has_written_it(
    owner: Machine, scene: Scene, clock: Callable[[float], None]
) -> None:
    session_id = finalizing(scene, of_later_code())
    clock(60 + HOUR)
    shown = owner.get(SESSIONS + "?status=failed").json()
    assert [(one["session_id"], one["error_code"]) for one in shown] == [
        (str(session_id), "state_unreadable")
    ]
    assert scene.row(session_id).status == "finalizing"
    assert sweep(60 + HOUR + 1) == 1
    assert owner.get(SESSIONS).json() == shown


def test_a_process_that_knows_the_form_finishes_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = finalizing(scene, of_later_code())
    assert sweep(100) == 0
    for module in (deadlines, detection.engine.engine):
        monkeypatch.setattr(module, "SNAPSHOT_FORM", LATER_FORM)
    assert sweep(200) == 1
    assert scene.state(session_id) == ("completed", "completed", None, at(60))
    assert [event.type for event in scene.events(session_id)][-1] == "event_interrupted"


def test_a_process_whose_language_knows_the_movespec_finishes_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = finalizing(scene, midway().engine_state)

    def refuse(_: UUID) -> None:
        raise ValueError("a later word of the language")

    with monkeypatch.context() as older:
        older.setattr(finish, "spec_of_version", refuse)
        assert sweep(100) == 0
    assert scene.row(session_id).status == "finalizing"
    assert sweep(200) == 1
    assert scene.state(session_id) == ("completed", "completed", None, at(60))


def test_the_others_are_finished_and_this_one_is_told_of_once(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    finalizing(scene, DAMAGED)
    other = finalizing(scene, midway().engine_state)
    assert [sweep(100), sweep(115), sweep(130)] == [1, 0, 0]
    assert scene.row(other).status == "completed"
    logged = [one for one in caplog.records if one.name == "sessions_app.finish"]
    assert len(logged) == 1


def test_it_can_be_cancelled(owner: Machine, scene: Scene, state: str) -> None:
    session_id = finalizing(scene, state)
    scene.cancel(session_id, 50)
    assert scene.state(session_id) == ("cancelled", "cancelled", None, at(50))


def test_what_streams_is_abandoned_as_any_other(scene: Scene, state: str) -> None:
    session_id, holder = scene.streaming()
    scene.checkpoint(session_id, holder, 1, 1, engine_state=state)
    assert sweep(200) == 1
    assert scene.state(session_id)[2] == "session_abandoned"


def test_at_the_longest_it_is_left_too(scene: Scene, state: str) -> None:
    session_id, holder = scene.streaming()
    scene.checkpoint(session_id, holder, 1, 1, engine_state=state)
    scene.keep_alive(session_id, holder, 3590)
    scene.detach(session_id, holder, 3595)
    before = columns(scene, session_id)
    assert sweep(3700) == 0
    assert columns(scene, session_id) == before
    deadline = before["deadline_at"]
    assert sweep(3600 + HOUR + 1) == 1
    assert scene.state(session_id) == ("failed", "failed", "state_unreadable", deadline)
    assert deadline == before["longest_until"]


def test_a_runtime_that_holds_it_lets_go(scene: Scene) -> None:
    session_id, holder = scene.streaming()
    scene.checkpoint(session_id, holder, 1, 1, engine_state=DAMAGED)
    scene.finalize(session_id, 5)
    before = columns(scene, session_id)
    with pytest.raises(finish.AttachmentLost):
        scene.finish(session_id, holder, 6)
    assert columns(scene, session_id) == before


def test_what_an_earlier_release_stored_has_no_version_and_is_read(scene: Scene) -> None:
    session_id = finalizing(scene, midway().engine_state)
    DetectionSession.objects.update(engine_version=None)
    assert sweep(100) == 1
    assert scene.state(session_id) == ("completed", "completed", None, at(60))
