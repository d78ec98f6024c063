"""Metrics that the database knows: live sessions, and how late the sweep is."""

from collections.abc import Iterator

from django.db import DatabaseError, InterfaceError
from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from sessions_app.models import LIVE_STATUSES, DetectionSession


class SessionCollector(Collector):
    """Reads the partial index of live sessions, whatever the number of ended ones."""

    def collect(self) -> Iterator[Metric]:
        try:
            yield from self._read()
        except (DatabaseError, InterfaceError):
            up = 0
        else:
            up = 1
        yield GaugeMetricFamily("kyna_database_up", "Whether the database answers.", value=up)

    def _read(self) -> list[Metric]:
        live = DetectionSession.objects.filter(status__in=LIVE_STATUSES).order_by()
        counts = dict(live.values_list("status").annotate(count=Count("id")))
        sessions = GaugeMetricFamily(
            "kyna_sessions_live", "Sessions that have not ended.", labels=["status"]
        )
        for status in LIVE_STATUSES:
            sessions.add_metric([status], counts.get(status, 0))
        now = timezone.now()
        earliest = live.aggregate(earliest=Min("deadline_at"))["earliest"]
        lag = GaugeMetricFamily(
            "kyna_sweep_lag_seconds",
            "How long ago the earliest deadline passed that no sweep has written.",
            value=max(0.0, (now - earliest).total_seconds()) if earliest else 0.0,
        )
        return [sessions, lag]
