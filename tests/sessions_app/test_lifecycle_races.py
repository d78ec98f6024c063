"""Who wins when two act on a session at once: real connections, and the race made to happen."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from engine_work import midway, whole
from lifecycle_scene import Scene, at, sweep

from sessions_app.checkpoints import AttachmentLost
from sessions_app.lifecycle import SessionAlreadyEnded, session_erase, session_settle
from sessions_app.models import DetectionSession
from tests.concurrency.racing import race, racing, waiting_backends
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)
FINISHED = ["shape_enter", "shape_exit", "shape_enter", "event_interrupted"]
Act = Callable[[], Any]


def types(scene: Scene, session_id: Any) -> list[str]:
    return [event.type for event in scene.events(session_id)]


def outcome(act: Act) -> Act:
    """`act`, answering with the exception's class when it raises one of those that tell who won."""

    def answered() -> Any:
        try:
            return act()
        except (AttachmentLost, SessionAlreadyEnded) as lost:
            return type(lost)

    return answered


def waits_for(first: Act, second: Act, commits: bool = True) -> Any:
    """What `second` answers, that begins after `first` has written and before it commits, or is
    rolled back."""
    with racing([outcome(second)]) as other:
        with transaction.atomic():
            first()
            other.start()
            eventually(lambda: waiting_backends() == 1, "the second waits for the first")
            transaction.set_rollback(not commits)
        (answer,) = other.results()
    return answer


def midway_finalizing(scene: Scene) -> tuple[Any, Any]:
    session_id, holder = scene.streaming()
    scene.checkpoint(session_id, holder, 1, 1, work=midway())
    scene.finalize(session_id, 2)
    return session_id, holder


# --- Finish and cancel -------------------------------------------------------------------


@pytest.mark.parametrize("finisher", ["runtime", "sweep"])
def test_a_finish_that_waits_for_a_cancel_changes_nothing(scene: Scene, finisher: str) -> None:
    session_id, holder = midway_finalizing(scene)
    finish = {
        "runtime": lambda: scene.finish(session_id, holder, 3),
        # Before the deadline by the canceller's clock, behind it by this one's.
        "sweep": lambda: scene.finish(session_id, None, 100),
    }[finisher]
    assert waits_for(lambda: scene.cancel(session_id, 3), finish) is AttachmentLost
    assert scene.state(session_id) == ("cancelled", "cancelled", None, at(3))
    assert types(scene, session_id) == FINISHED[:3]


def test_a_cancel_that_waits_for_a_finish_finds_the_session_completed(scene: Scene) -> None:
    session_id, holder = midway_finalizing(scene)
    answer = waits_for(
        lambda: scene.finish(session_id, holder, 3), lambda: scene.cancel(session_id, 3)
    )
    assert answer is SessionAlreadyEnded
    assert scene.state(session_id) == ("completed", "completed", None, at(3))
    assert types(scene, session_id) == FINISHED


@pytest.mark.parametrize("ask", ["cancel", "attach"])
def test_who_comes_while_a_finalize_is_finished_finds_the_session_completed(
    scene: Scene, ask: str
) -> None:
    """With nothing attached it is due at once, and no longer open to anyone."""
    session_id, holder = scene.streaming()
    scene.checkpoint(session_id, holder, 1, 1, work=midway())
    scene.detach(session_id, holder, 2)
    due_at_once = {"status": "finalizing", "finishing_outcome": "completed", "deadline_at": at(3)}
    DetectionSession.objects.filter(id=session_id).update(**due_at_once)
    asks = {
        "cancel": lambda: scene.cancel(session_id, 4),
        "attach": lambda: scene.attach(session_id, 4),
    }
    answer = waits_for(lambda: scene.finish(session_id, None, 4), asks[ask])
    assert answer is SessionAlreadyEnded
    assert scene.state(session_id) == ("completed", "completed", None, at(3))
    assert types(scene, session_id) == FINISHED


def test_of_a_finish_and_a_cancel_at_once_exactly_one_wins(scene: Scene) -> None:
    for _ in range(12):
        session_id, holder = midway_finalizing(scene)
        finished, cancelled = race(
            [
                outcome(lambda: scene.finish(session_id, holder, 3)),  # noqa: B023
                outcome(lambda: scene.cancel(session_id, 3)),  # noqa: B023
            ]
        )
        status = scene.row(session_id).status
        if status == "completed":
            assert cancelled is SessionAlreadyEnded
            assert finished.events_total == 4
            assert types(scene, session_id) == FINISHED
        else:
            assert (status, finished, cancelled) == ("cancelled", AttachmentLost, None)
            assert types(scene, session_id) == FINISHED[:3]


# --- Several who finish ------------------------------------------------------------------


def test_of_all_who_finish_at_once_one_stores_the_last_events(scene: Scene) -> None:
    for _ in range(6):
        session_id, holder = midway_finalizing(scene)
        swept, settled, attached, by_nobody, by_its_runtime = race(
            [
                lambda: sweep(100),
                lambda: session_settle(session_id=session_id, now=at(100)),  # noqa: B023
                outcome(lambda: scene.attach(session_id, 100)),  # noqa: B023
                outcome(lambda: scene.finish(session_id, None, 100)),  # noqa: B023
                outcome(lambda: scene.finish(session_id, holder, 100)),  # noqa: B023
            ]
        )
        assert scene.state(session_id) == ("completed", "completed", None, at(61))
        assert types(scene, session_id) == FINISHED
        assert scene.row(session_id).events_total == 4
        assert swept in (0, 1)
        assert settled is None
        assert (attached, by_its_runtime) == (SessionAlreadyEnded, AttachmentLost)
        assert by_nobody is AttachmentLost or by_nobody.events_total == 4


def test_a_finish_begins_again_from_a_checkpoint_that_was_stored_meanwhile(scene: Scene) -> None:
    session_id, holder = scene.streaming()
    scene.checkpoint(session_id, holder, 1, 1, work=midway())
    scene.finalize(session_id, 2)
    rest = [event for event in whole().events if event.sequence > len(midway().events)]

    def store_the_rest() -> None:
        scene.checkpoint(
            session_id, holder, 2, 3, packed_state=whole().packed_state,
            frames=whole().frames - midway().frames, events=rest,
        )  # fmt: skip

    # It has read the first checkpoint, and its write waits for the second.
    finished = waits_for(store_the_rest, lambda: scene.finish(session_id, holder, 4))
    assert finished.events_total == len(whole().events)
    assert scene.state(session_id) == ("completed", "completed", None, at(4))
    assert scene.events(session_id) == list(whole().events)
    assert scene.row(session_id).accepted_frames_total == whole().frames


def test_a_deletion_that_waits_for_a_cancel_finds_the_session_ended(scene: Scene) -> None:
    session_id, _ = scene.streaming()
    project_id = scene.machine.project.id
    waits_for(
        lambda: scene.cancel(session_id, 3),
        lambda: session_erase(session_id=session_id, project_id=project_id, now=at(3)),
    )
    assert not DetectionSession.objects.filter(id=session_id).exists()


# --- Attach and checkpoint ---------------------------------------------------------------


def test_a_checkpoint_that_waits_for_a_newer_attach_changes_nothing(scene: Scene) -> None:
    session_id, older = scene.streaming()
    newer: list[Any] = []
    answer = waits_for(
        lambda: newer.append(scene.attach(session_id, 5)),
        lambda: scene.checkpoint(session_id, older, 1, 5, work=midway()),
    )
    assert answer is AttachmentLost
    row = scene.row(session_id)
    assert (row.attachment_id, row.checkpoint_number, row.packed_state) == (newer[0], 0, None)
    assert (row.accepted_frames_total, row.last_frame_seq, row.events_total) == (0, 0, 0)
    assert scene.events(session_id) == []


def test_an_attach_that_waits_for_a_checkpoint_goes_on_from_it(scene: Scene) -> None:
    session_id, older = scene.streaming()
    newer = waits_for(
        lambda: scene.checkpoint(session_id, older, 1, 5, work=midway()),
        lambda: scene.attach(session_id, 5),
    )
    scene.checkpoint(session_id, newer, 2, 6)
    row = scene.row(session_id)
    assert (row.attachment_id, row.checkpoint_number) == (newer, 2)
    assert types(scene, session_id) == FINISHED[:3]


def test_of_two_attaches_at_once_exactly_one_holds_the_session(scene: Scene) -> None:
    for _ in range(8):
        session_id = scene.created()
        attached = race([lambda: scene.attach(session_id, 5)] * 4)  # noqa: B023
        holder = scene.row(session_id).attachment_id
        assert holder in attached
        noted = {id_: close_code for id_, _, _, close_code in scene.attaches(session_id)}
        assert noted == {id_: None if id_ == holder else 4409 for id_ in attached}
        held = [scene.renew(session_id, one, 6) for one in attached]
        assert held == [one == holder for one in attached]


def test_a_checkpoint_tried_again_before_its_first_try_has_committed_is_stored_once(
    scene: Scene,
) -> None:
    """A runtime whose connection broke can't know whether its commit is on its way."""
    session_id, holder = scene.streaming()

    def store() -> None:
        scene.checkpoint(session_id, holder, 1, 5, work=midway())

    assert waits_for(store, store) is None
    row = scene.row(session_id)
    assert (row.checkpoint_number, row.accepted_frames_total) == (1, midway().frames)
    assert scene.events(session_id) == list(midway().events)


def test_a_checkpoint_tried_again_after_its_first_try_was_rolled_back_is_stored(
    scene: Scene,
) -> None:
    session_id, holder = scene.streaming()

    def store() -> None:
        scene.checkpoint(session_id, holder, 1, 5, work=midway())

    assert waits_for(store, store, commits=False) is None
    assert scene.row(session_id).accepted_frames_total == midway().frames
    assert scene.events(session_id) == list(midway().events)
