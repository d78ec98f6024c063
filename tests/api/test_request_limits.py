"""Rolling limits over HTTP: who is counted on what, and what a client is told"""

import json
import uuid
from uuid import UUID

import pytest
from django.utils import timezone

from projects.models import Organization, Project
from tests.api.api_requests import ask, fresh_address, limited, nothing_changes, refused
from tests.conftest import MOVESPECS, SESSIONS, TOKENS, make_machine
from tests.documented import block

pytestmark = pytest.mark.usefixtures("limits_clock")
UNAUTHENTICATED = ("forged", "other scheme", "missing")
NAMES = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")


def told(response):
    """Limit, remaining and reset, as the headers say."""
    return tuple(int(response.headers[name]) for name in NAMES)


def is_limited(response, wait, name="project"):
    """A 429 that names the limit, and says everywhere to wait `wait` seconds."""
    limited(response, name, told(response)[0], wait)
    assert response.headers["Retry-After"] == str(wait)
    assert told(response)[1:] == (0, wait)
    return True


def statuses(send, times):
    return [send().status_code for _ in range(times)]


# One window


def test_it_admits_the_limit_in_any_rolling_minute(owner, settings, limits_clock):
    settings.RATE_LIMIT_PROJECT = 3
    answers = []
    for now in (1_000, 1_010.5, 1_020):
        limits_clock.now = now
        answers.append(owner.get(SESSIONS))
    assert [answer.status_code for answer in answers] == [200] * 3
    assert [told(answer) for answer in answers] == [(3, 2, 60), (3, 1, 50), (3, 0, 40)]
    assert not any("Retry-After" in answer.headers for answer in answers)
    limits_clock.now = 1_030
    with nothing_changes():
        assert is_limited(owner.get(SESSIONS), wait=30)
    limits_clock.now = 1_059.9
    assert is_limited(owner.get(SESSIONS), wait=1)
    limits_clock.now = 1_060
    assert told(owner.get(SESSIONS)) == (3, 0, 11)
    assert is_limited(owner.get(SESSIONS), wait=11)


def test_the_headers_tell_of_the_limit_with_the_least_left(owner, settings):
    settings.RATE_LIMIT_PROJECT = 10
    settings.RATE_LIMIT_ORGANIZATION = 8
    settings.RATE_LIMIT_MOVESPECS = 4
    assert told(owner.get(SESSIONS)) == (8, 7, 60)
    assert told(owner.get(MOVESPECS)) == (4, 3, 60)
    Organization.objects.update(rate_limit=3)
    assert told(owner.get(MOVESPECS)) == (3, 0, 60)


# What counts


def test_every_authenticated_request_counts_refused_ones_too(owner, movespec, settings):
    settings.RATE_LIMIT_PROJECT = 100
    narrow = owner.token_with("usage:read")
    id_ = owner.create_session(movespec, idempotency_key="k").json()["session_id"]
    left = [
        told(response)[1]
        for response in (
            owner.create_session(movespec, idempotency_key="k"),  # a replay
            owner.create_session(movespec, idempotency_key="k", mode="replay"),  # reused
            owner.post(SESSIONS, {}),  # 422
            owner.post(SESSIONS, b"{"),  # 400
            ask("POST", SESSIONS, b"x" * 600_000, token=owner.token),  # 413
            ask("POST", SESSIONS, b"{}", token=owner.token, content_type="text/plain"),  # 415
            ask("GET", SESSIONS, token=narrow),  # 403
            owner.get(f"{SESSIONS}/no-uuid"),  # 404
            owner.post(f"{SESSIONS}/{id_}/cancel"),
            owner.post(f"{SESSIONS}/{id_}/finalize"),  # 409
            owner.get(f"{TOKENS}?limit=0"),
            owner.call("HEAD", TOKENS),
        )
    ]
    assert left == list(range(98, 86, -1))


def test_what_is_not_authenticated_counts_against_no_project(owner, settings):
    settings.RATE_LIMIT_PROJECT = 2
    for response in (
        ask("GET", "/api/nowhere", token=owner.token),
        ask("DELETE", SESSIONS, token=owner.token),
    ):
        assert not any(name in response.headers for name in (*NAMES, "Retry-After"))
    address = fresh_address()
    ask("GET", SESSIONS, address=address)
    ask("GET", SESSIONS, token=owner.token + "x", address=address)
    assert told(owner.get(SESSIONS)) == (2, 1, 60)


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        *((method, SESSIONS, kind) for method in ("GET", "POST") for kind in UNAUTHENTICATED),
        # Public MoveSpecs need no bearer; a bad one is refused there, too.
        *(("GET", MOVESPECS, kind) for kind in ("forged", "other scheme")),
    ],
)
def test_the_unauthenticated_are_counted_by_address(owner, settings, method, path, kind):
    settings.RATE_LIMIT_ANONYMOUS = 3
    headers = {"other scheme": {"authorization": "Basic eDp5"}}.get(kind, {})
    token = {"forged": owner.token[:-4] + "AAAA"}.get(kind)
    code = "access_token_invalid" if kind == "forged" else "access_token_missing"
    address = fresh_address()
    with nothing_changes():
        answers = [
            ask(method, path, b"{}", token=token, address=address, **headers) for _ in range(5)
        ]
        for left, answer in zip((2, 1, 0), answers, strict=False):
            refused(answer, 401, code)
            assert told(answer)[:2] == (3, left)
        name = "anonymous" if kind == "missing" else "bad_bearer"
        assert all(is_limited(answer, wait=60, name=name) for answer in answers[3:])
        # Elsewhere nobody is denied for it.
        assert ask(method, path, token=token, address=fresh_address(), **headers).status_code == 401


def test_bad_bearers_of_an_address_deny_no_good_one(owner, peer, settings):
    settings.RATE_LIMIT_ANONYMOUS = 1
    address = fresh_address()
    forged = [ask("GET", SESSIONS, token="x", address=address).status_code for _ in range(2)]
    assert forged == [401, 429]
    assert ask("GET", SESSIONS, token=peer.token, address=address).status_code == 200
    # Nor those who need none.
    assert ask("GET", MOVESPECS, address=address).status_code == 200


@pytest.mark.parametrize("what", ["project", "organization"])
def test_the_suspended_are_counted_and_told_that_they_are_suspended(owner, settings, what):
    settings.RATE_LIMIT_PROJECT = 2
    row = getattr(owner, what)
    row.suspended_at = timezone.now()
    row.save(update_fields=["suspended_at"])
    answers = [owner.get(SESSIONS) for _ in range(3)]
    for answer in answers:
        refused(answer, 403, f"{what}_suspended")
    assert [told(answer)[1] for answer in answers] == [1, 0, 0]
    type(row).objects.update(suspended_at=None)
    assert is_limited(owner.get(SESSIONS), wait=60)


# Per project and organization


def test_the_projects_of_an_organization_count_together(owner, peer, outsider, settings):
    settings.RATE_LIMIT_ORGANIZATION = 3
    third = make_machine(owner.organization, "third")
    answers = [machine.get(SESSIONS) for machine in (owner, peer, third)]
    assert [told(answer) for answer in answers] == [(3, 2, 60), (3, 1, 60), (3, 0, 60)]
    for machine in (owner, peer, third):
        assert is_limited(machine.get(SESSIONS), wait=60, name="organization")
    assert told(outsider.get(SESSIONS)) == (3, 2, 60)


# Families


def test_session_creations_have_a_limit_of_their_own(owner, movespec, settings):
    settings.RATE_LIMIT_SESSIONS = 3
    made = owner.create_session(movespec, idempotency_key="k")
    assert told(made) == (3, 2, 60)
    for response in (
        owner.get(SESSIONS),
        owner.get(f"{SESSIONS}/{made.json()['session_id']}"),
        owner.post(f"{SESSIONS}/{made.json()['session_id']}/cancel"),
        owner.get(MOVESPECS),
    ):
        assert (response.status_code, told(response)[0]) == (200, 100_000)
    # Replays and refusals are creations as well, but for a body that doesn't fit.
    assert told(owner.create_session(movespec, idempotency_key="k")) == (3, 1, 60)
    assert told(owner.post(SESSIONS, {})) == (3, 1, 60)
    assert told(owner.post(SESSIONS, b"{")) == (3, 1, 60)
    missing = {"mode": "live", "project_id": str(owner.project.id), "movespec_id": str(UUID(int=1))}
    assert told(owner.post(SESSIONS, missing)) == (3, 0, 60)
    with nothing_changes():
        assert is_limited(owner.create_session(movespec), wait=60, name="sessions")
        replay = owner.create_session(movespec, idempotency_key="k")
        assert is_limited(replay, wait=60, name="sessions")
    assert owner.get(SESSIONS).status_code == 200


def test_the_page_has_the_answer_of_a_full_limit(owner, movespec, settings, limits_clock):
    settings.RATE_LIMIT_SESSIONS = 120
    assert statuses(lambda: owner.create_session(movespec), 120) == [201] * 120
    limits_clock.now += 56
    shown = json.loads(block("docs/api.md", '"limit_name"').text)
    assert owner.create_session(movespec).json() == shown


def test_requests_under_movespecs_have_a_limit_of_their_own(owner, movespec, settings):
    settings.RATE_LIMIT_MOVESPECS = 4
    path = f"{MOVESPECS}/{movespec.id}"
    version = f"{path}/versions/{movespec.current_released_version_id}"
    left = [
        told(response)
        for response in (
            owner.get(MOVESPECS),
            owner.call("PATCH", path, {}),
            owner.get(f"{path}/draft"),
            owner.post(f"{version}/release"),
        )
    ]
    assert left == [(4, remaining, 60) for remaining in range(3, -1, -1)]
    for response in (owner.get(version), owner.post(f"{path}/archive")):
        assert is_limited(response, wait=60, name="movespecs")
    assert owner.get(SESSIONS).status_code == 200


# Overrides by staff


@pytest.mark.parametrize(
    ("model", "column", "name", "send"),
    [
        (Project, "rate_limit", "project", lambda machine, _: machine.get(SESSIONS)),
        (Organization, "rate_limit", "organization", lambda machine, _: machine.get(SESSIONS)),
        (Project, "rate_limit_movespecs", "movespecs", lambda machine, _: machine.get(MOVESPECS)),
        (
            Project,
            "rate_limit_sessions",
            "sessions",
            lambda machine, movespec: machine.create_session(movespec),
        ),
    ],
)
def test_an_override_takes_effect_at_once(owner, movespec, model, column, name, send):
    def left():
        return told(send(owner, movespec))[:2]

    assert left() == (100_000, 99_999)
    model.objects.update(**{column: 3})
    assert left() == (3, 1)
    model.objects.update(**{column: 5})
    assert left() == (5, 2)
    model.objects.update(**{column: 1})
    assert is_limited(send(owner, movespec), wait=60, name=name)
    model.objects.update(**{column: None})
    assert left() == (100_000, 99_996)


# Anonymous


def test_the_anonymous_are_counted_by_address(owner, public_movespec, settings):
    settings.RATE_LIMIT_ANONYMOUS = 3
    path = f"{MOVESPECS}/{public_movespec.id}"
    left = [
        told(ask("GET", each, address="192.0.2.1"))
        for each in (MOVESPECS, path, f"{MOVESPECS}/{uuid.uuid4()}")
    ]
    assert left == [(3, 2, 60), (3, 1, 60), (3, 0, 60)]
    for each in (MOVESPECS, path, "/api/schema", "/api/schema/movespec"):
        answer = ask("GET", each, address="192.0.2.1")
        assert is_limited(answer, wait=60, name="anonymous")
    assert told(ask("GET", MOVESPECS, address="192.0.2.2")) == (3, 2, 60)
    # Who has a token is counted elsewhere.
    assert ask("GET", MOVESPECS, token=owner.token, address="192.0.2.1").status_code == 200


def test_health_and_keys_are_not_counted(db, settings):
    settings.RATE_LIMIT_ANONYMOUS = 0
    for path in ("/healthz", "/readyz", "/metrics", "/.well-known/jwks.json"):
        response = ask("GET", path)
        assert response.status_code == 200
        assert not any(name in response.headers for name in NAMES)
