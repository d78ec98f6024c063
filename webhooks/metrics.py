"""Stub."""

from collections.abc import Iterator

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


class WebhookCollector(Collector):
    def collect(self) -> Iterator[Metric]:
        yield from ()
