"""`POST /try/sessions`: what it answers, and what its token may do"""

from datetime import timedelta

import psycopg
import pytest
from django.db import connection

from kynaplatform import clock
from movespecs.catalogue import catalogue_id
from movespecs.models import PLATFORM, MoveSpec
from movespecs.releases import version_release
from projects.models import AccessToken
from sessions_app.models import DetectionSession
from tests.api.api_requests import ask, nothing_changes, refused
from tests.conftest import MOVESPECS, SESSIONS, VALID_YAML, make_version
from tests.server import test_database_url as database_url
from tests.tryout.trying import try_it
from tryout.project import ACCOUNT_ID, PROJECT_ID

pytestmark = pytest.mark.usefixtures("signing_key", "catalogue")


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
    released = MoveSpec.objects.get(id=catalogue_id("squat")).current_released_version
    assert session.resolved_version_id == released.id
    assert sorted(tried) == ["access_token", "expires_in", "movespec", "session"]
    assert tried["movespec"] == released.yaml_source


def test_its_access_token_outlives_the_session_and_reads_it(tried, settings):
    settings.ACCESS_TOKEN_SECONDS = 300
    token = AccessToken.objects.get()
    assert tried["expires_in"] == 1200
    assert timedelta(seconds=1199) <= token.expires_at - token.created_at <= timedelta(seconds=1200)
    assert token.scopes == ["sessions:read"]
    assert (token.credential_id, token.project_id) == (ACCOUNT_ID, PROJECT_ID)
    path = f"{SESSIONS}/{tried['session']['session_id']}"
    for asked in (path, f"{path}/events"):
        assert ask("GET", asked, token=tried["access_token"]).status_code == 200


def test_its_access_token_reads_no_other_visitors_session(tried):
    other = try_it().json()["session"]["session_id"]
    with nothing_changes():
        for path in (f"{SESSIONS}/{other}", f"{SESSIONS}/{other}/events"):
            refused(
                ask("GET", path, token=tried["access_token"]), 404, "not_found", resource="session"
            )
    listed = ask("GET", SESSIONS, token=tried["access_token"]).json()
    assert [row["session_id"] for row in listed] == [tried["session"]["session_id"]]
    assert ask("GET", f"{SESSIONS}?status=failed", token=tried["access_token"]).json() == []


def test_a_token_of_one_session_that_may_write_ends_no_other(tried):
    other = try_it().json()["session"]["session_id"]
    AccessToken.objects.update(scopes=["sessions:read", "sessions:write"])
    with nothing_changes():
        for end in ("finalize", "cancel"):
            response = ask("POST", f"{SESSIONS}/{other}/{end}", token=tried["access_token"])
            refused(response, 404, "not_found", resource="session")
    own = f"{SESSIONS}/{tried['session']['session_id']}/cancel"
    assert ask("POST", own, token=tried["access_token"]).json()["status"] == "cancelled"


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("POST", SESSIONS, "sessions:write"),
        ("GET", MOVESPECS, "movespecs:read"),
    ],
)
def test_its_access_token_does_nothing_else(tried, method, path, scope):
    path = path.format(session=f"{SESSIONS}/{tried['session']['session_id']}")
    with nothing_changes():
        response = ask(method, path, {}, token=tried["access_token"])
    refused(response, 403, "insufficient_scope", required_scope=scope)


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


@pytest.fixture
def deep(tried):
    """The page's squat has a parameter."""
    this = catalogue_id("squat")
    text = VALID_YAML.replace(
        "  movement:\n", "  parameters: {depth: {default: 100, min: 60, max: 130}}\n  movement:\n"
    ).replace("angle_max: 100", "angle_max: $depth")
    version = make_version(this, text)
    version_release(movespec_id=this, version_id=version.id, author=PLATFORM, now=clock.now())
    return version


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            {"deph": 90},
            {"parameters.deph": 'No parameter has the name "deph"; the nearest is depth.'},
        ),
        ({"depth": 59.5}, {"parameters.depth": "depth must be from 60 to 130, not 59.5."}),
        ({"a b": 1}, {"parameters": "This field has a name that no parameter may have."}),
    ],
)
def test_a_number_that_the_movement_does_not_take_is_refused(deep, given, told):
    with nothing_changes():
        refused(try_it(parameters=given), 422, "validation_error", **told)
