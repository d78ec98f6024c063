"""LOG_FORMAT=json: the runtime logs one object a line, with the fields of its attaches."""

import json
from datetime import datetime
from typing import Any

import pytest
from stage import Stage
from streaming import Client, wire_frames

from dev.poses.figure import perform

FRAMES = wire_frames(perform("squat", repetitions=1, fps=10))
ENVIRONMENT = {"LOG_FORMAT": "json", "FAILING_FRAME_MS": str(FRAMES[19]["timestamp_ms"])}
Line = dict[str, Any]


def lines(stage: Stage, **fields: Any) -> list[Line]:
    """The lines with these fields; each line is an object with the fields of all."""
    found = [json.loads(each) for each in stage.runtime.log.read_text().splitlines()]
    for line in found:
        assert [*line][:7] == [
            *("time", "level", "logger", "message", "request_id", "process", "pid")
        ]
        assert line["time"].endswith("Z")
        assert datetime.fromisoformat(line["time"]).microsecond % 1000 == 0
        assert (line["process"], type(line["pid"])) == ("runtime", int)
        values = (str, int, float, bool, type(None))
        assert all(isinstance(value, values) for value in line.values())
    return [line for line in found if fields.items() <= line.items()]


def own_fields(line: Line) -> Line:
    return {name: line[name] for name in [*line][7:]}


def test_an_attach_and_its_close_have_one_request_id(stage: Stage) -> None:
    created, client = stage.attach(header=["X-Request-ID: attach-1"])
    assert client.socket.getheaders()["x-request-id"] == "attach-1"
    client.send_batch(1, FRAMES[:10])
    client.send({"type": "finalize"})
    assert client.to_the_end() == 1000
    stage.wait_for(lambda: len(lines(stage, request_id="attach-1")) == 2)
    attached, closed = lines(stage, request_id="attach-1")
    of_both = {
        "session_id": created["session_id"],
        "project_id": str(stage.owner.project.id),
        "attachment_id": attached["attachment_id"],
    }
    assert own_fields(attached) == of_both | {"address": "127.0.0.1"}
    assert closed.pop("seconds") >= 0
    assert own_fields(closed) == of_both | {
        "close_code": 1000,
        "closed_by": "server",
        "error_code": None,
        "accepted_frames": 10,
    }


@pytest.mark.parametrize(("name", "is_logged"), [(None, True), ("s3cr3t", False)])
def test_a_refused_attach_is_one_line_with_its_reason(
    stage: Stage, name: str | None, is_logged: bool
) -> None:
    """What stands where a session's id should may be a token."""
    created = stage.create() | {"runtime_token": "s3cr3t"}
    if name is not None:
        created["stream_url"] = f"{stage.runtime.url}/{name}"
    request_id = f"refused-{is_logged}"
    assert Client(created, header=[f"X-Request-ID: {request_id}"]).to_the_end() == 4401
    [refused] = lines(stage, request_id=request_id)
    assert own_fields(refused) == {
        "session_id": created["session_id"] if is_logged else None,
        "address": "127.0.0.1",
        "close_code": 4401,
        "error_code": "runtime_token_invalid",
        "reason": "The runtime token is not valid for this session.",
    }
    assert "s3cr3t" not in stage.runtime.log.read_text()


def test_a_traceback_is_a_field(stage: Stage) -> None:
    created, client = stage.attach()
    client.send_batch(1, FRAMES[:30])
    assert client.to_the_end() == 1000
    [failed, *_] = lines(stage, session_id=created["session_id"], level="ERROR")
    assert failed["exception"].startswith("Traceback (most recent call last):\n")
    assert "ZeroDivisionError: " in failed["exception"]
