"""What a session costs the database and the processor, and a million of them a month.

    python -m bench.month [--sessions 6] [--fewer 1] [--more 3] [--throwaway]

Sessions of so many minutes stream a figure's squats to one runtime, in batches of 15 frames, as
fast as they are acknowledged, and are finalized: first those of `--fewer` minutes, then those of
`--more`. Of a session of each: its events and their bytes with indexes, updates, bytes of WAL, and
seconds of processor, of the runtime and of PostgreSQL. What a session costs and what each of its
minutes does is the line through the two. By it a million sessions of 3 and of 20 minutes a month:
GiB, processor cores on average, and how many stream at once on average and at a peak of four times
that.

The pages that PostgreSQL writes whole into the WAL after a checkpoint come on top, without
`--throwaway` as `wal_whole_pages`. DATABASE_URL must be unset: the WAL of a server that others use
is theirs too.
"""

import asyncio
import os

import psutil
import uvloop

from bench.command import read_options, show
from bench.scene import Scene, scene_for_run
from bench.servers import Server, runtime
from bench.stream_load import FRAMES_PER_SECOND, Load

BATCH, AT_ONCE = 15, 8
SESSIONS_A_MONTH = 1_000_000
SECONDS_A_MONTH = 30 * 86_400
# Of people, most train in the same hours.
PEAK_OF_MEAN = 4
GIB = 2**30
# Of the events' table with its partitions, where it has some.
FIGURES = """
SELECT
    (SELECT count(*) FROM detection_event),
    updated.n_tup_upd,
    updated.n_tup_hot_upd,
    pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0'),
    (SELECT coalesce(sum(pg_total_relation_size(relid)), pg_total_relation_size('detection_event'))
     FROM pg_partition_tree('detection_event'))
FROM pg_stat_user_tables AS updated
WHERE updated.relname = 'detection_session'
"""
Figures = dict[str, float]


def main() -> None:
    options = read_options(__doc__, sessions=6, fewer=1, more=3)
    if os.environ.get("DATABASE_URL"):
        raise SystemExit("Unset DATABASE_URL: the WAL of a server of others is theirs too.")
    with scene_for_run(options.throwaway) as (folder, scene), runtime(folder) as server:
        uvloop.run(stream(Load(server, scene, BATCH, 600), AT_ONCE))  # what is made once
        fewer, more = (
            uvloop.run(measure(server, scene, minutes, options.sessions))
            for minutes in (options.fewer, options.more)
        )
    minute = {name: (more[name] - fewer[name]) / (options.more - options.fewer) for name in more}
    session = {name: fewer[name] - options.fewer * minute[name] for name in more}
    show("a session alone", **session)
    show("each of its minutes", **minute)
    for minutes in (3, 20):
        each = {name: session[name] + minutes * minute[name] for name in session}
        show_month(minutes, each)


async def measure(server: Server, scene: Scene, minutes: int, count: int) -> Figures:
    load = Load(server, scene, BATCH, most_frames=minutes * 60 * FRAMES_PER_SECOND)
    await asyncio.to_thread(settle)
    before = await asyncio.to_thread(figures, server)
    await stream(load, count)
    after = await asyncio.to_thread(figures, server)
    each = {name: (after[name] - before[name]) / count for name in before}
    show(f"a session of {minutes} minutes", **each)
    return each


def show_month(minutes: int, each: Figures) -> None:
    at_once = SESSIONS_A_MONTH * minutes * 60 / SECONDS_A_MONTH
    show(f"a session of {minutes} minutes, by that", **each)
    month = {name: value * SESSIONS_A_MONTH for name, value in each.items()}
    sizes = {name: size for name, size in month.items() if name.endswith("_bytes")}
    show(
        "a million of them a month",
        **{f"{name.removesuffix('_bytes')}_gib": size / GIB for name, size in sizes.items()},
        event_rows_millions=month["event_rows"] / 1e6,
        runtime_cores=month["runtime_seconds"] / SECONDS_A_MONTH,
        postgres_cores=month["postgres_seconds"] / SECONDS_A_MONTH,
        streams_at_once=at_once,
        at_the_peak=at_once * PEAK_OF_MEAN,
    )


async def stream(load: Load, count: int) -> None:
    """`count` sessions, AT_ONCE of them at once, each to its end."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with gate:
            (socket,) = await load.attach_many(1)
            for message in load.messages:
                socket.send(message)
                await socket.acknowledged()
            await socket.finalize()
            socket.close()

    await asyncio.gather(*(one() for _ in range(count)))


def settle() -> None:
    """A checkpoint, after which pages are written whole, and the statistics of plans."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


def figures(server: Server) -> Figures:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(FIGURES)
        events, updates, hot, wal, events_bytes = map(float, cursor.fetchone())
        cursor.execute("SELECT wal_fpi FROM pg_stat_wal")
        (whole_pages,) = cursor.fetchone()
    return {
        "event_rows": events,
        "updates": updates,
        "hot_updates": hot,
        "wal_bytes": wal,
        "wal_whole_pages": float(whole_pages),
        "events_bytes": events_bytes,
        "runtime_seconds": server.cpu_seconds(),
        "postgres_seconds": postgres_seconds(),
    }


def postgres_seconds() -> float:
    """Of the server's processes: those of the runtime's connections stay."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity")
        times = [psutil.Process(pid).cpu_times() for (pid,) in cursor.fetchall()]
    return float(sum(one.user + one.system for one in times))


if __name__ == "__main__":
    main()
