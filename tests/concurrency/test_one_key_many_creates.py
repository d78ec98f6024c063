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
from sessions_app.admission import session_admit
from sessions_app.models import DetectionSession, Mode
from sessions_app.schemas import SessionCreate
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
        create=SessionCreate(
            project_id=machine.project.id, mode=Mode(mode), movespec_id=movespec.id
        ),
        idempotency_key="k",
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


@pytest.mark.parametrize("commits", [True, False])
@pytest.mark.parametrize("mode", ["live", "replay"])
def test_those_that_wait_for_the_first_get_its_row_or_a_refusal_or_the_key_it_gave_back(
    owner: Machine, movespec: MoveSpec, mode: str, commits: bool
) -> None:
    key_ring().active(timezone.now())
    with racing([refused_or_admitted(owner, movespec, mode)] * LOSERS) as others:
        with transaction.atomic():
            first, _ = admit(owner, movespec, "live")
            others.start()
            eventually(lambda: waiting_backends() == LOSERS, "every loser waits")
            transaction.set_rollback(not commits)
        losers = others.results()
    session = DetectionSession.objects.get()
    assert (session.id == first.id) is commits
    if commits and mode != "live":
        assert losers == [None] * LOSERS
        return
    assert {answered(loser[0]) for loser in losers if loser} == {answered(session)}
    replays = {True: LOSERS} if commits else {True: LOSERS - 1, False: 1}
    assert Counter(loser and loser[1] for loser in losers) == replays
