"""Clients that flood, never read, or send anything at all: they are cut off, and no one notices."""

import contextlib
import json
import random
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from bystander import unharmed_bystander
from raw import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, RawSocket, attach, frame, upgrade
from stage import Stage, stage_on
from streaming import create, wire_frame, wire_frames

from dev.poses.figure import perform
from sessions_app.models import SessionAttach
from tests.conftest import make_released
from tests.long_runs import at_length
from tests.waiting import eventually

SEND_SECONDS = 1.0
MAX_GROWTH_MB = 30.0
FRAMES = wire_frames(perform("squat", repetitions=1, fps=10))
LIMITED = "kyna_stream_refusals_total{rate_limited}"
ALLOWED_CODES = {1000, 1002, 1007, 1009, 4400, 4408, 4413, 4429}
SERVER_MESSAGES = {
    "session_update", "frame_ack", "event_batch", "error", "ping", "pong", "session_done"
}  # fmt: skip


@pytest.fixture(scope="module")
def stage(db: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    hurry = json.dumps(
        {"SEND_SECONDS": SEND_SECONDS, "CLOSING_SECONDS": 0.5, "QUIET_SECONDS": 0.02}
    )
    folder = tmp_path_factory.mktemp("runtime")
    with stage_on(folder, "tests.realtime.hurried", HURRY=hurry) as stage:
        # Lets the runtime have its usual size before anything is measured.
        for _ in range(3):
            attach(stage.create()).close()
        yield stage
        assert stage.faults() == []


@pytest.fixture
def growth(stage: Stage) -> Iterator[None]:
    """The runtime's memory is bounded, whatever the test does."""
    before = stage.rss_mb()
    yield
    assert stage.rss_mb() - before < MAX_GROWTH_MB


def send_until_cut(raw: RawSocket, data: bytes, times: int) -> None:
    """As far as the runtime takes it; nothing is read."""
    with contextlib.suppress(TimeoutError, ConnectionError):
        for _ in range(times):
            raw.socket.sendall(data)


def rest(raw: RawSocket) -> tuple[list[dict[str, Any]], int | None]:
    """What is left to read: the messages, and the code of the close frame if there is one."""
    told, code = [], None
    for opcode, payload in raw.frames_to_the_end():
        if opcode == TEXT:
            told.append(json.loads(payload))
        elif opcode == CLOSE:
            code = int.from_bytes(payload[:2], "big")
    return told, code


def close_code_noted(created: dict[str, Any]) -> int | None:
    attaches = SessionAttach.objects.filter(session_id=created["session_id"])
    eventually(lambda: attaches.latest("attached_at").detached_at is not None, "it is detached")
    return attaches.latest("attached_at").close_code


# --- Floods ---------------------------------------------------------------------------------


FLOODS = {
    "empty pings": frame(PING) * 10_000,
    "long pings": frame(PING, bytes(125)) * 2_000,
    "pongs": frame(PONG) * 10_000,
    "fragments of nothing": frame(TEXT, fin=False) + frame(CONTINUATION, fin=False) * 10_000,
    "fragments of a byte": frame(TEXT, b"[", fin=False)
    + frame(CONTINUATION, b"[", fin=False) * 9_000,
    "messages of nothing": frame(TEXT, b'{"type":"pong"}') * 5_000,
    "empty batches": frame(TEXT, b'{"type":"frame_batch","batch_seq":1,"frames":[]}') * 2_000,
}


@at_length("what", *FLOODS)
def test_a_flood_of_small_frames_is_cut_off_4429(stage: Stage, growth: None, what: str) -> None:
    counted = stage.metrics().get(LIMITED, 0)
    with unharmed_bystander(stage):
        created = stage.create()
        raw = attach(created)
        send_until_cut(raw, FLOODS[what], 20)
        told, code = rest(raw)
        assert code in (4429, None)  # None: reset while it was still sending
        if code is not None:
            assert [one["error"]["code"] for one in told if one["type"] == "error"] == [
                "rate_limited"
            ]
        assert close_code_noted(created) == 4429
    assert stage.metrics()[LIMITED] == counted + 1
    assert attach(created)


# --- Never reading --------------------------------------------------------------------------

TALKATIVE = """\
name: talkative
version: "1"
detection:
  type: repetition
  movement:
    name: talkative
    phases:
      - {name: standing, criteria: [{joint: knee, angle_min: 150}]}
      - {name: bottom, criteria: [{joint: knee, angle_max: 115}]}
    sequence: [standing, bottom, standing]
    feedback:
""" + "".join(
    f"      - {{when: standing, joint: knee, angle_min: 9, message: '{number:03}{'x' * 197}'}}\n"
    for number in range(32)
)


def talkative(stage: Stage) -> tuple[dict[str, Any], RawSocket, bytes]:
    """A session, a client of it with a small buffer, and a batch: five frames of which 33 events
    are told, again each time it is sent, which is far more than the frames are."""
    released, _ = make_released(stage.owner.project, TALKATIVE, name=uuid.uuid4().hex)
    created = create(stage.owner, released, stage.runtime.url)
    still = perform("squat", repetitions=1, fps=10)[0]
    frames = [wire_frame(still, seq, timestamp_ms=seq * 100.0) for seq in range(1, 6)]
    batch = json.dumps({"type": "frame_batch", "batch_seq": 1, "frames": frames}).encode()
    return created, attach(created, receive_buffer=4096), frame(TEXT, batch)


def test_a_client_that_never_reads_is_cut_off_4408_and_what_it_sent_is_kept(
    stage: Stage, growth: None
) -> None:
    created, raw, batch = talkative(stage)
    with unharmed_bystander(stage):
        started = time.monotonic()
        with contextlib.suppress(TimeoutError, ConnectionError):
            while time.monotonic() - started < 30:
                raw.socket.sendall(batch)
        assert close_code_noted(created) == 4408
        assert stage.metrics()["kyna_stream_refusals_total{does_not_read}"] == 1
    session = stage.session(created)
    assert (session.status, session.accepted_frames_total) == ("streaming", 5)
    assert session.events_total == 33  # an entry and 32 cues
    again = attach(created)
    again.send(batch)
    events, ack = (json.loads(again.read_frame()[1]) for _ in range(2))
    assert (len(events["events"]), ack["rejected_frame_indexes"]) == (33, [0, 1, 2, 3, 4])


# --- Before attaching -----------------------------------------------------------------------


def test_nothing_is_kept_of_what_a_client_sends_before_it_is_known(
    stage: Stage, growth: None
) -> None:
    """200 clients without a good token, each with almost 4 MiB of a message: 800 MB."""
    created = stage.create()
    message = frame(TEXT, bytes(4 * 1024 * 1024 - 100))[:-1]
    with unharmed_bystander(stage):
        opened = []
        for _ in range(200):
            raw = upgrade(created["stream_url"], "no.good.token")
            raw.socket.settimeout(0.05)
            with contextlib.suppress(TimeoutError, ConnectionError):
                raw.socket.sendall(message)
            opened.append(raw)
    for raw in opened:
        raw.close()


# --- At random ------------------------------------------------------------------------------


def random_frame(chance: random.Random) -> bytes:
    payload = chance.choice(
        [
            b"",
            chance.randbytes(chance.randint(1, 300)),
            b'{"type":"ping"}',
            b'{"type":"frame_batch","batch_seq":1,"frames":[]}',
            json.dumps(
                {"type": "frame_batch", "batch_seq": 1, "frames": chance.sample(FRAMES, 3)}
            ).encode(),
        ]
    )
    made = bytearray(
        frame(
            chance.choice([TEXT] * 12 + [PING, PONG] * 3 + [CONTINUATION, BINARY, CLOSE, 3, 15]),
            payload,
            fin=chance.random() < 0.95,
            mask=chance.random() < 0.98,
            rsv=chance.choice([0] * 40 + [1, 4]),
        )
    )
    if chance.random() < 0.1:
        for _ in range(chance.randint(1, 4)):
            made[chance.randrange(len(made))] = chance.randrange(256)
    return bytes(made)


@at_length("sockets", 40, 120)
def test_random_frames_end_a_socket_by_a_documented_code_or_are_served(
    stage: Stage, growth: None, sockets: int
) -> None:
    chance = random.Random(21)  # noqa: S311
    with unharmed_bystander(stage):
        for _ in range(sockets):
            raw = attach(stage.create())
            with contextlib.suppress(ConnectionError):
                for _ in range(chance.randint(1, 12)):
                    raw.send(random_frame(chance))
                raw.send(frame(CLOSE, (1000).to_bytes(2, "big")))
            raw.socket.settimeout(0.5)
            try:
                told, code = rest(raw)
            except TimeoutError:  # the close was lost inside a longer frame
                told, code = [], None
            raw.close()
            assert {one["type"] for one in told} <= SERVER_MESSAGES
            assert code is None or code in ALLOWED_CODES or 3000 <= code < 5000 or code < 1016


def test_a_connection_that_is_lost_without_a_close_is_noted_as_1006(stage: Stage) -> None:
    created = stage.create()
    attach(created).socket.close()
    assert close_code_noted(created) == 1006
