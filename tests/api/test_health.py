"""GET /healthz, /readyz and /metrics"""

import json
import socket
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from celery import current_app
from cryptography.fernet import Fernet
from django.db import connection
from kombu.exceptions import OperationalError as BrokerError

from dev.local_stack.ports import free_port
from kynaplatform import __version__
from kynaplatform.metrics.readiness import (
    OK,
    Inquiry,
    Readiness,
    is_ready,
    migrations_state,
    static_files_state,
)
from kynaplatform.monitor_server import MAX_CLIENTS
from projects.models import SigningKey
from projects.signing import signing_keys_state
from tests.api.api_requests import ask, nothing_changes, refused
from tests.concurrency.racing import Connection
from tests.conftest import SESSIONS
from tests.long_runs import at_length
from tests.realtime.database_proxy import database_proxy
from tests.server import service, web_server
from tests.server import test_database_url as database_url
from tests.waiting import DEADLINE_SECONDS, eventually

CHECKS = ("database", "migrations", "signing_keys", "peppers", "webhooks", "static_files", "broker")
BEGIN = Inquiry.begin  # conftest.py has another
ALL_OK = dict.fromkeys(CHECKS, "ok")


def test_healthz_asks_nothing_of_any_service(db, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(current_app, "connection_for_write", failing(BrokerError("down")))
    with django_assert_num_queries(0):
        response = ask("GET", "/healthz")
    assert (response.status_code, response.json()) == (
        200,
        {"status": "ok", "version": __version__},
    )


def test_readyz_says_that_each_service_is_there(owner):
    response = ask("GET", "/readyz")
    assert response.status_code == 200
    assert response.json() == {"status": "ok", **ALL_OK}


def failing(exception):
    def fail(*_, **__):
        raise exception

    return fail


def test_secrets_that_others_need_are_told_of_and_change_no_status(
    transactional_db, owner, tmp_path
):
    """As a process says that was given other secrets; and by any name, as monitors ask."""
    others = {
        "SIGNING_KEY_SECRETS": Fernet.generate_key().decode(),
        "SECRET_PEPPERS": f"7:{bytes(range(32)).hex()}",
        "ALLOWED_HOSTS": "kyna.example.com",
        "CELERY_BROKER_URL": f"redis://127.0.0.1:{free_port()}/0",
    }
    expected = ALL_OK | {"signing_keys": "unreadable", "peppers": "missing", "broker": "down"}
    with web_server(tmp_path, environment=others) as base_url:
        for _ in range(2):
            assert got(f"{base_url}/readyz") == (200, json_of({"status": "ok", **expected}))
        text = got(f"{base_url}/metrics")[1].decode()
        assert got(f"{base_url}{SESSIONS}")[0] == 400
    for name, state in expected.items():
        assert f'kyna_check_ok{{check="{name}"}} {float(state == "ok")}' in text
    log = (tmp_path / "web.log").read_text()
    for line in ("signing_keys: unreadable", "peppers: missing", "broker: down"):
        assert log.count(line) == 1


def got(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=DEADLINE_SECONDS) as answer:  # noqa: S310
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def json_of(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def test_a_broker_that_accepts_and_says_nothing_holds_nobody(transactional_db, owner, tmp_path):
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        service(
            "api", tmp_path, {"CELERY_BROKER_URL": f"redis://127.0.0.1:{silent.getsockname()[1]}/0"}
        ) as (port, monitor_port),
        ThreadPoolExecutor(MAX_CLIENTS) as threads,
    ):
        base_url, monitors = (f"http://127.0.0.1:{one}" for one in (port, monitor_port))
        # A client has its answer a moment before its place is free, and one without is cut off.
        asked = [threads.submit(got, f"{monitors}/readyz") for _ in range(MAX_CLIENTS - 4)]
        # Others are served while these wait.
        assert got(f"{base_url}/api/movespecs") == (200, b"[]")
        for answer in asked:
            status, body = answer.result(DEADLINE_SECONDS)
            assert (status, json.loads(body)["broker"]) == (200, "down")


@at_length("name, path", ("api", "/api/movespecs"), ("pages", "/admin/"))
def test_a_database_that_says_nothing_is_down_and_nobody_waits_for_it_again(
    transactional_db, owner, tmp_path, name, path
):
    with (
        database_proxy(database_url()) as database,
        service(name, tmp_path, {"DATABASE_URL": database.url}) as (port, monitor_port),
    ):
        base_url, monitors = (f"http://127.0.0.1:{one}" for one in (port, monitor_port))
        assert got(f"{monitors}/readyz")[0] == 200
        held = []
        database.hang()
        # Every thread waits for it: the API has two, and the pages five.
        for _ in range(12):
            one = Connection(base_url)
            one.http.request("GET", path, headers={"Cookie": "kyna_admin=x"})
            held.append(one)
        assert got(f"{monitors}/healthz")[0] == 200
        unknown = dict.fromkeys(("migrations", "signing_keys", "peppers", "webhooks"), "unknown")
        eventually(lambda: got(f"{monitors}/readyz")[0] == 503, "it is noticed")
        for _ in range(3):
            status, body = got(f"{monitors}/readyz")
            details = json.loads(body)["error"]["details"]
            assert (status, details) == (503, ALL_OK | unknown | {"database": "down"})
            status, body = got(f"{monitors}/metrics")
            assert (status, b"kyna_sessions_live" in body) == (200, False)
            assert b'kyna_check_ok{check="database"} 0.0' in body
        database.reach()
        eventually(lambda: got(f"{monitors}/readyz")[0] == 200, "it is ready again")
        assert b"kyna_sessions_live" in got(f"{monitors}/metrics")[1]
    log = (tmp_path / f"{name}.log").read_text()
    assert (log.count("database: down"), log.count("database: ok again")) == (1, 1)


@pytest.fixture
def by_threads(monkeypatch):
    monkeypatch.setattr(Inquiry, "begin", BEGIN)
    monkeypatch.setattr("kynaplatform.metrics.readiness.FRESH_SECONDS", 0.0)


def test_who_asks_while_others_wait_waits_with_them(by_threads):
    is_let_go, asked = Event(), []

    def ask_slowly() -> str:
        asked.append(None)
        is_let_go.wait(DEADLINE_SECONDS)
        return OK

    readiness = Readiness(Inquiry({"database": ask_slowly, "migrations": lambda: OK}))
    with ThreadPoolExecutor(8) as threads:
        waiting = [threads.submit(readiness.states) for _ in range(8)]
        eventually(lambda: len(asked) == 1, "one has asked")
        is_let_go.set()
        for answer in waiting:
            assert answer.result(DEADLINE_SECONDS) == {"database": OK, "migrations": OK}


def test_a_database_that_was_never_migrated_lacks_migrations(transactional_db):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE django_migrations RENAME TO elsewhere")
        try:
            assert migrations_state() == "missing"
        finally:
            cursor.execute("ALTER TABLE elsewhere RENAME TO django_migrations")


def test_a_platform_without_a_signing_key_says_so(db):
    SigningKey.objects.all().delete()
    assert signing_keys_state() == "missing"


@pytest.mark.parametrize("manifest", [None, '{"version": "1.1", "paths": {}}'])
def test_static_files_that_were_not_collected_are_told_of(settings, tmp_path, manifest):
    settings.PRODUCTION, settings.STATIC_ROOT = True, tmp_path
    if manifest is not None:
        (tmp_path / "staticfiles.json").write_text(manifest)
    backend = "whitenoise.storage.CompressedManifestStaticFilesStorage"
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": backend}}
    assert static_files_state() == "missing"


def test_a_database_that_lacks_a_migration_is_not_ready(db):
    assert migrations_state() == "ok"
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) "
            "VALUES ('sessions_app', '9999_later', now())"
        )
        assert migrations_state() == "ok"
        cursor.execute("DELETE FROM django_migrations WHERE name <> '9999_later'")
    assert migrations_state() == "missing"
    assert not is_ready({"database": OK, "migrations": "missing"})


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
        ("Basic a-token-of-the-metrics", "access_token_missing"),
        ("Bearer a-token-of-the-metric", "access_token_invalid"),
        ("Bearer ключ", "access_token_invalid"),
    ],
)
def test_metrics_ask_for_their_token_once_it_is_set(db, settings, header, code):
    settings.METRICS_TOKEN = "a-token-of-the-metrics"
    with nothing_changes():
        response = ask("GET", "/metrics", **({} if header is None else {"authorization": header}))
    refused(response, 401, code)


def test_metrics_are_not_there_in_production_without_a_token(owner, settings):
    settings.METRICS_TOKEN, settings.PRODUCTION = "", True
    for token in (None, "x", owner.token):
        refused(ask("GET", "/metrics", token=token), 404, "not_found", resource="path")
