"""A project's limit of live sessions: creates at once end exactly at it, and nothing is lost."""

from contextlib import closing
from uuid import uuid4

import pytest
from racing import Connection, racing, session_body

from movespecs.models import MoveSpec
from projects.models import Project
from sessions_app.models import DetectionSession
from tests.api.api_requests import nothing_changes
from tests.conftest import SESSIONS, Machine
from tests.module_servers import WebServer

LIMIT = 2
AT_ONCE = 8


def limit_to(machine: Machine, live_sessions: int | None) -> None:
    Project.objects.filter(id=machine.project.id).update(live_sessions=live_sessions)


@pytest.mark.django_db
def test_a_create_beyond_it_is_refused_and_changes_nothing(
    owner: Machine, outsider: Machine, movespec: MoveSpec
) -> None:
    limit_to(owner, LIMIT)
    key = uuid4().hex
    first = owner.create_session(movespec, idempotency_key=key)
    assert owner.create_session(movespec).status_code == 201
    beyond = uuid4().hex
    with nothing_changes():
        refused = owner.create_session(movespec, idempotency_key=beyond)
        again = owner.create_session(movespec, idempotency_key=key)
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "5"
    error = refused.json()["error"]
    assert (error["code"], error["retryable"]) == ("rate_limited", True)
    assert error["details"] == {
        "retry_after_seconds": 5,
        "limit_name": "live_sessions",
        "limit": LIMIT,
    }
    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"
    # What can't be created is said first.
    assert owner.create_session(movespec, movespec_id=str(uuid4())).status_code == 404
    # Once one has ended there is room, also for the key that was refused.
    owner.post(f"{SESSIONS}/{first.json()['session_id']}/cancel")
    made = owner.create_session(movespec, idempotency_key=beyond)
    assert (made.status_code, "Idempotent-Replayed" in made.headers) == (201, False)
    limit_to(owner, None)
    assert owner.create_session(movespec).status_code == 201


@pytest.mark.django_db
def test_a_refused_create_is_no_creation_of_the_minute(owner: Machine, movespec: MoveSpec) -> None:
    limit_to(owner, 1)
    assert owner.create_session(movespec).status_code == 201
    Project.objects.filter(id=owner.project.id).update(rate_limit_sessions=2)
    for _ in range(4):
        refused = owner.create_session(movespec)
        assert refused.json()["error"]["details"]["limit_name"] == "live_sessions"
    limit_to(owner, 2)
    assert owner.create_session(movespec).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_as_many_as_the_limit_are_made(
    web: WebServer, owner: Machine, movespec: MoveSpec
) -> None:
    limit_to(owner, LIMIT)
    body = session_body(owner, movespec)

    def create() -> int:
        with closing(Connection(web.base_url)) as connection:
            return connection.call("POST", SESSIONS, body, owner.token).status

    with racing([create] * AT_ONCE) as creates:
        creates.start()
        statuses = sorted(creates.results())
    assert statuses == [201] * LIMIT + [429] * (AT_ONCE - LIMIT)
    assert DetectionSession.objects.live().count() == LIMIT
