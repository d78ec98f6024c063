"""Suspending a project or an organization ends what runs at once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from movespecs.models import MoveSpec
from projects import models as suspension
from sessions_app.models import DetectionSession
from tests.conftest import Machine, error_of


@pytest.mark.parametrize("level", ["project", "organization"])
def test_it_cancels_live_sessions_and_refuses_requests(
    owner: Machine, peer: Machine, movespec: MoveSpec, level: str
) -> None:
    owner.create_session(movespec)
    now = timezone.now()

    suspension.suspend(getattr(owner, level), now=now)

    session = DetectionSession.objects.get()
    assert (session.status, session.terminal_outcome) == ("cancelled", "suspended")
    assert (session.error_code, session.ended_at) == (f"{level}_suspended", now)
    refusal = owner.create_session(movespec)
    assert (refusal.status_code, error_of(refusal)["code"]) == (403, f"{level}_suspended")
    assert peer.get("/api/movespecs").status_code == (200 if level == "project" else 403)
    assert DetectionSession.objects.count() == 1


def test_it_keeps_the_first_moment_and_ended_sessions(owner: Machine, movespec: MoveSpec) -> None:
    owner.create_session(movespec)
    now = timezone.now()
    suspension.suspend(owner.project, now=now)

    suspension.suspend(owner.project, now=now + timedelta(hours=1))

    owner.project.refresh_from_db()
    assert owner.project.suspended_at == now
    assert DetectionSession.objects.get().ended_at == now


def test_it_admits_again_after_a_resume(owner: Machine, movespec: MoveSpec) -> None:
    suspension.suspend(owner.project, now=timezone.now())

    suspension.resume(owner.project)

    assert owner.create_session(movespec).status_code == 201
