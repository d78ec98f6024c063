"""Every endpoint refuses who may not call it, with the contract's code, and nothing changed.

One place decides for all endpoints (`ApiView.initial`), so each bad token is tried on one of them.
An endpoint that is in no table here fails the first test. All cases have one world, which is made
once, and a copy of its objects; what a case writes is rolled back to a savepoint.
"""

import copy
import json
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from erasure.models import Erasure
from kynaplatform import clock
from kynaplatform.api.openapi import openapi_document
from kynaplatform.api.operations import PUBLIC, RUNTIME_SCOPE, Operation, operation_of
from kynaplatform.api.views import ApiRequest, ApiView, ApiViewSet
from kynaplatform.public_pages import PublicView
from movespecs.models import MoveSpec, MoveSpecVersion
from projects.access_tokens import AUDIENCE, TOKEN_TYPE, access_token_mint
from projects.credentials import credential_issue
from projects.models import (
    ALL_SCOPES,
    AccessToken,
    Credential,
    CredentialKind,
    Organization,
    Project,
)
from projects.signing import ISSUER, key_ring, sign, signing_key_rotate
from sessions_app.lifecycle import session_cancel
from sessions_app.models import DetectionSession
from tests.api.api_requests import ask, nothing_changes, refused
from tests.conftest import Machine, make_machine, make_released, mint
from tests.webhooks.endpoint import URL, make_delivery, make_endpoint
from webhooks.models import WebhookDelivery

Call = tuple[str, str]  # method, route


@dataclass
class World:
    """What the owner has, and so what everyone else must neither see nor change."""

    owner: Machine
    peer: Machine
    movespec: MoveSpec
    version: MoveSpecVersion
    session: DetectionSession
    runtime_token: str
    token_id: uuid.UUID
    delivery: WebhookDelivery

    def path(self, route: str) -> str:
        ids = {
            "<project_id>": self.owner.project.id,
            "<movespec_id>": self.movespec.id,
            "<version_id>": self.version.id,
            "<session_id>": self.session.id,
            "<token_id>": self.token_id,
            "<webhook_id>": self.delivery.endpoint_id,
            "<delivery_id>": self.delivery.id,
            "<path:name>": "movespec",
            "<slug:name>": "session_create",
            "<slug>": "squat",
        }
        for name, id_ in ids.items():
            route = route.replace(name, str(id_))
        return f"/{route}"


@pytest.fixture(scope="module")
def made_once(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with django_db_blocker.unblock():
        everything = transaction.atomic()
        everything.__enter__()
        key_ring().forget()
        signing_key_rotate(now=clock.now() - timedelta(days=1))
        world = make_world()
    yield world
    with django_db_blocker.unblock():
        transaction.set_rollback(True)
        everything.__exit__(None, None, None)
        key_ring().forget()


@pytest.fixture
def world(made_once: World, db: None) -> World:
    return copy.deepcopy(made_once)


def make_world() -> World:
    acme = Organization.objects.create(name="Acme")
    owner = make_machine(acme, "owner")
    movespec, version = make_released(owner.project)
    created = owner.create_session(movespec).json()
    return World(
        owner=owner,
        peer=make_machine(acme, "peer"),
        movespec=movespec,
        version=version,
        session=DetectionSession.objects.get(id=created["session_id"]),
        runtime_token=created["runtime_token"],
        token_id=AccessToken.objects.get(project=owner.project).id,
        delivery=make_delivery(make_endpoint(owner.project)),
    )


def no_body(world: World) -> Any:
    return None


def movespec_body(world: World) -> Any:
    return {"name": "Lunge", "project_id": str(world.owner.project.id)}


def fork_body(world: World) -> Any:
    return {"project_id": str(world.owner.project.id)}


def session_body(world: World) -> Any:
    return {
        "mode": "live",
        "project_id": str(world.owner.project.id),
        "movespec_id": str(world.movespec.id),
    }


@dataclass(frozen=True)
class Endpoint:
    """`other` is what another project's valid token gets: a missing resource, or a code.

    `empty` is what a list of sessions is for a token of another session.
    """

    scope: str
    other: str
    body: Callable[[World], Any] = no_body
    query: str = ""
    # Where the bearer is optional: what a caller without one gets.
    anonymous: str | None = None
    empty: str | None = None

    @property
    def takes_one_session(self) -> bool:
        return self.other == "session" or self.empty is not None


ALL = "api/auth/access-tokens"
MOVESPEC = "api/movespecs/<movespec_id>"
VERSION = f"{MOVESPEC}/versions/<version_id>"
SESSIONS = "api/detection/sessions"
WEBHOOKS = "api/webhooks"
WEBHOOK = f"{WEBHOOKS}/<webhook_id>"
SUMMARY = "api/subjects/summary"
USAGE = "api/usage"
LISTS = "lists only its own"
SUMS = "sums only its own"
EXPORTS = "exports only its own"
MAKES_ITS_OWN = "makes one of its own"
ERASES_ITS_OWN = "erases only its own"
BEARER_ENDPOINTS: dict[Call, Endpoint] = {
    ("GET", ALL): Endpoint("tokens:read", LISTS),
    ("GET", f"{ALL}/<token_id>"): Endpoint("tokens:read", "access_token"),
    ("POST", f"{ALL}/<token_id>/revoke"): Endpoint("tokens:write", "access_token"),
    ("GET", "api/movespecs"): Endpoint("movespecs:read", LISTS, anonymous=LISTS),
    ("POST", "api/movespecs"): Endpoint("movespecs:write", "project_mismatch", movespec_body),
    ("GET", MOVESPEC): Endpoint("movespecs:read", "movespec", anonymous="movespec"),
    ("PATCH", MOVESPEC): Endpoint("movespecs:write", "movespec", lambda _: {"name": "Mine"}),
    ("POST", f"{MOVESPEC}/archive"): Endpoint("movespecs:write", "movespec"),
    ("POST", f"{MOVESPEC}/fork"): Endpoint("movespecs:write", "project_mismatch", fork_body),
    ("GET", f"{MOVESPEC}/draft"): Endpoint("movespecs:read", "movespec"),
    ("PUT", f"{MOVESPEC}/draft"): Endpoint(
        "movespecs:write", "movespec", lambda _: {"yaml_source": "name: mine"}
    ),
    ("POST", f"{MOVESPEC}/draft/validate"): Endpoint("movespecs:write", "movespec"),
    ("GET", f"{MOVESPEC}/versions"): Endpoint("movespecs:read", "movespec"),
    ("POST", f"{MOVESPEC}/versions"): Endpoint("movespecs:write", "movespec"),
    ("GET", VERSION): Endpoint("movespecs:read", "movespec"),
    ("POST", f"{VERSION}/validate"): Endpoint("movespecs:write", "movespec"),
    ("POST", f"{VERSION}/release"): Endpoint("movespecs:write", "movespec"),
    ("GET", SESSIONS): Endpoint("sessions:read", LISTS, empty="[]"),
    ("GET", "api/export"): Endpoint("sessions:read", EXPORTS, empty=""),
    ("POST", SESSIONS): Endpoint("sessions:write", "project_mismatch", session_body),
    ("GET", f"{SESSIONS}/<session_id>"): Endpoint("sessions:read", "session"),
    ("GET", f"{SESSIONS}/<session_id>/events"): Endpoint("sessions:read", "session"),
    ("POST", f"{SESSIONS}/<session_id>/finalize"): Endpoint("sessions:write", "session"),
    ("POST", f"{SESSIONS}/<session_id>/cancel"): Endpoint("sessions:write", "session"),
    ("DELETE", f"{SESSIONS}/<session_id>"): Endpoint("data:erase", "session"),
    ("POST", "api/subjects/erase"): Endpoint(
        "data:erase", ERASES_ITS_OWN, lambda _: {"subject": "p_4711"}
    ),
    ("GET", WEBHOOKS): Endpoint("webhooks:read", LISTS),
    ("POST", WEBHOOKS): Endpoint("webhooks:write", MAKES_ITS_OWN, lambda _: {"url": URL}),
    ("GET", WEBHOOK): Endpoint("webhooks:read", "webhook"),
    ("PATCH", WEBHOOK): Endpoint("webhooks:write", "webhook", lambda _: {"enabled": False}),
    ("DELETE", WEBHOOK): Endpoint("webhooks:write", "webhook"),
    ("POST", f"{WEBHOOK}/rotate-secret"): Endpoint("webhooks:write", "webhook"),
    ("POST", f"{WEBHOOK}/test"): Endpoint("webhooks:write", "webhook"),
    ("POST", f"{WEBHOOK}/replay"): Endpoint(
        "webhooks:write", "webhook", lambda _: {"since": "2026-11-28T00:00:00Z"}
    ),
    ("GET", f"{WEBHOOK}/deliveries"): Endpoint("webhooks:read", "webhook"),
    ("POST", f"{WEBHOOK}/deliveries/<delivery_id>/redeliver"): Endpoint(
        "webhooks:write", "webhook"
    ),
    ("GET", SUMMARY): Endpoint("sessions:read", LISTS, query="?subject=p_4711", empty="[]"),
    ("GET", USAGE): Endpoint("usage:read", SUMS),
    ("GET", f"{USAGE}/projects/<project_id>"): Endpoint("usage:read", "project"),
}
# It creates without any credential, within bounds: tests/tryout has its tests.
TRY: Call = ("POST", "try/sessions")
# For people, and so in no document for programs.
PAGES: list[Call] = [
    *(("GET", name) for name in ("", "docs/", "docs/<path:name>", "docs/search", "api/docs")),
    *(("GET", name) for name in ("llms.txt", "llms-full.txt")),
    *(("GET", f"api/docs/{name}") for name in ("<slug:name>", "openapi.json", "openapi.yaml")),
    *(("GET", name) for name in ("try", "try/figures/<slug>.json.gz", "session/<project_id>")),
]
# What takes no access token, and answers the same to everyone.
PUBLIC_ENDPOINTS: list[Call] = [
    *(("GET", name) for name in (".well-known/jwks.json", "api/schema", "api/schema/movespec")),
    *(("GET", name) for name in ("healthz", "readyz")),
    *PAGES,
]
# What takes another credential than an access token; each has its own tests below.
MINT: Call = ("POST", ALL)
METRICS: Call = ("GET", "metrics")
# It takes the session's runtime token: tests/sessions_app/test_session_movement.py.
MOVEMENT: Call = ("GET", f"{SESSIONS}/<session_id>/movement")


def routes(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for entry in patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from routes(entry.url_patterns, route)
        elif isinstance(entry, URLPattern):
            yield route, entry.callback


def served_calls() -> set[Call]:
    """Every method and route that the URL resolver reaches, the staff's admin left out."""
    calls = set()
    for route, callback in routes(get_resolver().url_patterns):
        if route.startswith("admin/"):
            continue
        actions = getattr(callback, "actions", None)
        methods = actions or [
            method for method in callback.cls.http_method_names if hasattr(callback.cls, method)
        ]
        calls |= {
            (method.upper(), route)
            for method in methods
            if method not in ("head", "options")  # HEAD is GET; OPTIONS is CORS's
        }
    return calls


def test_it_covers_every_endpoint_that_the_resolver_reaches():
    assert served_calls() == {*BEARER_ENDPOINTS, *PUBLIC_ENDPOINTS, MINT, METRICS, TRY, MOVEMENT}


def test_it_covers_every_endpoint_of_the_openapi_document():
    documented = {
        (method.upper(), path.lstrip("/").replace("{", "<").replace("}", ">"))
        for path, item in openapi_document()["paths"].items()
        for method in item
        if method != "parameters"
    }
    assert documented == served_calls() - {*PAGES, TRY}


def test_every_view_declares_its_access_and_asks_in_the_one_place():
    """Or it is a page, which looks at no token and knows no rows."""
    declared = {}
    for route, callback in routes(get_resolver().url_patterns):
        if route.startswith("admin/"):
            continue
        view = callback.cls
        if issubclass(view, PublicView):
            assert not view.authentication_classes
            continue
        assert issubclass(view, ApiView)
        for name in ("dispatch", "initialize_request", "initial", "get_authenticators"):
            assert getattr(view, name) in (getattr(ApiView, name), getattr(ApiViewSet, name))
        for method, action in (getattr(callback, "actions", None) or {"get": "get"}).items():
            operation = operation_of(callback, method)
            if operation is not None and method != "head":
                assert operation.access is view.access[action]
                assert len(operation.access.rows) == route.count("<")
                declared[method.upper(), route] = operation.access
    for call, endpoint in BEARER_ENDPOINTS.items():
        access = declared.pop(call)
        assert access.scope == endpoint.scope
        assert access.is_optional == (endpoint.anonymous is not None)
        assert access.one_session == endpoint.takes_one_session
    assert declared.pop(MOVEMENT).scope == RUNTIME_SCOPE
    assert {*declared.values()} == {PUBLIC}


def test_a_view_that_leaves_out_who_may_call_it_is_refused_as_it_is_imported():
    operation = Operation(summary="", returns=dict)

    def get(self: Any, request: ApiRequest) -> dict[str, str]:
        return {}

    for declared in ({}, {"access": {}}, {"access": {"post": PUBLIC}}):
        with pytest.raises(TypeError, match=r"View\.access must name its operations: \['get'\]"):
            type("View", (ApiView,), {"get": operation(get), **declared})
    type("View", (ApiView,), {"get": operation(get), "access": {"get": PUBLIC}})


def test_it_refuses_every_other_method_before_it_asks_who_calls(world):
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
    served = served_calls()
    with nothing_changes():
        for route in {route for _, route in served}:
            for method in methods:
                if (method, route) not in served:
                    refused(ask(method, world.path(route)), 405, "method_not_allowed")


# --- Each bad token ----------------------------------------------------------------------


def resigned(world: World, **changes: Any) -> str:
    """The owner's live token, but for `changes` of its claims, signed by the platform."""
    now = timezone.now()
    key = key_ring().active(now)
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "jti": str(world.token_id),
        "exp": int(now.timestamp()) + 600,
        **changes,
    }
    return sign(TOKEN_TYPE, claims, key.id, key_ring().private(key.id, now))


def expired_token(world: World) -> str:
    an_hour_ago = timezone.now() - timedelta(hours=1)
    credential = world.owner.credential
    return access_token_mint(credential=credential, scopes=credential.scopes, now=an_hour_ago)[1]


def revoked_token(world: World) -> str:
    AccessToken.objects.filter(id=world.token_id).update(revoked_at=timezone.now())
    return world.owner.token


def token_of_a_revoked_credential(world: World) -> str:
    Credential.objects.filter(id=world.owner.credential.id).update(revoked_at=timezone.now())
    return world.owner.token


def token_of_an_expired_credential(world: World) -> str:
    Credential.objects.filter(id=world.owner.credential.id).update(expires_at=clock.now())
    return world.owner.token


def token_with_another_signature(world: World) -> str:
    head, claims, signature = world.owner.token.split(".")
    return f"{head}.{claims}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"


def unsigned_token(world: World) -> str:
    # {"alg":"none","typ":"at+jwt"}
    _, claims, _ = world.owner.token.split(".")
    return f"eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{claims}."


BAD_TOKENS: dict[str, Callable[[World], str]] = {
    "expired": expired_token,
    "revoked": revoked_token,
    "of a revoked credential": token_of_a_revoked_credential,
    "of an expired credential": token_of_an_expired_credential,
    "for the stream": lambda world: world.runtime_token,
    "for another audience": lambda world: resigned(world, aud="kyna-runtime"),
    "by another issuer": lambda world: resigned(world, iss="elsewhere"),
    "never recorded": lambda world: resigned(world, jti=str(uuid.uuid4())),
    "with another signature": token_with_another_signature,
    "unsigned": unsigned_token,
    "garbage": lambda _: GARBAGE,
}
GARBAGE = "kyna-garbage"
READ_SESSION: Call = ("GET", f"{SESSIONS}/<session_id>")
every_bearer_endpoint = pytest.mark.parametrize(
    "call", BEARER_ENDPOINTS, ids=lambda call: " ".join(call)
)


def test_the_resigned_token_is_good_when_nothing_is_changed(world):
    assert send(world, READ_SESSION, resigned(world)).status_code == 200


def send(world: World, call: Call, token: str | None) -> HttpResponse:
    method, route = call
    endpoint = BEARER_ENDPOINTS[call]
    return ask(method, world.path(route) + endpoint.query, endpoint.body(world), token=token)


@pytest.mark.parametrize("name", BAD_TOKENS)
def test_it_refuses_a_bad_token(world, settings, name):
    """For whom the bearer is optional too; what takes none answers all the same."""
    settings.METRICS_TOKEN = "a-token-of-the-metrics"
    token = BAD_TOKENS[name](world)
    code = "access_token_expired" if name == "expired" else "access_token_invalid"
    with nothing_changes():
        for call in (READ_SESSION, ("GET", MOVESPEC)):
            refused(send(world, call, token), 401, code)
        refused(ask("GET", "/metrics", token=token), 401, "access_token_invalid")
        assert ask("GET", "/api/schema/movespec", token=token).status_code == 200


def test_it_refuses_another_scheme_than_bearer(world):
    with nothing_changes():
        for path in (READ_SESSION[1], MOVESPEC):
            authorization = f"Basic {world.owner.token}"
            response = ask("GET", world.path(path), authorization=authorization)
            refused(response, 401, "access_token_missing")


@pytest.mark.parametrize("suspended", ["project", "organization"])
def test_it_refuses_the_suspended(world, suspended):
    suspend(world.owner, suspended)
    with nothing_changes():
        for call in (READ_SESSION, ("GET", MOVESPEC)):
            refused(send(world, call, world.owner.token), 403, f"{suspended}_suspended")
        response = ask("POST", f"/{ALL}", mint_body(world))
        refused(response, 403, f"{suspended}_suspended")


def suspend(machine: Machine, what: str) -> None:
    row: Project | Organization = getattr(machine, what)
    row.suspended_at = timezone.now()
    row.save(update_fields=["suspended_at"])


# --- Each endpoint -----------------------------------------------------------------------


@every_bearer_endpoint
def test_it_refuses_no_token(world, call):
    endpoint = BEARER_ENDPOINTS[call]
    with nothing_changes():
        response = send(world, call, None)
    if endpoint.anonymous is None:
        refused(response, 401, "access_token_missing")
    elif endpoint.anonymous == LISTS:
        assert (response.status_code, response.json()) == (200, [])
    else:
        refused(response, 404, "not_found", resource=endpoint.anonymous)


@every_bearer_endpoint
def test_its_scope_is_needed_and_enough(world, call):
    scope = BEARER_ENDPOINTS[call].scope
    granting = {scope, "projects:read"} if scope == "sessions:read" else {scope}
    others, alone = (mint(world.owner.credential, of) for of in (ALL_SCOPES - granting, [scope]))
    with nothing_changes():
        refused(send(world, call, others), 403, "insufficient_scope", required_scope=scope)
    end_before_deletion(world, call)
    assert send(world, call, alone).status_code in (200, 201, 202, 204)


def end_before_deletion(world: World, call: Call) -> None:
    if call[0] == "DELETE" and call[1].startswith(SESSIONS):
        project_id = world.owner.project.id
        session_cancel(session_id=world.session.id, project_id=project_id, now=clock.now())


@every_bearer_endpoint
def test_a_token_of_one_session_reaches_that_session_alone(world, call):
    endpoint = BEARER_ENDPOINTS[call]
    end_before_deletion(world, call)
    others, own = (
        access_token_mint(
            credential=world.owner.credential,
            scopes=[endpoint.scope],
            now=timezone.now(),
            session_id=session_id,
        )[1]
        for session_id in (uuid.uuid4(), world.session.id)
    )
    with nothing_changes():
        response = send(world, call, others)
    if not endpoint.takes_one_session:
        refused(response, 403, "authorization_failed")
        refused(send(world, call, own), 403, "authorization_failed")
        return
    if endpoint.empty is None:
        refused(response, 404, "not_found", resource="session")
    else:
        assert (response.status_code, response.content.decode()) == (200, endpoint.empty)
    assert send(world, call, own).status_code in (200, 204)


@every_bearer_endpoint
def test_it_keeps_another_project_of_the_organization_out(world, call):
    peer, expected = world.peer, BEARER_ENDPOINTS[call].other
    if expected == MAKES_ITS_OWN:
        assert send(world, call, peer.token).json()["project_id"] == str(peer.project.id)
        return
    if expected == ERASES_ITS_OWN:
        assert send(world, call, peer.token).json() == {"sessions": 0}
        assert Erasure.objects.get().project_id == peer.project.id
        return
    with nothing_changes():
        response = send(world, call, peer.token)
    if expected == LISTS:
        assert response.status_code == 200
        assert [row["project_id"] for row in response.json()] == (
            [str(peer.project.id)] if call == ("GET", ALL) else []
        )
    elif expected == SUMS:
        assert (response.status_code, response.json()["sessions"]) == (200, 0)
    elif expected == EXPORTS:
        assert (response.status_code, response.getvalue()) == (200, b"")
    elif expected == "project_mismatch":
        refused(response, 403, "project_mismatch")
    else:
        refused(response, 404, "not_found", resource=expected)


@pytest.mark.parametrize(
    "call", [call for call in BEARER_ENDPOINTS if "<" in call[1]], ids=lambda call: " ".join(call)
)
def test_it_answers_others_as_if_the_resource_did_not_exist(world, call):
    """Nor as if the text were no id."""
    method, route = call
    body = BEARER_ENDPOINTS[call].body(world)
    if body and "project_id" in body:
        body["project_id"] = str(world.peer.project.id)
    paths = [
        world.path(route),
        "/" + re.sub(r"<\w+>", str(uuid.uuid4()), route),
        "/" + re.sub(r"<\w+>", "none", route),
    ]
    with nothing_changes():
        answers = {ask(method, path, body, token=world.peer.token).content for path in paths}
    (answer,) = answers
    assert json.loads(answer)["error"]["code"] == "not_found"


# --- Without an access token -------------------------------------------------------------


def test_it_answers_everyone_alike(world):
    suspend(world.owner, "organization")
    with nothing_changes():
        for method, route in PUBLIC_ENDPOINTS:
            for token in (None, GARBAGE, world.owner.token):
                answer = ask(method, world.path(route), token=token)
                # The customer's own page is closed while it is suspended.
                is_closed = route == "session/<project_id>"
                assert answer.status_code == (404 if is_closed else 200), route


def test_metrics_take_no_access_token(world, settings):
    settings.METRICS_TOKEN = "a-token-of-the-metrics"
    with nothing_changes():
        refused(ask("GET", "/metrics", token=world.owner.token), 401, "access_token_invalid")
        refused(ask("GET", "/metrics"), 401, "access_token_missing")


def mint_body(world: World, **more: Any) -> dict[str, Any]:
    return {
        "api_key_id": str(world.owner.credential.id),
        "api_key_secret": world.owner.secret,
        **more,
    }


def test_the_mint_does_not_look_at_a_bearer(world):
    """Whatever the bearer, the body's credential alone decides."""
    before = AccessToken.objects.count()
    assert ask("POST", f"/{ALL}", mint_body(world), token=GARBAGE).status_code == 201
    token = token_of_a_revoked_credential(world)
    refused(ask("POST", f"/{ALL}", mint_body(world), token=token), 401, "api_key_invalid")
    assert AccessToken.objects.count() == before + 1


def test_the_mint_refuses_no_credential(world):
    with nothing_changes():
        response = ask("POST", f"/{ALL}", {}, token=world.owner.token)
    assert (response.status_code, response.json()["error"]["code"]) == (422, "validation_error")


def test_the_mint_refuses_another_project(world):
    with nothing_changes():
        body = mint_body(world, project_id=str(world.peer.project.id))
        response = ask("POST", f"/{ALL}", body)
    refused(response, 403, "project_mismatch")


def test_the_mint_refuses_a_scope_that_the_credential_lacks(world):
    narrow, secret = credential_issue(
        project=world.owner.project,
        kind=CredentialKind.API_KEY,
        name="narrow",
        scopes=["movespecs:read"],
    )
    body = {"api_key_id": str(narrow.id), "api_key_secret": secret, "scopes": ["tokens:write"]}
    with nothing_changes():
        response = ask("POST", f"/{ALL}", body)
    refused(response, 403, "insufficient_scope", required_scope="tokens:write")
