"""Sweeps that run at once share the work: each overdue session is settled once."""

from collections import Counter
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from racing import race, racing, waiting_backends

from movespecs.models import MoveSpec
from sessions_app.lifecycle import (
    SessionAlreadyEnded,
    session_cancel,
    session_finalize,
    session_settle,
)
from sessions_app.models import DetectionSession, Outcome, Status
from sessions_app.session_sweep import expire_sessions
from tests.conftest import Machine
from tests.sessions_app.plans import LIVE, add_sessions
from tests.waiting import eventually

STALE = 1_000


def make_stale(owner: Machine, movespec: MoveSpec, count: int) -> datetime:
    """`count` sessions whose attach windows ended, a second apart, before the given moment."""
    now = timezone.now()
    deadline = f"'{now}'::timestamptz - (n - 1) * interval '1 second'"
    created = f"{deadline} - interval '300 seconds'"
    add_sessions(owner, movespec, count, **LIVE | {"deadline_at": deadline, "created_at": created})
    return now


def assert_all_expired(count: int) -> None:
    found = DetectionSession.objects.values_list(
        "status", "terminal_outcome", "error_code", "created_at", "ended_at"
    )
    assert Counter(
        (status, outcome, code, (ended_at - created_at).total_seconds())
        for status, outcome, code, created_at, ended_at in found
    ) == {("cancelled", "expired", "session_expired", 300): count}


@pytest.mark.django_db(transaction=True)
def test_four_sweepers_together_settle_each_session_once(
    owner: Machine, movespec: MoveSpec
) -> None:
    now = make_stale(owner, movespec, STALE)
    changed = race([lambda: expire_sessions(now=now, slice_size=50)] * 4)
    assert sum(changed) == STALE
    assert_all_expired(STALE)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("commits", "left_over"), [(True, 0), pytest.param(False, 100, marks=pytest.mark.long)]
)
def test_a_sweep_passes_over_what_another_is_settling_without_waiting(
    owner: Machine, movespec: MoveSpec, commits: bool, left_over: int
) -> None:
    now = make_stale(owner, movespec, STALE)
    taken = list(DetectionSession.objects.order_by("deadline_at").values_list("id", flat=True))
    with transaction.atomic():
        for id_ in taken[:100]:
            session_settle(session_id=id_, now=now)
        (changed,) = race([lambda: expire_sessions(now=now)])
        assert changed == STALE - 100
        transaction.set_rollback(not commits)
    assert expire_sessions(now=now) == left_over
    assert_all_expired(STALE)


@pytest.mark.django_db(transaction=True)
def test_a_sweep_does_not_overwrite_a_cancel_that_commits_meanwhile(
    owner: Machine, movespec: MoveSpec
) -> None:
    now = make_stale(owner, movespec, 1)
    session = DetectionSession.objects.get()
    in_time = now - timedelta(seconds=1)
    with transaction.atomic():
        session_cancel(session_id=session.id, project_id=owner.project.id, now=in_time)
        (changed,) = race([lambda: expire_sessions(now=now)])
    assert changed == 0
    assert expire_sessions(now=now) == 0
    session.refresh_from_db()
    assert (session.status, session.terminal_outcome, session.ended_at) == (
        Status.CANCELLED,
        Outcome.CANCELLED,
        in_time,
    )


@pytest.mark.django_db(transaction=True)
def test_a_finalize_that_waits_for_a_sweep_finds_the_session_expired(
    owner: Machine, movespec: MoveSpec
) -> None:
    now = make_stale(owner, movespec, 1)
    session = DetectionSession.objects.get()

    def finalize() -> dict[str, object]:
        with pytest.raises(SessionAlreadyEnded) as refused:
            # Before the deadline by its own clock, but after the sweep in the database.
            session_finalize(
                session_id=session.id,
                project_id=owner.project.id,
                now=now - timedelta(seconds=1),
            )
        return dict(refused.value.details)

    with racing([finalize]) as finalizer:
        with transaction.atomic():
            assert expire_sessions(now=now) == 1
            finalizer.start()
            eventually(lambda: waiting_backends() == 1, "the finalize waits for the sweep")
        (details,) = finalizer.results()
    assert details == {
        "status": "cancelled",
        "terminal_outcome": "expired",
        "accepted_frames_total": 0,
    }
    assert_all_expired(1)
