"""The page on the real web server: on and off, and who waits for whom"""

from pathlib import Path
from typing import Any

import pytest

from clients.python.batches import batches_of
from clients.python.stream import StreamClient
from dev.poses.recordings import load
from sessions_app.models import DetectionSession
from tests.concurrency.racing import Answer, Connection
from tests.conftest import SESSIONS
from tests.module_servers import WebServer
from tests.server import RuntimeServer, said_by_settings, web_server
from tests.tryout.trying import TRY_SESSIONS

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("catalogue")]


def call(base_url: str, method: str, path: str, body: Any = None, **headers: str) -> Answer:
    connection = Connection(base_url)
    try:
        return connection.call(method, path, body, **headers)
    finally:
        connection.close()


def test_off_there_is_no_such_path_and_no_link(signing_key: None, tmp_path: Path) -> None:
    with web_server(tmp_path, environment={"TRY_PAGE": "false"}) as base_url:
        for method, path in (
            ("GET", "/try"),
            ("GET", "/try/figures/squat.json.gz"),
            ("POST", TRY_SESSIONS),
        ):
            answer = call(base_url, method, path, {"movement": "squat"})
            assert (answer.status, answer.error["code"]) == (404, "not_found")
        assert b'"/try"' not in call(base_url, "GET", "/").body
    assert DetectionSession.objects.count() == 0


@pytest.mark.parametrize(
    ("variables", "is_on"),
    [
        ({}, False),
        ({"TRY_PAGE": "true"}, True),
        pytest.param({"ENVIRONMENT": "development"}, True, marks=pytest.mark.long),
    ],
)
def test_in_production_it_is_off_unless_it_is_asked_for(variables, is_on) -> None:
    asked = (
        "import django; django.setup()\n"
        "from django.urls import NoReverseMatch, resolve, Resolver404\n"
        "try:\n    print(resolve('/try').url_name)\n"
        "except Resolver404:\n    print('none')"
    )
    assert said_by_settings(asked, variables) == ("try\n" if is_on else "none\n")


@pytest.fixture(scope="module")
def web_environment(module_runtime: RuntimeServer) -> dict[str, str]:
    return {"PUBLIC_STREAM_URL": module_runtime.url}


def test_somebody_tries_it_and_the_runtime_counts_the_figure(
    signing_key: None, runtime: RuntimeServer, web: WebServer, tmp_path: Path
) -> None:
    file = tmp_path / "lunge.json.gz"
    file.write_bytes(call(web.base_url, "GET", "/try/figures/lunge.json.gz").body)
    tried = call(web.base_url, "POST", TRY_SESSIONS, {"movement": "lunge"}).json()
    session, token = tried["session"], tried["access_token"]
    with StreamClient(session["stream_url"], session["runtime_token"]) as stream:
        stream.attach()
        for poses, clock_ms in batches_of(load(file).moments(), 30):
            stream.send(poses, clock_ms)
        done = stream.finalize()
    assert (done.status, done.repetitions) == ("completed", {"lunge": 6})
    path = f"{SESSIONS}/{session['session_id']}"
    assert call(web.base_url, "GET", path, token=token).json()["repetitions"] == {"lunge": 6}
    stored = call(web.base_url, "GET", f"{path}/events?type=event_completed", token=token).json()
    assert len(stored) == 6
    log = "".join(path.read_text() for path in (web.log, runtime.log))
    assert f"POST {TRY_SESSIONS} 201" in log
    for secret in (token, session["runtime_token"]):
        assert secret not in log
        assert secret.rpartition(".")[2] not in log
