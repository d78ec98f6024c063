"""A create of a cached principal: one statement, and refused by what the principal is by then."""

from collections.abc import Callable
from datetime import timedelta
from itertools import cycle
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kynaplatform import clock
from movespecs.models import MoveSpec
from projects import authentication
from projects.models import AccessToken, Credential, Organization, Project, suspend
from sessions_app import views
from sessions_app.models import DetectionSession
from tests.api.api_requests import limited, nothing_changes, refused
from tests.conftest import Machine, mint

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _cached(owner: Machine, movespec: MoveSpec) -> None:
    authentication._cached.clear()
    assert owner.create_session(movespec).status_code == 201


def revoke_token(owner: Machine) -> None:
    AccessToken.objects.filter(credential=owner.credential).update(revoked_at=clock.now())


def forget_token(owner: Machine) -> None:
    AccessToken.objects.filter(credential=owner.credential).delete()


def revoke_credential(owner: Machine) -> None:
    Credential.objects.filter(id=owner.credential.id).update(revoked_at=clock.now())


def expire_credential(owner: Machine) -> None:
    Credential.objects.filter(id=owner.credential.id).update(expires_at=clock.now())


def suspend_project(owner: Machine) -> None:
    suspend(owner.project, now=clock.now())


def suspend_organization(owner: Machine) -> None:
    suspend(owner.organization, now=clock.now())


CHANGES: dict[Callable[[Machine], None], tuple[int, str]] = {
    revoke_token: (401, "access_token_invalid"),
    forget_token: (401, "access_token_invalid"),
    revoke_credential: (401, "access_token_invalid"),
    expire_credential: (401, "access_token_invalid"),
    suspend_project: (403, "project_suspended"),
    suspend_organization: (403, "organization_suspended"),
}
# What is asked, each refused for another reason were it not for the change.
ASKED: dict[str, dict[str, Any]] = {
    "good": {},
    "replay": {"idempotency_key": "first"},
    "key reused": {"idempotency_key": "first", "mode": "replay"},
    "bad key": {"idempotency_key": "a b"},
    "no mode": {"mode": None},
    "another project": {"project_id": "00000000-0000-4000-8000-000000000001"},
    "another contract": {"contract_major": 2},
    "no such movespec": {"movespec_id": "00000000-0000-4000-8000-000000000001"},
}
each_change = pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)


@pytest.mark.parametrize(("change", "asked"), [*zip(cycle(CHANGES), ASKED)], ids=[*ASKED])
def test_what_has_changed_is_told_before_any_other_refusal(
    owner: Machine, movespec: MoveSpec, change: Callable[[Machine], None], asked: str
) -> None:
    first = owner.create_session(movespec, idempotency_key="first")
    assert first.status_code == 201
    change(owner)
    with nothing_changes():
        for _ in range(2):
            response = owner.create_session(movespec, **ASKED[asked])
            refused(response, *CHANGES[change])
    # A request of who is no principal is not counted.
    _undo(owner)
    counted = 5 if response.status_code == 403 else 3
    left = owner.create_session(movespec).headers["RateLimit-Remaining"]
    assert left == str(100_000 - counted)


@each_change
def test_what_changes_while_the_request_is_served_is_told(
    owner: Machine,
    movespec: MoveSpec,
    change: Callable[[Machine], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whether the principal was cached, or read by this very request."""
    admit = views.session_admit

    def change_and_admit(**given: Any) -> Any:
        change(owner)
        return admit(**given)

    for is_cached in (True, False):
        if not is_cached:
            authentication._cached.clear()
        monkeypatch.setattr(views, "session_admit", change_and_admit)
        before = DetectionSession.objects.count()
        refused(owner.create_session(movespec), *CHANGES[change])
        assert DetectionSession.objects.count() == before
        monkeypatch.undo()
        _undo(owner)


def _undo(owner: Machine) -> None:
    Organization.objects.update(suspended_at=None)
    Project.objects.update(suspended_at=None)
    Credential.objects.update(revoked_at=None, expires_at=None)
    AccessToken.objects.update(revoked_at=None)
    if not AccessToken.objects.exists():
        owner.token = mint(owner.credential)


def test_one_that_changes_each_time_it_is_read_is_503(
    owner: Machine, movespec: MoveSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    admit = views.session_admit

    def limit_and_admit(**given: Any) -> Any:
        project = Project.objects.get(id=owner.project.id)
        project.rate_limit = (project.rate_limit or 1000) + 1
        project.save(update_fields=["rate_limit"])
        return admit(**given)

    monkeypatch.setattr(views, "session_admit", limit_and_admit)
    response = owner.create_session(movespec)
    refused(response, 503, "service_unavailable")
    assert response.headers["Retry-After"] == "5"
    assert DetectionSession.objects.count() == 1
    monkeypatch.undo()
    assert owner.create_session(movespec).status_code == 201


@pytest.mark.parametrize(
    ("column", "name"), [("rate_limit", "project"), ("rate_limit_sessions", "sessions")]
)
def test_a_limit_of_the_project_counts_from_the_next_create_on(
    owner: Machine, movespec: MoveSpec, column: str, name: str
) -> None:
    Project.objects.filter(id=owner.project.id).update(**{column: 2})
    owner.create_session(movespec)
    with nothing_changes():
        limited(owner.create_session(movespec), name, 2, 60)
    Project.objects.filter(id=owner.project.id).update(**{column: 100})
    response = owner.create_session(movespec)
    assert (response.status_code, response.headers["RateLimit-Limit"]) == (201, "100")


def test_a_refusal_of_an_unchanged_caller_counts_once(owner: Machine, movespec: MoveSpec) -> None:
    before = owner.create_session(movespec).headers["RateLimit-Remaining"]
    after = owner.create_session(movespec, mode=None).headers["RateLimit-Remaining"]
    assert int(after) == int(before) - 1
    assert owner.create_session(movespec).headers["RateLimit-Remaining"] == str(int(before) - 2)


def test_a_refusal_before_admission_costs_the_reading_of_the_caller(
    owner: Machine, movespec: MoveSpec
) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert owner.create_session(movespec, mode=None).status_code == 422
    assert [query["sql"].split()[0] for query in queries] == ["SELECT"]


def test_a_principal_is_cached_for_a_minute_but_not_beyond_its_credential(
    owner: Machine, movespec: MoveSpec
) -> None:
    (cached,) = authentication._cached.values()
    owner.credential.refresh_from_db()
    assert owner.credential.last_used_at is not None
    assert cached.until == owner.credential.last_used_at + timedelta(minutes=1)
    assert authentication.principal_cached(cached.principal.token_id, cached.until) is None
    soon = clock.now() + timedelta(seconds=5)
    Credential.objects.filter(id=owner.credential.id).update(expires_at=soon)
    assert owner.create_session(movespec).status_code == 201
    (cached,) = authentication._cached.values()
    assert cached.until == soon


def test_few_principals_are_cached(
    owner: Machine, movespec: MoveSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authentication, "MAX_CACHED", 2)
    for _ in range(5):
        owner.token = mint(owner.credential)
        assert owner.create_session(movespec).status_code == 201
        assert len(authentication._cached) <= 2


def test_other_endpoints_read_the_caller(owner: Machine, movespec: MoveSpec) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert owner.get(f"/api/movespecs/{movespec.id}").status_code == 200
    assert queries.captured_queries[0]["sql"].startswith("SELECT token.scopes")
