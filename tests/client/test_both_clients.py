"""The client in Python and that in JavaScript, by the same table of cases."""

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from clients.python.batches import Moment, batches_of
from clients.python.connection import StreamRefusedError
from clients.python.stream import StreamClient, StreamListener
from clients.python.wire import HoldProgress, Readiness
from detection import Landmark, PoseFrame
from tests.client.cases import CASES, Case, Went, shape
from tests.client.scripted_server import Peer, scripted
from tests.node import WEB, built_clients, node

TOKEN = "runtime.token.signature"
POSE = (Landmark(0.1, 0.2, 0.3, 0.9),) * 33
BATCH_POSES = 2


class Told(StreamListener):
    def __init__(self) -> None:
        self.told: list[Any] = []

    def readiness_changed(self, readiness: Readiness) -> None:
        self.told.append([readiness.state, *readiness.missing])

    def hold_followed(self, hold: HoldProgress) -> None:
        self.told.append(hold.held_ms)


def in_python(case: Case, url: str) -> Went:
    moments: list[Moment] = [
        PoseFrame(time_ms, POSE) if is_seen else time_ms for time_ms, is_seen in case.moments
    ]
    refused: StreamRefusedError | None = None
    listener = Told()
    with StreamClient(url, TOKEN, listener=listener, silent_seconds=case.silent_seconds) as stream:
        try:
            for poses, clock_ms in batches_of(moments, BATCH_POSES):
                stream.send(poses, clock_ms)
            if case.ending == "cancel":
                stream.cancel()
            else:
                stream.finalize()
        except StreamRefusedError as error:
            refused = error
    code = refused.fault.code if refused and refused.fault else "stream_closed"
    return Went(
        status=stream.done.status if stream.done else None,
        outcome=stream.done.terminal_outcome if stream.done else None,
        repetitions=stream.done.repetitions if stream.done else None,
        has_missed_events=stream.has_missed_the_end if stream.done else None,
        refused_with=refused.close_code if refused else None,
        code=code if refused else None,
        accepted_frames=stream.accepted_frames_total,
        attaches=stream.attaches,
        events=[event.event_id for event in stream.events],
        rejections=dict(stream.rejections),
        told=listener.told,
    )


def in_javascript(case: Case, url: str) -> Went:
    built_clients()
    told: dict[str, Any] = {
        "url": url,
        "token": TOKEN,
        "moments": case.moments,
        "ending": case.ending,
        "silent_seconds": case.silent_seconds,
    }
    done = subprocess.run(
        [node(), "tests/drive.mjs", json.dumps(told)],
        cwd=WEB,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, case.warned)
    return Went(**json.loads(done.stdout))


@pytest.mark.parametrize("drive", [in_python, in_javascript])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_of_the_table(case: Case, drive: Callable[[Case, str], Went]) -> None:
    began = time.monotonic()
    with scripted(*case.scripts) as server:
        went = drive(case, server.url)
    assert time.monotonic() - began >= case.least_seconds
    assert [[shape(message) for message in heard] for heard in server.heard] == case.heard
    assert went == case.went


@pytest.mark.parametrize("protocol", ["kyna.v1", "kyna.v2"])
@pytest.mark.parametrize("drive", [in_python, in_javascript])
def test_a_frame_is_sent_as_the_stream_s_page_describes_it(
    drive: Callable[[Case, str], Went], protocol: str
) -> None:
    case = CASES[0]
    with scripted(*case.scripts, subprotocols=[protocol]) as server:
        drive(case, server.url)
    [[first, *_]] = server.heard
    [_, frame] = first["frames"]
    assert first["batch_seq"] == 1
    assert frame | {"landmarks": []} == {
        "frame_seq": 2,
        "timestamp_ms": 40,
        "landmarks": [],
        "pose_schema": "mediapipe_pose_landmarker/v1",
        "confidence": 1,
        "source": None,
    }
    assert len(frame["landmarks"]) == 33
    assert frame["landmarks"][32] == {
        "name": "right_foot_index", "x": 0.1, "y": 0.2, "z": 0.3, "visibility": 0.9
    }  # fmt: skip


@pytest.mark.parametrize("drive", [in_python, in_javascript])
@pytest.mark.parametrize(
    ("seen", "told"),
    [
        ("....", []),
        ("x...x", [1, 2]),
        ("xx.......xx..", [1, 2, "clock 2500", 3, 4, "clock 6000"]),
        ("x...........x", [1, "clock 2000", 2]),
    ],
)
def test_the_clock_is_told_where_nobody_was_seen(
    seen: str, told: list[Any], drive: Callable[[Case, str], Went]
) -> None:
    """`seen` has a sign for each half second."""
    moments = [(500.0 * number, sign == "x") for number, sign in enumerate(seen)]
    case = replace(CASES[0], scripts=(acknowledging,), moments=moments)
    with scripted(*case.scripts) as server:
        drive(case, server.url)
    [heard] = server.heard
    assert [one for message in heard[:-1] for one in shape(message)] == told
    assert heard[-1] == {"type": "finalize"}


def acknowledging(peer: Peer) -> None:
    peer.greet()
    while (message := peer.hear())["type"] == "frame_batch":
        peer.ack(message)
    peer.done()
    peer.socket.close(1000)


def test_batches_are_sent_again_as_they_were() -> None:
    [case] = [one for one in CASES if one.name == "closed with 1012, which passes"]
    for drive in (in_python, in_javascript):
        # Also by a server that knows another protocol, as in an upgrade.
        for protocols in (["kyna.v1"], ["kyna.v2"], ["kyna.v2", "kyna.v1"], ["kyna.v1", "kyna.v2"]):
            with scripted(*case.scripts, subprotocols=protocols) as server:
                drive(case, server.url)
            assert server.heard[1][:3] == server.heard[0]
