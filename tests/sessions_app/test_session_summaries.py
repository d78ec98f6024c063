"""The summary of a session's frames is kept by whatever ends the session; its state is not."""

from datetime import timedelta

import pytest
from django.db import connection
from ends import ENDS
from engine_work import midway
from lifecycle_scene import Scene, at

from sessions_app.models import DetectionSession
from sessions_app.session_ends import leftover_states_drop
from sessions_app.stream_state import pack, unpack
from sessions_app.summary import COUNTED
from tests.sessions_app.plans import run

SUMMARY = {"usable": 9, "active_ms": 300, "ranges": [[80.0, 170.5]], "steps": 2, "rejected": {}}


@pytest.mark.parametrize("end", ENDS)
def test_it_is_kept_by_whatever_ends_the_session(scene: Scene, end: str) -> None:
    """The statement that writes the terminal status writes it too, or finds it."""
    run(
        "CREATE TEMP TABLE told (summary jsonb); "
        "CREATE FUNCTION pg_temp.tell() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO told VALUES (NEW.summary); RETURN NULL; END $$; "
        "CREATE TRIGGER tells AFTER UPDATE OF status ON detection_session FOR EACH ROW "
        "WHEN (NEW.ended_at IS NOT NULL) EXECUTE FUNCTION pg_temp.tell()"
    )
    for stored_by in ("this code", "the release before"):
        is_kept_by(scene, end, stored_by)
    with connection.cursor() as cursor:
        cursor.execute("SELECT summary ->> 'active_ms' FROM told")
        assert cursor.fetchall() == [("300",)] * 2


def is_kept_by(scene: Scene, end: str, stored_by: str) -> None:
    session_id, holder = scene.streaming()
    scene.checkpoint(session_id, holder, 1, 1, work=midway(), summary=SUMMARY)
    if stored_by == "the release before":
        state = unpack(midway().packed_state) | {"summary": SUMMARY}
        DetectionSession.objects.filter(id=session_id).update(
            engine_state=state, packed_state=None, summary=None
        )
    ENDS[end].act(scene, session_id, holder)
    row = scene.row(session_id)
    assert row.ended_at is not None, row.status
    assert (row.packed_state, row.engine_state) == (None, None)
    # The finish counts what was under way, and an end without it keeps what the stream has told.
    counted = row.summary.pop(COUNTED, None)
    assert row.summary == SUMMARY
    assert (counted is not None) == ENDS[end].is_finish
    if counted is not None:
        assert counted["squat"]["attempts"] == {"session_ended": 1}


@pytest.mark.parametrize("slice_size", [1, 2, 1000])
def test_what_the_release_before_leaves_at_an_end_is_tidied_up(
    scene: Scene, slice_size: int
) -> None:
    live, *left = (scene.streaming()[0] for _ in range(5))
    state = midway()
    packed = pack(unpack(state.packed_state) | {"summary": SUMMARY})
    DetectionSession.objects.update(packed_state=packed)
    known, damaged, old = left[1:]
    DetectionSession.objects.filter(id__in=left).update(
        status="completed", terminal_outcome="completed", ended_at=at(5), deadline_at=None,
        attachment_id=None,
    )  # fmt: skip
    DetectionSession.objects.filter(id=known).update(summary={"usable": 1})
    DetectionSession.objects.filter(id=damaged).update(packed_state=b"\x01damaged")
    DetectionSession.objects.filter(id=old).update(created_at=at(0) - timedelta(days=3))
    before = {id_: scene.columns(id_) for id_ in (live, old)}

    assert leftover_states_drop(now=at(10), slice_size=slice_size) == 3

    rows = [scene.row(id_) for id_ in left[:3]]
    assert [row.packed_state for row in rows] == [None] * 3
    assert [row.summary for row in rows] == [SUMMARY, {"usable": 1}, None]
    assert {id_: scene.columns(id_) for id_ in (live, old)} == before
    assert leftover_states_drop(now=at(10)) == 0


def test_a_session_whose_state_has_none_ends_without(scene: Scene) -> None:
    session_id, holder = scene.streaming()
    scene.checkpoint(session_id, holder, 1, 1, work=midway())
    scene.cancel(session_id, 2)
    assert scene.row(session_id).summary is None
