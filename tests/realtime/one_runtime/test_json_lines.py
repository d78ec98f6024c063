"""LOG_FORMAT=json: one object for each line of every process, and one id through all of them

Web, runtime, worker and beat run behind nginx, go well and badly, and are stopped; then each line
is looked at.
"""

import json
import socket
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import websockets.sync.client
from celery import Celery
from django.db import connection
from stage import Stage, stage_on
from streaming import Client, wire_frames

from dev.poses.figure import perform
from tests.conftest import MOVESPECS, SESSIONS, TOKENS
from tests.deploy.proxy import NAME, answer, lines_of, proxy, request, trusting
from tests.server import web_server, worker_and_beat
from tests.waiting import DEADLINE_SECONDS, eventually

FRAMES = wire_frames(perform("squat", repetitions=1, fps=10))
FAILING_FRAME_MS = FRAMES[19]["timestamp_ms"]
BEHIND = {
    "LOG_FORMAT": "json",
    "TRUSTED_PROXIES": "127.0.0.1",
    "ALLOWED_HOSTS": f"{NAME},127.0.0.1",
}
UNTOLD = ("/healthz", "/readyz", "/metrics", "/static/staff/staff.css", "/static/none.css")
Line = dict[str, Any]


class Behind:
    """The platform through nginx."""

    def __init__(self, stage: Stage, folder: Path, port: int, api: str) -> None:
        self.stage, self.folder, self.port, self.api = stage, folder, port, api

    def ask(self, method: str, path: str, body: Any = None, request_id: str = "") -> Any:
        headers = f"Authorization: Bearer {self.stage.owner.token}\r\n"
        headers += f"X-Request-ID: {request_id}\r\n" if request_id else ""
        sent = b"" if body is None else json.dumps(body).encode()
        _, _, answered = answer(self.folder, self.port, request(method, path, sent, None, headers))
        return json.loads(answered)

    def create(self, request_id: str) -> Any:
        body = {
            "mode": "live",
            "project_id": str(self.stage.owner.project.id),
            "movespec_id": str(self.stage.squat.id),
        }
        return self.ask("POST", SESSIONS, body, request_id)

    def open(self, created: Any, token: str, request_id: str) -> websockets.sync.client.Connection:
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_SECONDS)
        path = f"{urlsplit(created['stream_url']).path}?runtime_token={token}"
        return websockets.sync.client.connect(
            f"wss://{NAME}{path}",
            sock=raw,
            ssl=trusting(self.folder),
            server_hostname=NAME,
            additional_headers={"X-Request-ID": request_id},
        )

    def straight(self, path: str, **headers: str) -> int:
        """Past nginx."""
        host, port = urlsplit(self.api).hostname, urlsplit(self.api).port
        given = {"Host": "127.0.0.1", "Connection": "close", **headers}
        lines = [f"{name}: {value}" for name, value in given.items()]
        with socket.create_connection((host, port), timeout=DEADLINE_SECONDS) as raw:
            raw.sendall("\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode())
            return int(raw.makefile("rb").readline().split()[1])


@pytest.fixture(scope="module")
def told(db: None, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The lines of each process, and what was asked of them."""
    folder = tmp_path_factory.mktemp("told")
    broker_url = urlsplit(redis_url)._replace(path="/6").geturl()
    failing = {"FAILING_FRAME_MS": str(FAILING_FRAME_MS)}
    with (
        stage_on(folder, "tests.realtime.hurried", **BEHIND, **failing) as stage,
        web_server(folder, environment=BEHIND) as api,
        worker_and_beat(folder, broker_url, BEHIND),
        proxy(
            folder, api_ports=[urlsplit(api).port or 0], realtime_ports=[stage.runtime.port]
        ) as port,
    ):
        behind = Behind(stage, folder, port, api)
        asked = stream(behind) | requests(behind)
        tasks(broker_url, folder)
        accessed = lines_of(folder)
    logs = {name: folder / f"{name}.log" for name in ("web", "worker", "beat")}
    logs["runtime"] = stage.runtime.log
    texts = {name: path.read_text() for name, path in logs.items()}
    return {
        **asked,
        "project_id": str(stage.owner.project.id),
        "access": accessed,
        "texts": texts,
        "lines": {name: [json.loads(each) for each in texts[name].splitlines()] for name in texts},
    }


def stream(behind: Behind) -> dict[str, Any]:
    """To its end, refused, left by the client, and failed by the engine."""
    created = behind.create("create-1")
    with behind.open(created, created["runtime_token"], "attach-1") as streamed:
        for message in (
            {"type": "frame_batch", "batch_seq": 1, "frames": FRAMES[:10]},
            {"type": "finalize"},
        ):
            streamed.send(json.dumps(message))
        assert [json.loads(each)["type"] for each in streamed][-1] == "session_done"
    with behind.open(created, "s3cr3t", "refused-1") as refused:
        assert json.loads(refused.recv(20))["error"]["code"] == "runtime_token_invalid"
    straight = {"stream_url": f"{behind.stage.runtime.url}/{created['session_id']}"}
    Client(created | straight).to_the_end()  # has ended
    Client(created | {"stream_url": f"{behind.stage.runtime.url}/s3cr3t"}).to_the_end()
    left, client = behind.stage.attach()
    client.socket.close(4999)
    failed, client = behind.stage.attach()
    client.send_batch(1, FRAMES[:30])
    assert client.to_the_end() == 1000
    return {"created": created, "left": left, "failed": failed}


def requests(behind: Behind) -> dict[str, Any]:
    behind.ask("GET", f"{SESSIONS}?secret=s3cr3t", request_id="list-1")
    minted = behind.ask("POST", TOKENS, {"api_key": behind.stage.owner.secret}, "mint-1")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE movespecs_movespec RENAME TO away")
        try:
            failed = behind.ask("GET", MOVESPECS, request_id="fails-1")
        finally:
            cursor.execute("ALTER TABLE away RENAME TO movespecs_movespec")
    assert failed["error"]["code"] == "internal_error"
    assert [behind.straight(path) for path in UNTOLD] == [200, 200, 200, 200, 404]
    assert behind.straight(SESSIONS, Host="evil.example") == 400
    return {"secrets": ["s3cr3t", minted["access_token"], behind.stage.owner.token]}


def tasks(broker_url: str, folder: Path) -> None:
    sender = Celery(set_as_current=False)
    with sender.connection(broker_url) as broker:
        for arguments, task_id in ((["one too many"], "fails-2"), ([], "task-1")):
            sender.send_task(
                "sessions_app.tasks.prune_expired", arguments, task_id=task_id, connection=broker
            )
    log = folder / "worker.log"
    eventually(lambda: "succeeded" in log.read_text(), log.read_text)


def only(told: dict[str, Any], process: str, **fields: Any) -> list[Line]:
    return [line for line in told["lines"][process] if fields.items() <= line.items()]


@pytest.mark.parametrize("process", ["web", "runtime", "worker", "beat"])
def test_every_line_is_one_object_with_the_fields_of_all(
    told: dict[str, Any], process: str
) -> None:
    lines = told["lines"][process]
    assert lines
    for line in lines:
        assert [*line][:7] == [
            *("time", "level", "logger", "message", "request_id", "process", "pid")
        ]
        assert line["time"].endswith("Z")
        assert datetime.fromisoformat(line["time"]).microsecond % 1000 == 0
        assert (line["process"], type(line["pid"])) == (process, int)
        values = (str, int, float, bool, type(None))
        assert all(isinstance(value, values) for value in line.values())


def test_an_attach_has_one_id_at_the_proxy_and_at_the_runtime(told: dict[str, Any]) -> None:
    [accessed] = [line for line in told["access"] if line["request_id"] == "attach-1"]
    assert accessed["status"] == "101"
    attached, closed = only(told, "runtime", request_id="attach-1")
    of_both = {
        "session_id": told["created"]["session_id"],
        "project_id": told["project_id"],
        "attachment_id": attached["attachment_id"],
    }
    assert {name: attached[name] for name in [*attached][7:]} == of_both | {"address": "127.0.0.1"}
    assert closed.pop("seconds") >= 0
    assert {name: closed[name] for name in [*closed][7:]} == of_both | {
        "close_code": 1000,
        "closed_by": "server",
        "error_code": None,
        "accepted_frames": 10,
    }


def test_a_refused_attach_is_one_line_with_its_reason(told: dict[str, Any]) -> None:
    [refused] = only(told, "runtime", request_id="refused-1")
    assert {name: refused[name] for name in [*refused][7:]} == {
        "session_id": told["created"]["session_id"],
        "address": "127.0.0.1",
        "close_code": 4401,
        "error_code": "runtime_token_invalid",
        "reason": "The runtime token is not valid for this session.",
    }
    [ended] = only(told, "runtime", error_code="session_already_ended")
    assert ended["close_code"] == 4410
    # What stands where a session's id should may be a token.
    [nowhere] = only(told, "runtime", error_code="not_found")
    assert (nowhere["session_id"], nowhere["close_code"]) == (None, 4404)


def test_a_traceback_is_a_field(told: dict[str, Any]) -> None:
    for process, fields, last in (
        ("web", {"request_id": "fails-1", "level": "ERROR"}, "ProgrammingError"),
        (
            "runtime",
            {"session_id": told["failed"]["session_id"], "level": "ERROR"},
            "ZeroDivisionError",
        ),
        ("worker", {"logger": "celery.app.trace", "level": "ERROR"}, "TypeError"),
    ):
        first, *_ = [line for line in only(told, process, **fields) if "exception" in line]
        assert first["exception"].startswith("Traceback (most recent call last):\n")
        assert f"{last}: " in first["exception"]


def test_no_line_has_a_token_or_a_query_string(told: dict[str, Any]) -> None:
    everything = "".join(told["texts"].values()) + json.dumps(told["access"])
    assert [secret for secret in told["secrets"] if secret in everything] == []
    assert told["created"]["runtime_token"] not in everything
