"""Prometheus metrics. With PROMETHEUS_MULTIPROC_DIR set, a server's processes add up."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest
from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import InfoMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from detection import ENGINE_BUILD
from kynaplatform import __version__
from kynaplatform.metrics.readiness import exposition_of, is_ready, readiness

REQUESTS = Counter("kyna_http_requests", "HTTP requests answered.", ["method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "kyna_http_request_seconds",
    "Seconds from a request's arrival to its answer.",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


class BuildCollector(Collector):
    """A constant, which prometheus_client would not tell of several processes."""

    def collect(self) -> Iterator[Metric]:
        build = {
            "version": __version__,
            "revision": settings.BUILD_REVISION,
            "engine": ENGINE_BUILD.name,
        }
        yield InfoMetricFamily("kyna_build", "What this server runs.", value=build)


class WrittenCollector(MultiProcessCollector):
    """The files of the processes, but for those that are empty: begun this moment, or by one that
    was killed then. prometheus_client can't read these, and told of none."""

    def collect(self) -> Iterable[Metric]:
        files = [str(file) for file in Path(self._path).glob("*.db") if file.stat().st_size]
        return self.merge(files, accumulate=True)  # type: ignore[no-untyped-call,no-any-return]


STATE = """
SELECT
    pg_database_size(current_database()),
    (
        SELECT COALESCE(max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)), 0)
        FROM pg_replication_slots
    ),
    CASE WHEN current_setting('archive_mode') = 'off' THEN 0
    ELSE EXTRACT(
        epoch FROM clock_timestamp() - COALESCE(last_archived_time, pg_postmaster_start_time())
    ) END
FROM pg_stat_archiver
"""


class DatabaseCollector(Collector):
    def collect(self) -> Iterator[Metric]:
        with suppress(DatabaseError, InterfaceError):
            yield from self._read()

    def _read(self) -> list[Metric]:
        with connection.cursor() as cursor:
            cursor.execute(STATE)
            size, retained, unarchived = map(float, cursor.fetchone())
        return [
            GaugeMetricFamily("kyna_database_bytes", "The size of the database.", value=size),
            GaugeMetricFamily(
                "kyna_wal_retained_bytes",
                "WAL that the slowest replication slot keeps; 0 without slots.",
                value=retained,
            ),
            GaugeMetricFamily(
                "kyna_wal_unarchived_seconds",
                "How long ago a file of WAL was last archived; 0 where archive_mode is off.",
                value=unarchived,
            ),
        ]


class DiskCollector(Collector):
    def collect(self) -> Iterator[Metric]:
        # In production nothing may have made it.
        there = next(
            path for path in (settings.DATA_DIR, *settings.DATA_DIR.parents) if path.exists()
        )
        disk = os.statvfs(there)
        yield GaugeMetricFamily(
            "kyna_disk_bytes",
            "The size of the disk that DATA_DIR is on.",
            value=disk.f_blocks * disk.f_frsize,
        )
        yield GaugeMetricFamily(
            "kyna_disk_free_bytes",
            "What is free of it for who is not root.",
            value=disk.f_bavail * disk.f_frsize,
        )


# The one that was started: those that serve are forked from it, and find this already set.
MAIN: Final = os.getpid()
TICKS: Final = os.sysconf("SC_CLK_TCK")
PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


class Process(NamedTuple):
    """`cpu_seconds` are also those of its children that have ended."""

    pid: int
    parent: int
    cpu_seconds: float
    resident_bytes: int


class ProcessesCollector(Collector):
    """The server's first process and its children, as they are now.

    Processor time counts those that have ended too, so that it never falls.
    """

    def collect(self) -> Iterator[Metric]:
        ours = [one for one in read_processes() if MAIN in (one.pid, one.parent)]
        memory = GaugeMetricFamily(
            "kyna_process_resident_memory_bytes",
            "Memory of each process of this server: main, and those below it by number.",
            labels=["process"],
        )
        # By their order, not by their ids: those that are started again make no new series.
        for number, one in enumerate(sorted(ours, key=lambda one: (one.pid != MAIN, one.pid))):
            memory.add_metric([str(number) if number else "main"], one.resident_bytes)
        yield memory
        yield CounterMetricFamily(
            "kyna_process_cpu_seconds",
            "Processor time of this server's processes, ended ones included.",
            value=sum(one.cpu_seconds for one in ours),
        )


def read_processes() -> Iterator[Process]:
    """The processes of this machine that this one may see (Linux)."""
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", "rb") as stat:
                    # The name, in parentheses, may hold anything.
                    fields = stat.read().rpartition(b")")[2].split()
            except OSError:
                continue  # it has just ended
            yield Process(
                pid=int(entry),
                parent=int(fields[1]),
                cpu_seconds=sum(map(int, fields[11:15])) / TICKS,
                resident_bytes=int(fields[21]) * PAGE_BYTES,
            )


# Read from the database at each scrape; apps add theirs when they are ready.
DATABASE_COLLECTORS: list[Collector] = [DatabaseCollector()]
# Read from the machine at each scrape, and the same in every process of a server.
_OF_SERVER = CollectorRegistry()
_OF_SERVER.register(BuildCollector())
_OF_SERVER.register(ProcessesCollector())
_OF_SERVER.register(DiskCollector())


def observe_request(request: HttpRequest, status: int, seconds: float) -> None:
    """Count one request under its route, never under its path: paths are unbounded."""
    route = request.resolver_match.route if request.resolver_match else "unknown"
    method = request.method if request.method in _METHODS else "other"
    REQUESTS.labels(method, route, str(status)).inc()
    REQUEST_SECONDS.labels(route).observe(seconds)


def exposition() -> bytes:
    """Every metric in Prometheus's text format; of the database, while it answers."""
    states = readiness().states()
    database = CollectorRegistry()
    if is_ready(states):
        for collector in DATABASE_COLLECTORS:
            database.register(collector)
    return process_exposition() + exposition_of(states) + generate_latest(database)


def process_exposition() -> bytes:
    """The metrics of this process and its siblings, which need no database."""
    processes = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        processes = CollectorRegistry()
        WrittenCollector(processes)  # type: ignore[no-untyped-call]
    return generate_latest(processes) + generate_latest(_OF_SERVER)
