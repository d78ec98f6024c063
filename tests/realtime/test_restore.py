"""docs/backup.md by its own commands: a dump while sessions stream, and what comes back of it."""

import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest
from rows import expected_events
from streaming import SQUAT, Client, create, wire_frames

from dev.poses.figure import perform
from movespecs.models import MoveSpec
from tests.concurrency.racing import Connection, session_body
from tests.conftest import Machine
from tests.deploy.own_database import own_database
from tests.documented import commands, compose_of_database, database_tools, run
from tests.server import runtime_server, web_server
from tests.server import test_database_url as database_url
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "visit-4711"
PERFORMED = list(perform("squat", repetitions=40, fps=10))
FRAMES = wire_frames(PERFORMED)
BATCH = 3
# So that the frames outlast the dump.
PAUSE_SECONDS = 0.03


class Streaming(threading.Thread):
    """A client that streams until it is told to stop, and remembers what it was told."""

    def __init__(self, created: dict[str, Any]) -> None:
        super().__init__()
        self.created = created
        self.acknowledged = 0
        self.client = Client(created)
        self._is_over = threading.Event()

    @property
    def session_id(self) -> str:
        return str(self.created["session_id"])

    def run(self) -> None:
        self.client.expect("session_update")
        for first in range(0, len(FRAMES), BATCH):
            if self._is_over.wait(PAUSE_SECONDS):
                break
            self.client.send_batch(first // BATCH + 1, FRAMES[first : first + BATCH])
            self.acknowledged = self.client.until("frame_ack")["accepted_frames_total"]
        self.client.drop()

    def stop(self) -> None:
        self._is_over.set()
        self.join(30)
        assert self.acknowledged < len(FRAMES), "the frames did not last"


def tools(url: str, **more: str) -> dict[str, str]:
    return {"PATH": database_tools(), "DATABASE_URL": url, **more}


def dump_while_they_stream(streams: list[Streaming], folder: Path) -> list[tuple[int, int]]:
    """The fewest and the most frames of each that the dump may have; they go on for a while."""

    def have_events(more_than: list[int]) -> bool:
        return all(
            len(stream.client.events()) > count + 3
            for stream, count in zip(streams, more_than, strict=True)
        )

    for stream in streams:
        stream.start()
    eventually(lambda: have_events([0] * len(streams)), "events")
    before = [stream.acknowledged for stream in streams]
    run(commands("backup.md", "pg_dump --format"), folder, tools(database_url(), DUMPS=str(folder)))
    # One batch of each may be durable and not acknowledged.
    after = [stream.acknowledged + BATCH for stream in streams]
    bounds = list(zip(before, after, strict=True))
    assert min(most - fewest for fewest, most in bounds) > BATCH
    told = [len(stream.client.events()) for stream in streams]
    eventually(lambda: have_events(told), "events after the dump")
    for stream in streams:
        stream.stop()
    return bounds


@pytest.mark.long
def test_a_dump_taken_while_sessions_stream_is_restored(
    owner: Machine, squat: MoveSpec, tmp_path: Path
) -> None:
    first = owner.create_session(squat, idempotency_key=KEY)
    with runtime_server(tmp_path) as runtime:
        streams = [Streaming(create(owner, squat, runtime.url)) for _ in range(2)]
        bounds = dump_while_they_stream(streams, tmp_path)
    with own_database() as restored, psycopg.connect(restored, autocommit=True) as database:
        [dump] = tmp_path.glob("kyna-*.dump")
        run(commands("backup.md", "pg_restore --dbname"), tmp_path, tools(restored, DUMP=str(dump)))
        kept = [last_frame_seq(database, stream.session_id) for stream in streams]
        for stream, (before, after), frames in zip(streams, bounds, kept, strict=True):
            assert before <= frames <= after
            assert frames < stream.acknowledged
            assert_as_streamed(database, stream.session_id, frames)
        environment = {"DATABASE_URL": restored}
        with (
            web_server(tmp_path, environment=environment) as api,
            runtime_server(tmp_path, environment) as runtime,
        ):
            again = Connection(api).create(owner, key=KEY, **session_body(owner, squat))
            assert (again.status, again.body, again.is_replay) == (201, first.content, True)
            remembers, forgets = streams
            stream_all(remembers, kept[0], runtime.url)
            assert_as_streamed(database, remembers.session_id, len(FRAMES), is_finished=True)
            go_on_after_what_was_acknowledged(forgets, kept[1], runtime.url)
        database.close()
        assert_restored_by_compose_too(restored, tmp_path)


def last_frame_seq(database: psycopg.Connection[Any], session_id: str) -> int:
    row = database.execute(
        "SELECT last_frame_seq, accepted_frames_total, status FROM detection_session WHERE id = %s",
        [session_id],
    ).fetchone()
    assert row is not None
    assert row == (row[0], row[0], "streaming")
    return int(row[0])


def assert_as_streamed(
    database: psycopg.Connection[Any], session_id: str, frames: int, is_finished: bool = False
) -> None:
    """Its events are those of its first `frames` frames, without a gap."""
    rows = database.execute(
        "SELECT sequence, type, ts_ms, payload FROM detection_event WHERE session_id = %s "
        "ORDER BY sequence",
        [session_id],
    ).fetchall()
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    expected = expected_events(SQUAT, PERFORMED[:frames], finished=is_finished)
    assert [tuple(row[1:]) for row in rows] == expected
    found = database.execute(
        "SELECT events_total, last_frame_seq, status FROM detection_session WHERE id = %s",
        [session_id],
    ).fetchone()
    assert found == (len(rows), frames, "completed" if is_finished else "streaming")


def moved(created: dict[str, Any], url: str) -> dict[str, Any]:
    return created | {"stream_url": f"{url}/{created['session_id']}"}


def stream_all(stream: Streaming, kept: int, url: str) -> None:
    """By a client that has all of its frames, and goes by what the server says."""
    client = Client(moved(stream.created, url))
    assert client.expect("session_update")["last_frame_seq"] == kept
    client.send_batch(1, FRAMES[kept : kept + 300])
    for first in range(kept + 300, len(FRAMES), 300):
        client.send_batch(2, FRAMES[first : first + 300])
    client.send({"type": "finalize"})
    assert client.until("session_done")["accepted_frames_total"] == len(FRAMES)
    assert client.to_the_end() == 1000


def go_on_after_what_was_acknowledged(stream: Streaming, kept: int, url: str) -> None:
    """By one that has kept nothing of that: the frames in between are lost, and ids come again."""
    client = Client(moved(stream.created, url))
    assert client.expect("session_update")["last_frame_seq"] == kept
    following = FRAMES[stream.acknowledged : stream.acknowledged + 300]
    assert client.reasons(1, following) == {}
    client.send({"type": "finalize"})
    assert client.until("session_done")["accepted_frames_total"] == kept + len(following)
    told = {event["event_id"]: event for event in stream.client.events()}
    again = {event["event_id"]: event for event in client.events()}
    assert [told[id_] for id_ in told.keys() & again] != [again[id_] for id_ in told.keys() & again]


def assert_restored_by_compose_too(restored: str, folder: Path) -> None:
    """What `docker compose` is asked for, run here: the container's user and database have the
    name of the test's own.
    """
    name = restored.rpartition("/")[2]
    variables = compose_of_database(folder, restored)
    count = "SELECT count(*), md5(string_agg(id::text || status, ',' ORDER BY id)) "
    count += "FROM detection_session"
    before = set(folder.glob("kyna-*.dump"))
    for text in ("exec -T postgres pg_dump", "exec -T postgres pg_restore"):
        run(commands("backup.md", text).replace("kynaplatform", name), folder, variables)
        [dump] = set(folder.glob("kyna-*.dump")) - before
        variables["DUMP"] = str(dump)
    with psycopg.connect(restored) as now, psycopg.connect(f"{restored}_before") as old:
        assert now.execute(count).fetchone() == old.execute(count).fetchone()
