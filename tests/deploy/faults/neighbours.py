"""Hostile neighbours beside a victim of another organization: its p99, and everybody's memory.

The victim's p99 beside them is compared with its own when alone, in the same run: of its requests,
of its streams' acknowledgements, and of its messages from their commit to their receipt. What was
not answered by the end counts with the time that it has waited.
"""

import json
import os
import re
import statistics
import time
from collections import ChainMap, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import psycopg

from dev.bench.command import percentiles
from dev.local_stack import processes
from dev.local_stack.environment import PROJECT
from dev.local_stack.ports import free_port
from tests.deploy.faults.film import BATCH_SECONDS, FIGURES, MOVESPEC, Film
from tests.deploy.faults.hostile import BEHAVIOURS, Load, expensive_movespec
from tests.deploy.faults.judgement import wrong_sessions
from tests.deploy.faults.outages import row, table_head
from tests.deploy.faults.stage import Stage
from tests.deploy.faults.streams import Streaming, abandon
from tests.deploy.faults.traffic import REQUEST_SECONDS, Traffic, created_by, make_project
from tests.deploy.faults.webhooks import Receiver, receiving

NAME = "hostile neighbours"
KINDS = ("exporters", "senders", "receivers")
# How much slower the victim's p99 may be.
MAX_RATIO = 2.0
# After its warm-up a process may grow by so much, from the first quarter to the last.
MAX_GROWTH, MAX_GROWTH_MIB = 1.1, 16.0
STREAMS = 10
# Until what has just begun is under way; a cold victim, alone, would excuse a slow one later.
WARM_UP_SECONDS, RAMP_SECONDS = 20.0, 5.0
READY_SECONDS, END_SECONDS = 60.0, 90.0
MESSAGE_SECONDS = 0.1
# Of memory, and of what hostile receivers have to get.
ROUND_SECONDS = 5.0
# Longer ones begin anew: a session may last for an hour.
MAX_PART_SECONDS = 600.0
# What a project of many events has, and the default of its requests a minute.
EXPORTED = {"sessions": 2_000, "events": 100_000, "long": 20_000}
REQUESTS_A_MINUTE = 100
# A project has no more of them, and each is to have so many messages that are due.
ENDPOINTS, DUE = 16, 64
MAKE_ENDPOINTS = """
from kynaplatform import clock
from projects.models import Organization, Project
from webhooks.endpoints import endpoint_create
for name, port in {ports}.items():
    organization = Organization.objects.create(name=name)
    project = Project.objects.create(organization=organization, name=name)
    for _ in range({endpoints}):
        url = f"http://127.0.0.1:{{port}}/"
        endpoint_create(project_id=project.id, url=url, now=clock.now())
"""
ENDED_SESSIONS = """
INSERT INTO detection_session (
    id, project_id, resolved_version_id, mode, contract_major, status, terminal_outcome,
    accepted_frames_total, created_at, started_at, ended_at, longest_until, checkpoint_number,
    signing_key_id, runtime_token_expires_at, stream_url, events_total, counted_events_total,
    subject, summary
)
SELECT gen_random_uuid(), %(project)s, (SELECT id FROM movespecs_movespecversion LIMIT 1), 'live',
       1, 'completed', 'completed', 100, at, at, at, at, 0, gen_random_uuid(), at, '', 0, 0,
       'p_4711', '{"active_ms": 61200, "counted": {"squat": {
           "completed": 12, "attempts": {}, "by_side": null, "longest_ms": null, "total_ms": null,
           "measures": {"joint.knee": {"best": 80, "mean": 90, "least": 80, "most": 170}}}}}'
FROM (SELECT now() - n * interval '1 minute' AS at FROM generate_series(1, %(sessions)s) AS n) AS n
"""
# The newest session has the most.
EVENTS = """
INSERT INTO detection_event (session_id, sequence, frame_seq, ts_ms, type, payload)
SELECT id, n, n, n * 33.3, 'feedback',
       jsonb_build_object('level', 'coaching', 'message', repeat('Chest up. ', 19))
FROM (
    SELECT id, CASE WHEN row_number() OVER (ORDER BY created_at DESC) = 1 THEN %(long)s
                    ELSE %(events)s / %(sessions)s END AS events
    FROM detection_session WHERE project_id = %(project)s
) AS session, generate_series(1, session.events) AS n
"""
WAITING = """
INSERT INTO webhook_delivery (id, endpoint_id, type, data, occurred_at, created_at, due_at)
SELECT webhook_uuid7(), %s, 'movespec.released', '{"name": "Squat"}', now(), now(), now()
"""
FILL_UP = """
INSERT INTO webhook_delivery (id, endpoint_id, type, data, occurred_at, created_at, due_at)
SELECT webhook_uuid7(), endpoint.id, 'movespec.released', '{"name": "Squat"}', now(), now(), now()
FROM webhook_endpoint AS endpoint
CROSS JOIN LATERAL (
    SELECT count(*) AS number FROM (
        SELECT FROM webhook_delivery
        WHERE endpoint_id = endpoint.id AND status = 'waiting' AND due_at <= now() LIMIT %(due)s
    ) AS one
) AS found
CROSS JOIN generate_series(1, %(due)s - found.number)
WHERE endpoint.url = ANY (%(urls)s)
"""
UNDELIVERED = "SELECT id::text FROM webhook_delivery WHERE endpoint_id = %s AND status = 'waiting'"
SQUAT = (PROJECT / MOVESPEC).read_text()
Database = psycopg.Connection[Any]


@dataclass(frozen=True)
class Neighbours:
    """The kinds that are there in each part, after one alone, and for how long each is measured."""

    parts: Sequence[Sequence[str]]
    seconds: float
    is_memory_judged: bool = False

    @classmethod
    def for_minutes(cls, minutes: float) -> "Neighbours":
        """All of them for so long, in equal parts, and whether memory stays flat."""
        parts = max(1, round(60 * minutes / MAX_PART_SECONDS))
        return cls([KINDS] * parts, 60 * minutes / parts, is_memory_judged=True)


# A p99 needs some hundred times of each.
EACH_AND_ALL = Neighbours([*([kind] for kind in KINDS), KINDS], 25.0)


@dataclass(frozen=True)
class Part:
    """Of one part of the run, the median and the 99th percentile of each measure, in ms.

    `deeds` is how often the neighbours have done what they do.
    """

    beside: str
    measures: dict[str, dict[str, float]]
    deeds: dict[str, int]

    def as_row(self) -> str:
        cells = (f"{one['p50_ms']:.0f} / {one['p99_ms']:.0f}" for one in self.measures.values())
        return row(self.beside, *cells, ", ".join(f"{n} {name}" for name, n in self.deeds.items()))


def faults_of(part: Part, alone: Part) -> list[str]:
    """What the victim felt of them. Whoever did nothing has proved nothing."""
    wrong = [f"The neighbours had no {name}" for name, number in part.deeds.items() if not number]
    for name, one in part.measures.items():
        p99, own = one["p99_ms"], alone.measures[name]["p99_ms"]
        if p99 > MAX_RATIO * own:
            wrong.append(f"{part.beside}: the p99 of {name} is {p99:.0f} ms, alone {own:.0f} ms")
    return wrong


class Memory:
    """The proportional size of each service with all of its processes, in MiB, over time."""

    def __init__(self) -> None:
        self.sizes: dict[str, list[float]] = defaultdict(list)

    def sample(self, stage: Stage) -> None:
        for name, member in stage.members.items():
            if member.process is not None:
                with suppress(psutil.NoSuchProcess):
                    guarded = psutil.Process(member.process.pid).children(recursive=True)
                    size = sum(one.memory_full_info().pss for one in guarded)
                    self.sizes[name].append(round(size / 2**20, 1))

    def figures(self) -> dict[str, tuple[float, float, float]]:
        """The medians of the first and of the last quarter after a warm-up, and the most.

        Half of the run is warm-up: a worker grows once, at its first hourly tasks.
        """
        found = {}
        for name, sizes in self.sizes.items():
            warm = sizes[len(sizes) // 2 :]
            quarter = max(1, len(warm) // 4)
            first, last = statistics.median(warm[:quarter]), statistics.median(warm[-quarter:])
            found[name] = first, last, max(sizes)
        return found

    def growth(self) -> list[str]:
        return [
            f"{name} has grown from {first:.0f} to {last:.0f} MiB"
            for name, (first, last, _) in self.figures().items()
            if last > MAX_GROWTH * first and last > first + MAX_GROWTH_MIB
        ]


class Victim:
    """Creates and reads, streams of 30 frames/s, and a webhook with a message every 0.1 s."""

    def __init__(self, stage: Stage, receiver: Receiver, database: Database) -> None:
        self.project = make_project(stage, SQUAT)
        receiver.subscribe(stage, self.project.id)
        created = created_by(self.project.api, "read")
        self.traffic = Traffic(self.project.api, {"read": created["session_id"]})
        self._receiver, self._database = receiver, database

    def stream(self, part: str) -> list[Streaming]:
        """Start streams of a part, out of step with each other."""
        streams = []
        for number in range(STREAMS):
            created = created_by(self.project.api, f"{part}-{number}")
            film = Film(SQUAT)
            film.begun_at += BATCH_SECONDS * number / STREAMS
            streams.append(Streaming(created, number % FIGURES, film))
            streams[-1].start()
        return streams

    def measure(self, streams: Sequence[Streaming], began_at: float) -> dict[str, dict[str, float]]:
        """What there was since then, until now."""
        now = time.monotonic()
        requests = [
            one.ended_at - one.began_at if one.is_answered else REQUEST_SECONDS
            for one in self.traffic.requests[:]
            if began_at <= one.ended_at
        ]
        waits = (wait for one in streams for wait in waits_for_acknowledgement(one, now))
        undelivered = self._database.execute(UNDELIVERED, [self._receiver.endpoint_id])
        received_at = {id_: time.time() for (id_,) in undelivered}
        # The first time of each counts.
        received_at |= {one.id: one.at.timestamp() for one in self._receiver.received[::-1]}
        # A message's id begins with its time in milliseconds.
        messages = ((at, (UUID(id_).int >> 80) / 1000) for id_, at in received_at.items())
        since = time.time() - (now - began_at)
        return {
            "requests": in_ms(requests),
            "acknowledgements": in_ms([wait for had_at, wait in waits if had_at >= began_at]),
            "messages": in_ms(
                [at - written_at for at, written_at in messages if written_at >= since]
            ),
        }


def in_ms(seconds: Sequence[float]) -> dict[str, float]:
    return {name: round(ms, 1) for name, ms in percentiles(seconds).items()}


def waits_for_acknowledgement(stream: Streaming, now: float) -> Iterator[tuple[float, float]]:
    """When the camera had each batch, and how long after that it was acknowledged."""
    acknowledged_at = stream.acknowledged_at[:]
    for batch in range(max(len(acknowledged_at), stream.film.batches_by_now())):
        had_at = stream.film.begun_at + (batch + 1) * BATCH_SECONDS
        known_at = acknowledged_at[batch] if batch < len(acknowledged_at) else now
        yield had_at, known_at - had_at


def stand_beside(
    stage: Stage, plan: Neighbours, say: Callable[[str], None]
) -> tuple[list[Part], Memory, list[str]]:
    """The parts, the memory beside them, and what was wrong. Rows are said as they come."""
    memory, parts, wrong = Memory(), list[Part](), list[str]()
    with (
        receiving() as receiver,
        psycopg.connect(stage.database.url, autocommit=True) as database,
    ):
        victim = Victim(stage, receiver, database)
        loads = make_hostile(stage, database)
        urls = [f"http://127.0.0.1:{port}/" for port in loads["receivers"].receivers.values()]

        def go_on(seconds: float, kinds: Sequence[str]) -> None:
            ends_at, round_at = time.monotonic() + seconds, 0.0
            while (now := time.monotonic()) < ends_at:
                if now >= round_at:
                    round_at = now + ROUND_SECONDS
                    memory.sample(stage)
                    if "receivers" in kinds:
                        database.execute(FILL_UP, {"due": DUE, "urls": urls})
                database.execute(WAITING, [receiver.endpoint_id])
                stage.pass_time(MESSAGE_SECONDS)

        victim.traffic.start()
        try:
            for number, kinds in enumerate(([], *plan.parts)):
                streams = victim.stream(f"part-{number}")
                try:
                    with hostile(stage, [loads[kind] for kind in kinds]) as deeds:
                        go_on(RAMP_SECONDS if parts else WARM_UP_SECONDS, kinds)
                        began_at = time.monotonic()
                        go_on(plan.seconds, kinds)
                        measures = victim.measure(streams, began_at)
                        done = deeds()
                    wrong += wrong_streams(stage, victim, streams)
                finally:
                    abandon(streams)
                if not parts:
                    say(table_head("p50 / p99, ms, beside", *measures, "what they did"))
                parts.append(Part(" and ".join(kinds) or "nobody", measures, done))
                say(parts[-1].as_row())
                wrong += faults_of(parts[-1], parts[0])
        finally:
            victim.traffic.end()
        victim.traffic.repeat_unanswered()
        wrong += victim.traffic.wrong
    say(f"\n{table_head('memory, MiB', 'first quarter', 'last quarter', 'most')}")
    for name, sizes in memory.figures().items():
        say(row(name, *(f"{size:.0f}" for size in sizes)))
    return parts, memory, wrong + (memory.growth() if plan.is_memory_judged else [])


def make_hostile(stage: Stage, database: Database) -> dict[str, Load]:
    """The load of each kind, with organizations of their own."""
    url, certificate = stage.url, str(stage.certificate)
    exporter = make_project(stage, SQUAT)
    limited = "UPDATE projects_project SET rate_limit = %s WHERE id = %s"
    database.execute(limited, [REQUESTS_A_MINUTE, exporter.id])
    for statement in (ENDED_SESSIONS, EVENTS):
        database.execute(statement, {**EXPORTED, "project": exporter.id})
    database.execute("VACUUM ANALYZE")
    database.execute("CHECKPOINT")
    sender = make_project(stage, expensive_movespec())
    ports = {behaviour: free_port() for behaviour in BEHAVIOURS}
    source = MAKE_ENDPOINTS.format(ports=ports, endpoints=ENDPOINTS)
    stage.services["webhooks"].run("python", "manage.py", "shell", "-c", source)
    return {
        "exporters": Load(url, certificate, exporter=exporter.token),
        "senders": Load(url, certificate, sender=sender.token, body=sender.body),
        "receivers": Load(url, certificate, receivers=ports),
    }


@contextmanager
def hostile(stage: Stage, loads: Sequence[Load]) -> Iterator[Callable[[], dict[str, int]]]:
    """While inside, each load is a process. Gives what tells how often they have done what."""
    logs = [stage.folder / f"hostile-{number}.log" for number in range(len(loads))]
    with ExitStack() as stack:
        for load, log in zip(loads, logs, strict=True):
            process = processes.running(
                load.command(),
                log=log,
                is_ready=lambda log=log: bool(last_line(log)),
                ready_seconds=READY_SECONDS,
                signals=[],
                env=os.environ,
                cwd=PROJECT,
            )
            stack.enter_context(process)
        yield lambda: dict(ChainMap(*map(last_line, logs)))


def last_line(log: Path) -> dict[str, int]:
    """Empty where there is none yet."""
    lines = re.findall("^{.*}$", log.read_text(), re.MULTILINE)
    found: dict[str, int] = json.loads(lines[-1]) if lines else {}
    return found


def wrong_streams(stage: Stage, victim: Victim, streams: Sequence[Streaming]) -> list[str]:
    """Of the victim's streams, once they have ended: each frame was counted once."""
    for one in streams:
        one.film.end()
    stage.wait_until(
        lambda: all(one.has_ended for one in streams), END_SECONDS, "the victim's have ended"
    )
    api, url = victim.project.rest, stage.database.url
    each = (wrong_sessions([one], one.film, api, url, is_upgraded=False) for one in streams)
    return [*chain.from_iterable(each)]
