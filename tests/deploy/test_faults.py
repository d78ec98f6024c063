"""`make faults` itself: what it judges, and what it says when it can't; what it does is tested in
test_production_set.py"""

import http.server
import json
import os
import re
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

import detection
from clients.python.wire import Event, SessionDone
from dev.local_stack.environment import PROJECT
from movespecs.models import MoveSpec
from sessions_app.models import DetectionEvent, DetectionSession
from tests.conftest import SESSIONS, Machine
from tests.deploy.faults.__main__ import run_units
from tests.deploy.faults.film import MOVESPEC, Film, events_of
from tests.deploy.faults.hostile import expensive_movespec
from tests.deploy.faults.judgement import wrong_creates, wrong_session
from tests.deploy.faults.neighbours import Memory, Part, waits_for_acknowledgement
from tests.deploy.faults.neighbours import faults_of as faults_of_part
from tests.deploy.faults.outages import Outage, longest_wait, too_long
from tests.deploy.faults.streams import Streaming
from tests.deploy.faults.traffic import Api, Traffic
from tests.deploy.faults.webhooks import Received, judged
from tests.deploy.proxy import write_certificate
from tests.server import test_database_url as database_url
from tests.waiting import eventually

SQUAT = (PROJECT / MOVESPEC).read_text()
BATCHES = 36
FRAMES = 360

Break = Callable[[Streaming], None]


def test_it_says_what_it_misses(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.deploy.faults"],
        cwd=PROJECT,
        env={**os.environ, "PATH": str(tmp_path), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("make faults needs ")
    assert done.stdout.endswith(" redis-server\n")
    assert (done.returncode, done.stderr, [*tmp_path.iterdir()]) == (2, "", [])


@pytest.mark.parametrize(("is_needed", "status"), [(False, 0), (True, 2)])
def test_it_says_where_it_has_no_systemd(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    is_needed: bool,
    status: int,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run_units(tmp_path, is_needed=is_needed) == status
    said = capsys.readouterr().out
    assert said.startswith("The units did not run under systemd, which needs ")
    assert re.search("systemd-container.* and git", said)
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("moments", "seconds"),
    [
        ([], 10),
        ([4, 9, 12, 19, 23], 7),
        # It waited before, and it waits still.
        ([2, 11, 12, 13, 14, 15, 16, 17, 18, 19], 9),
        ([9, 11, 12, 23], 8),
    ],
)
def test_the_longest_wait_between_10_and_20(moments: list[float], seconds: float) -> None:
    assert longest_wait(moments, 10, 20) == seconds


def test_an_outage_that_is_too_long_is_told() -> None:
    told = Outage("api-1 killed", 30, 21, 10, 5, 1, 2, 20, held_seconds=None)
    assert too_long(told, 20) == [
        "api-1 killed: no request was answered for 21 s, and may be for 20"
    ]


class Odd(http.server.BaseHTTPRequestHandler):
    """Answers as nothing of the platform does."""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(502)
        self.end_headers()
        self.wfile.write(b"<html>")

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: Any) -> None:
        pass


def test_an_answer_that_is_none_of_the_platforms_is_told(tmp_path: Path) -> None:
    write_certificate(tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Odd) as server:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(tmp_path / "kyna.crt", tmp_path / "kyna.key")
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"https://localhost:{server.server_port}"
        traffic = Traffic(Api(url, tmp_path / "kyna.crt", "a", {}), {"one": "an-id"})
        traffic.start()
        eventually(lambda: len(traffic.requests) >= 12, "each has asked")
        traffic.end()
        server.shutdown()
    assert len(traffic.wrong) == len(traffic.requests)
    assert all("JSONDecodeError" in one for one in traffic.wrong)


@pytest.mark.django_db(transaction=True)
def test_every_key_is_to_have_the_session_of_its_answer(
    owner: Machine, movespec: MoveSpec, tmp_path: Path
) -> None:
    def create(**headers: str) -> str:
        created = owner.create_session(movespec, **headers)
        session_id: str = created.json()["session_id"]
        return session_id

    write_certificate(tmp_path)
    api = Api("https://localhost", tmp_path / "kyna.crt", owner.token, {})
    traffic = Traffic(api, {key: create(idempotency_key=key) for key in ("one", "two")})
    assert wrong_creates(traffic, database_url()) == []
    right = traffic.creates["two"]
    traffic.creates |= {"two": traffic.creates["one"], "three": None}
    stray = create()
    assert wrong_creates(traffic, database_url()) == [
        f"The create two was answered {traffic.creates['one']}; ['{right}'] exist",
        "The create three was answered None; [] exist",
        f"The create None was answered None; ['{stray}'] exist",
    ]


class Answers:
    """What `RestClient` answers, without a server."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def events(self, session_id: str) -> Any:
        return self._machine.get(f"{SESSIONS}/{session_id}/events?limit=500").json()


@pytest.fixture
def streamed(owner: Machine, movespec: MoveSpec, transactional_db: None) -> Streaming:
    """One that is over, as it should be: as undisturbed."""
    film = Film(SQUAT)
    film.batches = BATCHES
    one = Streaming(owner.create_session(movespec).json(), 0, film)
    events = events_of(SQUAT, 0, BATCHES)
    DetectionSession.objects.filter(id=one.session_id).update(
        status="completed",
        terminal_outcome="completed",
        deadline_at=None,
        started_at="2026-01-01T00:00:00Z",
        ended_at="2026-01-01T00:01:00Z",
        accepted_frames_total=FRAMES,
        last_frame_seq=FRAMES,
        events_total=len(events),
    )
    DetectionEvent.objects.bulk_create(
        DetectionEvent(
            session_id=one.session_id,
            sequence=number,
            frame_seq=1,
            type=kind,
            ts_ms=ts_ms,
            payload=payload,
        )
        for number, (kind, ts_ms, payload) in enumerate(events, 1)
    )
    one.acknowledged_at = [0.0] * BATCHES
    one.client.done = SessionDone(one.session_id, "completed", FRAMES, "completed", None)
    one.client.events = [Event(**each) for each in Answers(owner).events(one.session_id)]
    return one


def change(**columns: Any) -> Break:
    return lambda one: DetectionSession.objects.filter(id=one.session_id).update(**columns) and None


def lose_an_event(one: Streaming) -> None:
    DetectionEvent.objects.filter(session_id=one.session_id, sequence=3).delete()
    del one.client.events[2]


def count_anew(one: Streaming) -> None:
    """As from a state that was restored without its count."""
    stored = DetectionEvent.objects.filter(session_id=one.session_id, type="event_completed")
    last = stored.order_by("sequence").last()
    assert last is not None
    assert last.payload["number"] > 1
    last.payload["number"] = 1
    DetectionEvent.objects.filter(pk=last.pk).update(payload=last.payload)
    one.client.events[last.sequence - 1].payload["number"] = 1


WRONG: list[tuple[Break, str]] = [
    (change(accepted_frames_total=FRAMES + 10), "the database has "),
    (
        change(status="failed", terminal_outcome="abandoned", error_code="session_abandoned"),
        "the database has ('failed', 'abandoned', 'session_abandoned', ",
    ),
    (count_anew, "of 22 events not all are those of 360 frames: 22"),
    (lose_an_event, "of 21 events not all are those of 360 frames: 22"),
    (lambda one: one.client.events.pop() and None, "its client heard 21 events, and not those"),
    (lambda one: one.acknowledged_at.pop() and None, "35 batches of 36 were acknowledged"),
    (lambda one: one.client.rejections.update(["malformed_frame"]), "frames were rejected: "),
    (lambda one: setattr(one.client, "done", None), "the client was told of its end as None"),
    (lambda one: setattr(one, "failure", "lost"), "its client gave up: lost"),
]


def faults_of(one: Streaming, owner: Machine, *, is_upgraded: bool = False) -> list[str]:
    film = Film(SQUAT)
    film.batches = BATCHES
    answers: Any = Answers(owner)
    with psycopg.connect(database_url()) as database:
        return list(wrong_session(one, film, answers, database, is_upgraded=is_upgraded))


def test_a_session_that_went_on_undisturbed_is_right(owner: Machine, streamed: Streaming) -> None:
    assert faults_of(streamed, owner) == []
    # Its last socket was lost with the last events, which the API has.
    streamed.client.events.pop()
    streamed.client.has_missed_the_end = True
    assert faults_of(streamed, owner) == []


@pytest.mark.parametrize("is_upgraded", [False, True])
@pytest.mark.parametrize(("make_wrong", "told"), WRONG)
def test_what_is_wrong_with_a_session_is_told(
    owner: Machine, streamed: Streaming, make_wrong: Break, told: str, is_upgraded: bool
) -> None:
    make_wrong(streamed)
    [fault] = faults_of(streamed, owner, is_upgraded=is_upgraded)
    assert fault.startswith(told)


@pytest.mark.parametrize(("ms", "are_right"), [(99, True), (101, False)])
def test_the_last_release_may_have_seen_an_event_three_frames_earlier(
    owner: Machine, streamed: Streaming, ms: int, are_right: bool
) -> None:
    event = DetectionEvent.objects.get(session_id=streamed.session_id, sequence=3)
    DetectionEvent.objects.filter(pk=event.pk).update(
        ts_ms=event.ts_ms - ms, payload=event.payload | {"confidence": 0.5}
    )
    streamed.client.events = [Event(**each) for each in Answers(owner).events(streamed.session_id)]
    assert faults_of(streamed, owner)
    assert (not faults_of(streamed, owner, is_upgraded=True)) is are_right


MADE_AT = datetime(2026, 11, 29, 9, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return MADE_AT + timedelta(seconds=seconds)


def received(
    type_: str, seconds: float, *, session: str = "one", id_: str = "", written: float = 9
) -> Received:
    body = {
        "type": f"session.{type_}",
        "timestamp": at(written).isoformat(),
        "data": {"session_id": session},
    }
    return Received(id_ or f"{type_} of {session}", at(seconds), json.dumps(body))


STARTED, ENDED = received("started", 10), received("completed", 20)
AGAIN = received("completed", 30)


@pytest.mark.parametrize(
    ("came", "wrong"),
    [
        ([STARTED, ENDED], []),
        ([STARTED, ENDED, AGAIN, STARTED], []),
        ([STARTED], ["Nobody was told session.completed of one"]),
        (
            [STARTED, ENDED, received("failed", 21)],
            ["session.failed of one was told, and is not so"],
        ),
        (
            [STARTED, ENDED, received("completed", 21, session="two")],
            ["session.completed of two was told, and is not so"],
        ),
        (
            [STARTED, ENDED, received("completed", 21, id_="other")],
            ["session.completed of one came as two messages"],
        ),
        (
            [STARTED, ENDED, received("completed", 21, written=8)],
            ["The message completed of one came with several bodies"],
        ),
        (
            [ENDED, received("started", 21)],
            ["session.completed of one came 0:00:01 before its start"],
        ),
        # It had waited for a minute.
        ([received("completed", 70), received("started", 80)], []),
    ],
)
def test_each_end_is_to_be_told_once_and_in_order(came: list[Received], wrong: list[str]) -> None:
    sessions = [
        ("one", "completed", at(8), at(9)),
        # What was there before the webhook, and what goes on.
        ("before", "completed", at(-9), at(-3)),
        ("live", "streaming", at(-9), None),
    ]
    assert judged(came, MADE_AT, sessions) == wrong


def part(beside: str, **p99_ms: float) -> Part:
    measures = {name: {"p50_ms": 1.0, "p99_ms": ms} for name, ms in p99_ms.items()}
    return Part(beside, measures, {"exports": 1})


def test_a_p99_beside_hostile_neighbours_is_at_most_twice_its_own() -> None:
    alone = part("nobody", requests=40, messages=100)
    assert faults_of_part(part("senders", requests=80, messages=200), alone) == []
    assert faults_of_part(part("senders", requests=81, messages=200), alone) == [
        "senders: the p99 of requests is 81 ms, alone 40 ms"
    ]


def test_neighbours_that_did_nothing_are_told() -> None:
    alone = part("nobody", requests=40)
    idle = replace(alone, deeds={"exports": 1, "batches": 0})
    assert faults_of_part(idle, alone) == ["The neighbours had no batches"]


def test_a_batch_that_is_not_acknowledged_yet_has_waited_until_now() -> None:
    film = Film(SQUAT)
    film.begun_at -= 1.1
    created = {"session_id": "one", "stream_url": "ws://localhost", "runtime_token": "a"}
    stream = Streaming(created, 0, film)
    stream.acknowledged_at = [film.begun_at + 0.5]
    waits = [*waits_for_acknowledgement(stream, film.begun_at + 2)]
    assert [round(had_at - film.begun_at, 3) for had_at, _ in waits] == [0.333, 0.667, 1.0]
    assert [round(seconds, 3) for _, seconds in waits] == [0.167, 1.333, 1.0]


@pytest.mark.parametrize(
    ("sizes", "growth"),
    [
        # It grows while it warms up, in the first half, and then no more.
        ([10.0] * 31 + [400.0] * 33, []),
        ([100.0] * 57 + [117.0] * 7, ["webhooks has grown from 100 to 117 MiB"]),
        # A tenth of a large one, and few MiB of a small one.
        ([1000.0] * 57 + [1100.0] * 7, []),
        ([10.0] * 57 + [26.0] * 7, []),
        # For a moment.
        ([100.0] * 57 + [500.0] * 3 + [100.0] * 4, []),
    ],
)
def test_memory_that_grows_is_told(sizes: list[float], growth: list[str]) -> None:
    memory = Memory()
    memory.sizes["webhooks"] = sizes
    assert memory.growth() == growth


def test_hostile_senders_have_the_longest_lists_that_the_language_allows() -> None:
    assert detection.validate(expensive_movespec()).errors == ()
    movement = yaml.safe_load(expensive_movespec())["detection"]["movement"]
    lists = {name: len(movement[name]) for name in ("phases", "sequence", "checks", "feedback")}
    assert lists == {"phases": 16, "sequence": 32, "checks": 16, "feedback": 32}
    assert {len(one["criteria"]) for one in movement["phases"]} == {8}
