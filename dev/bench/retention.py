"""What retention costs creates and checkpoints, and what it leaves of the tables.

    python -m dev.bench.retention [--sessions 20000] [--events 100] [--days 10] [--seconds 10]
                              [--only partitions] [--throwaway]

So many sessions with so many events each ended in as many days. Two threads create sessions and
store checkpoints without a pause: alone, while a worker deletes all of these, and again. First it
does so by the platform's days, so that events leave with their partitions; then, of as many again,
by an organization's own, so that all leave in batches; `--only` one of the two, `partitions` or
`batches`. At the end the tables' sizes, after a VACUUM as autovacuum would do it.

Retention pauses for as long as it works. Worker, PostgreSQL and load share the machine: compare
figures of one run only.
"""

import argparse
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from dev.bench.command import read_options, show
from dev.bench.scene import Scene, scene_for_run
from dev.bench.wal import Batch, attach, batches

THREADS = 2
CHECKPOINTS = 40  # of each session that is created
SESSIONS = """
INSERT INTO detection_session (
    id, project_id, resolved_version_id, mode, contract_major, status, terminal_outcome,
    accepted_frames_total, created_at, started_at, ended_at, longest_until, checkpoint_number,
    signing_key_id, runtime_token_expires_at, stream_url, events_total, counted_events_total
)
SELECT overlay(gen_random_uuid()::text PLACING left(id, 8) || '-' || right(id, 4) FROM 1)::uuid,
       %(project)s, (SELECT id FROM movespecs_movespecversion LIMIT 1), 'live', 1, 'completed',
       'completed', 36000, at, at, at + interval '20 minutes', at, 2400, gen_random_uuid(), at,
       'wss://kyna.example.com/api/detection/stream/', %(events)s, %(events)s
FROM (
    SELECT at, lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') AS id
    FROM (
        SELECT %(start)s::timestamptz + n * (%(days)s * interval '1 day') / %(sessions)s AS at
        FROM generate_series(0, %(sessions)s - 1) AS n
    ) AS n
) AS n
"""
EVENTS = """
INSERT INTO detection_event (session_id, sequence, frame_seq, ts_ms, type, payload)
SELECT id, n, n, n * 33.3, 'shape_enter', '{"shape_key": "standing", "confidence": 1.0}'
FROM detection_session, generate_series(1, events_total) AS n
WHERE deadline_at IS NULL AND NOT EXISTS (
    SELECT FROM detection_event AS event WHERE event.session_id = detection_session.id
)
"""
SIZES = """
SELECT sum(pg_total_relation_size(oid)) FILTER (WHERE relname LIKE 'detection\\_event\\_%'),
       sum(pg_total_relation_size(oid)) FILTER (WHERE relname = 'detection_session')
FROM pg_class WHERE relkind = 'r'
"""
WORKER = """
import sys, django
django.setup()
from datetime import datetime
from sessions_app.session_retention import retention_apply
print(retention_apply(now=datetime.fromisoformat(sys.argv[1])))
"""


def main() -> None:
    options = read_options(__doc__, sessions=20_000, events=100, days=10, seconds=10.0, only="")
    if options.only not in ("", "partitions", "batches"):
        raise SystemExit(f"There is no way of {options.only}: partitions or batches.")
    with scene_for_run(options.throwaway) as (_, scene):
        measure(scene, options)


def measure(scene: Scene, options: argparse.Namespace) -> None:
    from projects.models import Organization

    ready = list(batches(1, 15))[-CHECKPOINTS:]
    for what, days in (("with partitions", None), ("in batches", 2)):
        if options.only not in what:
            continue
        Organization.objects.update(retention_days=days)
        now = fill(scene, options)
        show(f"{what}, before", **sizes())
        with Traffic(scene, ready) as traffic:
            time.sleep(2)
            traffic.measured("alone", options.seconds)
            began = time.monotonic()
            with worker(now) as process:
                traffic.measured_until(what, lambda: process.poll() is not None)
                told = process.communicate()[0]
            show(f"{what}, done", sessions=int(told), seconds=time.monotonic() - began)
            traffic.measured("alone again", options.seconds)
        vacuum()
        show(f"{what}, after", **sizes())


def fill(scene: Scene, options: argparse.Namespace) -> datetime:
    """Sessions of days ahead, which have partitions; a moment at which all of them are due."""
    from django.db import connection

    from sessions_app.event_partitions import dated_partitions, event_partitions_make

    start = dated_partitions()[-1].ends_at
    for day in range(options.days + 1):
        event_partitions_make(now=start + timedelta(days=day), kept_days=30)
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(SESSIONS, {**vars(options), "project": scene.project_id, "start": start})
        cursor.execute(EVENTS)
        cursor.execute("VACUUM ANALYZE")
    return start + timedelta(days=options.days + 40)


def worker(now: datetime) -> "subprocess.Popen[str]":
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", WORKER, now.isoformat()],
        env={**os.environ, "RETENTION_DAYS": "30"},
        stdout=subprocess.PIPE,
        text=True,
    )


def vacuum() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def sizes() -> dict[str, float]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(SIZES)
        events, sessions = (float(size) / 1e6 for size in cursor.fetchone())
        cursor.execute(
            "SELECT (SELECT count(*) FROM detection_session), count(*) FROM detection_event"
        )
        of_sessions, of_events = cursor.fetchone()
    return {
        "events": of_events,
        "events_mb": events,
        "sessions": of_sessions,
        "sessions_mb": sessions,
    }


class Traffic:
    """Threads that create sessions and store their checkpoints, as long as it is open."""

    def __init__(self, scene: Scene, ready: list[Batch]) -> None:
        self._scene = scene
        self._ready = ready
        self._over = threading.Event()
        self.creates = self.checkpoints = 0
        self.longest = 0.0
        self._threads = [threading.Thread(target=self._run) for _ in range(THREADS)]

    def __enter__(self) -> "Traffic":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def measured(self, what: str, seconds: float) -> None:
        ends_at = time.monotonic() + seconds
        self.measured_until(what, lambda: time.monotonic() >= ends_at)

    def measured_until(self, what: str, is_over: Callable[[], bool]) -> None:
        began, self.longest = time.monotonic(), 0.0
        creates, checkpoints = self.creates, self.checkpoints
        while not is_over():
            time.sleep(0.05)
        seconds = time.monotonic() - began
        show(
            what,
            creates_per_second=(self.creates - creates) / seconds,
            checkpoints_per_second=(self.checkpoints - checkpoints) / seconds,
            longest_ms=self.longest * 1e3,
        )

    def _run(self) -> None:
        from django.db import connection

        while not self._over.is_set():
            ((session_id, attachment_id),) = attach(self._scene, 1)
            self.creates += 1
            for number, batch in enumerate(self._ready, 1):
                self._store(session_id, attachment_id, number, batch)
        connection.close()

    def _store(
        self, session_id: uuid.UUID, attachment_id: uuid.UUID, number: int, batch: Batch
    ) -> None:
        from django.db import connection

        from sessions_app.checkpoints import STATEMENT, Checkpoint, parameters

        now = datetime.now(UTC)
        first = self._ready[0].events_before
        checkpoint = Checkpoint(
            session_id=session_id,
            attachment_id=attachment_id,
            number=number,
            packed_state=batch.packed_state,
            accepted_frames=batch.frames,
            rejected_frames=0,
            last_frame_seq=batch.last_frame_seq,
            last_batch_seq=batch.number,
            last_message_at=now,
            events=[event._replace(sequence=event.sequence - first) for event in batch.events],
        )
        began = time.monotonic()
        with connection.cursor() as cursor:
            cursor.execute(STATEMENT, parameters([checkpoint], now))
            if [answer for _, answer in cursor.fetchall()] != ["held"]:
                raise SystemExit("A checkpoint was not stored.")
        self.longest = max(self.longest, time.monotonic() - began)
        self.checkpoints += 1


if __name__ == "__main__":
    main()
