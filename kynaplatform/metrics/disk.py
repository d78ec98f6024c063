"""Metrics of the disk that DATA_DIR is on."""

import os
from collections.abc import Iterator

from django.conf import settings
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


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
