"""Every failure has the one body: unknown paths, wrong methods, what breaks behind a view"""

import pytest
from django.db import InterfaceError, OperationalError

from tests.api.api_requests import ask, nothing_changes, refused, refused_fields
from tests.conftest import MOVESPECS, SESSIONS, ApiClient, error_of
from tests.long_runs import thinned

# By route


@thinned(
    "method, path",
    ["GET", "POST", "DELETE"],
    [
        *("/api", "/api/", "/api/v1/detection/sessions", "/api/movespecs/", "/api/%00"),
        *("/api/detection/sessions/x/y", "/api/movespecs//draft", "/nowhere", "/docs.md"),
        *("/.well-known/jwks.json/", "/healthz/"),
    ],
)
def test_an_unknown_path_is_not_found_whoever_asks(owner, path, method):
    for token in (None, "garbage", owner.token):
        refused(ask(method, path, token=token), 404, "not_found", resource="path")


EXISTING = (MOVESPECS, SESSIONS, f"{SESSIONS}/x/finalize", f"{MOVESPECS}/no-uuid", "/healthz")


@thinned(
    "method, path",
    ["GET", "POST", "DELETE"],
    [*EXISTING, "/api", "/api/nowhere", f"{MOVESPECS}/", f"{MOVESPECS}/x/y/z"],
)
def test_a_slash_too_many_is_told(owner, path, method):
    sentence = "There is no such path."
    more = " It exists without the slash at its end." if path in EXISTING else ""
    for token in (None, owner.token):
        error = refused(ask(method, f"{path}/", token=token), 404, "not_found", resource="path")
        assert error["message"] == sentence + more
    assert error_of(ask(method, "/api/nowhere"))["message"] == sentence


def test_a_wrong_method_names_the_right_ones(db):
    assert ask("DELETE", MOVESPECS).headers["Allow"] == "GET, POST, HEAD"


# Behind a view

BREAKABLE = [
    ("GET", SESSIONS, None, "sessions_app.views.sessions_list"),
    ("POST", MOVESPECS, b'{"name": "x"}', "movespecs.views.movespec_create"),
    ("GET", "/.well-known/jwks.json", None, "projects.views.published_keys"),
    ("GET", "/api/schema", None, "kynaplatform.api.platform_views.openapi_document"),
    ("GET", "/readyz", None, "kynaplatform.api.platform_views.readiness"),
]


def breaking(exception):
    def fail(*_, **__):
        raise exception

    return fail


KINDS = (RuntimeError, KeyError, RecursionError, AttributeError, PermissionError)


@pytest.mark.parametrize(("request_", "kind"), zip(BREAKABLE, KINDS, strict=True))
def test_an_unhandled_exception_tells_nothing(owner, monkeypatch, caplog, request_, kind):
    (method, path, body, target), exception = request_, kind("SELECT secret FROM kyna_sk_secret")
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


@thinned("request_, kind", BREAKABLE, [OperationalError, InterfaceError])
def test_a_database_out_of_reach_is_503(owner, monkeypatch, request_, kind):
    method, path, body, target = request_
    monkeypatch.setattr(target, breaking(kind("connection to kyna_sk_secret refused")))
    with nothing_changes():
        response = ask(method, path, body, token=owner.token)
    refused(response, 503, "service_unavailable")
    assert response.headers["Retry-After"] == "5"
    assert b"kyna_sk" not in response.content


def test_a_failure_while_authenticating_is_told_alike(owner, monkeypatch):
    target = "projects.authentication._READ.row"
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
