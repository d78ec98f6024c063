"""Mint, create, attach, stream, finalize, read: over real sockets, and every count agrees."""

import http.client
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from streaming import Client, batches, wire_frames

from dev.poses.figure import perform
from movespecs.models import MoveSpec
from tests.conftest import Machine
from tests.server import RuntimeServer, web_server

pytestmark = pytest.mark.django_db(transaction=True)


def call(base_url: str, method: str, path: str, body: Any = None, token: str = "") -> Any:
    connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=30)
    headers = {"Content-Type": "application/json"} | (
        {"Authorization": f"Bearer {token}"} if token else {}
    )
    connection.request(method, path, json.dumps(body) if body else None, headers)
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    assert response.status in (200, 201), answer
    return answer


def test_it_counts_the_same_everywhere(
    owner: Machine, squat: MoveSpec, runtime: RuntimeServer, tmp_path: Path
) -> None:
    frames = wire_frames(perform("squat", repetitions=5, fps=30))
    with web_server(tmp_path, environment={"PUBLIC_STREAM_URL": runtime.url}) as base_url:
        minted = call(base_url, "POST", "/api/auth/access-tokens", {"api_key": owner.secret})
        token = minted["access_token"]
        body = {
            "mode": "live",
            "project_id": minted["project_id"],
            "movespec_id": str(squat.id),
        }
        created = call(base_url, "POST", "/api/detection/sessions", body, token)
        client = Client(created)
        first = client.expect("session_update")
        assert (first["status"], first["readiness"]["state"]) == ("streaming", "no_person")
        total = 0
        for batch_seq, batch in enumerate(batches(frames, 15), 1):
            client.send_batch(batch_seq, batch)
            total += len(batch)
            ack = client.until("frame_ack")
            assert ack["accepted_frames_total"] == total
            assert (ack["rejected_frames"], ack["readiness"]["state"]) == ([], "ready")
        client.send({"type": "finalize"})
        assert client.to_the_end() == 1000
        update, done = (
            each
            for each in client.told[-3:]
            if each["type"] != "event_batch" and each["type"] != "frame_ack"
        )
        assert update == first | {
            "status": "finalizing",
            "accepted_frames_total": len(frames),
            "last_batch_seq": batch_seq,
            "last_frame_seq": len(frames),
            "readiness": {"state": "ready", "missing": []},
        }
        assert done == {
            "type": "session_done",
            "session_id": created["session_id"],
            "status": "completed",
            "accepted_frames_total": len(frames),
            "terminal_outcome": "completed",
            "error": None,
            "repetitions": {"squat": 5},
            "interrupted_total": 0,
            "summary": done["summary"],
            "quality": {
                "seen_share": 1.0,
                "completed_share": 1.0,
                "countable_share": 1.0,
                "reasons": [],
            },
        }
        squat = done["summary"]["squat"]
        assert (squat["completed"], squat["attempts"], squat["by_side"]) == (5, {}, None)
        assert set(squat["measures"]) >= {"joint.knee"}
        path = f"/api/detection/sessions/{created['session_id']}"
        record = call(base_url, "GET", path, token=token)
        assert record["status"] == "completed"
        assert record["terminal_outcome"] == "completed"
        assert record["accepted_frames_total"] == len(frames)
        assert (record["repetitions"], record["interrupted_total"]) == ({"squat": 5}, 0)
        assert record["quality"] == done["quality"]
        assert record["summary"] == done["summary"]
        assert call(base_url, "GET", "/api/detection/sessions", token=token) == [record]
        events = call(base_url, "GET", f"{path}/events?limit=500", token=token)
    assert events == client.events()
    assert [event["type"] for event in events].count("event_completed") == 5
    assert [event["type"] for event in events].count("shape_enter") == 11
