"""A stored state that this process's engine can't read: left to another's, for ten minutes."""

from collections.abc import Callable
from uuid import UUID

import pytest
from engine_work import midway
from lifecycle_scene import IDLE, SLACK, Scene, at, sweep

import detection
from projects.models import suspend
from sessions_app import finish, models
from sessions_app.finish import StateUnreadable
from sessions_app.models import DetectionSession
from sessions_app.session_sweep import read_waiting_sessions
from sessions_app.stream_state import pack, unpack
from tests.conftest import SESSIONS, Machine

GRACE = 600
LATER_FORM = detection.SNAPSHOT_FORM + 1


def of_later_code() -> bytes:
    state = unpack(midway().packed_state)
    state["engine"]["form"] = LATER_FORM
    return pack(state)


DAMAGED = pack({"engine": {"form": detection.SNAPSHOT_FORM}})
STATES = {"of later code": of_later_code(), "damaged": DAMAGED}


@pytest.fixture(params=STATES)
def state(request: pytest.FixtureRequest) -> bytes:
    return STATES[request.param]


def streaming(scene: Scene, state: bytes) -> tuple[UUID, UUID]:
    """A session whose runtime has stored `state`, and its attachment."""
    session_id, holder = scene.streaming()
    scene.checkpoint(session_id, holder, 1, 1, work=midway()._replace(packed_state=state))
    return session_id, holder


@pytest.fixture
def clock(owner: Machine, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    def turn(seconds: float) -> None:
        monkeypatch.setattr("kynaplatform.clock.now", lambda *_: at(seconds))
        owner.token = owner.token_with("sessions:read", "sessions:write")

    return turn


@pytest.fixture
def knowing(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From then on this process is of the later code."""

    def know() -> None:
        monkeypatch.setattr(models, "READABLE_FORMS", (LATER_FORM,))
        monkeypatch.setattr(detection.engine.engine, "SNAPSHOT_FORM", LATER_FORM)

    return know


def finalizing(scene: Scene, state: bytes) -> UUID:
    """Asked to end at 5 s; its runtime is gone, and its deadline at 60 s."""
    session_id, holder = streaming(scene, state)
    assert scene.renew(session_id, holder, 0)
    scene.finalize(session_id, 5)
    return session_id


def refused(scene: Scene, seconds: float) -> UUID:
    """It streamed for 2 s; then its client is refused by a process that can't read its state."""
    session_id, holder = streaming(scene, of_later_code())
    scene.detach(session_id, holder, 2)
    with pytest.raises(StateUnreadable):
        scene.attach(session_id, seconds)
    return session_id


def test_neither_the_sweep_nor_a_finalize_ends_it_for_ten_minutes(
    owner: Machine, scene: Scene, clock: Callable[[float], None], state: bytes
) -> None:
    session_id = finalizing(scene, state)
    sweep(100)
    for seconds in (100, 100 + GRACE - 1e-3):
        clock(seconds)
        assert sweep(seconds) == 0
        again = owner.post(f"{SESSIONS}/{session_id}/finalize")
        assert (again.status_code, again.json()["status"]) == (200, "finalizing")
        assert owner.get(f"{SESSIONS}/{session_id}").json() == again.json()
    assert scene.row(session_id).deadline_at == at(100 + GRACE)
    assert scene.events(session_id) == list(midway().events)


def test_an_attach_leaves_it_and_changes_nothing_else(scene: Scene) -> None:
    session_id, holder = streaming(scene, of_later_code())
    scene.detach(session_id, holder, 2)
    before, attaches = scene.columns(session_id), scene.attaches(session_id)
    for seconds in (3, 100, 300):
        with pytest.raises(StateUnreadable) as refused:
            scene.attach(session_id, seconds)
        assert refused.value.since == at(3)
    expected = before | {"unreadable_since": at(3), "deadline_at": at(3 + GRACE)}
    assert (scene.columns(session_id), scene.attaches(session_id)) == (expected, attaches)


def test_after_ten_minutes_it_completes_on_what_is_counted(scene: Scene, state: bytes) -> None:
    session_id = finalizing(scene, state)
    sweep(100)
    assert sweep(100 + GRACE) == 1
    assert scene.state(session_id) == (
        "completed", "completed", "state_unreadable", at(100 + GRACE),
    )  # fmt: skip
    row = scene.row(session_id)
    assert row.error_message == "No detection engine could read the session's stored state."
    assert (row.accepted_frames_total, row.packed_state) == (midway().frames, None)
    assert scene.events(session_id) == list(midway().events)
    assert sweep(100 + GRACE) == 0


def test_what_streams_completes_ten_minutes_after_its_client_was_refused(scene: Scene) -> None:
    session_id = refused(scene, 100)
    # Beyond its idle limit: who is refused is not idle.
    assert sweep(600) == 0
    assert sweep(100 + GRACE) == 1
    assert scene.state(session_id) == (
        "completed", "completed", "state_unreadable", at(100 + GRACE),
    )  # fmt: skip


def test_a_finalize_meanwhile_is_carried_out_by_whoever_can_read_it(
    scene: Scene, knowing: Callable[[], None]
) -> None:
    session_id = refused(scene, 3)
    scene.finalize(session_id, 10)
    assert scene.state(session_id)[0] == "finalizing"
    assert scene.row(session_id).deadline_at == at(3 + GRACE)
    knowing()
    read_waiting_sessions(now=at(20))
    assert scene.state(session_id) == ("completed", "completed", None, at(20))


def test_who_can_read_it_takes_it_back_to_its_idle_limit(
    scene: Scene, knowing: Callable[[], None]
) -> None:
    session_id = refused(scene, 100)
    read_waiting_sessions(now=at(110))
    knowing()
    read_waiting_sessions(now=at(110))
    row = scene.row(session_id)
    assert (row.unreadable_since, row.deadline_at) == (None, at(110) + IDLE + SLACK)
    read_waiting_sessions(now=at(111))
    scene.attach(session_id, 112)
    assert scene.state(session_id)[0] == "streaming"


def test_what_is_damaged_is_not_taken_back(scene: Scene) -> None:
    session_id = finalizing(scene, DAMAGED)
    sweep(100)
    before = scene.columns(session_id)
    read_waiting_sessions(now=at(110))
    assert sweep(110) == 0
    assert scene.columns(session_id) == before


def test_what_stays_damaged_keeps_nothing_else_from_being_read(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has waited for longer, and one is read a sweep."""
    monkeypatch.setattr(finish, "MAX_REREADS", 1)
    finalizing(scene, DAMAGED)
    sweep(100)
    readable = finalizing(scene, DAMAGED)
    sweep(101)

    def mended(one: DetectionSession) -> None:
        """As newer code that mends what made it fail."""
        if one.id != readable:
            raise ValueError

    monkeypatch.setattr(finish, "_engine_of", mended)
    # The chance that it is never the one is below one of 10¹⁸.
    for _ in range(60):
        finish.sessions_read_again(at(110))
    assert scene.row(readable).unreadable_since is None


def test_a_process_that_knows_the_form_finishes_it(
    scene: Scene, knowing: Callable[[], None]
) -> None:
    session_id = finalizing(scene, of_later_code())
    knowing()
    assert sweep(200) == 1
    assert scene.state(session_id) == ("completed", "completed", None, at(60))
    assert [event.type for event in scene.events(session_id)][-1] == "event_interrupted"


def test_a_process_whose_language_knows_the_movespec_finishes_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = finalizing(scene, midway().packed_state)

    def refuse(_: DetectionSession) -> None:
        raise ValueError("a later word of the language")

    with monkeypatch.context() as older:
        older.setattr(finish, "spec_of_session", refuse)
        sweep(100)
    assert scene.row(session_id).status == "finalizing"
    assert sweep(200) == 1
    assert scene.state(session_id) == ("completed", "completed", None, at(200))


def test_the_others_are_finished_and_this_one_is_told_of_once(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    finalizing(scene, DAMAGED)
    other = finalizing(scene, midway().packed_state)
    assert [sweep(100), sweep(115), sweep(130)] == [1, 0, 0]
    assert scene.row(other).status == "completed"
    logged = [one for one in caplog.records if one.name == "sessions_app.finish"]
    assert len(logged) == 1


def test_it_can_be_cancelled_also_once_it_is_overdue(scene: Scene, state: bytes) -> None:
    by_client, by_staff = finalizing(scene, state), finalizing(scene, of_later_code())
    scene.cancel(by_client, 100)
    suspend(scene.machine.project, now=at(100))
    assert scene.state(by_client) == ("cancelled", "cancelled", None, at(100))
    assert scene.state(by_staff) == ("cancelled", "suspended", "project_suspended", at(100))


def test_at_the_longest_it_is_left_too(scene: Scene, state: bytes) -> None:
    session_id, holder = streaming(scene, state)
    scene.keep_alive(session_id, holder, 3590)
    scene.detach(session_id, holder, 3595)
    sweep(3700)
    assert scene.state(session_id) == ("streaming", None, None, None)
    assert sweep(3700 + GRACE) == 1
    assert scene.state(session_id) == (
        "completed", "completed", "state_unreadable", at(3700 + GRACE),
    )  # fmt: skip


def test_what_an_earlier_release_stored_has_no_version_and_is_read(scene: Scene) -> None:
    session_id = finalizing(scene, midway().packed_state)
    state = unpack(midway().packed_state)
    DetectionSession.objects.update(engine_version=None, packed_state=None, engine_state=state)
    assert sweep(100) == 1
    assert scene.state(session_id) == ("completed", "completed", None, at(60))


def test_one_that_another_runtime_holds_is_that_runtime_s(scene: Scene) -> None:
    session_id, _ = streaming(scene, of_later_code())
    before, attaches = scene.columns(session_id), scene.attaches(session_id)
    with pytest.raises(StateUnreadable) as refused:
        scene.attach(session_id, 2)
    assert refused.value.since is None
    assert (scene.columns(session_id), scene.attaches(session_id)) == (before, attaches)
