"""Any number of simultaneous creates with one Idempotency-Key make one session."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from racing import Answer, Connection, race, racing, session_body, waiting_backends

from kynaplatform.api.errors import IdempotencyKeyReused
from movespecs.models import MoveSpec
from projects.signing import key_ring
from sessions_app.admission import AdmissionRequest, session_admit
from sessions_app.models import DetectionSession
from tests.conftest import Machine
from tests.module_servers import WebServer
from tests.server import api_server
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

CREATES = 64
LOSERS = 12
PROCESSES = 2


@pytest.fixture(scope="module")
def web_environment() -> dict[str, str]:
    return {"WEB_PROCESSES": str(PROCESSES)}


def creates(base_url: str, machine: Machine, key: str, bodies: list[dict[str, Any]]) -> list[Any]:
    """A create for each body, over a connection that is open before the race."""
    connections = [Connection(base_url) for _ in bodies]
    return [
        lambda connection=connection, body=body: connection.create(machine, key, **body)
        for connection, body in zip(connections, bodies, strict=True)
    ]


def assert_one_session_and_equal_answers(answers: list[Answer], machine: Machine) -> None:
    (session,) = DetectionSession.objects.filter(project=machine.project)
    assert Counter(answer.status for answer in answers) == {201: len(answers)}
    assert len({answer.body for answer in answers}) == 1
    assert answers[0].json()["session_id"] == str(session.id)
    assert Counter(answer.is_replay for answer in answers) == {True: len(answers) - 1, False: 1}


def test_64_simultaneous_creates_make_one_session_and_64_equal_bodies(
    owner: Machine, movespec: MoveSpec, tmp_path: Path
) -> None:
    with api_server(tmp_path, workers=4) as base_url:
        answers = race(creates(base_url, owner, "k", [session_body(owner, movespec)] * CREATES))
    assert_one_session_and_equal_answers(answers, owner)


def test_of_two_bodies_that_race_for_a_key_one_is_admitted_and_the_other_is_refused(
    owner: Machine, movespec: MoveSpec, web: WebServer
) -> None:
    live, replay = (session_body(owner, movespec, mode=mode) for mode in ("live", "replay"))
    answers = race(creates(web.base_url, owner, "k", [live, replay] * 16))
    session = DetectionSession.objects.get()
    admitted, refused = answers[0::2], answers[1::2]
    if session.mode == "replay":
        admitted, refused = refused, admitted
    assert_one_session_and_equal_answers(admitted, owner)
    assert Counter(answer.status for answer in refused) == {422: 16}
    assert {answer.error["code"] for answer in refused} == {"idempotency_key_reused"}


def admit(machine: Machine, movespec: MoveSpec, mode: str = "live") -> tuple[Any, bool]:
    return session_admit(
        request=AdmissionRequest(
            project_id=machine.project.id,
            mode=mode,
            contract_major=1,
            movespec_id=movespec.id,
            movespec_version_id=None,
            idempotency_key="k",
        ),
        now=timezone.now(),
        principal=None,
    )


def refused_or_admitted(
    machine: Machine, movespec: MoveSpec, mode: str
) -> Callable[[], tuple[Any, bool] | None]:
    def attempt() -> tuple[Any, bool] | None:
        try:
            return admit(machine, movespec, mode)
        except IdempotencyKeyReused:
            return None

    return attempt


def answered(session: DetectionSession) -> tuple[Any, ...]:
    """Every column that an answer and its token are made of."""
    return (
        session.id, session.project_id, session.resolved_version_id, session.mode,
        session.contract_major, session.created_at, session.signing_key_id,
        session.runtime_token_expires_at, session.stream_url,
    )  # fmt: skip


def test_losers_that_wait_for_the_winner_get_its_row_when_it_commits(
    owner: Machine, movespec: MoveSpec
) -> None:
    key_ring().active(timezone.now())
    with racing([lambda: admit(owner, movespec)] * LOSERS) as others:
        with transaction.atomic():
            winner, is_replay = admit(owner, movespec)
            others.start()
            eventually(lambda: waiting_backends() == LOSERS, "every loser waits")
        losers = others.results()
    assert not is_replay
    assert DetectionSession.objects.get().id == winner.id
    assert [(answered(session), replay) for session, replay in losers] == [
        (answered(winner), True)
    ] * LOSERS


def test_one_of_the_waiting_takes_the_key_when_the_winner_rolls_back(
    owner: Machine, movespec: MoveSpec
) -> None:
    key_ring().active(timezone.now())
    with racing([lambda: admit(owner, movespec)] * LOSERS) as others:
        with transaction.atomic():
            rolled_back, _ = admit(owner, movespec)
            others.start()
            eventually(lambda: waiting_backends() == LOSERS, "every loser waits")
            transaction.set_rollback(True)
        losers = others.results()
    session = DetectionSession.objects.get()
    assert session.id != rolled_back.id
    assert {answered(loser) for loser, _ in losers} == {answered(session)}
    assert Counter(is_replay for _, is_replay in losers) == {True: LOSERS - 1, False: 1}


@pytest.mark.parametrize("commits", [True, False])
def test_waiting_for_a_key_with_another_body_ends_in_a_refusal_only_if_the_first_commits(
    owner: Machine, movespec: MoveSpec, commits: bool
) -> None:
    key_ring().active(timezone.now())
    with racing([refused_or_admitted(owner, movespec, "replay")] * LOSERS) as others:
        with transaction.atomic():
            first, _ = admit(owner, movespec, "live")
            others.start()
            eventually(lambda: waiting_backends() == LOSERS, "every loser waits")
            transaction.set_rollback(not commits)
        losers = others.results()
    session = DetectionSession.objects.get()
    if commits:
        assert session.id == first.id
        assert losers == [None] * LOSERS
    else:
        assert session.mode == "replay"
        assert Counter(loser and loser[1] for loser in losers) == {True: LOSERS - 1, False: 1}
