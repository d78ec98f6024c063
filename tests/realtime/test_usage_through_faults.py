"""Days on which runtimes, workers and the database are killed: usage is what was acknowledged."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import Error, connection
from persistent import Batch, Pace, PersistentClient, encoded, streaming
from restarts import restart
from rows import session_of, turn_clock_on
from streaming import SQUAT, batches, create, wire_frames
from supervisor import Supervisor
from websockets.asyncio.client import ClientConnection

from dev.local_stack import processes
from dev.local_stack.environment import PROJECT
from dev.local_stack.postgres import EmbeddedPostgres
from dev.poses.figure import perform
from kynaplatform import clock
from movespecs.models import MoveSpec
from projects.suspension import resume, suspend
from sessions_app.attachments import session_attach
from sessions_app.lifecycle import session_fail
from sessions_app.models import DetectionSession, Status
from tests.conftest import SESSIONS, Machine, make_released
from tests.server import test_database_url as database_url
from tests.usage.using import SUMS
from tests.waiting import eventually
from usage.models import MeteredSession, UsageDay
from usage.rollup import roll_up

pytestmark = pytest.mark.django_db(transaction=True)

FIRST_DAY = date(2031, 5, 1)
GAP_MS, MAX_GAP_MS = 5_000, 2_000
FINAL = (Status.COMPLETED, Status.CANCELLED, Status.FAILED)
LIVE = DetectionSession.objects.exclude(status__in=FINAL)
# What the trigger's day is, in place of the day of the machine's clock.
SIMULATED_DAY = """
CREATE TABLE simulated_day (day date);
INSERT INTO simulated_day VALUES (NULL);
CREATE FUNCTION simulate_day() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN NEW.ended_on = (SELECT day FROM simulated_day); RETURN NEW; END';
CREATE TRIGGER simulated_day BEFORE INSERT ON usage_session
    FOR EACH ROW EXECUTE FUNCTION simulate_day();
"""


class Leaving(PersistentClient):
    """A client that goes once all is acknowledged, and leaves the end to others."""

    async def _end(self, socket: ClientConnection) -> None:
        self.done = {}


def end(how: str, created: dict[str, Any], owner: Machine, suspended: Machine) -> None:
    """End a session that its client has left; again: nothing changes."""
    session_id = created["session_id"]
    if how == "cancelled":
        assert owner.post(f"{SESSIONS}/{session_id}/cancel").status_code == 200
    elif how == "finalized by REST":
        assert owner.post(f"{SESSIONS}/{session_id}/finalize").status_code == 200
    elif how == "failed" and session_of(created).status not in FINAL:
        named: dict[str, Any] = {"session_id": session_of(created).id, "attachment_id": uuid4()}
        now = clock.now()
        session_attach(**named, runtime="test:1", arrived_at=now, now=now)
        session_fail(**named, code="engine_broke", message="It broke.", now=now)
    elif how == "suspended":
        suspend(suspended.project, now=clock.now())
        resume(suspended.project)
    elif how in ("abandoned", "expired"):
        turn_clock_on(created, 100_000)


ENDS = ("finalized", "finalized", "cancelled", "finalized by REST", "failed", "suspended",
        "abandoned", "expired")  # fmt: skip


def figure(seed: int) -> list[Batch]:
    """Squats with a gap in their middle, in which nobody was seen."""
    frames = wire_frames(perform("squat", repetitions=2, fps=10, seed=seed))
    for frame in frames[len(frames) // 2 :]:
        frame["timestamp_ms"] += GAP_MS
    return batches(frames, 4 + seed)


def active_ms(streamed: list[Batch], frames: int) -> int:
    times = [frame["timestamp_ms"] for batch in streamed for frame in batch][:frames]
    steps = [after - before for before, after in pairwise(times)]
    return round(sum(step for step in steps if step <= MAX_GAP_MS))


class Workers:
    """Two processes that sweep and roll up; each is killed, and another started."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running = [ExitStack(), ExitStack()]
        self._processes = [self._start(number) for number in (0, 1)]

    def kill(self, number: int) -> None:
        self._processes[number].send_signal(signal.SIGKILL)
        self._running[number].close()
        self._processes[number] = self._start(number)

    def stop(self) -> None:
        for stack in self._running:
            stack.close()

    def _start(self, number: int) -> "subprocess.Popen[bytes]":
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "kynaplatform.settings",
            "DATABASE_URL": database_url(),
            "DATA_DIR": str(self._folder),
        }
        log = self._running[number].enter_context((self._folder / "worker.log").open("ab"))
        command = [sys.executable, "-m", "tests.usage.worker"]
        process = processes.start(command, cwd=PROJECT, env=environment, stdout=log, stderr=log)
        self._running[number].callback(processes.stop, process, signals=[(signal.SIGKILL, 5)])
        return process


@pytest.fixture
def killed(
    own_database: EmbeddedPostgres, tmp_path: Path
) -> Iterator[tuple[EmbeddedPostgres, Supervisor, Workers]]:
    with connection.cursor() as cursor:
        cursor.execute(SIMULATED_DAY)
    supervisor, workers = Supervisor(tmp_path), Workers(tmp_path)
    yield own_database, supervisor, workers
    workers.stop()
    supervisor.stop()


def run(statement: str, values: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def surely(do: Callable[[], object]) -> None:
    """Try until the database is there to do it."""

    def is_done() -> bool:
        try:
            do()
        except Error:
            connection.close()
            return False
        return True

    eventually(is_done, "it is done")


@pytest.mark.long
@pytest.mark.parametrize("days", [30])
def test_sums_are_what_clients_were_acknowledged(
    killed: tuple[EmbeddedPostgres, Supervisor, Workers],
    owner: Machine,
    peer: Machine,
    squat: MoveSpec,
    days: int,
) -> None:
    database, supervisor, workers = killed
    chance = random.Random(28)  # noqa: S311
    of_peer, _ = make_released(peer.project, SQUAT)
    streamed = [figure(seed) for seed in range(3)]
    messages = [encoded(one) for one in streamed]
    expected: dict[tuple[object, date], list[int]] = {}
    for number in range(days):
        day = FIRST_DAY + timedelta(days=number)
        surely(
            lambda day=day: connection.cursor().execute("UPDATE simulated_day SET day = %s", [day])
        )
        total = sum(len(messages[n % 3]) for n, how in enumerate(ENDS) if how != "expired")
        pace = Pace(sorted(chance.sample(range(1, total - 5), 3)))
        clients = []
        for n, how in enumerate(ENDS):
            machine, movespec = (peer, of_peer) if how == "suspended" else (owner, squat)
            kind = PersistentClient if how == "finalized" else Leaving
            client = kind(
                supervisor.stream_urls,
                create(machine, movespec, supervisor.stream_urls[0]),
                streamed[n % 3],
                messages[n % 3],
                random.Random(n),  # noqa: S311
                pace.count,
            )
            clients.append((how, client, streamed[n % 3]))
        faults = [
            lambda: supervisor.kill(chance.randrange(2)),
            lambda: workers.kill(chance.randrange(2)),
            lambda: restart(database, chance.choice([signal.SIGQUIT, signal.SIGINT])),
        ]
        chance.shuffle(faults)
        for _ in streaming([client for how, client, _ in clients if how != "expired"], pace):
            faults.pop()()
        for n, (how, client, _) in enumerate(clients):
            if n == number % len(ENDS):
                workers.kill(n % 2)
            surely(partial(end, how, client.created, owner, peer))
        eventually(lambda: not LIVE.exists(), "all have ended")
        for how, client, of_client in clients:
            machine = peer if how == "suspended" else owner
            sums = expected.setdefault((machine.project.id, day), [0, 0, 0, 0])
            frames = client.acknowledged_frames
            for index, used in enumerate((1, frames, active_ms(of_client, frames), frames)):
                sums[index] += used
    eventually(lambda: not MeteredSession.objects.exists(), "all is rolled up")
    assert roll_up() == 0
    rows = UsageDay.objects.values_list("project_id", "day", *SUMS)
    assert {(project, day): list(sums) for project, day, *sums in rows} == expected
    assert len(expected) == 2 * days
    last = FIRST_DAY + timedelta(days=days - 1)
    answer = owner.get(f"/api/usage?from={FIRST_DAY}&to={last}").json()
    assert [day["accepted_frames"] for day in answer["days"]] == [
        expected[owner.project.id, FIRST_DAY + timedelta(days=n)][1] for n in range(days)
    ]
