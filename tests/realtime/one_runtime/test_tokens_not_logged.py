"""A runtime token reaches no log, with everything logged and everything going wrong."""

import contextlib
import http.client
import json
import socket
import time
from pathlib import Path
from typing import Any

from django.db import connection
from raw import TEXT, RawSocket, attach, connect, frame, upgrade_request
from stage import Stage, stage_on
from streaming import Client, wire_frames

from dev.poses.figure import perform
from sessions_app.models import DetectionSession
from sessions_app.stream_state import pack
from tests.server import web_server
from tests.waiting import DEADLINE_SECONDS

FRAMES = wire_frames(perform("squat", repetitions=1, fps=10))
FAILING_FRAME_MS = FRAMES[9]["timestamp_ms"]
STREAM = "/api/detection/stream"


def everything_of(token: str) -> list[str]:
    """The token's parts by which someone could attach, or find them in a log."""
    header, payload, signature = token.split(".")
    return [token, f"{header}.{payload}", payload, signature, payload[:40], signature[:40]]


def to_the_end(client: Client) -> None:
    with contextlib.suppress(ConnectionError):
        client.to_the_end()


def sessions_that_go_well_and_badly(stage: Stage) -> list[str]:
    """Every way in, and every way out: attached, refused, failed, cut off. Gives the tokens."""
    tokens = []

    def create() -> dict[str, Any]:
        created = stage.create()
        tokens.append(created["runtime_token"])
        return created

    for way in (
        {},
        {"query": False, "header": ["Authorization: Bearer {}"]},
        {"query": False, "header": ["Sec-WebSocket-Protocol: kyna.v1, bearer.{}"]},
    ):
        created = create()
        header = [each.format(created["runtime_token"]) for each in way.get("header", [])]
        client = Client(created, query=way.get("query", True), header=header)
        client.send_batch(1, FRAMES[:5])
        client.until("frame_ack")
        client.send({"type": "finalize"})
        client.to_the_end()
    to_the_end(Client(created))  # has ended
    other = create()
    to_the_end(Client(other | {"runtime_token": created["runtime_token"]}))
    to_the_end(Client(other | {"runtime_token": other["runtime_token"] + "x"}))
    to_the_end(Client(other, origin="https://evil.example"))
    to_the_end(Client(other | {"stream_url": f"{stage.runtime.url}/nothing"}))
    failing = Client(create())
    failing.send_batch(1, FRAMES[:15])  # the engine fails at one of them
    to_the_end(failing)
    broken = create()
    DetectionSession.objects.filter(id=broken["session_id"]).update(
        packed_state=pack({"engine": {}})
    )
    to_the_end(Client(broken))  # the attach fails
    for text in ("{", json.dumps({"type": other["runtime_token"]})):
        client = Client(create())
        client.send(text)
        to_the_end(client)
    return tokens


def requests_that_go_badly(stage: Stage, created: dict[str, Any]) -> None:
    """Over plain HTTP, half a handshake, and a transport that breaks."""
    query = f"?runtime_token={created['runtime_token']}"
    path = f"{STREAM}/{created['session_id']}{query}"
    for method in ("GET", "POST", "HEAD", "OPTIONS"):
        for target in (path, f"/nowhere{query}", f"/healthz{query}", f"{STREAM}{query}"):
            ask(stage.runtime.port, method, target)
    for sent in (
        upgrade_request(path, Sec_WebSocket_Key=None),
        upgrade_request(path, Sec_WebSocket_Version="8"),
        upgrade_request(path, method="POST"),
        upgrade_request(f"/nowhere{query}"),
        upgrade_request(path + "é"),
        upgrade_request(path + "x" * 9000),
        upgrade_request(path, f"X-Long: {'x' * 40_000}"),
        upgrade_request(path)[:-2],
        f"GET {path} HTTP/9.9\r\n\r\n".encode(),
        f"GET {path}\x00 HTTP/1.1\r\n\r\n".encode(),
    ):
        raw = connect(stage.runtime.port)
        raw.settimeout(0.3)
        with contextlib.suppress(ConnectionError, TimeoutError):
            raw.sendall(sent)
            while raw.recv(65536):
                pass
        raw.close()
    for sent in (frame(TEXT, b"\xff"), frame(3), frame(TEXT, bytes(5_000_000))):
        raw = attach(created)
        with contextlib.suppress(ConnectionError):
            raw.send(sent)
        raw.close_code()
    reset(attach(created))


def reset(raw: RawSocket) -> None:
    raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    raw.socket.close()


def ask(port: int, method: str, target: str) -> int:
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_SECONDS)
    asking.request(method, target, headers={"Connection": "close"})
    status = asking.getresponse().status
    asking.close()
    return status


def test_no_log_has_a_token(db: None, tmp_path: Path) -> None:
    environment = {
        "LOG_LEVEL": "DEBUG",
        "FAILING_FRAME_MS": str(FAILING_FRAME_MS),
        "HURRY": json.dumps({"CLOSING_SECONDS": 0.5}),
    }
    with (
        stage_on(tmp_path, "tests.realtime.hurried", **environment) as stage,
        web_server(tmp_path, environment={"LOG_LEVEL": "DEBUG"}) as api,
    ):
        tokens = sessions_that_go_well_and_badly(stage)
        created = stage.create()
        tokens.append(created["runtime_token"])
        requests_that_go_badly(stage, created)
        for method in ("GET", "POST"):  # a proxy that sends the stream to the API
            for path in (f"{STREAM}/{created['session_id']}", "/api/nowhere", "/healthz", "/"):
                target = f"{path}?runtime_token={created['runtime_token']}"
                assert ask(int(api.rsplit(":", 1)[1]), method, target) in (200, 302, 404, 405)
        attached = attach(created)  # is drained
        time.sleep(0.2)
        with connection.cursor() as cursor:
            cursor.execute("SELECT query FROM pg_stat_activity WHERE query IS NOT NULL")
            statements = " ".join(row[0] for row in cursor.fetchall())
    attached.close()
    logs = {path.name: path.read_text(errors="replace") for path in tmp_path.glob("*.log")}
    assert sorted(logs) == [stage.runtime.log.name, "web.log"]
    runtime_log = logs[stage.runtime.log.name]
    # What could have told it was there, and was told.
    for line in ("The engine can't go on", "the engine failed", "closed 1000", "closed 1012"):
        assert line in runtime_log, line
    assert "GET /api/nowhere 404" in logs["web.log"]
    logs["the statements of the database"] = statements
    assert "detection_session" in statements
    for name, log in logs.items():
        for token in tokens:
            assert [part for part in everything_of(token) if part in log] == [], name
    assert len(set(tokens)) == len(tokens) == 9
