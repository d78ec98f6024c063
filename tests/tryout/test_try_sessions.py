"""`POST /try/sessions`: what it answers, what its token may do, and whom it refuses"""

import base64
import json
import logging
from datetime import timedelta

import psycopg
import pytest
from django.db import connection

from kynaplatform import clock
from kynaplatform.environment import networks
from movespecs.models import MoveSpec
from projects.models import AccessToken, Credential, Organization, Project
from projects.suspension import suspend
from sessions_app.models import DetectionSession
from tests.api.asking import ask, fresh_address, nothing_changes, refused, refused_fields
from tests.conftest import MOVESPECS, SESSIONS, TOKENS
from tests.server import test_database_url as database_url
from tests.test_secrets_nowhere import Secrets
from tests.tryout.trying import TRY_SESSIONS, try_it
from tryout.project import (
    ACCOUNT_ID,
    ORGANIZATION_ID,
    PROJECT_ID,
    READS_PER_MINUTE,
    SESSIONS_PER_MINUTE,
    movespec_id,
)
from tryout.sessions import SESSIONS_OF_ADDRESS

pytestmark = pytest.mark.usefixtures("signing_key")


@pytest.fixture
def tried():
    response = try_it()
    assert response.status_code == 201
    return response.json()


def test_it_answers_a_session_as_a_create_does(tried):
    session = DetectionSession.objects.get()
    created = tried["session"]
    assert created.pop("runtime_token")
    assert created == {
        "session_id": str(session.id),
        "project_id": str(PROJECT_ID),
        "status": "created",
        "mode": "live",
        "resolved_movespec_version_id": str(session.resolved_version_id),
        "stream_url": session.stream_url,
        "input_schema_version": "mediapipe_pose_landmarker/v1",
        "output_schema_version": "kynasmith_detection_events/v1",
    }
    released = MoveSpec.objects.get(id=movespec_id("squat")).current_released_version_id
    assert session.resolved_version_id == released
    assert sorted(tried) == ["access_token", "expires_in", "session"]


def test_the_runtime_token_is_of_the_session_and_the_project(tried):
    payload = tried["session"]["runtime_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert claims["sub"] == tried["session"]["session_id"]
    assert claims["organization_id"] == str(ORGANIZATION_ID)
    assert claims["project_id"] == str(PROJECT_ID)


def test_its_access_token_lives_for_five_minutes_and_reads(tried, settings):
    settings.ACCESS_TOKEN_SECONDS = 900
    token = AccessToken.objects.get()
    assert tried["expires_in"] == 300
    assert timedelta(seconds=299) <= token.expires_at - token.created_at <= timedelta(seconds=300)
    assert token.scopes == ["sessions:read"]
    assert (token.credential_id, token.project_id) == (ACCOUNT_ID, PROJECT_ID)
    path = f"{SESSIONS}/{tried['session']['session_id']}"
    for asked in (path, f"{path}/events"):
        assert ask("GET", asked, token=tried["access_token"]).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("POST", SESSIONS, "sessions:write"),
        ("POST", "{session}/finalize", "sessions:write"),
        ("POST", "{session}/cancel", "sessions:write"),
        ("POST", MOVESPECS, "movespecs:write"),
        ("GET", MOVESPECS, "movespecs:read"),
        ("GET", TOKENS, "tokens:read"),
    ],
)
def test_its_access_token_does_nothing_else(tried, method, path, scope):
    path = path.format(session=f"{SESSIONS}/{tried['session']['session_id']}")
    with nothing_changes():
        response = ask(method, path, {}, token=tried["access_token"])
    refused(response, 403, "insufficient_scope", required_scope=scope)


def test_an_address_gets_six_in_ten_minutes(limits_clock):
    address, other = fresh_address(), fresh_address()
    answers = [try_it(address=address) for _ in range(SESSIONS_OF_ADDRESS)]
    assert [answer.status_code for answer in answers] == [201] * 6
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == list("543210")
    assert {answer.headers["RateLimit-Limit"] for answer in answers} == {"6"}
    assert {answer.headers["RateLimit-Reset"] for answer in answers} == {"600"}
    limits_clock.now += 120
    with nothing_changes():
        response = try_it(address=address)
    refused(response, 429, "rate_limited", retry_after_seconds=480)
    assert response.headers["Retry-After"] == "480"
    assert try_it(address=other).status_code == 201
    limits_clock.now += 479.9
    assert try_it(address=address).status_code == 429
    limits_clock.now += 0.1
    assert try_it(address=address).status_code == 201


def test_all_addresses_together_get_so_many(limits_clock, settings):
    settings.TRY_SESSIONS = 3
    assert [try_it().status_code for _ in range(3)] == [201] * 3
    with nothing_changes():
        refused(try_it(), 429, "rate_limited", retry_after_seconds=600)
    limits_clock.now += 600
    assert try_it().status_code == 201


def test_no_session_at_all_can_be_asked_for(settings):
    settings.TRY_SESSIONS = 0
    try_it()  # which makes the project
    with nothing_changes():
        refused(try_it(), 429, "rate_limited", retry_after_seconds=600)


def test_staff_lower_the_bound_of_the_project(limits_clock):
    assert try_it().status_code == 201
    Project.objects.filter(id=PROJECT_ID).update(rate_limit_sessions=1)
    with nothing_changes():
        refused(try_it(), 429, "rate_limited", retry_after_seconds=60)


def test_what_the_project_refuses_is_told_of_it(limits_clock):
    assert try_it().status_code == 201
    Project.objects.filter(id=PROJECT_ID).update(rate_limit_sessions=1)
    answer = try_it()
    assert (answer.status_code, answer.headers["RateLimit-Limit"]) == (429, "1")
    assert answer.headers["RateLimit-Reset"] == answer.headers["Retry-After"] == "60"


def test_refused_creates_of_a_token_leave_the_page_open(limits_clock):
    token = try_it().json()["access_token"]
    for _ in range(SESSIONS_PER_MINUTE):
        refused(
            ask("POST", SESSIONS, {}, token=token),
            403,
            "insufficient_scope",
            required_scope="sessions:write",
        )
    # The project's own counter is full, which is none of the page's.
    refused(ask("POST", SESSIONS, {}, token=token), 429, "rate_limited", retry_after_seconds=60)
    assert try_it().status_code == 201


def test_reads_of_a_token_leave_the_others_theirs(limits_clock, settings):
    settings.RATE_LIMIT_PROJECT, settings.RATE_LIMIT_ORGANIZATION = 2, 2
    tried, another = try_it().json(), try_it().json()
    statuses = [
        ask(
            "GET",
            f"{SESSIONS}/{tried['session']['session_id']}",
            token=tried["access_token"],
        ).status_code
        for _ in range(10)
    ]
    assert statuses == [200] * 10
    answer = ask(
        "GET",
        f"{SESSIONS}/{another['session']['session_id']}",
        token=another["access_token"],
    )
    assert answer.status_code == 200
    assert answer.headers["RateLimit-Limit"] == str(READS_PER_MINUTE) == "3000"
    assert answer.headers["RateLimit-Remaining"] == "2989"


def test_strangers_behind_one_proxy_are_counted_apart(limits_clock, settings):
    settings.TRUSTED_PROXIES = networks(["10.0.0.0/24"])

    def status(stranger):
        return try_it(address="10.0.0.1", x_forwarded_for=stranger).status_code

    first, second = fresh_address(), fresh_address()
    assert [status(first) for _ in range(7)] == [201] * 6 + [429]
    assert status(f"{second}, {first}") == 429
    assert status(second) == 201


def test_what_is_refused_counts_as_all_else_does(limits_clock):
    try_it()
    address = fresh_address()
    with nothing_changes():
        for _ in range(2):
            refused(try_it("no-such", address=address), 404, "not_found", resource="movement")
            refused_fields(try_it(7, address=address), "movement")
            body = ask("POST", TRY_SESSIONS, b"{", address=address)
            refused(body, 400, "malformed_request")
        refused(try_it(address=address), 429, "rate_limited", retry_after_seconds=600)


@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", ""],
)
def test_a_form_of_another_site_is_none_of_what_is_taken(content_type):
    try_it()
    body = b'{"movement": "squat"}'
    with nothing_changes():
        response = ask("POST", TRY_SESSIONS, body, content_type=content_type)
    refused(response, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "none"},
        # Without TLS, and in an older browser.
        {"origin": "http://evil.example"},
        {"origin": "https://evil.testserver"},
        {"origin": "http://testserver.evil.example:80"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://[evil"},
        {"origin": "http://testserver", "sec_fetch_site": "cross-site"},
        {"origin": "http://evil.example", "sec_fetch_site": "same-origin"},
    ],
)
@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
def test_another_sites_script_is_refused_and_costs_its_visitor_nothing(
    limits_clock, headers, content_type
):
    address = fresh_address()
    assert try_it(address=address, sec_fetch_site="same-origin").status_code == 201
    body = b'{"movement": "squat"}'
    with nothing_changes():
        for _ in range(10):
            response = ask(
                "POST", TRY_SESSIONS, body, address=address, content_type=content_type, **headers
            )
            refused(response, 403, "authorization_failed")
    assert try_it(address=address).headers["RateLimit-Remaining"] == "4"


@pytest.mark.parametrize("origin", ["http://testserver", "https://TestServer:8443"])
def test_our_own_page_names_its_origin_and_a_proxy_may_leave_its_port_out(origin):
    assert try_it(origin=origin).status_code == 201


@pytest.mark.parametrize("host", ["[::1]:8000", "[::1]"])
def test_a_host_may_be_an_address(settings, host):
    settings.ALLOWED_HOSTS = ["[::1]"]
    assert try_it(host=host, origin="http://[::1]:8000").status_code == 201
    refused(try_it(host=host, origin="http://[::2]:8000"), 403, "authorization_failed")


def test_another_origin_is_not_let_in_by_cors():
    preflight = ask(
        "OPTIONS",
        TRY_SESSIONS,
        origin="http://localhost:5173",
        access_control_request_method="POST",
        access_control_request_headers="content-type",
    )
    assert preflight.status_code == 405
    assert "Access-Control-Allow-Origin" not in preflight.headers


@pytest.mark.parametrize(
    ("model", "id_", "code"),
    [
        (Project, PROJECT_ID, "project_suspended"),
        (Organization, ORGANIZATION_ID, "organization_suspended"),
    ],
)
def test_a_suspended_project_creates_nothing_and_its_refusals_are_bounded(
    limits_clock, model, id_, code
):
    assert try_it().status_code == 201
    suspend(model.objects.get(id=id_), now=clock.now())
    address = fresh_address()
    with nothing_changes():
        for _ in range(SESSIONS_OF_ADDRESS):
            refused(try_it(address=address), 403, code)
        refused(try_it(address=address), 429, "rate_limited", retry_after_seconds=600)


def test_staff_end_the_page_by_its_service_account():
    assert try_it().status_code == 201
    Credential.objects.filter(id=ACCOUNT_ID).update(revoked_at=clock.now())
    with nothing_changes():
        refused(try_it(), 403, "authorization_failed")


def test_who_is_over_a_limit_asks_no_database(limits_clock, settings, django_assert_num_queries):
    settings.TRY_SESSIONS = 0
    with django_assert_num_queries(0):
        assert try_it().status_code == 429


@pytest.mark.django_db(transaction=True)
def test_without_a_token_there_is_no_session():
    assert try_it().status_code == 201
    with psycopg.connect(database_url()) as holder, connection.cursor() as cursor:
        holder.execute("SELECT FROM projects_credential WHERE id = %s FOR UPDATE", [ACCOUNT_ID])
        cursor.execute("SET lock_timeout = '50ms'")
        try:
            with nothing_changes():
                refused(try_it(), 503, "service_unavailable")
        finally:
            cursor.execute("RESET lock_timeout")
    assert DetectionSession.objects.count() == AccessToken.objects.count() == 1


def test_an_archived_movement_is_refused_and_the_others_are_not():
    assert try_it().status_code == 201
    MoveSpec.objects.filter(id=movespec_id("squat")).update(archived_at=clock.now())
    with nothing_changes():
        refused(try_it(), 409, "movespec_archived")
    assert try_it("lunge").status_code == 201


def test_no_cookie_and_no_login_is_asked_for_or_given():
    response = try_it(cookie="kyna_admin=x", authorization="Bearer of-nobody")
    assert response.status_code == 201
    assert response.cookies == {}


def test_no_log_line_has_a_token(caplog):
    caplog.set_level(logging.DEBUG)
    tried = try_it().json()
    secrets = Secrets()
    secrets.add_jwt("access token", tried["access_token"])
    secrets.add_jwt("runtime token", tried["session"]["runtime_token"])
    lines = [f"{record.getMessage()} {vars(record)}" for record in caplog.records]
    assert any(line.startswith(f"POST {TRY_SESSIONS} 201") for line in lines)
    [told] = [line for line in lines if line.startswith(f"POST {TRY_SESSIONS} 201")]
    assert f"project_id={PROJECT_ID}" in told
    assert secrets.found_in("\n".join(lines).encode()) == []
