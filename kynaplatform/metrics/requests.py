"""Prometheus metrics. With PROMETHEUS_MULTIPROC_DIR set, a server's processes add up."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest
from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.metrics_core import InfoMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from detection import ENGINE_BUILD
from kynaplatform import __version__
from kynaplatform.metrics.database import DatabaseCollector
from kynaplatform.metrics.disk import DiskCollector
from kynaplatform.metrics.processes import ProcessesCollector
from kynaplatform.metrics.readiness import exposition_of, is_ready, readiness

REQUESTS = Counter("kyna_http_requests", "HTTP requests answered.", ["method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "kyna_http_request_seconds",
    "Seconds from a request's arrival to its answer.",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
# Read from the database at each scrape; apps add theirs when they are ready.
DATABASE_COLLECTORS: list[Collector] = [DatabaseCollector()]
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
