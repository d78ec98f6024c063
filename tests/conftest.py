"""The cast that every test shares: an owner, a peer in its organization, an outsider."""

import gc
import json
import math
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.http import HttpResponse
from django.test import Client
from django.test.client import ClientHandler

from kynaplatform import clock
from kynaplatform.api.throttling import request_counter
from kynaplatform.metrics.readiness import Asking, Inquiry
from kynaplatform.wsgi import WithApiMiddleware
from movespecs.catalogue import catalogue_load
from movespecs.drafts import draft_replace, movespec_create
from movespecs.models import PLATFORM, MoveSpec, MoveSpecVersion
from movespecs.releases import version_create, version_release
from projects.access_tokens import access_token_mint
from projects.credentials import credential_issue
from projects.models import (
    ALL_SCOPES,
    Credential,
    CredentialKind,
    Organization,
    Project,
    SigningKey,
)
from projects.signing import key_ring, signing_key_rotate
from sessions_app import downtime
from tests.accuracy_cards import cards, cards_file
from tests.event_counters import miscounted_sessions
from tests.module_servers import (
    door,
    module_door,
    module_runtime,
    module_web,
    runtime,
    web,
    web_environment,
)
from tests.truncation import truncating, vacuum_tables

__all__ = [
    "cards",
    "cards_file",
    "door",
    "module_door",
    "module_runtime",
    "module_web",
    "runtime",
    "web",
    "web_environment",
]

VALID_YAML = """\
name: squat
version: "1.0"
detection:
  type: repetition
  movement:
    name: squat
    phases:
      - name: standing
        criteria:
          - {joint: knee, angle_min: 160, angle_max: 180}
      - name: bottom
        criteria:
          - {joint: knee, angle_min: 60, angle_max: 100}
    sequence: [standing, bottom, standing]
"""
SESSIONS = "/api/detection/sessions"
MOVESPECS = "/api/movespecs"
TOKENS = "/api/auth/access-tokens"
KEY_OF_THE_RUN: list[SigningKey] = []
HAS_DATABASE = pytest.StashKey[bool]()


class ApiClientHandler(WithApiMiddleware, ClientHandler):
    """Serves as the API is served: without what only pages for people need."""


class ApiClient(Client):
    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.handler = ApiClientHandler()


@dataclass
class Machine:
    """A project with an API key and a token of every scope; it speaks HTTP."""

    organization: Organization
    project: Project
    credential: Credential
    secret: str
    token: str

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self.call("POST", path, body, **headers)

    def call(
        self, method: str, path: str, body: Any = None, token: str | None = None, **headers: str
    ) -> HttpResponse:
        """`idempotency_key="k"` sends Idempotency-Key; a body is sent as JSON."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return ApiClient().generic(
            method,
            path,
            data=b"" if body is None else encoded(body),
            content_type="application/json",
            headers={"authorization": f"Bearer {token or self.token}", **sent},
        )

    def token_with(self, *scopes: str) -> str:
        return mint(self.credential, scopes)

    def create_session(self, movespec: MoveSpec, **more: Any) -> HttpResponse:
        headers = {"idempotency_key": key} if (key := more.pop("idempotency_key", None)) else {}
        body = {
            "mode": "live",
            "project_id": str(self.project.id),
            "movespec_id": str(movespec.id),
            **more,
        }
        return self.post(SESSIONS, body, **headers)


def encoded(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def mint(credential: Credential, scopes: Any = None) -> str:
    _, token = access_token_mint(
        credential=credential, scopes=scopes or credential.scopes, now=clock.now()
    )
    return token


def signing_key_make() -> None:
    """Store the one key of the run: a server keeps what it has read of it for a minute.

    It signs since yesterday: a test may turn the clock back a little.
    """
    key_ring().forget()
    since = clock.now() - timedelta(days=1)
    if not KEY_OF_THE_RUN:
        KEY_OF_THE_RUN.append(signing_key_rotate(now=since)[0])
        return
    key = copy(KEY_OF_THE_RUN[0])
    key.created_at = key.signs_from = since
    key.save(force_insert=True)


def make_machine(organization: Organization, name: str) -> Machine:
    project = Project.objects.create(organization=organization, name=name)
    credential, secret = credential_issue(
        project=project, kind=CredentialKind.API_KEY, name=f"{name}'s key", scopes=ALL_SCOPES
    )
    return Machine(organization, project, credential, secret, mint(credential))


def make_released(
    project: Project, yaml_source: str = VALID_YAML, **more: Any
) -> tuple[MoveSpec, MoveSpecVersion]:
    """A MoveSpec of `project` with version 1 released."""
    now = clock.now()
    movespec = movespec_create(
        project_id=project.id,
        name=more.pop("name", "Squat"),
        description=None,
        author=PLATFORM,
        now=now,
        yaml_source=yaml_source,
        **more,
    )
    version, _ = version_create(movespec_id=movespec.id, author=PLATFORM, now=now)
    released = version_release(
        movespec_id=movespec.id, version_id=version.id, author=PLATFORM, now=now
    )
    return released, version


@pytest.fixture
def catalogue(db: None) -> None:
    catalogue_load(now=clock.now())


def make_version(movespec_id: UUID, yaml_source: str) -> MoveSpecVersion:
    """A further version, not released."""
    now = clock.now()
    draft_replace(movespec_id=movespec_id, yaml_source=yaml_source, author=PLATFORM, now=now)
    version, _ = version_create(movespec_id=movespec_id, author=PLATFORM, now=now)
    return version


def error_of(response: HttpResponse) -> dict[str, Any]:
    """The error of a response, after checking that its body has exactly the one shape."""
    body = response.json()
    assert list(body) == ["error"]
    error: dict[str, Any] = body["error"]
    assert sorted(error) == ["code", "details", "message", "retryable"]
    assert isinstance(error["message"], str)
    assert isinstance(error["retryable"], bool)
    assert all(
        value is None or isinstance(value, str | int | float | bool)
        for value in error["details"].values()
    )
    return error


def pytest_collection_finish() -> None:
    """Each search for garbage would go through all that is collected, a sixth of a run's time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: Any
) -> Iterator[None]:
    request.config.stash[HAS_DATABASE] = True
    with django_db_blocker.unblock(), truncating():
        yield


@pytest.fixture(scope="module", autouse=True)
def _no_dead_rows(request: pytest.FixtureRequest, django_db_blocker: Any) -> Iterator[None]:
    yield
    if HAS_DATABASE in request.config.stash:
        with django_db_blocker.unblock():
            vacuum_tables()


@pytest.fixture(autouse=True)
def _readiness_is_asked_by_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own thread sees what it has not committed, and leaves no other connection behind."""

    def begin(inquiry: Inquiry) -> Asking:
        asking = Asking()
        inquiry.ask(asking)
        return asking

    monkeypatch.setattr(Inquiry, "begin", begin)


@pytest.fixture(autouse=True)
def _nobody_looks_for_downtime(monkeypatch: pytest.MonkeyPatch) -> None:
    """One look serves for a while: whose statements are counted would have it by chance."""
    monkeypatch.setattr(downtime, "_present_until", math.inf)


@pytest.fixture(autouse=True)
def _no_list_of_static_files(settings: Any) -> None:
    """Each `Client` makes the middleware anew, which would list every static file each time."""
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture(autouse=True)
def _generous_limits(settings: Any) -> Iterator[None]:
    """Limits that no test meets by chance; the tests of limits set their own."""
    for name in (
        "PROJECT", "ORGANIZATION", "SESSIONS", "MOVESPECS", "MINT", "ANONYMOUS", "ATTACH",
        "LOGIN",
    ):  # fmt: skip
        setattr(settings, f"RATE_LIMIT_{name}", 100_000)
    request_counter.cache_clear()
    yield
    request_counter.cache_clear()


@pytest.fixture
def signing_key(db: None) -> Iterator[None]:
    signing_key_make()
    yield
    key_ring().forget()


@pytest.fixture
def owner(signing_key: None) -> Machine:
    return make_machine(Organization.objects.create(name="Acme"), "owner")


@pytest.fixture
def peer(owner: Machine) -> Machine:
    """Another project of the owner's organization."""
    return make_machine(owner.organization, "peer")


@pytest.fixture
def outsider(signing_key: None) -> Machine:
    return make_machine(Organization.objects.create(name="Elsewhere"), "outsider")


@pytest.fixture
def movespec(owner: Machine) -> MoveSpec:
    """The owner's private MoveSpec, version 1 released."""
    released, _ = make_released(owner.project)
    return released


@pytest.fixture
def public_movespec(owner: Machine) -> MoveSpec:
    released, _ = make_released(owner.project, visibility="public", name="Public squat")
    return released


@pytest.fixture
def counters_agree(transactional_db: None) -> Iterator[None]:
    """With the events, whatever a test did: killed a runtime, sent frames again, finished."""
    yield
    assert miscounted_sessions() == []
