"""Real responses of every kind against what the document declares for them."""

from typing import Any

import pytest
from described import assert_described
from django.http import HttpResponse
from django.test import Client

from kynaplatform.api.throttling import request_counter
from movespecs.models import MoveSpec
from tests.conftest import MOVESPECS, SESSIONS, TOKENS, Machine, encoded

KNOWN = "7b0f4c3e-5a51-4d6e-9b39-1a1f0f5f5f10"


def ask(machine: Machine, method: str, path: str, body: Any = None, **more: Any) -> HttpResponse:
    response = machine.call(method, path, body, **more)
    assert_described(method, path.partition("?")[0], response)
    return response


@pytest.mark.parametrize(
    "path",
    [
        "/.well-known/jwks.json", "/api/schema", "/api/schema/movespec", "/healthz", "/readyz",
        "/metrics", "/api/movespecs",
    ],
)  # fmt: skip
def test_it_describes_what_anyone_may_read(owner: Machine, path: str) -> None:
    response = Client().get(path)
    assert response.status_code == 200
    assert_described("GET", path, response)


FAULTS: list[tuple[int, str, str, Any, dict[str, str]]] = [
    (401, "GET", SESSIONS, None, {"authorization": ""}),
    (401, "GET", MOVESPECS, None, {"authorization": "Bearer no"}),
    (401, "POST", TOKENS, {"api_key": "kyna_sk_no"}, {}),
    (403, "POST", SESSIONS, {"mode": "live", "project_id": KNOWN, "movespec_id": KNOWN}, {}),
    (404, "GET", f"{SESSIONS}/{KNOWN}", None, {}),
    (404, "GET", f"{MOVESPECS}/no-uuid", None, {}),
    (404, "POST", f"{TOKENS}/{KNOWN}/revoke", None, {}),
    (400, "POST", SESSIONS, b"{", {}),
    (413, "PUT", f"{MOVESPECS}/{KNOWN}/draft", b" " * 600_000, {}),
    (415, "POST", MOVESPECS, b"name=x", {"content-type": "text/plain"}),
    (422, "POST", MOVESPECS, {"name": ""}, {}),
    (422, "GET", f"{SESSIONS}?limit=0", None, {}),
    (422, "GET", f"{SESSIONS}?cursor=no", None, {}),
    (422, "POST", TOKENS, {}, {}),
    (422, "POST", TOKENS, {"api_key": "x"}, {"idempotency-key": "a b"}),
    (422, "POST", SESSIONS, {"mode": "film"}, {"idempotency-key": ""}),
]


@pytest.mark.parametrize(("status", "method", "path", "body", "headers"), FAULTS)
def test_it_describes_a_refusal(
    owner: Machine, status: int, method: str, path: str, body: Any, headers: dict[str, str]
) -> None:
    response = raw(owner, method, path, body, headers)
    assert response.status_code == status
    assert_described(method, path.partition("?")[0], response)


@pytest.mark.parametrize("path", [SESSIONS, MOVESPECS, TOKENS])
def test_it_describes_a_request_over_the_limit(owner: Machine, settings: Any, path: str) -> None:
    settings.RATE_LIMIT_PROJECT = 1
    request_counter.cache_clear()
    assert ask(owner, "GET", path).status_code == 200
    assert ask(owner, "GET", path).status_code == 429


@pytest.mark.parametrize("suspended", ["project", "organization"])
def test_it_describes_a_suspension(owner: Machine, suspended: str) -> None:
    row = getattr(owner, suspended)
    row.suspended_at = row.created_at
    row.save()
    error = ask(owner, "GET", SESSIONS).json()["error"]
    assert error["code"] == f"{suspended}_suspended"
    key = {"api_key": owner.secret}
    assert ask(owner, "POST", TOKENS, key).json()["error"]["code"] == f"{suspended}_suspended"


def test_it_describes_the_refusals_of_a_movespec(owner: Machine, movespec: MoveSpec) -> None:
    broken = ask(owner, "POST", MOVESPECS, {"name": "Broken"}).json()["movespec_id"]
    assert ask(owner, "POST", f"{MOVESPECS}/{broken}/versions").status_code == 422
    body = {"mode": "live", "project_id": str(owner.project.id), "movespec_id": broken}
    assert ask(owner, "POST", SESSIONS, body).status_code == 409
    body |= {"contract_major": 2}
    assert ask(owner, "POST", SESSIONS, body).status_code == 409


def raw(
    machine: Machine, method: str, path: str, body: Any, headers: dict[str, str]
) -> HttpResponse:
    sent = {"authorization": f"Bearer {machine.token}"} | headers
    if not sent["authorization"]:
        del sent["authorization"]
    content_type = sent.pop("content-type", "application/json")
    data = b"" if body is None else encoded(body)
    return Client().generic(method, path, data=data, content_type=content_type, headers=sent)
