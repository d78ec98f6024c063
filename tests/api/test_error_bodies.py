"""Every failure has the one body: unknown paths, wrong methods, what breaks behind a view"""

import pytest
from django.db import InterfaceError, OperationalError

from kynaplatform.api.errors import ApiError
from tests.api.api_requests import RETRYABLE, ask, nothing_changes, refused, refused_fields
from tests.conftest import MOVESPECS, SESSIONS, ApiClient, error_of

# The contract's table.
STATUSES = {
    "access_token_missing": 401,
    "access_token_invalid": 401,
    "access_token_expired": 401,
    "api_key_invalid": 401,
    "service_account_invalid": 401,
    "organization_suspended": 403,
    "project_suspended": 403,
    "insufficient_scope": 403,
    "project_mismatch": 403,
    "authorization_failed": 403,
    "not_found": 404,
    "malformed_request": 400,
    "method_not_allowed": 405,
    "payload_too_large": 413,
    "unsupported_media_type": 415,
    "validation_error": 422,
    "idempotency_key_invalid": 422,
    "idempotency_key_reused": 422,
    "conflict": 409,
    "contract_version_unsupported": 409,
    "movespec_not_released": 409,
    "movespec_archived": 409,
    "movespec_version_withdrawn": 409,
    "movespec_fork_required": 409,
    "movespec_invalid": 422,
    "session_already_ended": 409,
    "rate_limited": 429,
    "internal_error": 500,
    "service_unavailable": 503,
}


def test_every_code_has_the_contracts_status_and_retryability():
    # The stream's own errors are there once a test has imported the runtime.
    kinds = [kind for kind in ApiError.__subclasses__() if "realtime" not in kind.__module__]
    assert {kind.code: kind.status for kind in kinds} == STATUSES
    assert {kind.code for kind in kinds if kind.retryable} == RETRYABLE


# By route


@pytest.mark.parametrize(
    "path",
    [
        "/api",
        "/api/",
        "/api/v1/detection/sessions",
        "/api/movespecs/",
        "/api/detection/sessions/x/y",
        "/api/movespecs//draft",
        "/api/%00",
        "/nowhere",
        "/docs.md",
        "/.well-known/jwks.json/",
        "/healthz/",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_path_is_not_found_whoever_asks(owner, path, method):
    for token in (None, "garbage", owner.token):
        refused(ask(method, path, token=token), 404, "not_found", resource="path")


@pytest.mark.parametrize(
    ("path", "exists"),
    [
        (MOVESPECS, True),
        (SESSIONS, True),
        (f"{SESSIONS}/x/finalize", True),
        (f"{MOVESPECS}/no-uuid", True),
        ("/.well-known/jwks.json", True),
        ("/healthz", True),
        ("/api", False),
        ("/api/nowhere", False),
        (f"{MOVESPECS}/", False),
        (f"{MOVESPECS}/x/y/z", False),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_slash_too_many_is_told(owner, path, exists, method):
    sentence = "There is no such path."
    more = " It exists without the slash at its end." if exists else ""
    for token in (None, owner.token):
        error = refused(ask(method, f"{path}/", token=token), 404, "not_found", resource="path")
        assert error["message"] == sentence + more
    assert error_of(ask(method, "/api/nowhere"))["message"] == sentence


def test_a_wrong_method_names_the_right_ones(db):
    assert ask("DELETE", MOVESPECS).headers["Allow"] == "GET, POST, HEAD"


# Behind a view

BREAKABLE = [
    ("GET", SESSIONS, None, "sessions_app.views.sessions_list"),
    ("POST", MOVESPECS, {"name": "x"}, "movespecs.views.movespec_create"),
    ("GET", "/.well-known/jwks.json", None, "projects.views.published_keys"),
    ("GET", "/api/schema", None, "kynaplatform.api.platform_views.openapi_document"),
    ("GET", "/readyz", None, "kynaplatform.api.platform_views.readiness"),
]


def breaking(exception):
    def fail(*_, **__):
        raise exception

    return fail


@pytest.mark.parametrize(("method", "path", "body", "target"), BREAKABLE)
@pytest.mark.parametrize(
    "exception",
    [
        RuntimeError("SELECT secret FROM kyna_sk_secret"),
        KeyError("kyna_sk_secret"),
        RecursionError("kyna_sk_secret"),
        AttributeError("kyna_sk_secret"),
        PermissionError("kyna_sk_secret"),
    ],
)
def test_an_unhandled_exception_tells_nothing(
    owner, monkeypatch, caplog, method, path, body, target, exception
):
    monkeypatch.setattr(target, breaking(exception))
    with nothing_changes():
        response = ask(method, path, body, token=owner.token)
    error = refused(response, 500, "internal_error")
    assert error["message"] == "Something went wrong on our side."
    assert b"kyna_sk" not in response.content
    assert response.headers["X-Request-ID"]
    # The operators are told everything.
    [record] = [record for record in caplog.records if record.name == "kynaplatform.errors"]
    assert record.exc_info[1] is exception


@pytest.mark.parametrize(("method", "path", "body", "target"), BREAKABLE)
@pytest.mark.parametrize("kind", [OperationalError, InterfaceError])
def test_a_database_out_of_reach_is_503(owner, monkeypatch, method, path, body, target, kind):
    monkeypatch.setattr(target, breaking(kind("connection to kyna_sk_secret refused")))
    with nothing_changes():
        response = ask(method, path, body, token=owner.token)
    refused(response, 503, "service_unavailable")
    assert response.headers["Retry-After"] == "5"
    assert b"kyna_sk" not in response.content


def test_a_failure_while_authenticating_is_told_alike(owner, monkeypatch):
    target = "projects.authentication._read_state"
    monkeypatch.setattr(target, breaking(OperationalError("gone")))
    response = owner.get(SESSIONS)
    refused(response, 503, "service_unavailable")
    assert response.headers["Retry-After"] == "5"
    monkeypatch.setattr(target, breaking(TypeError("kyna_sk_secret")))
    refused(owner.get(SESSIONS), 500, "internal_error")


def test_a_counted_request_that_breaks_still_says_what_is_left(owner, monkeypatch):
    monkeypatch.setattr("sessions_app.views.sessions_list", breaking(RuntimeError()))
    assert owner.get(SESSIONS).headers["RateLimit-Limit"] == "100000"


def test_a_middleware_that_breaks_is_told_alike(db, monkeypatch):
    monkeypatch.setattr(
        "corsheaders.middleware.CorsMiddleware.add_response_headers",
        breaking(RuntimeError("kyna_sk_secret")),
    )
    client = ApiClient(raise_request_exception=False)
    response = ask("GET", MOVESPECS, client=client, origin="https://app.example")
    refused(response, 500, "internal_error")
    assert response.headers["X-Request-ID"]


def test_a_host_that_is_not_ours_is_refused_with_the_one_body(db, settings):
    settings.ALLOWED_HOSTS = ["api.example"]
    response = ask("GET", MOVESPECS, host="evil.example")
    refused(response, 400, "malformed_request")
    assert ask("GET", MOVESPECS, host="api.example").status_code == 200


def test_too_many_parameters_are_no_fault_of_ours(owner):
    query = "&".join(f"p{number}=1" for number in range(1_001))
    with nothing_changes():
        response = owner.get(f"{SESSIONS}?{query}")
    refused_fields(response, "query")


def test_the_admins_failures_are_pages(admin_client):
    response = admin_client.get("/admin/nowhere/")
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
