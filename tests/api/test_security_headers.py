"""The headers that tell a browser what an answer may do"""

import ast

import pytest
from django.contrib.auth.models import User
from django.test import Client

from kynaplatform.middleware import DATA_POLICY, PAGE_POLICY
from tests.conftest import MOVESPECS, SESSIONS, ApiClient, Machine
from tests.long_runs import at_length
from tests.server import said_by_settings

PAGES_OF_STAFF = ["/admin/", "/admin/login/", "/admin/projects/apikey/", "/admin/no/such/"]


def policy(response):
    return response.headers["Content-Security-Policy"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    [
        *PAGES_OF_STAFF,
        "/admin/projects/apikey/?no_such=1",
        "/api/docs",
        "/api/docs/session_create",
        "/",
        "/docs/",
        "/docs/streaming",
        "/docs/no-such",
    ],
)
def test_a_page_has_it_and_no_script_in_itself(path):
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    response = client.get(path, follow=path == "/admin/login/")
    assert policy(response) == PAGE_POLICY
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "same-origin"
    page = response.content.decode()
    assert "<style" not in page
    assert ' style="' not in page
    assert " onclick=" not in page
    assert page.count("<script") == page.count("<script src=") + page.count(
        'type="application/json"'
    ) + page.count("<script\n")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    [
        MOVESPECS,
        "/api/no-such",
        "/api/schema",
        "/healthz",
        "/.well-known/jwks.json",
        "/api/docs/openapi.json",
        "/api/docs/openapi.yaml",
        "/docs/architecture.svg",
        "/docs/openapi.yaml",
    ],
)
def test_what_is_no_page_may_do_nothing(path):
    response = Client().get(path)
    assert policy(response) == DATA_POLICY == "default-src 'none'; frame-ancestors 'none'"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.django_db
@pytest.mark.parametrize("to_https", [False, True])
def test_nor_may_a_refusal_of_the_host(settings, to_https):
    settings.SECURE_SSL_REDIRECT = to_https
    for client, path, expected in (
        (ApiClient(), MOVESPECS, DATA_POLICY),
        (Client(), "/admin/", PAGE_POLICY),
    ):
        response = client.get(path, headers={"host": "evil.example:x"})
        assert (response.status_code, policy(response)) == (400, expected)


@pytest.mark.django_db
def test_no_page_of_staff_is_kept_by_a_browser():
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    for path in (*PAGES_OF_STAFF[:1], *PAGES_OF_STAFF[2:3]):
        assert "no-store" in client.get(path).headers["Cache-Control"]
    assert "no-store" in Client().get("/admin/login/").headers["Cache-Control"]


ASK = """
import django
from django.conf import settings
django.setup()
settings.ALLOWED_HOSTS = ["*"]
from django.test import Client
print([Client().get("/healthz", secure=secure).headers.get("Strict-Transport-Security")
       for secure in (True, False)])
"""


@at_length(
    "variables, over_https",
    (
        {"HSTS_INCLUDE_SUBDOMAINS": "true", "HSTS_PRELOAD": "true"},
        "max-age=31536000; includeSubDomains; preload",
    ),
    ({}, "max-age=31536000"),
    ({"HSTS_SECONDS": "300"}, "max-age=300"),
    ({"HSTS_SECONDS": "0"}, None),
    ({"HSTS_INCLUDE_SUBDOMAINS": "true"}, "max-age=31536000; includeSubDomains"),
    ({"ENVIRONMENT": "development"}, None),
)
def test_only_https_binds_a_browser_and_only_as_the_settings_say(variables, over_https):
    said = said_by_settings(ASK, variables)
    assert ast.literal_eval(said) == [over_https, None]


@pytest.mark.django_db
@pytest.mark.parametrize("path", [MOVESPECS, SESSIONS, "/no/such", "/healthz"])
def test_the_api_answers_with_the_headers_that_all_middleware_sets(owner: Machine, path: str):
    authorized = {"authorization": f"Bearer {owner.token}"}
    whole, own = (client.get(path, headers=authorized) for client in (Client(), ApiClient()))
    assert own.status_code == whole.status_code
    # Pages for people are read by no other origin.
    by_origin = {"Vary"} if path.startswith("/api/") else set()
    assert set(own.headers) == {*whole.headers, *by_origin}


@pytest.mark.django_db
def test_the_api_knows_no_login(admin_user: User):
    client = ApiClient()
    client.force_login(admin_user)
    answer = client.get(SESSIONS)
    assert answer.status_code == 401
    assert answer.wsgi_request.user is None
    assert not hasattr(answer.wsgi_request, "session")
    assert answer.cookies == {}
