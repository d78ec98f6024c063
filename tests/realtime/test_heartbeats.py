"""Heartbeats: the server pings only while a client awaits its answer; the client when it likes."""

import json
import time
from typing import Any

import pytest
import websocket
from rows import await_waiting_backends, locked_row
from streaming import Client, wire_frames

from dev.poses.figure import perform
from tests.waiting import DEADLINE_SECONDS

pytestmark = pytest.mark.django_db(transaction=True)

BEAT_SECONDS = 0.2
RUNTIME = {"HURRY": '{"HEARTBEAT_SECONDS": 0.2, "PULSE_SECONDS": 0.1}'}
FRAMES = wire_frames(perform("squat", repetitions=1, fps=10))


def heard_within(client: Client, seconds: float) -> list[str]:
    """The types of all messages that come in this time."""
    given_up_at, kinds = time.monotonic() + seconds, []
    while (left := given_up_at - time.monotonic()) > 0:
        client.socket.settimeout(left)
        try:
            opcode, data = client.socket.recv_data(control_frame=True)
        except websocket.WebSocketTimeoutException:
            break
        if opcode == websocket.ABNF.OPCODE_TEXT:
            kinds.append(json.loads(data)["type"])
    client.socket.settimeout(DEADLINE_SECONDS)
    return kinds


def test_it_is_pinged_only_while_it_awaits_an_answer(
    created: dict[str, Any], client: Client
) -> None:
    assert heard_within(client, 4 * BEAT_SECONDS) == []
    with locked_row(created):
        client.send_batch(1, FRAMES[:5])
        await_waiting_backends(1)
        client.expect("ping")
        # Its answer may wait behind batches: the next ping does not wait for it.
        assert heard_within(client, 2.5 * BEAT_SECONDS) == ["ping", "ping"]
    client.until("frame_ack")
    assert heard_within(client, 4 * BEAT_SECONDS) == []


def test_it_is_pinged_while_its_attach_waits(created: dict[str, Any]) -> None:
    """And while its batches wait. A missing pong closes nothing."""
    with locked_row(created):
        client = Client(created)
        client.expect("ping")
    client.until("session_update")
    for batch_seq in (1, 2):
        with locked_row(created):
            client.send_batch(batch_seq, FRAMES[5 * batch_seq - 5 : 5 * batch_seq])
            await_waiting_backends(1)
            client.expect("ping")
        assert client.until("frame_ack")["accepted_frames_total"] == 5 * batch_seq
    client.socket.shutdown()


def test_the_transport_is_never_silent(created: dict[str, Any], client: Client) -> None:
    """Also while a client is not read from: by pongs that nobody asked for."""

    def await_pulses() -> None:
        for _ in range(3):
            while (
                client.socket.recv_data_frame(control_frame=True)[0] != websocket.ABNF.OPCODE_PONG
            ):
                pass

    await_pulses()
    with locked_row(created):
        for batch_seq in range(1, 5):
            client.send_batch(batch_seq, FRAMES[5 * batch_seq - 5 : 5 * batch_seq])
        await_waiting_backends(1)
        await_pulses()
    for _ in range(4):
        ack = client.until("frame_ack")
    assert ack["accepted_frames_total"] == 20
