"""kyna_sessions_ended_total: each end of a session once, whoever wrote it, once it is committed."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest
from django.db import transaction
from engine_work import whole
from lifecycle_scene import Scene, at, sweep

from projects.models import resume, suspend
from sessions_app.leases import AttachmentLost
from sessions_app.lifecycle import SessionAlreadyEnded, session_fail, session_settle
from sessions_app.models import DetectionSession
from sessions_app.session_ends import ENDED_SESSIONS, MESSAGES, RUNTIME_ERROR
from sessions_app.stream_state import pack
from tests.concurrency.racing import race

pytestmark = pytest.mark.django_db(transaction=True)

Ends = Counter[tuple[str, str]]
MANY = 12


def counted() -> Ends:
    return Counter(
        {
            (sample.labels["outcome"], sample.labels["error_code"]): int(sample.value)
            for family in ENDED_SESSIONS.collect()
            for sample in family.samples
            if sample.name == "kyna_sessions_ended_total" and sample.value
        }
    )


def stored() -> Ends:
    ended = DetectionSession.objects.filter(terminal_outcome__isnull=False)
    found = ended.values_list("terminal_outcome", "error_code")
    return Counter((outcome, error_code or "") for outcome, error_code in found)


def settle(scene: Scene, session_id: object, seconds: float) -> None:
    session_settle(session_id=session_id, now=at(seconds))


def fail(scene: Scene) -> None:
    session_id, holder = scene.streaming()
    session_fail(
        session_id=session_id,
        attachment_id=holder,
        message=MESSAGES[RUNTIME_ERROR],
        now=at(1),
    )


def abandon_by_the_runtime(scene: Scene) -> None:
    session_id, holder = scene.streaming()
    scene.abandon(session_id, holder, heard=0, seconds=121)


def expire_by_the_sweep(scene: Scene) -> None:
    for _ in range(3):
        scene.created()
    assert sweep(301, slice_size=2) == 3


def last_longest_by_the_sweep(scene: Scene) -> None:
    session_id, holder = scene.streaming()
    scene.keep_alive(session_id, holder, 3590)
    scene.detach(session_id, holder, 3595)
    assert sweep(4000) == 1


def finish_by_the_runtime(scene: Scene) -> None:
    session_id, holder = scene.finalizing()
    scene.finish(session_id, holder, 1)


def cancel(scene: Scene) -> None:
    session_id = scene.created()
    for _ in range(2):
        scene.cancel(session_id, 1)


def suspend_the_project(scene: Scene) -> None:
    scene.created()
    scene.streaming()
    suspend(scene.machine.project, now=at(1))
    resume(scene.machine.project)


def suspend_the_organization(scene: Scene) -> None:
    scene.created()
    suspend(scene.machine.organization, now=at(1))
    resume(scene.machine.organization)


def give_up_an_unreadable_state(scene: Scene) -> None:
    session_id, holder = scene.streaming()
    scene.checkpoint(session_id, holder, 1, 1, packed_state=pack({"engine": {"form": 0}}))
    scene.finalize(session_id, 2)
    assert [sweep(100), sweep(700)] == [1, 1]


def fail_in_the_engine(scene: Scene) -> None:
    session_id, holder = scene.finalizing()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sessions_app.finish._last_events", broken)
        scene.finish(session_id, holder, 1)


def broken(*_: object) -> None:
    raise ZeroDivisionError


ENDS: list[tuple[Callable[[Scene], None], dict[tuple[str, str], int]]] = [
    (fail, {("failed", "runtime_error"): 1}),
    (fail_in_the_engine, {("failed", "runtime_error"): 1}),
    (give_up_an_unreadable_state, {("completed", "state_unreadable"): 1}),
    (abandon_by_the_runtime, {("abandoned", "session_abandoned"): 1}),
    (expire_by_the_sweep, {("expired", "session_expired"): 3}),
    (last_longest_by_the_sweep, {("max_duration", ""): 1}),
    (finish_by_the_runtime, {("completed", ""): 1}),
    (cancel, {("cancelled", ""): 1}),
    (suspend_the_project, {("suspended", "project_suspended"): 2}),
    (suspend_the_organization, {("suspended", "organization_suspended"): 1}),
]


def test_each_end_is_counted_by_how_it_came(scene: Scene) -> None:
    for end, expected in ENDS:
        counted_before, stored_before = counted(), stored()
        end(scene)
        # Whatever comes after, an end is one.
        sweep(5000)
        assert stored() - stored_before == expected, end.__name__
        assert counted() - counted_before == expected, end.__name__


def test_every_end_that_there_is_has_its_series_from_the_start() -> None:
    told = {
        (sample.labels["outcome"], sample.labels["error_code"])
        for family in ENDED_SESSIONS.collect()
        for sample in family.samples
    }
    assert {pair for _, expected in ENDS for pair in expected} <= told


def test_an_end_that_is_not_committed_is_none(scene: Scene) -> None:
    before, session_id = counted(), scene.created()
    with transaction.atomic():
        scene.cancel(session_id, 1)
        assert counted() == before
        transaction.set_rollback(True)
    assert (counted(), scene.row(session_id).status) == (before, "created")
    with transaction.atomic():
        scene.cancel(session_id, 1)
    assert counted() - before == {("cancelled", ""): 1}


def test_of_several_who_end_a_session_at_once_one_counts_it(scene: Scene) -> None:
    """Each session is finished by its runtime, swept twice, cancelled and read, all at once."""
    held = []
    for _ in range(MANY):
        session_id, holder = scene.streaming()
        scene.checkpoint(session_id, holder, 1, 1, work=whole())
        scene.finalize(session_id, 2)
        held.append((session_id, holder))
    lost = [scene.streaming()[0] for _ in range(MANY)]
    never_attached = [scene.created() for _ in range(MANY)]
    before = counted()

    def each(act: Callable[[int], object]) -> None:
        for number in range(MANY):
            with suppress(AttachmentLost, SessionAlreadyEnded):
                act(number)

    race(
        [
            partial(each, lambda n: scene.finish(*held[n], 3)),
            partial(each, lambda n: scene.finish(held[n][0], None, 500)),
            partial(each, lambda n: scene.cancel(held[-n - 1][0], 3)),
            partial(each, lambda n: settle(scene, lost[n], 500)),
            partial(each, lambda n: scene.cancel(never_attached[-n - 1], 3)),
            partial(sweep, 500, slice_size=5),
            partial(sweep, 500, slice_size=7),
        ]
    )

    assert DetectionSession.objects.filter(terminal_outcome__isnull=True).count() == 0
    assert stored().total() == 3 * MANY
    assert counted() - before == stored()
