"""Prometheus metrics. With PROMETHEUS_MULTIPROC_DIR set, a server's processes add up."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import InfoMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from detection import ENGINE_BUILD
from kynaplatform import __version__
from kynaplatform.metrics.readiness import OK, UNKNOWN, is_ready, readiness

REQUESTS = Counter("kyna_http_requests", "HTTP requests answered.", ["method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "kyna_http_request_seconds",
    "Seconds from a request's arrival to its answer.",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


class WrittenCollector(MultiProcessCollector):
    """Skips the empty files of processes that have just begun or were killed then.

    prometheus_client can't read these, and would show no metrics at all.
    """

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
# The gauges of STATE's columns.
OF_DATABASE: Final = {
    "kyna_database_bytes": "The size of the database.",
    "kyna_wal_retained_bytes": "WAL that the slowest replication slot keeps; 0 without slots.",
    "kyna_wal_unarchived_seconds": "How long ago a file of WAL was last archived; 0 where "
    "archive_mode is off.",
}


class ReadCollector(Collector):
    """The metrics that `read` yields at each scrape; none while the database fails it."""

    def __init__(self, read: Callable[[], Iterable[Metric]]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        with suppress(DatabaseError, InterfaceError):
            yield from self._read()


def database_metrics() -> Iterator[Metric]:
    with connection.cursor() as cursor:
        cursor.execute(STATE)
        values = map(float, cursor.fetchone())
    for (name, about), value in zip(OF_DATABASE.items(), values, strict=True):
        yield GaugeMetricFamily(name, about, value=value)


# The server's first process: those that serve are forked from it, and find this already set.
MAIN: Final = os.getpid()
TICKS: Final = os.sysconf("SC_CLK_TCK")
PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


def server_metrics() -> Iterator[Metric]:
    """The build, the disk of DATA_DIR, and the server's first process with its children.

    Processor time includes ended processes, so that it never falls.
    """
    build = {
        "version": __version__,
        "revision": settings.BUILD_REVISION,
        "engine": ENGINE_BUILD.name,
    }
    yield InfoMetricFamily("kyna_build", "What this server runs.", value=build)
    ours = list(_own_processes())
    memory = GaugeMetricFamily(
        "kyna_process_resident_memory_bytes",
        "Memory of each process of this server: main, and those below it by number.",
        labels=["process"],
    )
    # Numbered by order, not by id: a process that is started again makes no new series.
    for number, (_, resident_bytes, _) in enumerate(sorted(ours)):
        memory.add_metric([str(number) if number else "main"], resident_bytes)
    yield memory
    yield CounterMetricFamily(
        "kyna_process_cpu_seconds",
        "Processor time of this server's processes, ended ones included.",
        value=sum(cpu_seconds for _, _, cpu_seconds in ours),
    )
    # In production the folder may not exist yet.
    folders = (settings.DATA_DIR, *settings.DATA_DIR.parents)
    disk = os.statvfs(next(folder for folder in folders if folder.exists()))
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


def _own_processes() -> Iterator[tuple[tuple[bool, int], int, float]]:
    """Of each process of this server (Linux): its place, main first and then by id, its memory in
    bytes, and the seconds of it and of its ended children."""
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            stat = Path(f"/proc/{entry}/stat").read_bytes()
        except OSError:
            continue  # it has just ended
        # The name, in parentheses, may contain anything.
        fields = stat.rpartition(b")")[2].split()
        pid, parent = int(entry), int(fields[1])
        if MAIN in (pid, parent):
            cpu_seconds = sum(map(int, fields[11:15])) / TICKS
            yield (pid != MAIN, pid), int(fields[21]) * PAGE_BYTES, cpu_seconds


def readiness_metrics(states: Mapping[str, str]) -> Iterator[Metric]:
    """`kyna_check_ok` of states; `unknown` has no sample."""
    gauge = GaugeMetricFamily(
        "kyna_check_ok", "Whether what /readyz tells of is well.", labels=["check"]
    )
    for name, state in states.items():
        if state != UNKNOWN:
            gauge.add_metric([name], state == OK)
    yield gauge


# Read from the database at each scrape; apps add theirs when they are ready.
DATABASE_COLLECTORS = [ReadCollector(database_metrics)]
# Read from the machine at each scrape, the same in every process of a server.
_OF_SERVER = CollectorRegistry()
_OF_SERVER.register(ReadCollector(server_metrics))


def observe_request(request: HttpRequest, status: int, seconds: float) -> None:
    """Count the request under its route, never under its path: paths are unbounded."""
    route = request.resolver_match.route if request.resolver_match else "unknown"
    method = request.method if request.method in _METHODS else "other"
    REQUESTS.labels(method, route, str(status)).inc()
    REQUEST_SECONDS.labels(route).observe(seconds)


def exposition() -> bytes:
    """Every metric in Prometheus's text format; the database's only while it answers."""
    states = readiness().states()
    collectors = DATABASE_COLLECTORS if is_ready(states) else []
    return process_exposition() + exposition_of(states, *collectors)


def exposition_of(states: Mapping[str, str], *collectors: Collector) -> bytes:
    registry = CollectorRegistry()
    for collector in (ReadCollector(partial(readiness_metrics, states)), *collectors):
        registry.register(collector)
    return generate_latest(registry)


def process_exposition() -> bytes:
    """The metrics of this process and its siblings, which need no database."""
    processes = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        processes = CollectorRegistry()
        WrittenCollector(processes)  # type: ignore[no-untyped-call]
    return generate_latest(processes) + generate_latest(_OF_SERVER)
