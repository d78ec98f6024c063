"""Metrics of this server's processes: their memory and their processor time."""

import os
from collections.abc import Iterator
from typing import Final, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

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
