"""The time of a create beside the reads of another customer, which are many or abandoned.

    python -m dev.bench.reads [--processes 2] [--threads 2] [--readers 12] [--seconds 6]
                          [--events 1000000] [--sessions 200000] [--only export] [--throwaway]

One customer has a session of 20,000 events, that many events in others, and that many sessions. Its
readers ask without a pause, over a kept connection each; or each breaks off its request after 20 ms
and sends another half a second later. Meanwhile another customer creates a session every 50 ms. The
reads are the dearest of each kind: events of a type that the session has not, whole pages of
events, sessions by a filter that none meets, a page of an export, the usage of 400 days, and a
person of all those sessions. A reader that gets a 429 asks again at once. A line is how long the
creates took, counted from when each was due, and how many reads were answered a second. `--only`
measures the reads whose name has that text.

Servers, PostgreSQL and load share the machine: compare figures of one run only.
"""

import argparse
import asyncio
import math
import time
import uuid
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode

import uvloop

from dev.bench.command import percentiles, read_options, show
from dev.bench.create import read_response, request_of
from dev.bench.scene import Scene, make_customer, scene_for_run
from dev.bench.servers import web_server

BROKEN_OFF_SECONDS, ANOTHER_SECONDS, CREATE_SECONDS = 0.02, 0.5, 0.05
LONG_SESSION_EVENTS = 20_000
SESSIONS = """
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


def main() -> None:
    options = read_options(
        __doc__,
        processes=2,
        threads=2,
        readers=12,
        seconds=6.0,
        events=1_000_000,
        sessions=200_000,
        only="",
    )
    with scene_for_run(options.throwaway) as (folder, scene):
        fill(scene, options)
        measure(folder, scene, make_customer("Other"), options)


def fill(scene: Scene, options: argparse.Namespace) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        values = {**vars(options), "project": scene.project_id, "long": LONG_SESSION_EVENTS}
        cursor.execute(SESSIONS, values)
        cursor.execute(EVENTS, values)
        cursor.execute("VACUUM ANALYZE")


def measure(folder: Path, scene: Scene, other: Scene, options: argparse.Namespace) -> None:
    from sessions_app.models import DetectionSession

    longest = DetectionSession.objects.filter(project_id=scene.project_id).latest("created_at")
    sessions, today = "/api/detection/sessions", datetime.now(UTC).date()
    reads = {
        "events of a type, none": f"{sessions}/{longest.id}/events?type=event_interrupted",
        "500 events": f"{sessions}/{longest.id}/events?limit=500",
        "sessions, none": f"{sessions}?status=failed&mode=replay&limit=500",
        "500 sessions": f"{sessions}?limit=500",
        "a page of an export": "/api/export",
        "usage": f"/api/usage?{urlencode({'from': today - timedelta(days=399), 'to': today})}",
        "a person": "/api/subjects/summary?subject=p_4711",
    }
    with web_server(folder, options.processes, options.threads) as server:
        show("alone", **uvloop.run(beside(server.port, None, False, scene, other, options)))
        for what, path in reads.items():
            if options.only not in what:
                continue
            for is_abandoned in (False, True):
                show(
                    f"{what}, {'abandoned' if is_abandoned else 'in parallel'}",
                    **uvloop.run(beside(server.port, path, is_abandoned, scene, other, options)),
                )


async def beside(
    port: int,
    path: str | None,
    is_abandoned: bool,
    scene: Scene,
    other: Scene,
    options: argparse.Namespace,
) -> dict[str, float]:
    ends_at = time.perf_counter() + options.seconds
    readers = path and [
        asyncio.create_task(read(port, path, is_abandoned, scene.token, ends_at))
        for _ in range(options.readers)
    ]
    await asyncio.sleep(0.2)
    waits = await create(port, other, ends_at)
    answered = sum(await asyncio.gather(*readers or []))
    found = {**percentiles(waits), "longest_ms": max(waits, default=math.inf) * 1e3}
    return found | ({"reads_per_second": answered / options.seconds} if answered else {})


async def read(port: int, path: str, is_abandoned: bool, token: str, ends_at: float) -> int:
    """Ask for `path` again and again; how often it was answered."""
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n"
    answered = 0
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < ends_at:
        writer.write(head.encode())
        if is_abandoned:
            await asyncio.sleep(BROKEN_OFF_SECONDS)
            writer.close()
            await asyncio.sleep(ANOTHER_SECONDS)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        else:
            answered += await read_response(reader, 200, 429) == HTTPStatus.OK
    writer.close()
    return answered


async def create(port: int, scene: Scene, ends_at: float) -> list[float]:
    """A session every CREATE_SECONDS: how long after that each create was answered."""
    request = request_of(scene)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request(None))  # a process's first one takes longer
    await read_response(reader, 201)
    waits = []
    due_at = time.perf_counter()
    while due_at < ends_at:
        writer.write(request(uuid.uuid4().hex))
        await read_response(reader, 201)
        waits.append(time.perf_counter() - due_at)
        due_at += CREATE_SECONDS
        await asyncio.sleep(max(0.0, due_at - time.perf_counter()))
    writer.close()
    return waits


if __name__ == "__main__":
    main()
