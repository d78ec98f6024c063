"""What a runtime tells its operators: health, readiness, metrics, and errors in the one body."""

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest
from stage import Stage, runtime_on
from streaming import Client, create, wire_frames

from dev.poses.figure import perform
from tests.server import RuntimeServer
from tests.waiting import DEADLINE_SECONDS

METRICS_TOKEN = "a-token-of-the-metrics"
FRAMES = wire_frames(perform("squat", repetitions=1, fps=10))
STREAM = "/api/detection/stream"
ENVIRONMENT = {"METRICS_TOKEN": METRICS_TOKEN}


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def is_error(self, status: int, code: str, /, **details: Any) -> None:
        error = json.loads(self.body)["error"]
        assert sorted(error) == ["code", "details", "message", "retryable"]
        assert (self.status, error["code"], error["details"]) == (status, code, details)
        assert error["retryable"] is (status == 503)
        assert self.headers["Content-Type"] == "application/json"
        assert self.headers["WWW-Authenticate"] == ("Bearer" if status == 401 else None)


def ask(runtime: RuntimeServer, method: str, path: str, **headers: str) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", runtime.port, timeout=DEADLINE_SECONDS)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, headers=sent)
    answer = Answer(connection.getresponse())
    connection.close()
    assert answer.headers["X-Request-ID"]
    return answer


ALL_OK = dict.fromkeys(("database", "migrations", "checkpointer", "session_threads"), "ok")


def test_healthz(stage: Stage) -> None:
    answer = ask(stage.runtime, "GET", "/healthz")
    assert (answer.status, answer.body) == (200, b'{"status":"ok"}')
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Server"] is None


def test_readyz_while_the_database_is_there(stage: Stage) -> None:
    answer = ask(stage.runtime, "GET", "/readyz?x=1")
    assert (answer.status, json.loads(answer.body)) == (
        200,
        {"status": "ok", **ALL_OK, "engine": "python"},
    )
    bearer = f"Bearer {METRICS_TOKEN}"
    text = ask(stage.runtime, "GET", "/metrics", authorization=bearer).body.decode()
    for name in ALL_OK:
        assert f'kyna_check_ok{{check="{name}"}} 1.0' in text


# --- Errors ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("HEAD", "/nowhere"),
        ("POST", "/healthz/"),
        ("OPTIONS", STREAM),
        ("GET", "/%00"),
    ],
)
def test_an_unknown_path_404(stage: Stage, method: str, path: str) -> None:
    answer = ask(stage.runtime, method, path)
    assert answer.status == 404
    if method != "HEAD":
        answer.is_error(404, "not_found", resource="path")


def test_the_stream_without_an_upgrade_400(stage: Stage) -> None:
    created = stage.create()
    for path in (f"{STREAM}/", f"{STREAM}/x", f"{STREAM}/{created['session_id']}?runtime_token=x"):
        ask(stage.runtime, "GET", path).is_error(400, "malformed_request")
    upgrade = {"connection": "upgrade", "upgrade": "h2c"}
    ask(stage.runtime, "GET", f"{STREAM}/x", **upgrade).is_error(400, "malformed_request")


# --- Metrics --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, "access_token_missing"),
        (f"Basic {METRICS_TOKEN}", "access_token_missing"),
        (f"Bearer {METRICS_TOKEN}2", "access_token_invalid"),
        ("Bearer \xff", "access_token_invalid"),
    ],
)
def test_metrics_ask_for_their_token(stage: Stage, authorization: str | None, code: str) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    ask(stage.runtime, "GET", "/metrics", **headers).is_error(401, code)


def await_no_attached(stage: Stage) -> None:
    """A session is counted out a moment after its socket is closed."""
    stage.wait_until_alone()
    attached = "kyna_stream_attached_sessions"
    stage.wait_for(lambda: stage.metrics(METRICS_TOKEN)[attached] == 0)


def test_metrics_have_the_numbers_of_what_happened(stage: Stage) -> None:
    await_no_attached(stage)
    before = stage.metrics(METRICS_TOKEN)
    created, client = stage.attach()
    _, other = stage.attach()
    for batch_seq, frames in enumerate(
        [FRAMES[:5], [], [*FRAMES[5:8], None], FRAMES[:3], [None, None]], 1
    ):
        client.send_batch(batch_seq, frames)
        client.until("frame_ack")
    during = stage.metrics(METRICS_TOKEN)
    other.send("no message")
    assert other.to_the_end() == 4400
    client.send({"type": "finalize"})
    assert client.to_the_end() == 1000
    Client(created).to_the_end()
    for code in (1001, 4711):
        _, leaving = stage.attach()
        leaving.socket.close(code)
    await_no_attached(stage)
    after = stage.metrics(METRICS_TOKEN)

    def change(name: str) -> float:
        return after.get(name, 0) - before.get(name, 0)

    assert before["kyna_stream_attached_sessions"] == 0
    assert during["kyna_stream_attached_sessions"] == 2
    assert after["kyna_stream_attached_sessions"] == 0
    assert change("kyna_stream_frames_total{accepted}") == 8
    assert change("kyna_stream_frames_total{rejected}") == 1 + 3 + 2
    rejected = "kyna_stream_rejected_frames_total"
    assert change(f"{rejected}{{malformed_frame}}") == 1 + 2
    assert change(f"{rejected}{{frame_seq_not_increasing}}") == 3
    assert change("kyna_stream_batches_total{accepted}") == 3
    assert change("kyna_stream_batches_total{rejected}") == 2
    assert change("kyna_stream_batch_seconds_count") == 5
    assert 0 < change("kyna_stream_batch_seconds_sum") < 5
    # A batch without frames changes nothing that is to be kept.
    assert change("kyna_stream_checkpoint_seconds_count") == 4
    assert 0 < change("kyna_stream_checkpoint_seconds_sum") < 5
    counted = ("kyna_stream_refusals", "kyna_stream_attaches", "kyna_stream_closes")
    changes = {name: change(name) for name in after if name.startswith(counted) and change(name)}
    assert changes == {
        "kyna_stream_attaches_total{attached}": 2 + 2,
        "kyna_stream_attaches_total{refused}": 1,
        # The client's own codes too, of which those that are nobody's make no series.
        "kyna_stream_closes_total{1000}": 1,
        "kyna_stream_closes_total{1001}": 1,
        "kyna_stream_closes_total{other}": 1,
        "kyna_stream_closes_total{4400}": 1,
        "kyna_stream_closes_total{4410}": 1,
        "kyna_stream_refusals_total{message_invalid}": 1,
        "kyna_stream_refusals_total{session_already_ended}": 1,
    }


# --- Without a database ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def alone(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RuntimeServer]:
    """A runtime whose database is not there; it waits for it for a second."""
    folder = tmp_path_factory.mktemp("alone")
    hurry = json.dumps({"DATABASE_DEADLINE_SECONDS": 1.0})
    nowhere = "postgresql://nobody:kyna_secret@127.0.0.1:9/nothing"
    with runtime_on(
        folder, "tests.realtime.hurried", DATABASE_URL=nowhere, METRICS_TOKEN="", HURRY=hurry
    ) as runtime:
        yield runtime
        assert "kyna_secret" not in runtime.log.read_text()


def test_readyz_names_a_database_that_is_down(alone: RuntimeServer) -> None:
    answer = ask(alone, "GET", "/readyz")
    states = ALL_OK | {"database": "down", "migrations": "unknown"}
    answer.is_error(503, "service_unavailable", **states, engine="python")
    assert answer.headers["Retry-After"] == "5"
    assert ask(alone, "GET", "/healthz").status == 200


def test_metrics_are_there_while_the_database_is_not(alone: RuntimeServer) -> None:
    text = ask(alone, "GET", "/metrics").body.decode()
    assert "kyna_stream_attached_sessions 0.0" in text
    assert 'kyna_check_ok{check="database"} 0.0' in text
    assert 'check="migrations"' not in text
    # Of all sessions and of the database, the API tells.
    assert "kyna_sessions_live" not in text


def test_an_attach_without_a_database_is_closed_1012(stage: Stage, alone: RuntimeServer) -> None:
    client = Client(create(stage.owner, stage.squat, alone.url))
    assert client.next() is None
    assert client.close_code == 1012
    text = ask(alone, "GET", "/metrics").body.decode()
    assert 'kyna_stream_attaches_total{outcome="failed"} 1.0' in text
    assert 'kyna_stream_closes_total{code="1012"} 1.0' in text
