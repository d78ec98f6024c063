"""`POST /try/sessions`: who is refused before its body is looked at, and what counts"""

import pytest

from kynaplatform import clock
from kynaplatform.api.rate_limits import Decision
from projects.models import Organization, Project, suspend
from tests.api.api_requests import (
    ask,
    fresh_address,
    limited,
    nothing_changes,
    refused,
    refused_fields,
)
from tests.conftest import SESSIONS
from tests.long_runs import at_length
from tests.tryout.trying import TRY_SESSIONS, try_it
from tryout import views
from tryout.project import ORGANIZATION_ID, PROJECT_ID, READS_PER_MINUTE

pytestmark = pytest.mark.usefixtures("signing_key", "catalogue")


@pytest.fixture(autouse=True)
def _as_in_production(settings):
    settings.TRY_SESSIONS = 60


def test_all_addresses_together_get_so_many(limits_clock, settings):
    settings.TRY_SESSIONS = 3
    assert [try_it().status_code for _ in range(3)] == [201] * 3
    with nothing_changes():
        limited(try_it(), "try", 3, 600, 600)
    limits_clock.now += 600
    assert try_it().status_code == 201


def test_only_a_session_that_is_created_counts_on_what_all_share(limits_clock, settings):
    settings.TRY_SESSIONS = 2
    assert try_it().status_code == 201
    with nothing_changes():
        for _ in range(70):
            refused(try_it("no-such"), 404, "not_found", resource="movement")
            refused_fields(try_it(7), "movement")
    assert try_it().status_code == 201
    with nothing_changes():
        limited(try_it(), "try", 2, 600, 600)


def test_one_too_many_at_once_is_rolled_back(limits_clock, settings, monkeypatch):
    """Two were let in while one was left."""
    settings.TRY_SESSIONS = 1
    try_it()
    count = views.count_request

    def two_are_admitted(*arguments, counting=True):
        return count(*arguments) if counting else Decision(True, 1, 1, 1, "try", 1)

    monkeypatch.setattr(views, "count_request", two_are_admitted)
    with nothing_changes():
        limited(try_it(), "try", 1, 600, 600)


def test_reads_of_a_token_leave_the_others_theirs(limits_clock, settings):
    settings.RATE_LIMIT_PROJECT, settings.RATE_LIMIT_ORGANIZATION = 2, 2
    tried, another = try_it().json(), try_it().json()
    statuses = [
        ask(
            "GET", f"{SESSIONS}/{tried['session']['session_id']}", token=tried["access_token"]
        ).status_code
        for _ in range(10)
    ]
    assert statuses == [200] * 10
    settings.RATE_LIMIT_ANONYMOUS = READS_PER_MINUTE + 1
    answer = ask(
        "GET", f"{SESSIONS}/{another['session']['session_id']}", token=another["access_token"]
    )
    assert answer.status_code == 200
    assert answer.headers["RateLimit-Limit"] == str(READS_PER_MINUTE) == "3000"
    assert answer.headers["RateLimit-Remaining"] == "2989"


def test_reads_of_a_token_count_on_the_address_that_sends_them(limits_clock, settings):
    settings.RATE_LIMIT_ANONYMOUS = 3
    tried = try_it().json()
    path = f"{SESSIONS}/{tried['session']['session_id']}"
    reader, other = fresh_address(), fresh_address()

    def status(address):
        return ask("GET", path, token=tried["access_token"], address=address).status_code

    assert [status(reader) for _ in range(4)] == [200] * 3 + [429]
    assert status(other) == 200


@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=x", "text/plain"])
def test_a_form_of_another_site_is_none_of_what_is_taken(content_type):
    try_it()
    body = b'{"movement": "squat"}'
    with nothing_changes():
        response = ask("POST", TRY_SESSIONS, body, content_type=content_type)
    refused(response, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "same-site"},
        # Without TLS, and in an older browser.
        {"origin": "https://evil.testserver"},
        {"origin": "http://[evil"},
        {"origin": "http://testserver", "sec_fetch_site": "cross-site"},
    ],
)
@at_length("content_type", "text/plain", "application/json")
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
    assert try_it(address=address).headers["RateLimit-Remaining"] == "28"


@pytest.mark.parametrize(
    ("model", "id_", "code"),
    [
        (Project, PROJECT_ID, "project_suspended"),
        (Organization, ORGANIZATION_ID, "organization_suspended"),
    ],
)
def test_a_suspended_project_creates_nothing_and_its_refusals_are_bounded(
    limits_clock, settings, model, id_, code
):
    settings.RATE_LIMIT_ANONYMOUS = 6
    assert try_it().status_code == 201
    suspend(model.objects.get(id=id_), now=clock.now())
    address = fresh_address()
    with nothing_changes():
        for _ in range(6):
            refused(try_it(address=address), 403, code)
        limited(try_it(address=address), "anonymous", 6, 60)
