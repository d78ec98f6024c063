"""GET /healthz, /readyz and /metrics"""

from types import SimpleNamespace

import pytest
from celery import current_app
from django.db import InterfaceError, OperationalError
from kombu.exceptions import OperationalError as BrokerError

from tests.api.asking import ask, nothing_changes, refused
from tests.conftest import SESSIONS


def test_healthz_asks_nothing_of_any_service(db, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(current_app, "connection_for_write", failing(BrokerError("down")))
    with django_assert_num_queries(0):
        response = ask("GET", "/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_readyz_says_that_each_service_is_there(db):
    response = ask("GET", "/readyz")
    assert response.status_code == 200
    assert response.json() == {"status": "ok", "database": "ok", "broker": "ok"}


def failing(exception):
    def fail(*_, **__):
        raise exception

    return fail


@pytest.fixture
def broker_down(monkeypatch):
    def down(exception):
        monkeypatch.setattr("kombu.connection.Connection.ensure_connection", failing(exception))

    return down


@pytest.fixture
def database_down(monkeypatch):
    def down(exception):
        broken = SimpleNamespace(cursor=failing(exception), close=lambda: None)
        monkeypatch.setattr("kynaplatform.api.health.connection", broken)

    return down


def is_down(**states):
    response = ask("GET", "/readyz")
    error = refused(response, 503, "service_unavailable", **states)
    assert "kyna_secret" not in str(error)
    assert response.headers["Retry-After"] == "5"
    return True


@pytest.mark.parametrize(
    "exception", [BrokerError("kyna_secret"), ConnectionRefusedError("kyna_secret"), TimeoutError()]
)
def test_readyz_names_a_broker_that_is_down(db, broker_down, exception):
    broker_down(exception)
    assert is_down(database="ok", broker="down")


@pytest.mark.parametrize(
    "exception", [OperationalError("kyna_secret"), InterfaceError("the connection is closed")]
)
def test_readyz_names_a_database_that_is_down(db, database_down, exception):
    database_down(exception)
    assert is_down(database="down", broker="ok")


def test_readyz_names_both(db, database_down, broker_down):
    broker_down(BrokerError())
    database_down(OperationalError())
    assert is_down(database="down", broker="down")


# Metrics


def test_metrics_are_prometheus_text(owner, movespec):
    owner.create_session(movespec)
    owner.get(SESSIONS)
    response = ask("GET", "/metrics")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    text = response.content.decode()
    assert (
        'kyna_http_requests_total{method="POST",route="api/detection/sessions",status="201"}'
        in text
    )
    assert str(owner.project.id) not in text


def test_metrics_count_by_route_and_never_by_path(owner):
    owner.get(f"{SESSIONS}/a-path-of-its-own")
    ask("GET", "/api/another-path-of-its-own")
    ask("BREW", "/api/another-path-of-its-own")
    text = ask("GET", "/metrics").content.decode()
    assert "of-its-own" not in text
    assert "BREW" not in text
    assert 'route="api/detection/sessions/<session_id>",status="404"' in text
    assert 'method="other",route="unknown",status="404"' in text


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "access_token_missing"),
        ("", "access_token_missing"),
        ("Basic a-token-of-the-metrics", "access_token_missing"),
        ("a-token-of-the-metrics", "access_token_missing"),
        ("Bearer", "access_token_invalid"),
        ("Bearer a-token-of-the-metric", "access_token_invalid"),
        ("Bearer a-token-of-the-metrics2", "access_token_invalid"),
        ("Bearer A-TOKEN-OF-THE-METRICS", "access_token_invalid"),
        ("Bearer ключ", "access_token_invalid"),
    ],
)
def test_metrics_ask_for_their_token_once_it_is_set(db, settings, header, code):
    settings.METRICS_TOKEN = "a-token-of-the-metrics"
    with nothing_changes():
        response = ask("GET", "/metrics", **({} if header is None else {"authorization": header}))
    refused(response, 401, code)


@pytest.mark.parametrize("production", [True, False])
def test_metrics_take_their_token(db, settings, production):
    settings.METRICS_TOKEN, settings.PRODUCTION = "a-token-of-the-metrics", production
    for scheme in ("Bearer", "bearer"):
        response = ask("GET", "/metrics", authorization=f"{scheme} a-token-of-the-metrics")
        assert response.status_code == 200


def test_metrics_are_not_there_in_production_without_a_token(owner, settings):
    settings.METRICS_TOKEN, settings.PRODUCTION = "", True
    for token in (None, "x", owner.token):
        refused(ask("GET", "/metrics", token=token), 404, "not_found", resource="path")


def test_metrics_are_there_while_the_database_is_not(db, settings, monkeypatch):
    settings.METRICS_TOKEN = ""
    monkeypatch.setattr(
        "sessions_app.metrics.SessionCollector._read", failing(OperationalError("kyna_secret"))
    )

    text = ask("GET", "/metrics").content.decode()

    assert "kyna_database_up 0.0" in text
    assert "kyna_http_requests_total{" in text
    assert "kyna_secret" not in text
