"""kyna_sessions_ended_total: each end of a session once, whoever wrote it, once it is committed."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest
from django.db import transaction
from ends import ENDS
from engine_work import whole
from lifecycle_scene import Scene, at, sweep

from projects.models import suspend
from sessions_app.checkpoints import AttachmentLost
from sessions_app.lifecycle import SessionAlreadyEnded, session_settle
from sessions_app.models import DetectionSession
from sessions_app.session_ends import ENDED_SESSIONS
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


@pytest.mark.parametrize("name", ENDS)
def test_each_end_is_counted_once_by_how_it_came(scene: Scene, name: str) -> None:
    before, end = counted(), ENDS[name]
    session_id, holder = scene.streaming()
    scene.checkpoint(session_id, holder, 1, 1, work=whole())
    end.act(scene, session_id, holder)
    sweep(5000)
    assert counted() - before == stored() == {(end.outcome, end.error_code): 1}


def test_sessions_that_end_together_are_counted_each(scene: Scene) -> None:
    for _ in range(3):
        scene.created()
    before = counted()
    assert sweep(301, slice_size=2) == 3
    scene.created(302)
    suspend(scene.machine.organization, now=at(303))
    assert counted() - before == stored() == {
        ("expired", "session_expired"): 3, ("suspended", "organization_suspended"): 1,
    }  # fmt: skip


def test_every_end_has_its_series_from_the_start() -> None:
    series = {
        (sample.labels["outcome"], sample.labels["error_code"])
        for family in ENDED_SESSIONS.collect()
        for sample in family.samples
    }
    others = {("expired", "session_expired"), ("suspended", "organization_suspended")}
    assert {(end.outcome, end.error_code) for end in ENDS.values()} | others <= series


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
            partial(each, lambda n: session_settle(session_id=lost[n], now=at(500))),
            partial(each, lambda n: scene.cancel(never_attached[-n - 1], 3)),
            partial(sweep, 500, slice_size=5),
            partial(sweep, 500, slice_size=7),
        ]
    )

    assert DetectionSession.objects.filter(terminal_outcome__isnull=True).count() == 0
    assert stored().total() == 3 * MANY
    assert counted() - before == stored()
