"""Clients that flood, never read, or send anything at all: they are cut off, and no one notices."""

import contextlib
import json
import random
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bystander import unharmed_bystander
from raw import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, RawSocket, attach, frame, upgrade
from stage import Stage, rss_mb, runtime_on, stage_on
from streaming import create, wire_frame, wire_frames

from dev.poses.figure import perform
from sessions_app.models import SessionAttach
from tests.conftest import make_released
from tests.long_runs import at_length
from tests.server import RuntimeServer
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
    after = stage.rss_mb()
    print(f"\nresident memory {before:.0f} → {after:.0f} MB")  # noqa: T201
    assert after - before < MAX_GROWTH_MB


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
    with unharmed_bystander(stage, what):
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


@pytest.fixture(scope="module")
def lax(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RuntimeServer]:
    """A runtime that counts no small frames."""
    hurry = json.dumps({"MAX_SMALL_FRAMES": 1e12})
    folder = tmp_path_factory.mktemp("lax")
    with runtime_on(folder, "tests.realtime.hurried", HURRY=hurry) as runtime:
        yield runtime


@pytest.mark.long
def test_pings_are_not_answered_to_a_client_that_reads_nothing(
    stage: Stage, lax: RuntimeServer
) -> None:
    raw = attach(create(stage.owner, stage.squat, lax.url), receive_buffer=4096)
    before = rss_mb(lax)
    raw.socket.settimeout(2)
    with pytest.raises(TimeoutError):
        raw.socket.sendall(frame(PING, bytes(125)) * 400_000)  # 52 MB
    assert rss_mb(lax) - before < 10
    raw.close()


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
    peak = 0.0
    with unharmed_bystander(stage, "a client that never reads"):
        started = time.monotonic()
        with contextlib.suppress(TimeoutError, ConnectionError):
            while time.monotonic() - started < 30:
                raw.socket.sendall(batch)
                peak = max(peak, stage.rss_mb())
        assert close_code_noted(created) == 4408
        assert stage.metrics()["kyna_stream_refusals_total{does_not_read}"] == 1
        print(f"cut off after {time.monotonic() - started:.1f} s, peak {peak:.0f} MB")  # noqa: T201
    session = stage.session(created)
    assert (session.status, session.accepted_frames_total) == ("streaming", 5)
    assert session.events_total == 33  # an entry and 32 cues
    again = attach(created)
    again.send(batch)
    events, ack = (json.loads(again.read_frame()[1]) for _ in range(2))
    assert (len(events["events"]), ack["rejected_frame_indexes"]) == (33, [0, 1, 2, 3, 4])


def unsent(raw: RawSocket) -> int:
    """What the kernel holds for a client, in bytes."""
    _, port = raw.socket.getsockname()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, _, remote, _, queues, *_ = line.split()
        if int(remote.split(":")[1], 16) == port:
            return int(queues.split(":")[0], 16)
    raise AssertionError("closed")


@pytest.mark.long
def test_a_client_that_leaves_its_end_unread_is_not_kept(stage: Stage) -> None:
    created, raw, batch = talkative(stage)
    grown = True
    while grown:  # until the kernel takes no more, and a little waits in the process itself
        before, sent_at = unsent(raw), time.monotonic()
        raw.send(batch)
        while not (grown := unsent(raw) > before) and time.monotonic() - sent_at < 0.5:
            time.sleep(0.002)
    path = f"/api/detection/sessions/{created['session_id']}/cancel"
    assert stage.owner.post(path).status_code == 200
    assert close_code_noted(created) == 1000
    port = raw.socket.getsockname()[1]
    eventually(lambda: port not in stage.client_ports(), "its socket is closed")


# --- Before attaching -----------------------------------------------------------------------


def test_nothing_is_kept_of_what_a_client_sends_before_it_is_known(
    stage: Stage, growth: None
) -> None:
    """200 clients without a good token, each with almost 4 MiB of a message: 800 MB."""
    created = stage.create()
    message = frame(TEXT, bytes(4 * 1024 * 1024 - 100))[:-1]
    peak = stage.rss_mb()
    with unharmed_bystander(stage, "800 MB without a token"):
        opened = []
        for _ in range(200):
            raw = upgrade(created["stream_url"], "no.good.token")
            raw.socket.settimeout(0.05)
            with contextlib.suppress(TimeoutError, ConnectionError):
                raw.socket.sendall(message)
            opened.append(raw)
            peak = max(peak, stage.rss_mb())
    print(f"peak {peak:.0f} MB")  # noqa: T201
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
    codes: dict[int | None, int] = {}
    with unharmed_bystander(stage, "random frames"):
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
            codes[code] = codes.get(code, 0) + 1
    print(codes)  # noqa: T201


def random_json(chance: random.Random, depth: int = 0) -> Any:
    return chance.choice(
        [
            lambda: None,
            lambda: chance.choice([True, False]),
            lambda: chance.choice([0, 1, -1, 2**53, 2**53 + 1, 10**30, 0.5, 1e308, float("nan")]),
            lambda: chance.choice(["", "ping", "camera", "nose", "x" * 500, "\ud800", "é", "\x00"]),
            lambda: chance.choice(FRAMES),
            lambda: (
                [random_json(chance, depth + 1) for _ in range(chance.randint(0, 3 - depth))]
                if depth < 3
                else []
            ),
            lambda: (
                {
                    chance.choice(["type", "frames", "x", "timestamp_ms", "name"]): random_json(
                        chance, depth + 1
                    )
                    for _ in range(chance.randint(0, 3 - depth))
                }
                if depth < 3
                else {}
            ),
        ]
    )()


def test_random_messages_are_answered_as_documented(stage: Stage, growth: None) -> None:
    chance = random.Random(21)  # noqa: S311
    created = stage.create()
    raw = attach(created)
    acknowledged = 0
    for _ in range(300):
        frames = random_json(chance)
        if chance.random() < 0.7:
            broken = json.loads(json.dumps(chance.choice(FRAMES)))
            holder = chance.choice([broken, *broken["landmarks"]])
            holder[chance.choice(list(holder))] = random_json(chance)
            frames = [broken, random_json(chance), broken]
        message = {"type": "frame_batch", "batch_seq": chance.randint(1, 5), "frames": frames}
        raw.send(frame(TEXT, json.dumps(message).encode()))
        while True:
            opcode, payload = raw.read_frame()
            told = json.loads(payload) if opcode == TEXT else {"type": None}
            if told["type"] == "frame_ack":
                total = len(frames)
                assert told["accepted_frame_count"] + len(told["rejected_frame_indexes"]) == total
                acknowledged += 1
                break
            if told["type"] == "error":
                assert told["error"]["code"] in ("message_invalid", "rate_limited")
                raw.close()
                raw = attach(created)
                break
            assert told["type"] == "event_batch"
    assert acknowledged > 100


# --- Slow to read ---------------------------------------------------------------------------

SLOW_TO_READ = {
    "no numbers": f'{{"x": [{",".join(["NaN", "-Infinity"] * 500)}]}}',
    "half characters": '{"x": "' + "\\ud800" * 1_000 + '"}',
    "lists of lists": f'{{"x": [{",".join(["[[[]]]"] * 800)}]}}',
}


@pytest.mark.long
@at_length("what", "lists of lists", "half characters", "no numbers")
def test_batches_that_are_slow_to_read_hold_up_no_one(
    stage: Stage, growth: None, what: str
) -> None:
    frames = ",".join([SLOW_TO_READ[what]] * 280)
    batch = f'{{"type": "frame_batch", "batch_seq": 1, "frames": [{frames}]}}'.encode()
    assert 1.2e6 < len(batch) < 2 * 1024 * 1024
    with unharmed_bystander(stage, what):
        sockets = [attach(stage.create()) for _ in range(4)]
        for _ in range(5):
            for raw in sockets:
                raw.send(frame(TEXT, batch))
            for raw in sockets:
                _, payload = raw.read_frame()
                assert json.loads(payload)["rejected_frame_indexes"] == list(range(280))
        for raw in sockets:
            raw.close()
