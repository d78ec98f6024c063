"""CORS: which origins, what a preflight allows, what a page may read"""

import logging

import pytest
from django.test import Client

from kynaplatform.middleware import MAX_REPORTED
from tests.api.api_requests import ask, nothing_changes
from tests.conftest import MOVESPECS, SESSIONS, ApiClient

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
    [(SESSIONS, "POST"), (f"{MOVESPECS}/x/draft", "PUT"), ("/.well-known/jwks.json", "GET")],
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
        assert listed(response, "Vary") == {"origin"}
    assert listed(owner.get(SESSIONS, origin=ORIGIN), "Access-Control-Expose-Headers") == {
        "ratelimit-limit",
        "ratelimit-remaining",
        "ratelimit-reset",
        "retry-after",
        "link",
        "x-request-id",
        "idempotent-replayed",
        "kyna-ignored",
        "kyna-export-until",
    }


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://app.example", "https://app.example:8443", "null"]
)
def test_another_origin_gets_nothing(owner, origin):
    for response in (owner.get(SESSIONS, origin=origin), preflight(SESSIONS, "POST", origin)):
        assert response.status_code == 200
        assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/admin/login/"])
def test_what_is_not_the_api_is_never_shared(db, path):
    response = ask("GET", path, client=Client(), origin=ORIGIN)
    assert response.status_code == 200
    assert "Access-Control-Allow-Origin" not in response.headers


# Development


@pytest.mark.parametrize("origin", ["http://localhost", "https://127.0.0.1:65535"])
def test_in_development_this_machine_is_allowed_on_any_port(owner, origin):
    for response in (owner.get(SESSIONS, origin=origin), preflight(SESSIONS, "POST", origin)):
        assert response.headers["Access-Control-Allow-Origin"] == origin


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost.evil.example",
        "http://localhost:80@evil.example",
        "http://evil.example#http://localhost",
        "http://127x0x0x1",
        "http://localhost:",
    ],
)
def test_what_only_looks_like_this_machine_is_not(owner, origin):
    assert "Access-Control-Allow-Origin" not in owner.get(SESSIONS, origin=origin).headers


def test_in_production_this_machine_is_not(owner, settings):
    settings.PRODUCTION = True
    response = owner.get(SESSIONS, origin="http://localhost:5173")
    assert response.status_code == 200
    assert "Access-Control-Allow-Origin" not in response.headers


# A refused origin is told in the log, for the browser shows its page nothing


def told(caplog):
    told = [one for one in caplog.records if one.name == "kynaplatform.origins"]
    assert all(one.levelno == logging.WARNING for one in told)
    return [one.getMessage() for one in told]


def test_a_refused_origin_names_the_setting_once(owner, caplog):
    client = ApiClient()  # one process has one
    for origin in ("http://a.example:8000", "http://a.example:8000", "http://b.example"):
        for method in ("GET", "OPTIONS"):
            ask(method, SESSIONS, client=client, origin=origin)
    setting = "The server's setting CORS_ALLOWED_ORIGINS does not list the origin"
    assert told(caplog) == [f"{setting} http://a.example:8000.", f"{setting} http://b.example."]


def test_nobody_fills_the_log_with_origins(owner, caplog):
    client = ApiClient()
    ask("GET", SESSIONS, client=client, origin="http://é\x1b[31m" + "x" * 5_000)
    for number in range(MAX_REPORTED + 5):
        ask("GET", SESSIONS, client=client, origin=f"http://{number}.example")
    assert len(told(caplog)) == MAX_REPORTED
    assert max(len(line) for line in told(caplog)) < 200
    assert all(line.isprintable() for line in told(caplog))


def test_an_allowed_origin_and_a_page_of_ours_are_not_told(owner, caplog):
    ask("GET", SESSIONS, origin=ORIGIN)
    ask("POST", SESSIONS, origin="http://testserver", host="testserver")
    ask("GET", "/healthz", origin="http://a.example")
    assert told(caplog) == []
