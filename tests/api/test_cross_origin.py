"""CORS: which origins, what a preflight allows, what a page may read"""

import pytest

from tests.api.asking import ask, nothing_changes
from tests.conftest import MOVESPECS, SESSIONS, TOKENS

ORIGIN = "https://app.example"


@pytest.fixture(autouse=True)
def _allowed(settings):
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]


def listed(response, header):
    return {item.strip().lower() for item in response.headers[header].split(",")}


def preflight(path, method, origin=ORIGIN, **more):
    return ask("OPTIONS", path, origin=origin, access_control_request_method=method, **more)


@pytest.mark.parametrize(
    ("path", "method"),
    [
        (SESSIONS, "POST"),
        (f"{MOVESPECS}/x", "PATCH"),
        (f"{MOVESPECS}/x/draft", "PUT"),
        (TOKENS, "POST"),
        ("/.well-known/jwks.json", "GET"),
    ],
)
def test_a_preflight_needs_no_token(db, settings, path, method):
    settings.RATE_LIMIT_ANONYMOUS = 0
    with nothing_changes():
        response = preflight(
            path,
            method,
            access_control_request_headers="authorization, content-type, idempotency-key",
        )
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert method.lower() in listed(response, "Access-Control-Allow-Methods")
    assert listed(response, "Access-Control-Allow-Headers") == {
        "authorization",
        "content-type",
        "idempotency-key",
        "x-request-id",
    }
    assert "Access-Control-Allow-Credentials" not in response.headers


def test_a_page_may_read_our_headers(owner):
    for response in (
        owner.get(SESSIONS, origin=ORIGIN),
        ask("GET", SESSIONS, origin=ORIGIN),
        ask("GET", "/api/nowhere", origin=ORIGIN),
        ask("DELETE", SESSIONS, origin=ORIGIN),
        preflight(SESSIONS, "POST"),
    ):
        assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert "Access-Control-Allow-Credentials" not in response.headers
        assert "origin" in listed(response, "Vary")
    assert listed(owner.get(SESSIONS, origin=ORIGIN), "Access-Control-Expose-Headers") == {
        "ratelimit-limit",
        "ratelimit-remaining",
        "ratelimit-reset",
        "retry-after",
        "link",
        "x-request-id",
        "idempotent-replayed",
    }


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://app.example", "https://app.example:8443", "null"],
)
def test_another_origin_gets_nothing(owner, origin):
    for response in (owner.get(SESSIONS, origin=origin), preflight(SESSIONS, "POST", origin)):
        assert response.status_code == 200
        assert "Access-Control-Allow-Origin" not in response.headers


def test_without_allowed_origins_none_is(owner, settings):
    settings.CORS_ALLOWED_ORIGINS = []
    assert "Access-Control-Allow-Origin" not in owner.get(SESSIONS, origin=ORIGIN).headers


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/admin/login/"])
def test_what_is_not_the_api_is_never_shared(db, path):
    response = ask("GET", path, origin=ORIGIN)
    assert response.status_code == 200
    assert "Access-Control-Allow-Origin" not in response.headers
