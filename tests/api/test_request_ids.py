"""X-Request-ID: kept or made, on every response and every log line of the request"""

import io
import logging
import re

import pytest
from django.conf import settings as configured
from django.test import Client

from kynaplatform.logs import RequestIdFilter
from tests.api.api_requests import ask
from tests.conftest import MOVESPECS, SESSIONS


@pytest.fixture
def log():
    """What the root logger writes, in the format of the settings."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.addFilter(RequestIdFilter())
    handler.setFormatter(logging.Formatter(configured.LOGGING["formatters"]["text"]["format"]))
    logging.getLogger().addHandler(handler)
    yield text
    logging.getLogger().removeHandler(handler)


@pytest.mark.parametrize("id_", ["a", "A" * 128, "Az09._-"])
def test_a_well_formed_id_is_kept(db, id_):
    assert ask("GET", "/healthz", x_request_id=id_).headers["X-Request-ID"] == id_


@pytest.mark.parametrize("id_", ["", "a b", "A" * 129, "a\n", "é", "<script>"])
def test_another_is_replaced(db, id_):
    made = ask("GET", "/healthz", x_request_id=id_).headers["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f]{32}", made)


def test_each_request_without_one_gets_its_own(db):
    assert len({ask("GET", "/healthz").headers["X-Request-ID"] for _ in range(3)}) == 3


def test_it_is_on_every_kind_of_response(owner, settings):
    settings.ALLOWED_HOSTS = ["testserver"]
    for method, path, more in (
        ("GET", MOVESPECS, {}),
        ("GET", SESSIONS, {}),
        ("GET", "/api/nowhere", {}),
        ("DELETE", SESSIONS, {}),
        ("GET", "/metrics", {}),
        ("GET", "/admin/login/", {"client": Client()}),
        ("GET", MOVESPECS, {"host": "evil.example"}),
        ("OPTIONS", SESSIONS, {"origin": "https://x.example"}),
    ):
        assert ask(method, path, x_request_id="mine", **more).headers["X-Request-ID"] == "mine"
    settings.RATE_LIMIT_PROJECT = 0
    limited = owner.get(SESSIONS, x_request_id="mine")
    assert (limited.status_code, limited.headers["X-Request-ID"]) == (429, "mine")


def test_it_is_on_every_log_line_of_the_request(owner, log, monkeypatch):
    def fail(*_, **__):
        logging.getLogger("some.library").warning("about to fail")
        raise RuntimeError

    monkeypatch.setattr("sessions_app.views.sessions_list", fail)
    assert owner.get(SESSIONS, x_request_id="mine").status_code == 500
    logging.getLogger("some.library").warning("outside any request")
    lines = [line for line in log.getvalue().splitlines() if re.match(r"\d{4}-", line)]
    assert [re.sub(r"^\S+ \S+ ", "", re.sub(r"[\d.]+ ms", "N ms", line)) for line in lines] == [
        "WARNING some.library [mine] about to fail",
        "ERROR kynaplatform.errors [mine] unhandled exception",
        "INFO kynaplatform.request [mine] GET /api/detection/sessions 500 N ms from 127.0.0.1"
        f" project_id={owner.project.id}",
        "WARNING some.library [-] outside any request",
    ]


def test_the_request_line_holds_neither_query_nor_token_nor_line_break(owner, log):
    owner.get(f"{SESSIONS}?status=created&secret=kyna_sk_x")
    ask("GET", "/api/x%0d%0aFORGED", client=Client())
    text = log.getvalue()
    assert "secret" not in text
    assert owner.token not in text
    assert "GET /api/detection/sessions 200" in text
    assert "\nFORGED" not in text
    assert len(text.splitlines()) == 2


def test_a_methods_name_is_cut_in_the_line(log):
    assert ask("X" * 5_000, SESSIONS).status_code == 405
    (line,) = [line for line in log.getvalue().splitlines() if "405" in line]
    assert f"] {'X' * 20} /api/detection/sessions 405 " in line
